"""Who may report and decide, also when it happens concurrently."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.permissions import Actor
from bot.moderation.reports import CASES_LISTED, OpenReports, ReportFiled
from bot.request.outcomes import (
    NotAllowed,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    Refused,
    ReportDecided,
    ReportedBefore,
    UnknownPicture,
)
from storage.database import Database
from storage.errors import DiskFull
from storage.log_entries import LogEvent
from storage.types import Case, Verdict
from tests.bot.moderation_harness import (
    ADA,
    ALICE,
    BOB,
    ELSEWHERE,
    GUILD,
    MO,
    OWNER,
    ModerationHarness,
)


async def reported(harness: ModerationHarness, *, pictures: int = 1) -> int:
    """Return a picture of Alice's that Bob has reported."""
    picture_id = await harness.painted(pictures=pictures)
    assert isinstance(await harness.reports.report(BOB, picture_id, "why"), ReportFiled)
    harness.changed.clear()
    return picture_id


async def test_what_may_be_reported(harness: ModerationHarness):
    """Members can report other members' public pictures of their own server, each once."""
    public, private = await harness.painted(), await harness.painted(private=True)
    say = harness.reports.report
    assert await say(ALICE, public, "") == Refused(OwnPicture(public))
    assert await say(ALICE, private, "") == Refused(OwnPicture(private))
    for actor, picture_id in ((BOB, private), (ADA, private), (ELSEWHERE, public), (BOB, 99)):
        assert await say(actor, picture_id, "") == Refused(UnknownPicture(str(picture_id)))
    assert await say(BOB, public, " a\u202e\ud800  b ") == ReportFiled(public, None)
    assert await say(BOB, public, "") == Refused(ReportedBefore(public))
    assert await say(ADA, public, "x" * 501) == Refused(ReasonTooLong(501, 500))
    assert await say(ADA, public, "x" * 500) == ReportFiled(public, None)
    case = await harness.stored_reports.open_for(public)
    assert case is not None and [each.reason for each in case.reports] == ["a b", "x" * 500]
    assert harness.changed == [public] * 2


async def test_who_may_decide(harness: ModerationHarness):
    """Members and other servers' moderators can see and decide nothing; an owner decides
    anywhere."""
    picture_id, reports = await reported(harness), harness.reports
    for actor in (ALICE, BOB):
        for refused in (
            await reports.open_cases(actor),
            await reports.case(actor, picture_id),
            await reports.decide(actor, picture_id, Verdict.DISMISSED),
        ):
            assert isinstance(refused, Refused) and isinstance(refused.reason, NotAllowed)
    for verdict in Verdict:
        elsewhere = await reports.decide(ELSEWHERE, picture_id, verdict)
        assert elsewhere == Refused(NotReported(picture_id))
    assert await reports.open_cases(ELSEWHERE) == OpenReports((), False, None)
    assert await harness.stored_reports.open_for(picture_id) is not None
    decided = await reports.decide(OWNER, picture_id, Verdict.DISMISSED)
    assert isinstance(decided, Case) and decided.resolved_by == OWNER.user_id


async def test_a_channel_shows_what_waits(harness: ModerationHarness):
    """In a channel that was just chosen, the open reports are posted; without one, none are."""
    first, second = await reported(harness), await reported(harness)
    await harness.channels.choose(GUILD, LogEvent.REPORTS, 77, ADA.user_id, "en-US")
    assert await harness.reports.show_open(GUILD, 77) == 2
    assert harness.changed == [first, second]
    assert await harness.reports.report(ADA, first, "") == ReportFiled(first, 77)
    assert await harness.reports.show_open(GUILD, None) == 2
    assert harness.changed == [first, second, first]


async def test_the_list_is_short(harness: ModerationHarness):
    """Only the oldest reports are listed, with whether there are more."""
    ids = [await reported(harness) for _ in range(CASES_LISTED + 1)]
    found = await harness.reports.open_cases(MO)
    assert isinstance(found, OpenReports) and found.more
    assert [each.picture_id for each in found.cases] == ids[:-1]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=2, max_size=5))
def test_of_verdicts_at_once_one_is_carried_out(verdicts: list[Verdict]):
    """Of concurrent verdicts exactly one is carried out, with its effects."""

    async def check() -> None:
        async with await Database.open(folder / "zimagine.db") as db:
            harness = ModerationHarness(db, folder)
            picture_id = await reported(harness)
            outcomes = await asyncio.gather(
                *(harness.reports.decide(MO, picture_id, each) for each in verdicts)
            )
            (decided,) = [each for each in outcomes if isinstance(each, Case)]
            refused = [each.reason for each in outcomes if isinstance(each, Refused)]
            assert refused == [ReportDecided(decided)] * (len(verdicts) - 1)
            there = await harness.history.get(picture_id) is not None
            assert there == (decided.verdict is Verdict.DISMISSED)
            blocked = await harness.stored_blocks.is_blocked(GUILD, ALICE.user_id) is not None
            assert blocked == (decided.verdict is Verdict.BLOCKED)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(check())


@pytest.mark.parametrize("verdict", [Verdict.DELETED, Verdict.BLOCKED])
async def test_a_crash_before_the_verdict_leaves_the_case_open(
    harness: ModerationHarness, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
):
    """After a crash before the verdict is stored, the report can be decided again."""
    picture_id = await reported(harness)

    async def dying(*_: object) -> Case:
        raise DiskFull(Path("x"), "killed")

    monkeypatch.setattr(harness.stored_reports, "resolve", dying)
    with pytest.raises(DiskFull):
        await harness.reports.decide(MO, picture_id, verdict)
    assert await harness.history.get(picture_id) is None
    assert await harness.stored_reports.open_for(picture_id) is not None
    monkeypatch.undo()
    decided = await harness.reports.decide(MO, picture_id, verdict)
    assert isinstance(decided, Case) and decided.verdict is verdict and decided.picture_erased


async def test_no_server_waits_for_anothers_verdict(
    harness: ModerationHarness, monkeypatch: pytest.MonkeyPatch
):
    """A slow verdict on one server does not delay those on another."""
    here, there = await harness.painted(), await harness.painted(ELSEWHERE)
    for picture_id in (here, there):
        await harness.stored_reports.file(picture_id, BOB.user_id, None)
    go = asyncio.Event()
    erase_all = harness.deletion.erase_all

    async def slowly(actor: Actor, picture_id: int) -> object:
        if picture_id == here:
            await go.wait()
        return await erase_all(actor, picture_id)

    monkeypatch.setattr(harness.deletion, "erase_all", slowly)
    slow = asyncio.create_task(harness.reports.decide(MO, here, Verdict.DELETED))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        decided = await harness.reports.decide(ELSEWHERE, there, Verdict.DELETED)
    assert isinstance(decided, Case) and not slow.done()
    go.set()
    assert isinstance(await slow, Case)


async def test_deleting_takes_all_of_one_message(harness: ModerationHarness):
    """All pictures of the same job are deleted, and their reports are updated."""
    picture_id = await reported(harness, pictures=3)
    await harness.reports.report(ADA, picture_id + 1, "")
    harness.changed.clear()
    await harness.reports.decide(MO, picture_id, Verdict.DELETED)
    assert sorted(harness.changed) == [picture_id, picture_id + 1, picture_id + 2]
    assert not [each for each in range(3) if await harness.history.get(picture_id + each)]
    other = await harness.reports.decide(MO, picture_id + 1, Verdict.DISMISSED)
    assert isinstance(other, Case) and other.picture_erased
