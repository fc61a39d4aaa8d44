"""Query plans: frequent queries use an index, however many rows there are."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from storage.cancelled_painting import BegunPainting, FreeCancelling
from storage.files import PictureFiles
from storage.lists import Lists
from storage.proposals import Proposals
from storage.retention import Retention
from storage.search import PictureQuery
from storage.types import PolicySource, QuotaPolicy, Route
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, policy
from tests.storage.query_plans import BY_WORDS, BY_WORDS_NEWEST_FIRST, plans_of, reads_all


async def ahead(stores: OpenStores) -> None:
    """Ask for a quota with a clock before every charge."""
    stores.clock.now = stores.clock.now.replace(year=1969)
    await stores.quotas.status(10, 30, policy(5))


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda s: s.deliveries.pending(), "deliveries_pending"),
        (lambda s: s.deliveries.pending_for(5), "SEARCH d USING"),
        (lambda s: s.history.page(30, 10, None, 10), "pictures_of_person"),
        (lambda s: s.history.page(30, 10, 500, 10), "pictures_of_person"),
        (lambda s: s.history.search(30, 10, "lake", None, 10), BY_WORDS_NEWEST_FIRST),
        (lambda s: s.history.search(30, 10, "日落 a lake", 500, 10), BY_WORDS_NEWEST_FIRST),
        (lambda s: s.deliveries.kept_among([5, 6]), "SEARCH deliveries USING"),
        (lambda s: s.history.count(30, 10), "COVERING INDEX pictures_of_person"),
        (lambda s: s.history.of_job(5), "pictures_of_job"),
        (lambda s: s.quotas.status(10, 30, policy(5)), "COVERING INDEX ledger_counting"),
        (lambda s: ahead(s), "INDEX ledger_counting (guild_id=? AND user_id=? AND charged_at>?)"),
        (lambda s: s.jobs.recover(), "jobs_live"),
        (lambda s: s.jobs.live_counts(), "jobs_live"),
        (lambda s: s.jobs.interrupted_painting(), "INDEX jobs_live"),
        (lambda s: Proposals(s.db, s.clock).sweep(), "INDEX proposals_by_age"),
    ],
    ids=[
        "pending deliveries",
        "pending delivery",
        "first page",
        "later page",
        "search",
        "later page of a search",
        "results in no message",
        "count",
        "pictures of a job",
        "quota",
        "quota after a wrong clock",
        "recovery",
        "live counts",
        "counts",
        "old questions",
    ],
)
async def test_questions_use_their_index(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, question: Any, index: str, analysed: bool
) -> None:
    """The query uses its index, and no table is scanned."""
    if analysed:
        async with filled.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    plans = await plans_of(filled, monkeypatch, question(filled))
    assert any(index in plan for plan in plans), plans
    assert not any(map(reads_all, plans)), plans


@pytest.mark.parametrize("before_id", [None, 500])
@pytest.mark.parametrize("text", ["", "lake", "落 a"])
async def test_pages_come_sorted(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, text: str, before_id: int | None
) -> None:
    """A page is read newest first and only as far as needed, without sorting."""
    search = filled.history.search(30, 10, text, before_id, 10)
    plans = await plans_of(filled, monkeypatch, search)
    assert plans
    assert not any("TEMP B-TREE" in plan for plan in plans), plans


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
@pytest.mark.parametrize(
    "wanted",
    [
        PictureQuery(),
        PictureQuery(favourites=True),
        PictureQuery("日落 a lake"),
        PictureQuery("a note", favourites=True),
        PictureQuery(seed=7),
        PictureQuery(since=date(2025, 1, 3), until=date(2025, 11, 5)),
        PictureQuery(model="sketch"),
        PictureQuery(lora="paper"),
        PictureQuery("lake", 7, date(2025, 1, 3), None, "sketch", "paper", favourites=True),
    ],
    ids=lambda wanted: wanted.to_json(),
)
async def test_every_list_reads_an_index_newest_first(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, wanted: PictureQuery, analysed: bool
) -> None:
    """Whatever is looked for, both directions read an index in order, and only as far as needed;
    so do the pages that are kept of it."""
    if analysed:
        async with filled.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    history, lists = filled.history, Lists(filled.db, filled.clock)

    async def page() -> None:
        await history.find(30, 10, wanted, 500, 10)
        await history.find_after(30, 10, wanted, 5, 10)
        await history.count(30, 10)
        await history.count_favourites(30, 10)
        await lists.neighbours(30, 10, wanted, 3, 4)
        await lists.get(1)

    plans = await plans_of(filled, monkeypatch, page())
    assert len(plans) == 5
    assert not any("TEMP B-TREE" in plan for plan in plans), plans
    assert not any(map(reads_all, plans)), plans
    if wanted.indexed:
        assert sum(bool(BY_WORDS.search(plan)) for plan in plans) == 2, plans


@pytest.mark.parametrize("limit", [1000, 0], ids=["accepted", "refused"])
async def test_accepting_reads_no_table_from_end_to_end(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """The cost of accepting and refusing does not depend on earlier jobs."""

    await filled.accept()
    fallback = QuotaPolicy(limit, 24, PolicySource.CONFIG)
    plans = await plans_of(filled, monkeypatch, filled.jobs.accept(new_job(ALICE), fallback))
    assert any("COVERING INDEX ledger_counting" in plan for plan in plans)
    assert not any("SCAN" in plan for plan in plans), plans


async def test_steps_of_a_job_read_no_table_from_end_to_end(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starting, finishing, completing and erasing find their rows by id."""

    async def life() -> None:

        (picture,) = await filled.painted(new_job(BOB))
        await filled.deliveries.attempt(picture.job_id, Route.EDIT)
        await filled.deliveries.delivered(picture.job_id, 1)
        await filled.history.erase(picture.id)
        await filled.jobs.cancelled((await filled.accept()).id)
        free, begun = FreeCancelling(600.0, policy(5)), BegunPainting(1.0, 1)
        await filled.jobs.cancelled_by_requester((await filled.painting()).id, begun, free)

    plans = await plans_of(filled, monkeypatch, life())
    assert plans
    assert not any("SCAN" in plan for plan in plans), plans


async def test_retention_walks_its_own_indices(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Retention finds old and erased pictures through indexes made for it."""
    await filled.history.erase(7)
    retention = Retention(filled.db, PictureFiles(tmp_path), filled.clock)
    plans = await plans_of(filled, monkeypatch, retention.apply(keep_days=30, limit_bytes=1))
    assert any("INDEX pictures_on_disk (painted_at>" in plan for plan in plans), plans
    assert any("COVERING INDEX pictures_on_disk" in plan for plan in plans), plans
    assert any("INDEX pictures_to_remove" in plan for plan in plans), plans
    # Scanned as a whole, since it contains only rows to be removed.
    others = [
        plan for plan in plans if "INDEX pictures_to_remove" not in plan and "json_each" not in plan
    ]
    assert not any(map(reads_all, others)), others


@pytest.mark.parametrize(("index", "count"), [("pictures_search", 7), ("shown_search", 6)])
async def test_the_triggers_of_the_search_find_their_rows_by_id(
    filled: OpenStores, index: str, count: int
) -> None:
    """Triggers of the search indexes read the rows of one job, however many there are."""
    triggers = await filled.db.fetch_all(
        "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE ?", (f"%{index}%",)
    )
    bodies = [re.sub(r"\b(new|old)\.\w+", "?", row["sql"]).split("BEGIN")[1] for row in triggers]
    selects = [found for body in bodies for found in re.findall(r"SELECT[^;]+", body)]
    assert len(selects) == count
    for select in selects:
        asked = f"EXPLAIN QUERY PLAN {select}"
        found = await filled.db._writer.execute_fetchall(asked, (1,) * select.count("?"))
        assert all(row["detail"].startswith("SEARCH") for row in found), select
