"""Transactions are atomic and run one at a time, whatever is cancelled in between."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import DatabaseBusy, DatabaseClosed
from tests.storage.fakes import Interruptions, OpenStores

SET_DEFAULT = "INSERT INTO server_quotas VALUES (?, 1, 1, 0, 0)"


async def guilds(db: Database) -> set[int]:
    return {row["guild_id"] for row in await db.fetch_all("SELECT guild_id FROM server_quotas")}


async def write(db: Database, *guild_ids: int) -> None:
    async with db.transaction() as transaction:
        for guild_id in guild_ids:
            await transaction.execute(SET_DEFAULT, (guild_id,))


async def test_commits_at_the_end(stores: OpenStores) -> None:
    """Readers see a transaction's writes after the block, and not before."""
    async with stores.db.transaction() as transaction:
        await transaction.execute(SET_DEFAULT, (1,))
        assert await guilds(stores.db) == set()
    assert await guilds(stores.db) == {1}


async def test_an_error_rolls_everything_back(stores: OpenStores) -> None:
    """An exception in the block undoes all of it and propagates unchanged."""
    with pytest.raises(ZeroDivisionError):
        async with stores.db.transaction() as transaction:
            await transaction.execute(SET_DEFAULT, (1,))
            raise ZeroDivisionError
    with pytest.raises(sqlite3.IntegrityError):
        await write(stores.db, 2, 2)
    assert await guilds(stores.db) == set()
    await write(stores.db, 3)
    assert await guilds(stores.db) == {3}


@pytest.mark.parametrize("again", [False, True], ids=["cancelled once", "cancelled all the way"])
async def test_a_cancellation_at_any_await_leaves_nothing_half_done(
    stores: OpenStores, again: bool
) -> None:
    """Cancelled at any await, a transaction is complete or absent, and the next one works."""
    outcomes = []
    for at in range(20):
        pair = {100 + 2 * at, 101 + 2 * at}
        interruptions = Interruptions(at, again)
        try:
            await asyncio.create_task(interruptions.run(write(stores.db, *sorted(pair))))
        except asyncio.CancelledError:
            outcomes.append("cancelled")
        else:
            outcomes.append("done")
            assert pair <= await guilds(stores.db)
        before = await guilds(stores.db)
        assert pair <= before or not pair & before
        await write(stores.db, at)  # the lock is free and no transaction is left open
        assert await guilds(stores.db) == before | {at}
        if interruptions.waits <= at:
            break
    assert outcomes[-1] == "done" and outcomes.count("cancelled") >= 4


async def test_a_cancelled_wait_for_the_lock_takes_nothing(stores: OpenStores) -> None:
    """A task cancelled while waiting for another writer leaves that writer's work alone."""
    async with stores.db.transaction() as transaction:
        await transaction.execute(SET_DEFAULT, (1,))
        waiting = asyncio.create_task(write(stores.db, 2))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await transaction.execute(SET_DEFAULT, (3,))
    assert await guilds(stores.db) == {1, 3}


async def test_a_time_limit_in_the_block_rolls_back(stores: OpenStores) -> None:
    """asyncio.timeout works around a transaction and leaves no stray cancellation."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02), stores.db.transaction() as transaction:
            await transaction.execute(SET_DEFAULT, (1,))
            await asyncio.sleep(5)
    await asyncio.sleep(0)
    assert await guilds(stores.db) == set()


async def test_nobodys_work_is_committed_or_undone_by_another(stores: OpenStores) -> None:
    """Of many concurrent transactions, exactly those that did not fail are stored."""

    async def one(number: int) -> None:
        async with stores.db.transaction() as transaction:
            await transaction.execute(SET_DEFAULT, (number,))
            await asyncio.sleep(0)
            if number % 3 == 0:
                raise ZeroDivisionError

    await asyncio.gather(*(one(number) for number in range(60)), return_exceptions=True)
    assert await guilds(stores.db) == {number for number in range(60) if number % 3}


async def test_an_ended_transaction_refuses(stores: OpenStores) -> None:
    """A transaction object that outlives its block cannot write into the next one."""
    async with stores.db.transaction() as kept:
        pass
    with pytest.raises(RuntimeError, match="has ended"):
        await kept.execute(SET_DEFAULT, (1,))


async def test_nesting_is_refused_instead_of_waiting_for_ever(stores: OpenStores) -> None:
    """A transaction or close() inside a transaction of the same task raises at once."""
    with pytest.raises(RuntimeError, match="wait for itself"):
        async with stores.db.transaction():
            await write(stores.db, 1)
    with pytest.raises(RuntimeError, match="wait for itself"):
        async with stores.db.transaction():
            await stores.db.close()
    await write(stores.db, 2)


async def test_readers_cannot_write(stores: OpenStores) -> None:
    """The reader refuses any statement that would change something."""
    with pytest.raises(Exception, match="readonly"):
        await stores.db.fetch_all("DELETE FROM server_quotas")


async def test_readers_do_not_wait_for_a_writer(stores: OpenStores) -> None:
    """A read returns the last commit while a transaction is open."""
    await write(stores.db, 1)
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM server_quotas")
        assert await asyncio.wait_for(guilds(stores.db), timeout=1) == {1}


async def test_close_is_idempotent_and_final(database_file: Path) -> None:
    """A second close() does nothing, and any later use raises DatabaseClosed."""
    db = await Database.open(database_file)
    await asyncio.gather(db.close(), db.close())
    await db.close()
    with pytest.raises(DatabaseClosed):
        await write(db, 1)
    with pytest.raises(DatabaseClosed):
        await guilds(db)


async def test_close_waits_for_the_running_transaction(database_file: Path) -> None:
    """A running transaction is finished before the database closes."""
    db = await Database.open(database_file)
    begun = asyncio.Event()

    async def slow() -> None:
        async with db.transaction() as transaction:
            begun.set()
            await asyncio.sleep(0.02)
            await transaction.execute(SET_DEFAULT, (1,))

    task = asyncio.create_task(slow())
    await begun.wait()
    await db.close()
    await task
    async with await Database.open(database_file) as again:
        assert await guilds(again) == {1}


async def test_a_locked_out_writer_gives_up_in_time(database_file: Path) -> None:
    """A lock held elsewhere beyond the busy timeout raises DatabaseBusy; later writes work."""
    async with await Database.open(database_file, busy_timeout_s=0.05) as db:
        other = sqlite3.connect(database_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            await write(db, 1)
        assert await guilds(db) == set()
        other.execute("ROLLBACK")
        await write(db, 2)
        assert await guilds(db) == {2}
        other.close()


async def test_a_patient_writer_gets_its_turn(database_file: Path) -> None:
    """A lock that another process releases within the busy timeout is waited for."""
    async with await Database.open(database_file) as db:
        other = sqlite3.connect(database_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")
        await write(db, 1)
        assert await guilds(db) == {1}
        other.close()
