"""Restoring a backup: nothing is lost or repeated, and it can always be run again."""

import asyncio
import os
import secrets
import shutil
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import backup, consistency, opening
from storage.database import Database
from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseTooNew,
    DataFolderUnusable,
    DiskFull,
    RestoreUnfinished,
)
from storage.migrate import load_migrations
from storage.quota_reminders import QuotaReminders
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.restore import UNKNOWN_IDS, restore
from storage.types import DeliveryState, JobState
from tests.fakes import FakeClock
from tests.storage.dying import die
from tests.storage.fakes import ALICE, BOB, MODERATOR, OpenStores, filed, new_job

LATER = datetime(2026, 11, 21, 3, tzinfo=UTC)
CLOCK = FakeClock(LATER)
ASIDE = "zimagine.db.before-20261121T030000Z"


async def opened(path: Path) -> OpenStores:
    """Open all stores, with nonces that no earlier process used."""
    return await OpenStores.open(path, nonce=lambda: secrets.token_hex(12))


@pytest.fixture
def data_dir(database_file: Path) -> Path:
    return database_file.parent


@pytest.fixture
async def saved(database_file: Path, tmp_path: Path) -> Path:
    """A backup with a painted, a queued and a painting job; three more jobs follow after it."""
    stores = await opened(database_file)
    await stores.painted(new_job(prompt="painted"))
    await stores.accept(new_job(prompt="queued", pictures=2, reply_token="secret"))
    stores.clock.advance(minutes=5)
    await stores.painting(new_job(prompt="painting"))
    made = await backup.back_up(database_file, tmp_path / "saved.db")
    for _ in range(3):
        await stores.painted(new_job(prompt="since"))
    await stores.db.close()
    return made.path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file by name; the -shm file is irrelevant."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if "-shm" not in each.name}


def prompts(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = [row[0] for row in connection.execute("SELECT prompt FROM jobs ORDER BY id")]
    connection.close()
    return found


BEFORE = ["painted", "queued", "painting"]
SINCE = [*BEFORE, *["since"] * 3]


async def test_nothing_is_replayed_and_nothing_is_lost(data_dir: Path, saved: Path) -> None:
    """Unfinished jobs are refunded, undelivered results are kept, and no id is reused."""
    content = saved.read_bytes()
    facts = await restore(data_dir, saved, clock=CLOCK)
    assert saved.read_bytes() == content
    assert (facts.pictures, facts.given_up, facts.set_aside) == (1, 2, data_dir / ASIDE)
    assert facts.newest_at == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    assert names(data_dir) == ["zimagine.db", ASIDE]
    assert prompts(data_dir / ASIDE) == SINCE

    stores = await opened(data_dir / "zimagine.db")
    for job_id in (2, 3):
        job = await stores.jobs.get(job_id)
        assert job is not None
        assert (job.state, job.error_code) == (JobState.FAILED, "restored")
        assert job.finished_at == LATER
    assert await stores.ledger() == {1: (1, False), 2: (2, True), 3: (1, True)}
    for job_id in (1, 2, 3):
        delivery = await stores.deliveries.get(job_id)
        assert delivery is not None
        assert delivery.state is DeliveryState.KEPT and delivery.reply_token is None
        assert delivery.detail == "restored from a backup"
    assert await stores.deliveries.pending() == []
    recovery = await stores.jobs.recover()
    assert recovery.queued == ()
    # Six jobs and four pictures existed before.
    (picture,) = await stores.painted()
    assert (picture.job_id, picture.id) == (7, 5)
    await stores.db.close()
    assert (
        consistency.check(data_dir).wrong()[0].kind is consistency.FindingKind.MISSING
    )  # no files here


async def test_the_old_journal_goes_with_the_old_database(
    data_dir: Path, saved: Path, tmp_path: Path
) -> None:
    """A killed process's journal is set aside with its file, and never applied to the new one."""
    killed = await left_by_a_kill(data_dir, tmp_path / "killed")
    before = contents(killed)
    await restore(killed, saved, clock=CLOCK)
    assert set(contents(killed)) == {"zimagine.db", ASIDE, f"{ASIDE}-wal"}
    for name, content in before.items():
        assert (killed / name.replace("zimagine.db", ASIDE)).read_bytes() == content
    assert prompts(killed / "zimagine.db") == BEFORE
    assert prompts(killed / ASIDE) == [*SINCE, "journal"]
    stores = await opened(killed / "zimagine.db")
    assert (await stores.accept()).id == 8  # the seventh was only in the journal
    await stores.db.close()


async def left_by_a_kill(data_dir: Path, folder: Path) -> Path:
    """Return the data folder as kill -9 leaves it, with one job only in the journal."""
    stores = await opened(data_dir / "zimagine.db")
    await stores.accept(new_job(prompt="journal"))
    shutil.copytree(data_dir, folder)
    await stores.db.close()
    return folder


async def test_on_an_empty_folder_ids_jump_ahead(saved: Path, tmp_path: Path) -> None:
    """If it is unknown which ids were used since, a wide gap prevents reuse."""
    facts = await restore(tmp_path / "new", saved, clock=CLOCK)
    assert facts.set_aside is None and names(tmp_path / "new") == ["zimagine.db"]
    stores = await opened(tmp_path / "new" / "zimagine.db")
    (picture,) = await stores.painted()
    assert (picture.job_id, picture.id) == (UNKNOWN_IDS + 4, UNKNOWN_IDS + 2)
    await stores.db.close()


@pytest.mark.parametrize("damage", ["all", "some"])
async def test_a_damaged_database_is_set_aside_as_it_is(
    data_dir: Path, saved: Path, damage: str
) -> None:
    """A damaged database does not prevent a restore, is kept unchanged, and no id is reused."""
    live = data_dir / "zimagine.db"
    for times in (1, 2):
        stores = await opened(live)
        given = (await stores.accept()).id
        await stores.db.close()
        content = bytearray(live.read_bytes())
        start = 0 if damage == "all" else len(content) - 4096
        content[start:] = b"\xff" * (len(content) - start)
        live.write_bytes(content)
        facts = await restore(data_dir, saved, clock=CLOCK)
        assert facts.set_aside is not None and facts.set_aside.read_bytes() == content
        assert len(names(data_dir)) == 1 + times  # each with a different name
        stores = await opened(live)
        assert (await stores.accept()).id > max(given, UNKNOWN_IDS)
        await stores.db.close()


async def test_an_older_backup_is_brought_up_to_date(data_dir: Path, tmp_path: Path) -> None:
    """A backup of an older version is migrated when it is restored."""
    old = tmp_path / "old.db"
    db = await Database.open(old, migrations=load_migrations()[:1])
    async with db, db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at) "
            "VALUES (1, 1, 1, 'queued', '{}', 'old', 1, 1, 'en-US', 1)"
        )
    content = old.read_bytes()
    assert (await restore(data_dir, old, clock=CLOCK)).given_up == 1
    assert old.read_bytes() == content
    stores = await opened(data_dir / "zimagine.db")
    assert (await stores.painted())[0].job_id > 1
    await stores.db.close()


async def test_a_set_aside_database_can_be_restored(data_dir: Path, saved: Path) -> None:
    """A restore can be undone by restoring what it set aside."""
    first = await restore(data_dir, saved, clock=CLOCK)
    assert first.set_aside is not None
    second = await restore(data_dir, first.set_aside, clock=CLOCK)
    assert prompts(data_dir / "zimagine.db") == SINCE
    assert second.set_aside is not None and prompts(second.set_aside) == BEFORE
    assert prompts(first.set_aside) == SINCE


def spoil(path: Path, kind: str) -> None:
    if kind == "text":
        path.write_bytes(b"not a database" * 100)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "torn":
        path.write_bytes(path.read_bytes()[:-5000])
    elif kind == "missing":
        path.unlink()
    else:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA {kind}")
        connection.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("text", DatabaseCorrupt),
        ("empty", DataFolderUnusable),
        ("torn", DatabaseCorrupt),
        ("missing", DataFolderUnusable),
        ("application_id = 5", DataFolderUnusable),
        ("user_version = 99", DatabaseTooNew),
    ],
)
async def test_a_backup_that_is_no_good_changes_nothing(
    data_dir: Path, saved: Path, kind: str, error: type[Any]
) -> None:
    """A damaged, foreign or too new backup is refused, and the database stays."""
    spoil(saved, kind)
    before = contents(data_dir)
    with pytest.raises(error) as caught:
        await restore(data_dir, saved, clock=CLOCK)
    assert caught.value.path == saved
    assert contents(data_dir) == before


async def test_the_database_is_no_backup_of_itself(data_dir: Path, saved: Path) -> None:
    """The database itself is refused as a backup, under any name."""
    link = data_dir / "link.db"
    link.symlink_to(data_dir / "zimagine.db")
    for source in (data_dir / "zimagine.db", link):
        with pytest.raises(DataFolderUnusable, match="itself"):
            await restore(data_dir, source)


async def test_a_full_disk_changes_nothing(
    data_dir: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there is no room for the copy, the error says so and the database stays."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = contents(data_dir)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        await restore(data_dir, saved, clock=CLOCK)
    assert contents(data_dir) == before


HOLDING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM jobs").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows renames no file that is open")
async def test_a_database_that_is_open_elsewhere_is_not_replaced(
    data_dir: Path, saved: Path
) -> None:
    """While another process has it open, even idle, the database is not replaced."""
    stores = await opened(data_dir / "zimagine.db")  # for its journal mode
    await stores.db.close()
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDING, str(data_dir / "zimagine.db")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    before = contents(data_dir)
    with pytest.raises(DatabaseBusy, match="another program"):
        await restore(data_dir, saved, clock=CLOCK)
    assert contents(data_dir) == before
    await holder.communicate(b"")
    await restore(data_dir, saved, clock=CLOCK)


async def test_opening_while_it_is_replaced(
    data_dir: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is replaced while being opened is refused."""
    original = opening._use_wal

    async def replaced(*arguments: Any) -> None:
        await original(*arguments)
        (data_dir / "zimagine.db").rename(data_dir / "aside")
        shutil.copy(saved, data_dir / "zimagine.db")

    monkeypatch.setattr(opening, "_use_wal", replaced)
    with pytest.raises(DatabaseBusy, match="replaced"):
        await Database.open(data_dir / "zimagine.db")


async def test_nothing_is_opened_between_old_and_new(data_dir: Path, saved: Path) -> None:
    """An interrupted restore keeps the database closed, and a second one completes it."""
    (data_dir / "zimagine.db").unlink()
    shutil.copy(saved, data_dir / "zimagine.db.restoring")
    before = contents(data_dir)
    with pytest.raises(RestoreUnfinished, match="run zimagine db restore again"):
        await Database.open(data_dir / "zimagine.db")
    assert contents(data_dir) == before
    await restore(data_dir, saved, clock=CLOCK)
    assert prompts(data_dir / "zimagine.db") == BEFORE
    assert names(data_dir) == ["zimagine.db"]


RESTORING = """
import asyncio, pathlib
from datetime import UTC, datetime
from storage.restore import restore
clock = lambda: datetime(2026, 11, 21, 3, tzinfo=UTC)
begin()
asyncio.run(restore(*map(pathlib.Path, sys.argv[2:]), clock=clock))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
async def test_kill_9_at_any_instant_of_a_restore(
    data_dir: Path, saved: Path, tmp_path: Path
) -> None:
    """Killed at any point, a restore has not happened, is complete, or has to be run again."""
    killed = await left_by_a_kill(data_dir, tmp_path / "killed")
    limit = asyncio.Semaphore(3)

    async def attempt(last: int) -> str:
        folder = tmp_path / str(last)
        shutil.copytree(killed, folder)
        async with limit:
            code = await die(RESTORING, last, str(folder), str(saved))
        assert code in (0, -signal.SIGKILL)
        state = await state_of(folder)
        if state != "new":
            await restore(folder, saved, clock=CLOCK)
        assert await state_of(folder) == "new"
        left = {name.removesuffix("-shm").removesuffix("-wal") for name in names(folder)}
        assert left == {"zimagine.db", ASIDE}
        assert prompts(folder / ASIDE) == [*SINCE, "journal"]
        stores = await opened(folder / "zimagine.db")
        assert (await stores.accept()).id == 8
        await stores.db.close()
        return "all" if code == 0 else state

    states = await asyncio.gather(*(attempt(last) for last in range(190)))
    assert sorted(set(states)) == ["all", "new", "old", "refused"]
    assert list(dict.fromkeys(states)) == ["old", "refused", "new", "all"]


async def state_of(folder: Path) -> str:
    """Return whether the old database opens, the new one, or neither."""
    copy = folder.with_name(f"{folder.name}-look")
    shutil.copytree(folder, copy)
    try:
        await (await Database.open(copy / "zimagine.db")).close()
        found = prompts(copy / "zimagine.db")
    except RestoreUnfinished:
        return "refused"
    finally:
        shutil.rmtree(copy)
    assert found in (BEFORE, [*SINCE, "journal"])
    return "new" if found == BEFORE else "old"


async def test_a_cancelled_restore_runs_to_its_end(
    data_dir: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C does not release the data folder while files are still being renamed."""
    copying = asyncio.Event()
    loop = asyncio.get_running_loop()
    original = backup.copy

    def copy(*arguments: Any, **options: Any) -> int:
        loop.call_soon_threadsafe(copying.set)
        return original(*arguments, **options)

    monkeypatch.setattr(backup, "copy", copy)
    work = asyncio.create_task(restore(data_dir, saved, clock=CLOCK))
    await copying.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert prompts(data_dir / "zimagine.db") == BEFORE


async def test_what_was_sent_since_is_not_sent_again(database_file: Path, tmp_path: Path) -> None:
    """A reminder that was due goes, one that is due later stays, and what moderators wrote is
    looked for on Discord before it is sent."""
    stores = await opened(database_file)
    reminders = QuotaReminders(stores.db, stores.clock)
    for place, due_at in ((ALICE, stores.clock()), (BOB, LATER + timedelta(hours=1))):
        await reminders.add(place, 1, due_at, locale="en-US", own_locale="")
    (picture,) = await stores.painted()
    await filed(Reports(stores.db, stores.clock), picture.id)
    written_at = stores.clock()
    messages = ReportMessages(stores.db, stores.clock)
    (message_id,) = await messages.answer(picture.id, MODERATOR, "Which part?")
    made = await backup.back_up(database_file, tmp_path / "saved.db")
    await stores.db.close()
    await restore(database_file.parent, made.path, clock=CLOCK)
    stores = await opened(database_file)
    rows = await stores.db.fetch_all("SELECT user_id FROM quota_reminders")
    message = await ReportMessages(stores.db, stores.clock).get(message_id)
    await stores.db.close()
    assert [row["user_id"] for row in rows] == [BOB.user_id]
    assert message is not None and message.attempted_at == written_at
