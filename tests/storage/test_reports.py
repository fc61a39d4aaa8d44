"""Reports and blocks: what users report, what moderators decide, and that nothing is lost."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.blocks import Blocks
from storage.database import Database
from storage.errors import IllegalTransition, MigrationFailed, UnknownRow
from storage.migrate import load_migrations, statements
from storage.reports import Reports
from storage.types import (
    REASON_LIMIT_CHARS,
    AlreadyReported,
    Block,
    Card,
    Case,
    Report,
    Verdict,
)
from tests.storage.fakes import ALICE, BOB, MODERATOR, START, OpenStores, filed, new_job
from tests.storage.old_databases import NEWER, added, rows_of, state_of
from tests.storage.query_plans import plans_of, reads_all

NEW_TABLES = {
    "server_settings",
    "channel_settings",
    "user_settings",
    "threads",
    "cases",
    "reports",
    "blocks",
}


@pytest.fixture
def reports(stores: OpenStores) -> Reports:
    return Reports(stores.db, stores.clock)


@pytest.fixture
def blocks(stores: OpenStores) -> Blocks:
    return Blocks(stores.db, stores.clock)


async def test_a_report_opens_a_case(stores: OpenStores, reports: Reports) -> None:
    """The first report of a picture opens a case with its server and owner."""
    (picture,) = await stores.painted()
    assert await reports.open_for(picture.id) is None
    report = await filed(reports, picture.id, 40, "blood")
    assert report == Report(report.id, picture.id, 10, 40, "blood", START)
    case = await reports.open_for(picture.id)
    assert case == Case(
        id=1,
        picture_id=picture.id,
        guild_id=ALICE.guild_id,
        user_id=ALICE.user_id,
        opened_at=START,
        picture_erased=False,
        card=None,
        verdict=None,
        resolved_by=None,
        resolved_at=None,
        reports=(report,),
    )


async def test_all_reports_of_a_picture_are_one_card(stores: OpenStores, reports: Reports) -> None:
    """Later reports join the case and its card; the same user counts only once."""
    (picture,) = await stores.painted()
    first = await filed(reports, picture.id, 40, "blood")
    case = await reports.posted(first.id, 70, 700)
    assert case.card == Card(70, 700)
    stores.clock.advance(minutes=1)
    second = await filed(reports, picture.id, 41)
    assert await reports.file(picture.id, 40, "more blood") == AlreadyReported(first)
    assert await reports.open_for(picture.id) == replace(case, reports=(first, second))
    # Any report of the case will do.
    assert (await reports.posted(second.id, 70, 701)).card == Card(70, 701)


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_verdict_closes_the_case(
    stores: OpenStores, reports: Reports, verdict: Verdict
) -> None:
    """A verdict is stored with its moderator, and the next report opens another case."""
    (picture,) = await stores.painted()
    first = await filed(reports, picture.id)
    now = stores.clock.advance(hours=1)
    closed = await reports.resolve(picture.id, MODERATOR, verdict)
    assert (closed.verdict, closed.resolved_by, closed.resolved_at) == (verdict, MODERATOR, now)
    assert closed.reports == (first,)
    assert await reports.open_for(picture.id) is None
    assert await reports.open(ALICE.guild_id, 5) == []
    again = await filed(reports, picture.id)
    case = await reports.open_for(picture.id)
    assert case is not None and case.id != closed.id and case.reports == (again,)


@pytest.mark.parametrize("second", Verdict)
@pytest.mark.parametrize("first", Verdict)
async def test_there_is_one_verdict(
    stores: OpenStores, reports: Reports, first: Verdict, second: Verdict
) -> None:
    """A second verdict, even the same one, is refused; the first one stays."""
    (picture,) = await stores.painted()
    report = await filed(reports, picture.id)
    closed = await reports.resolve(picture.id, MODERATOR, first)
    with pytest.raises(IllegalTransition) as refused:
        await reports.resolve(picture.id, MODERATOR + 1, second)
    assert (refused.value.id, refused.value.from_, refused.value.to) == (closed.id, first, second)
    assert await reports.posted(report.id, 7, 8) == replace(closed, card=Card(7, 8))


async def test_what_is_unknown_is_refused(stores: OpenStores, reports: Reports) -> None:
    """Erased and unknown pictures, reports and verdicts raise, and nothing is written."""
    (picture,), (gone,) = await stores.painted(), await stores.painted()
    await stores.history.erase(gone.id)
    for picture_id in (gone.id, 99):
        with pytest.raises(UnknownRow):
            await reports.file(picture_id, 40, None)
    with pytest.raises(UnknownRow):
        await reports.resolve(picture.id, MODERATOR, Verdict.DELETED)
    with pytest.raises(UnknownRow):
        await reports.posted(1, 2, 3)
    verdict: Any = "forgotten"
    with pytest.raises(ValueError, match="forgotten"):
        await reports.resolve(picture.id, MODERATOR, verdict)
    with pytest.raises(ValueError, match="at least one"):
        await reports.open(10, 0)
    assert await stores.db.fetch_all("SELECT 1 FROM cases UNION ALL SELECT 1 FROM reports") == []


async def test_a_reason_is_short(stores: OpenStores, reports: Reports, blocks: Blocks) -> None:
    """Five hundred characters are accepted, an empty reason is None, and more is refused."""
    (picture,) = await stores.painted()
    longest = "🎨" * REASON_LIMIT_CHARS
    with pytest.raises(ValueError, match="500"):
        await reports.file(picture.id, 40, longest + "x")
    with pytest.raises(ValueError, match="500"):
        await blocks.block(10, 30, MODERATOR, longest + "x")
    assert await reports.open_for(picture.id) is None
    assert await blocks.is_blocked(10, 30) is None
    assert (await filed(reports, picture.id, 40, longest)).reason == longest
    assert (await filed(reports, picture.id, 41, "")).reason is None
    assert (await blocks.block(10, 30, MODERATOR, longest)).reason == longest
    assert (await blocks.block(10, 30, MODERATOR, "")).reason is None


async def test_reports_outlive_their_picture(stores: OpenStores, reports: Reports) -> None:
    """A case survives its picture's erasure, says so, and can still be resolved."""
    (picture,) = await stores.painted()
    report = await filed(reports, picture.id, 40, "blood")
    before = await reports.open_for(picture.id)
    assert before is not None and before.reports == (report,)
    await stores.history.erase(picture.id)
    erased = replace(before, picture_erased=True)
    assert await reports.open_for(picture.id) == erased
    assert await reports.open(ALICE.guild_id, 5) == [erased]
    closed = await reports.resolve(picture.id, MODERATOR, Verdict.BLOCKED)
    assert closed.picture_erased and closed.verdict is Verdict.BLOCKED


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM pictures",
        "DELETE FROM cases",
        "INSERT INTO reports VALUES (9, 99, 10, 40, NULL, 1, NULL)",
        "INSERT INTO reports SELECT 9, case_id, guild_id, user_id, NULL, 1, NULL FROM reports",
        "INSERT INTO cases (picture_id, guild_id, user_id, opened_at) "
        "SELECT picture_id, guild_id, user_id, 1 FROM cases",
        "UPDATE cases SET verdict = 'deleted'",
        "UPDATE cases SET verdict = 'lost', resolved_by = 1, resolved_at = 1",
        "UPDATE cases SET message_id = 1",
        "UPDATE reports SET reason = printf('%501d', 1)",
    ],
)
async def test_no_hand_written_statement_breaks_a_case(
    stores: OpenStores, reports: Reports, sql: str
) -> None:
    """The database itself refuses incomplete cases, two open ones, and reports of nothing."""
    (picture,) = await stores.painted()
    await filed(reports, picture.id)
    with pytest.raises(sqlite3.IntegrityError):
        async with stores.db.transaction() as transaction:
            await transaction.execute(sql)
    assert await reports.open_for(picture.id) is not None


async def test_moderators_see_the_oldest_of_their_server(
    stores: OpenStores, reports: Reports
) -> None:
    """The list contains a server's open cases with all their reports, oldest first."""
    elsewhere = dataclasses.replace(ALICE, guild_id=11)
    mine: list[Case] = []
    for number in range(5):
        for place in (ALICE, elsewhere):
            (picture,) = await stores.painted(new_job(place))
            for by in range(40, 41 + number):
                await filed(reports, picture.id, by)
            if number == 2:
                await reports.resolve(picture.id, MODERATOR, Verdict.DISMISSED)
            elif place is ALICE:
                case = await reports.open_for(picture.id)
                assert case is not None and len(case.reports) == number + 1
                mine.append(case)
    assert await reports.open(ALICE.guild_id, 3) == mine[:3]
    assert await reports.open(ALICE.guild_id, 9) == mine
    assert await reports.open(12, 9) == []


people = st.integers(40, 42)
doings = st.lists(st.one_of(people, st.sampled_from(Verdict)), max_size=12)


def test_cases_are_what_the_model_says(database_file: Path) -> None:
    """In any order, reports and verdicts open and close cases as in a simple model."""

    async def agree(stores: OpenStores, reports: Reports, done: list[int | Verdict]) -> None:
        (picture,) = await stores.painted()
        cases: list[tuple[list[int], list[Verdict]]] = []
        for doing in done:
            waiting = bool(cases) and not cases[-1][1]
            if isinstance(doing, int):
                if not waiting:
                    cases.append(([], []))
                fresh = doing not in cases[-1][0]
                answer = await reports.file(picture.id, doing, None)
                assert isinstance(answer, Report if fresh else AlreadyReported)
                cases[-1][0].extend([doing] * fresh)
            elif waiting:
                closed = await reports.resolve(picture.id, MODERATOR, doing)
                cases[-1][1].append(doing)
                assert [report.by for report in closed.reports] == cases[-1][0]
            else:
                with pytest.raises(IllegalTransition if cases else UnknownRow):
                    await reports.resolve(picture.id, MODERATOR, doing)
            case = await reports.open_for(picture.id)
            assert (case is not None) == (bool(cases) and not cases[-1][1])
            assert case is None or [each.by for each in case.reports] == cases[-1][0]

    with asyncio.Runner() as runner:
        stores = runner.run(OpenStores.open(database_file))
        reports = Reports(stores.db, stores.clock)

        @settings(max_examples=40, deadline=None)
        @given(doings)
        def check(done: list[int | Verdict]) -> None:
            runner.run(agree(stores, reports, done))

        try:
            check()
        finally:
            runner.run(stores.db.close())


async def test_a_block_holds_in_its_server_until_it_is_taken_off(
    stores: OpenStores, blocks: Blocks
) -> None:
    """A user is blocked in that server only, with the newest reason, until unblocked."""
    assert await blocks.is_blocked(10, 30) is None
    assert await blocks.unblock(10, 30) is False
    first = await blocks.block(10, 30, MODERATOR, "spam")
    assert first == Block(10, 30, MODERATOR, "spam", START)
    assert await blocks.is_blocked(10, 30) == first
    assert await blocks.is_blocked(11, 30) is None
    assert await blocks.is_blocked(10, 31) is None
    now = stores.clock.advance(hours=1)
    second = await blocks.block(10, 30, 6, None)
    assert second == Block(10, 30, 6, None, now)
    assert await blocks.is_blocked(10, 30) == second
    assert await blocks.unblock(10, 30) is True
    assert await blocks.is_blocked(10, 30) is None


async def test_the_blocked_are_listed(stores: OpenStores, blocks: Blocks) -> None:
    """Every block of a server is listed, newest decision first."""
    made = []
    for user_id in (33, 30, 31):
        made.append(await blocks.block(10, user_id, MODERATOR, None))
        await blocks.block(11, user_id, MODERATOR, None)
        stores.clock.advance(hours=1)
    assert await blocks.blocked(10) == made[::-1]
    await blocks.unblock(10, 30)
    assert await blocks.blocked(10) == [made[2], made[0]]
    assert await blocks.blocked(12) == []


@pytest.fixture
async def old_cases(filled: OpenStores) -> AsyncIterator[OpenStores]:
    """Thousands of cases and blocks, a few of the cases open."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    async with filled.db.transaction() as transaction:
        for sql in (
            "INSERT INTO cases SELECT i, i, 10, i % 50, i, NULL, NULL, 'dismissed', 5, i FROM n",
            "INSERT INTO reports SELECT i, i, 10, 40, NULL, i, NULL FROM n",
            "INSERT INTO blocks SELECT i % 50, i, NULL, 5, i, NULL FROM n",
        ):
            await transaction.execute(numbers + sql)
    for picture_id in range(1, 30):
        await Reports(filled.db, filled.clock).file(picture_id, 41, None)
    yield filled


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda r, _: r.open_for(5), "SEARCH c USING INDEX cases_open "),
        (lambda r, _: r.open(10, 5), "INDEX cases_open_in_server (guild_id=?)"),
        (lambda r, _: r.file(40, 44, "x"), "INDEX cases_open "),
        (lambda r, _: r.posted(3002, 1, 2), "SEARCH reports USING INTEGER PRIMARY KEY"),
        (lambda r, _: r.resolve(5, 1, Verdict.DELETED), "SEARCH cases USING INDEX cases_open "),
        (lambda r, _: refused(r, 50), "INDEX cases_of_picture (picture_id=?)"),
        (lambda r, _: r.last_for(50), "INDEX cases_of_picture (picture_id=?)"),
        (lambda r, _: r.job_of(5), "SEARCH pictures USING INTEGER PRIMARY KEY"),
        (lambda _, b: b.is_blocked(10, 30), "SEARCH blocks USING PRIMARY KEY"),
        (lambda _, b: b.block_and_cancel(10, 31, 5, None), "SCAN jobs USING INDEX jobs_live"),
        (lambda _, b: b.blocked(10), "SEARCH blocks USING INDEX blocks_of_server"),
        (lambda _, b: b.unblock(10, 10), "SEARCH blocks USING PRIMARY KEY"),
    ],
    ids=[
        *("open for a picture", "open in a server", "filing", "posted", "verdict", "no verdict"),
        *("newest of a picture", "its job", "blocked", "shut out", "all blocked", "unblocking"),
    ],
)
async def test_questions_use_their_index(
    old_cases: OpenStores,
    monkeypatch: pytest.MonkeyPatch,
    question: Any,
    index: str,
    analysed: bool,
) -> None:
    """Queries use their index, and no table is scanned."""
    stores = old_cases
    if analysed:
        async with stores.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    asked = question(Reports(stores.db, stores.clock), Blocks(stores.db, stores.clock))
    plans = await plans_of(stores, monkeypatch, asked)
    assert any(index in plan for plan in plans), plans
    # A server's list scans only its own few cases, not a table.
    assert not any(reads_all(plan.replace("SCAN c;", "")) for plan in plans), plans
    assert "blocks" not in index or not any("TEMP B-TREE" in plan for plan in plans), plans


async def refused(reports: Reports, picture_id: int) -> None:
    with pytest.raises(IllegalTransition):
        await reports.resolve(picture_id, MODERATOR, Verdict.DELETED)


@pytest.fixture
async def fourth_file(old_file: Path) -> Path:
    """A database of version 4 with rows of every kind that existed until then."""
    async with (
        await Database.open(old_file, migrations=load_migrations()[:4]) as db,
        db.transaction() as transaction,
    ):
        for sql in (*NEWER, f"INSERT INTO job_inputs VALUES (1, 0, '{'ab' * 32}')"):
            assert await transaction.execute(sql) > 0, sql
    return old_file


async def test_every_row_of_the_fourth_version_comes_through(fourth_file: Path) -> None:
    """After the upgrade from version 4 every row is unchanged, and nothing is set or reported."""
    before = rows_of(fourth_file)
    assert sum(map(len, before.values())) > 300
    await (await Database.open(fourth_file)).close()
    version, _, after = state_of(fourth_file)
    assert version == len(load_migrations()) >= 5
    assert rows_of(fourth_file, before) == before
    new = {what.split(" FROM ")[1]: found for what, found in added(after, before).items()}
    assert new.keys() >= NEW_TABLES and not any(
        rows
        for name, rows in new.items()
        if name not in ("database_mark", "shown_pictures", "server_usage_hours")
    )
    with closing(sqlite3.connect(fourth_file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_old_pictures_can_be_reported(fourth_file: Path) -> None:
    """After the upgrade an older picture can be reported, erased and resolved."""
    stores = await OpenStores.open(fourth_file)
    reports = Reports(stores.db, stores.clock)
    (picture, *_) = await stores.history.page(BOB.user_id, BOB.guild_id, None, 1)
    await filed(reports, picture.id)
    await stores.history.erase(picture.id)
    closed = await reports.resolve(picture.id, MODERATOR, Verdict.DELETED)
    assert closed.user_id == BOB.user_id and closed.picture_erased
    await stores.db.close()


@pytest.mark.parametrize("applied", range(len(list(statements(load_migrations()[4].sql))) + 1))
async def test_a_failure_anywhere_leaves_the_fourth_version(
    fourth_file: Path, applied: int
) -> None:
    """A failure in any statement of the fifth migration leaves the database unchanged."""
    before = state_of(fourth_file)
    *earlier, fifth = load_migrations()[:5]
    done = list(statements(fifth.sql))[:applied]
    broken = replace(fifth, sql=" ".join((*done, "INSERT INTO nowhere VALUES (1);")))
    with pytest.raises(MigrationFailed):
        await Database.open(fourth_file, migrations=[*earlier, broken])
    assert state_of(fourth_file) == before
