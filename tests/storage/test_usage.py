"""Hourly sums for quotas always agree with the ledger, and are cheap to read."""

import asyncio
import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import quota_rules, quotas
from storage.database import Database
from storage.migrate import load_migrations, statements
from storage.quota_rules import Charge
from storage.quota_windows import Rolling
from storage.search import sql_functions
from storage.timestamps import from_us, to_us
from storage.types import QuotaExceeded, QuotaPolicy, QuotaStatus
from tests.storage.fakes import ALICE, BOB, START, OpenStores, new_job, policy

HOUR_US = 3_600_000_000
BEGIN_US = to_us(START)
NAIVE = (
    "SELECT guild_id, user_id, charged_at / 3600000000, sum(pictures) FROM ledger "
    "WHERE refunded_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
KEPT = "SELECT guild_id, user_id, hour, pictures FROM usage_hours ORDER BY 1, 2, 3"

# Around full hours, where a charge belongs to one or the other.
instants = st.builds(
    lambda hour, beside_us: BEGIN_US + hour * HOUR_US + beside_us,
    st.integers(0, 3),
    st.sampled_from([-1, 0, 1, HOUR_US // 2]),
)
people = st.sampled_from([ALICE.user_id, BOB.user_id])
amounts = st.integers(1, 4)
rows = st.integers(1, 12)
INTO = "INSERT INTO ledger (job_id, guild_id, user_id, pictures, charged_at, refunded_at) "
CHARGE = f"{INTO}VALUES (?, 10, ?, ?, ?, NULL)"
steps = st.one_of(
    st.tuples(st.just(CHARGE), people, amounts, instants),
    st.tuples(st.just(f"{INTO}VALUES (?, 10, ?, ?, ?, 9)"), people, amounts, instants),
    st.tuples(st.just("UPDATE ledger SET refunded_at = 9 WHERE job_id = ?"), rows),
    st.tuples(st.just("UPDATE ledger SET refunded_at = refunded_at + 1 WHERE job_id = ?"), rows),
    st.tuples(st.just("UPDATE ledger SET refunded_at = NULL WHERE job_id = ?"), rows),
    st.tuples(st.just("UPDATE ledger SET pictures = ? WHERE job_id = ?"), amounts, rows),
    st.tuples(st.just("UPDATE ledger SET charged_at = ? WHERE job_id = ?"), instants, rows),
    st.tuples(st.just("UPDATE ledger SET user_id = ? WHERE job_id = ?"), people, rows),
    st.tuples(st.just("UPDATE ledger SET guild_id = 11 WHERE job_id = ?"), rows),
    st.tuples(st.just("DELETE FROM ledger WHERE job_id = ?"), rows),
    st.tuples(st.just("DELETE FROM ledger WHERE user_id = ?"), people),
    st.tuples(st.just("UPDATE ledger SET refunded_at = 9, pictures = pictures + 1")),
)
charges = st.tuples(st.just(CHARGE), st.just(ALICE.user_id), amounts, instants)
books = st.builds(lambda first, then: first + then, st.lists(charges, max_size=12), st.lists(steps))


class SyncReads:
    """Reads from a plain connection without ever waiting."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        self.connection = connection
        self.read = 0
        """How many rows were answered."""

    async def fetch_all(self, sql: str, parameters: Any = ()) -> list[sqlite3.Row]:
        found = self.connection.execute(sql, parameters).fetchall()
        self.read += len(found)
        return found

    async def fetch_one(self, sql: str, parameters: Any = ()) -> sqlite3.Row | None:
        return next(iter(await self.fetch_all(sql, parameters)), None)


def blank() -> sqlite3.Connection:
    """Return an in-memory database of this version in which charges need no jobs."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for name, parameters, _ in sql_functions():
        connection.create_function(name, parameters, lambda *_: "", deterministic=True)
    for migration in load_migrations():
        for statement in statements(migration.sql):
            connection.execute(statement)
    return connection


TEMPLATE = blank()


def kept(doings: list[tuple[Any, ...]]) -> SyncReads:
    """Return the ledger after these operations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    TEMPLATE.backup(connection)
    job_ids = itertools.count(1)
    for sql, *values in doings:
        own = (next(job_ids),) if sql.startswith("INSERT") else ()
        connection.execute(sql, (*own, *values))
    return SyncReads(connection)


def charges_of(reads: SyncReads, user_id: int) -> list[Charge]:
    """Return every charge of a user that was not refunded."""
    found = reads.connection.execute(
        "SELECT charged_at, pictures FROM ledger "
        "WHERE guild_id = 10 AND user_id = ? AND refunded_at IS NULL",
        (user_id,),
    )
    return [Charge(from_us(row[0]), row[1]) for row in found]


@settings(max_examples=150)
@given(books)
def test_the_hours_are_what_the_ledger_says(doings: list[tuple[Any, ...]]) -> None:
    """After any charges, refunds, corrections and deletions the sums match the rows."""
    with closing(kept(doings).connection) as connection:
        wanted = list(map(tuple, connection.execute(NAIVE)))
        assert list(map(tuple, connection.execute(KEPT))) == wanted


@settings(max_examples=300)
@given(books, instants, st.integers(1, 5), st.integers(0, 12), st.integers(1, 6))
def test_the_answer_is_that_of_all_single_charges(
    doings: list[tuple[Any, ...]], now_us: int, hours: int, limit: int, requested: int
) -> None:
    """Usage, rest, next return and retry time equal those of the reference decision."""
    reads, now = kept(doings), from_us(now_us + 3 * HOUR_US)
    with closing(reads.connection):
        holds = policy(limit, hours)
        refused = asyncio.run(_check(reads, holds, requested, now))
        naive = quota_rules.decide(
            charges_of(reads, ALICE.user_id),
            limit=limit,
            window=Rolling(hours),
            now=now,
            requested=requested,
        )
        assert (refused is None) == naive.allowed
        if refused is not None:
            status = QuotaStatus(holds, naive.used, naive.remaining, naive.next_return_at)
            assert refused == QuotaExceeded(status, requested, naive.retry_at)


async def _check(
    reads: SyncReads, holds: QuotaPolicy, requested: int, now: datetime
) -> QuotaExceeded | None:
    return await quotas.check(reads, ALICE, holds, requested=requested, now=now)


def many(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        at_us = BEGIN_US + number * 60_000_000
        yield f"{INTO}VALUES (?, 10, ?, 1, ?, NULL)", ALICE.user_id, at_us


@pytest.mark.parametrize(("limit", "most"), [(5000, 10), (4999, 12), (0, 5), (1000, 200)])
def test_a_refusal_reads_no_more_than_it_needs(limit: int, most: int) -> None:
    """A refusal reads only the charges that must return first, or the sums of many hours."""
    reads = kept(list(many(5000)))
    with closing(reads.connection):
        now = START + timedelta(minutes=5000)
        refused = asyncio.run(_check(reads, policy(limit, 8760), 1, now))
        assert refused is not None and refused.status.used == 5000
        assert reads.read <= most
        naive = quota_rules.decide(
            charges_of(reads, ALICE.user_id),
            limit=limit,
            window=Rolling(8760),
            now=now,
            requested=1,
        )
        assert refused.retry_at == naive.retry_at


@pytest.mark.parametrize("limit", [10_000, 4999, 1000])
@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
def test_every_question_is_answered_by_an_index(limit: int, analysed: bool) -> None:
    """Accepting and refusing look up by user and time: nothing is scanned or sorted."""
    reads = kept(list(many(5000)))
    with closing(reads.connection):
        if analysed:
            reads.connection.execute("ANALYZE")
        asked: list[str] = []
        reads.connection.set_trace_callback(asked.append)
        asyncio.run(_check(reads, policy(limit, 8760), 1, START + timedelta(minutes=5000)))
        reads.connection.set_trace_callback(None)
        plans = [
            row["detail"]
            for sql in asked
            for row in reads.connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
        assert any("COVERING INDEX ledger_counting" in plan for plan in plans), plans
        assert any(re.match(r"SEARCH usage_hours USING PRIMARY KEY .*hour>", p) for p in plans)
        assert not any("SCAN" in plan or "TEMP B-TREE" in plan for plan in plans), plans


async def test_an_upgrade_adds_up_what_is_there(old_file: Path) -> None:
    """A filled database of any earlier version gets its hourly sums, and they stay correct."""
    await (await Database.open(old_file, migrations=load_migrations()[:3])).close()
    with closing(sqlite3.connect(old_file)) as connection:
        connection.execute("UPDATE ledger SET charged_at = job_id * 1000000000")
        connection.commit()
    stores = await OpenStores.open(old_file)
    try:
        hours = [tuple(row) for row in await stores.db.fetch_all(KEPT)]
        assert len(hours) > 10 and hours == [tuple(row) for row in await stores.db.fetch_all(NAIVE)]
        await stores.quotas.clear_user(ALICE.guild_id, ALICE.user_id)
        job = await stores.accept(new_job(pictures=3))
        assert await stores.used() == 3
        await stores.jobs.cancelled(job.id)
        assert await stores.used() == 0
        assert [tuple(row) for row in await stores.db.fetch_all(KEPT)] == hours
    finally:
        await stores.db.close()
