"""Query plans: what is asked often is answered from an index, however much has piled up."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.types import PolicySource, QuotaPolicy, Road
from tests.storage.fakes import ALICE, BOB, Shelf, new_job, policy


@pytest.fixture
async def filled(database_file: Path) -> AsyncIterator[Shelf]:
    """A database with many finished jobs, as old as the clock's start."""
    shelf = await Shelf.open(database_file)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    async with shelf.db.transaction() as transaction:
        for sql in (
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at, finished_at) "
            "SELECT 10, 20, i % 50, 'painted', '{}', 'a lake', i, 1, 'en-US', i, i FROM n",
            "INSERT INTO ledger (job_id, guild_id, user_id, pictures, charged_at) "
            "SELECT i, 10, i % 50, 1, i FROM n",
            "INSERT INTO deliveries (job_id, state, channel_id, nonce, settled_at) "
            "SELECT i, 'delivered', 20, 'old-' || i, i FROM n",
            "INSERT INTO pictures (job_id, guild_id, user_id, file, sha256, recipe, seed, "
            "width_px, height_px, duration_s, painted_at) "
            "SELECT i, 10, i % 50, 'pictures/x.png', 'x', '{}', i, 64, 64, 1.0, i FROM n",
        ):
            await transaction.execute(numbers + sql)
    yield shelf
    await shelf.db.close()


async def plans_of(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, work: Any) -> list[str]:
    """Every query plan of what the work asked, one string per statement."""
    asked: list[tuple[str, Any]] = []
    for connection in (shelf.db._reader, shelf.db._writer):
        for name in ("execute", "execute_fetchall"):
            original = getattr(connection, name)

            def spy(sql: str, parameters: Any = (), original: Any = original) -> Any:
                asked.append((sql, parameters))
                return original(sql, parameters)

            monkeypatch.setattr(connection, name, spy)
    await work
    monkeypatch.undo()
    plans = []
    for sql, parameters in asked:
        if re.match(r"SELECT|UPDATE|DELETE", sql):
            rows = await shelf.db.fetch_all(f"EXPLAIN QUERY PLAN {sql}", parameters)
            plans.append("; ".join(row["detail"] for row in rows))
    return plans


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda s: s.deliveries.pending(), "deliveries_pending"),
        (lambda s: s.deliveries.pending_for(5), "SEARCH d USING"),
        (lambda s: s.history.page(30, 10, None, 10), "pictures_of_person"),
        (lambda s: s.history.page(30, 10, 500, 10), "pictures_of_person"),
        (lambda s: s.history.count(30, 10), "COVERING INDEX pictures_of_person"),
        (lambda s: s.history.of_job(5), "pictures_of_job"),
        (lambda s: s.quotas.status(10, 30, policy(5)), "COVERING INDEX ledger_counting"),
        (lambda s: s.jobs.recover(), "jobs_live"),
        (lambda s: s.jobs.live_counts(), "jobs_live"),
        (lambda s: s.jobs.counts(), "COVERING INDEX jobs_finished"),
    ],
    ids=[
        "pending deliveries",
        "pending delivery",
        "first page",
        "later page",
        "count",
        "pictures of a job",
        "quota",
        "recovery",
        "live counts",
        "counts",
    ],
)
async def test_questions_use_their_index(
    filled: Shelf, monkeypatch: pytest.MonkeyPatch, question: Any, index: str, analysed: bool
) -> None:
    """The question is answered through its index, and no table is read from end to end."""
    if analysed:
        async with filled.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    plans = await plans_of(filled, monkeypatch, question(filled))
    assert any(index in plan for plan in plans), plans
    for plan in plans:
        for step in plan.split("; "):
            assert not step.startswith("SCAN") or "USING" in step, plan


@pytest.mark.parametrize("limit", [1000, 0], ids=["accepted", "refused"])
async def test_accepting_reads_no_table_from_end_to_end(
    filled: Shelf, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Accepting and refusing cost the same whatever has piled up before."""

    await filled.accept()
    fallback = QuotaPolicy(limit, 24, PolicySource.CONFIG)
    plans = await plans_of(filled, monkeypatch, filled.jobs.accept(new_job(ALICE), fallback))
    assert any("COVERING INDEX ledger_counting" in plan for plan in plans)
    assert not any("SCAN" in plan for plan in plans), plans


async def test_steps_of_a_job_read_no_table_from_end_to_end(
    filled: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginning, ending, settling and erasing find their rows by id."""

    async def life() -> None:

        (picture,) = await filled.painted(new_job(BOB))
        await filled.deliveries.attempt(picture.job_id, Road.EDIT)
        await filled.deliveries.delivered(picture.job_id, 1)
        await filled.history.erase(picture.id)
        await filled.jobs.cancelled((await filled.accept()).id)

    plans = await plans_of(filled, monkeypatch, life())
    assert plans
    assert not any("SCAN" in plan for plan in plans), plans
