"""A commit is on disk when its transaction ends, and flushes are shared."""

import asyncio
import threading
from pathlib import Path

import pytest

from storage.database import Database
from storage.durability import GroupFlush
from storage.errors import DataFolderUnusable
from storage.jobs import Jobs
from storage.types import NewJob, Place, PolicySource, QuotaPolicy, utc_now


def refuse(_: Path) -> None:
    """A disk that is broken."""
    raise OSError(5, "Input/output error")


class FlakyDisk:
    """A disk that refuses flushes while `broken`."""

    def __init__(self) -> None:
        self.broken = False

    def flush(self, path: Path) -> None:
        if self.broken:
            refuse(path)


class SlowDisk:
    """Flushes that end when a test says so; records what had been written when each started."""

    def __init__(self) -> None:
        self.written = 0
        self.seen: list[int] = []
        self.go = threading.Semaphore(0)

    def flush(self, _: Path) -> None:
        """Start, and wait for the test."""
        self.seen.append(self.written)
        assert self.go.acquire(timeout=10)


async def test_everyone_who_waits_shares_one_flush():
    """A hundred commits during one flush are all covered by the next one."""
    disk = SlowDisk()
    group = GroupFlush(Path("wal"), disk.flush)
    disk.written = 1
    first = asyncio.create_task(group.reached())
    while not disk.seen:
        await asyncio.sleep(0.001)
    disk.written = 101
    others = [asyncio.create_task(group.reached()) for _ in range(100)]
    await asyncio.sleep(0.01)
    disk.go.release()
    await first
    assert not any(task.done() for task in others)
    disk.go.release()
    await asyncio.gather(*others)
    assert disk.seen == [1, 101]


async def test_a_flush_that_began_before_does_not_count():
    """A commit during a flush waits for the next flush."""
    disk = SlowDisk()
    group = GroupFlush(Path("wal"), disk.flush)
    early = asyncio.create_task(group.reached())
    while not disk.seen:
        await asyncio.sleep(0.001)
    late = asyncio.create_task(group.reached())
    await asyncio.sleep(0)
    disk.go.release()
    await early
    await asyncio.sleep(0.02)
    assert not late.done()
    disk.go.release()
    await late


async def test_an_impatient_caller_does_not_take_the_flush_from_the_others():
    """Cancelling one waiting caller does not cancel the flush for the others."""
    disk = SlowDisk()
    group = GroupFlush(Path("wal"), disk.flush)
    one, two = (asyncio.create_task(group.reached()) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    disk.go.release()
    await two
    assert one.cancelled() and len(disk.seen) == 1


async def test_a_transaction_ends_only_after_a_flush(tmp_path: Path):
    """A transaction ends after a flush that started after its commit."""
    flushed: list[Path] = []
    async with await Database.open(tmp_path / "zimagine.db", flush=flushed.append) as db:
        async with db.transaction() as transaction:
            await transaction.execute("CREATE TABLE t (x)")
            assert flushed == []
        assert flushed == [tmp_path / "zimagine.db-wal"] and flushed[0].exists()


async def test_a_disk_that_refuses_is_an_error_of_the_data_folder(tmp_path: Path):
    """A failed flush raises, and the database stays usable afterwards."""
    disk = FlakyDisk()
    async with await Database.open(tmp_path / "zimagine.db", flush=disk.flush) as db:
        disk.broken = True
        with pytest.raises(DataFolderUnusable):
            async with db.transaction() as transaction:
                await transaction.execute("CREATE TABLE t (x)")
        disk.broken = False
        async with db.transaction() as transaction:
            await transaction.execute("INSERT INTO t VALUES (1)")
        assert await db.fetch_one("SELECT x FROM t") is not None


async def test_an_acceptance_that_the_disk_refused_is_taken_back(tmp_path: Path):
    """A job whose acceptance failed is neither queued nor charged."""
    async with await Database.open(tmp_path / "zimagine.db", flush=refuse) as db:
        jobs = Jobs(db, utc_now, lambda: "nonce")
        new = NewJob(Place(1, 2, 3), "{}", "a lake", 5)
        with pytest.raises(DataFolderUnusable):
            await jobs.accept(new, QuotaPolicy(5, 24, PolicySource.CONFIG))
        (job,) = await db.fetch_all("SELECT state FROM jobs")
        (charge,) = await db.fetch_all("SELECT refunded_at FROM ledger")
    assert job["state"] == "cancelled" and charge["refunded_at"] is not None
