"""Several processes on one file, and processes that are killed while working."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from storage.database import Database
from storage.types import Job, Place, QuotaExceeded, utc_now
from tests.fakes import FakeClock
from tests.storage.fakes import OpenStores, new_job, policy

# Accepts until refused, and prints each job once it is acknowledged. Half of the jobs are
# cancelled, so that refunds are interrupted as well.
ACCEPTING = """
import asyncio, pathlib, sys, uuid
from storage.database import Database
from storage.jobs import Jobs
from storage.types import *

async def main(path, user_id, limit):
    async with await Database.open(pathlib.Path(path)) as db:
        jobs = Jobs(db, utc_now, lambda: uuid.uuid4().hex[:25])
        new = NewJob(Place(1, 1, user_id), "{}", "a lake", 7, pictures=2)
        fallback = QuotaPolicy(limit, 24, PolicySource.CONFIG)
        async def one():
            job = await jobs.accept(new, fallback)
            if isinstance(job, QuotaExceeded):
                return False
            print("accepted", job.id, flush=True)
            if job.id % 2:
                await jobs.cancelled(job.id)
                print("cancelled", job.id, flush=True)
            return True
        while all(await asyncio.gather(*(one() for _ in range(4)))):
            pass

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


async def start(path: Path, user_id: int, limit: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ACCEPTING,
        str(path),
        str(user_id),
        str(limit),
        stdout=asyncio.subprocess.PIPE,
    )


def said(output: bytes) -> tuple[set[int], set[int]]:
    """Return the ids that were acknowledged as accepted, and as cancelled."""
    lines = [line.split() for line in output.decode().splitlines(keepends=True) if line[-1] == "\n"]
    return (
        {int(number) for word, number in lines if word == "accepted"},
        {int(number) for word, number in lines if word == "cancelled"},
    )


def check_sound(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    # Job, ledger and delivery are always written together, and refunds with their jobs.
    assert (
        connection.execute(
            "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM ledger), "
            "(SELECT count(*) FROM deliveries), "
            "(SELECT count(*) FROM jobs JOIN ledger ON job_id = id "
            " WHERE (refunded_at IS NULL) = (state = 'queued') AND jobs.pictures = ledger.pictures)"
        ).fetchone()
        == (connection.execute("SELECT count(*) FROM jobs").fetchone()[0],) * 4
    )
    connection.close()


async def test_two_processes_share_one_file_and_one_quota(database_file: Path) -> None:
    """Two processes accepting for one user at once use up the quota exactly once."""
    # the other process uses the real time
    stores = await OpenStores.open(database_file, FakeClock(utc_now()))
    other = await start(database_file, user_id=5, limit=60)
    mine: set[int] = set()
    new = new_job(Place(1, 1, 5), pictures=2)
    while isinstance(job := await stores.jobs.accept(new, policy(60)), Job):
        mine.add(job.id)
        await asyncio.sleep(0)
    assert isinstance(job, QuotaExceeded)
    output, _ = await other.communicate()
    accepted, cancelled = said(output)
    assert other.returncode == 0
    # The other process refunded some after this one was refused, and spent all of that again.
    kept = mine | (accepted - cancelled)
    assert await stores.used(Place(1, 1, 5)) == 2 * len(kept) == 60
    await stores.db.close()
    check_sound(database_file)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
async def test_kill_9_loses_nothing_that_was_acknowledged(database_file: Path) -> None:
    """After kill -9 during accepts the file is intact, and every acknowledged job is kept."""
    accepted: set[int] = set()
    cancelled: set[int] = set()
    for after_lines in (1, 7, 20, 33):
        process = await start(database_file, user_id=5, limit=1_000_000)
        assert process.stdout is not None
        output = b"".join([await process.stdout.readline() for _ in range(after_lines)])
        process.send_signal(signal.SIGKILL)
        output += await process.stdout.read()
        await process.wait()
        more_accepted, more_cancelled = said(output)
        assert not accepted & more_accepted  # no id is used twice
        accepted |= more_accepted
        cancelled |= more_cancelled

    stores = await OpenStores.open(database_file)
    ledger = await stores.ledger()
    for job_id in accepted:
        pictures, refunded = ledger[job_id]
        assert pictures == 2
        assert refunded or job_id not in cancelled
    recovery = await stores.jobs.recover()
    queued = {job.id for job in recovery.queued}
    assert accepted - queued <= {job_id for job_id, (_, refunded) in ledger.items() if refunded}
    await stores.db.close()
    check_sound(database_file)


# One job's whole life and another's early end, each step printed once acknowledged; the process
# kills itself just before the statement with the given number.
DYING = """
import asyncio, itertools, os, pathlib, signal, sys
from storage.database import Database
from storage.deliveries import Deliveries
from storage.jobs import Jobs
from storage.types import *

async def main(path, last):
    async with await Database.open(pathlib.Path(path)) as db:
        statements, nonces = itertools.count(), itertools.count()
        def trace(sql):
            if next(statements) == last:
                os.kill(os.getpid(), signal.SIGKILL)
        await db._writer.set_trace_callback(trace)
        jobs = Jobs(db, utc_now, lambda: f"n{next(nonces)}")
        deliveries = Deliveries(db, utc_now)
        new = NewJob(Place(1, 1, 1), "{}", "a lake", 7)
        picture = NewPicture("pictures/1.png", "ab", "{}", 7, 64, 64, 1.0)
        fallback = QuotaPolicy(9, 24, PolicySource.CONFIG)
        for step in (
            lambda: jobs.accept(new, fallback), lambda: jobs.painting(1),
            lambda: jobs.painted(1, picture), lambda: deliveries.attempt(1, Route.POST),
            lambda: deliveries.delivered(1, 5), lambda: jobs.accept(new, fallback),
            lambda: jobs.cancelled(2), lambda: deliveries.dropped(2),
        ):
            await step()
            print("done", flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

# States of the jobs and deliveries, and what is charged, by number of acknowledged steps.
AFTER_STEPS = [
    ([], [], 0),
    (["queued"], ["pending"], 1),
    (["painting"], ["pending"], 1),
    (["painted"], ["pending"], 1),
    (["painted"], ["pending"], 1),
    (["painted"], ["delivered"], 1),
    (["painted", "queued"], ["delivered", "pending"], 2),
    (["painted", "cancelled"], ["delivered", "pending"], 1),
    (["painted", "cancelled"], ["delivered", "dropped"], 1),
]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
async def test_kill_9_at_any_statement_leaves_whole_steps(tmp_path: Path) -> None:
    """Killed before any statement, the file has every acknowledged step, and no partial one."""
    limit = asyncio.Semaphore(3)

    async def die(last: int) -> int:
        path = tmp_path / str(last) / "zimagine.db"
        async with limit:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", DYING, str(path), str(last)),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
        steps = output.count(b"done\n")
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        jobs = [row[0] for row in connection.execute("SELECT state FROM jobs ORDER BY id")]
        deliveries = [
            row[0] for row in connection.execute("SELECT state FROM deliveries ORDER BY job_id")
        ]
        (charged,) = connection.execute(
            "SELECT coalesce(sum(pictures), 0) FROM ledger WHERE refunded_at IS NULL"
        ).fetchone()
        connection.close()
        # Killed before the next step could be acknowledged: it may or may not be stored.
        assert (jobs, deliveries, charged) in AFTER_STEPS[steps : steps + 2]
        assert process.returncode == (0 if steps == len(AFTER_STEPS) - 1 else -signal.SIGKILL)
        return steps

    steps = await asyncio.gather(*(die(last) for last in range(130)))
    assert set(steps) == set(range(len(AFTER_STEPS)))


async def test_many_processes_can_create_one_database(database_file: Path) -> None:
    """Processes that open a new file at the same moment all get a working database."""
    processes = [await start(database_file, user_id, limit=2) for user_id in range(4)]
    for process in processes:
        await process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    check_sound(database_file)
    async with await Database.open(database_file) as db:
        row = await db.fetch_one("SELECT count(DISTINCT user_id) FROM jobs")
        assert row is not None and row[0] == 4
