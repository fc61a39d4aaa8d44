"""Who may report, decide and block, also when it happens concurrently."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.permissions import Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.jobs.completion import JobEvents
from bot.moderation.service import (
    CASES_LISTED,
    ModerationService,
    OpenReports,
    ReportFiled,
    UserBlocked,
)
from bot.pictures.deletion import DeletionService
from bot.pictures.recent import RecentPictures
from bot.pictures.thumbnails import Thumbnails
from bot.request.outcomes import (
    NotAllowed,
    NotBlockable,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    Refused,
    ReportDecided,
    ReportedBefore,
    UnknownPicture,
)
from engine.job import JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import request_to_json
from storage.blocks import Blocks
from storage.cancelled_painting import FreeCancelling
from storage.database import Database
from storage.errors import DiskFull
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.preferences import Preferences
from storage.reports import Reports
from storage.types import (
    Block,
    Case,
    Job,
    JobState,
    NewJob,
    NewPicture,
    Place,
    PolicySource,
    QuotaPolicy,
    Verdict,
)
from tests.fakes import FakeClock, ScriptedRenderer, a_request, fake_recipe

GUILD, CHANNEL = 1, 10
ALICE, BOB = Actor(100, GUILD, CHANNEL), Actor(200, GUILD, CHANNEL)
MO = Actor(300, GUILD, CHANNEL, manages_messages=True)
ADA = Actor(400, GUILD, CHANNEL, manages_server=True)
OWNER = Actor(999, GUILD, CHANNEL)
ELSEWHERE = dataclasses.replace(ADA, guild_id=2)
POLICY = QuotaPolicy(1000, 24, PolicySource.CONFIG)


class ModerationHarness:
    """The moderation service over a real database, with an engine whose model never loads."""

    def __init__(self, db: Database, data_dir: Path) -> None:
        clock = FakeClock()
        self.jobs = Jobs(db, clock, iter(map(str, range(10_000))).__next__)
        self.history, self.reports, self.blocks = (
            History(db, clock),
            Reports(db, clock),
            Blocks(db, clock),
        )
        self.files = PictureFiles(data_dir, clock=clock)
        self.live = ActiveJobs()
        self.engine = Engine(ScriptedRenderer().load, bounds=Bounds(1000))
        self.changed: list[int] = []
        self.settled: list[int] = []
        permissions = Permissions(frozenset({OWNER.user_id}))
        self.deletion = DeletionService(
            self.history,
            self.files,
            RecentPictures(self.history),
            Thumbnails(self.files),
            permissions,
        )
        self.moderation = ModerationService(
            reports=self.reports,
            blocks=self.blocks,
            preferences=Preferences(db, clock),
            history=self.history,
            deletion=self.deletion,
            cancellation=CancellationService(
                self.engine,
                self.jobs,
                self.live,
                permissions,
                JobEvents(accepted=lambda _: None, finished=self.settled.append),
                clock=clock,
                max_wait=timedelta(hours=1),
                free=FreeCancelling(600.0, QuotaPolicy(50, 24, PolicySource.CONFIG)),
                forget=self.deletion.forget,
            ),
            permissions=permissions,
            changed=self.changed.append,
        )

    async def accepted(self, actor: Actor, *, pictures: int = 1, private: bool = False) -> Job:
        """Return a job that is in the database but not in the queue."""
        request = a_request()
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        new = NewJob(
            place, request_to_json(request), "x", request.seed, pictures=pictures, private=private
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        return job

    def queued(self, job: Job) -> None:
        """Put the job into the queue."""
        with self.engine.reserve(job.place.user_id, job.place.guild_id) as slot:
            self.live.add(job, self.engine.submit(slot, JobSpec(job.id, a_request())))

    async def painted(
        self, actor: Actor = ALICE, *, pictures: int = 1, private: bool = False
    ) -> int:
        """Return the id of the first picture of a finished job."""
        job = await self.accepted(actor, pictures=pictures, private=private)
        await self.jobs.painting(job.id)
        new = [
            NewPicture(
                file=self.files.write(f"zimagine-{job.id}-{number}.png", b"x").file,
                sha256="0" * 64,
                recipe=fake_recipe(a_request()).to_json(),
                seed=number,
                width_px=64,
                height_px=64,
                duration_s=1.5,
            )
            for number in range(pictures)
        ]
        return (await self.jobs.painted(job.id, new))[0].id


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[ModerationHarness]:
    """An empty database."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield ModerationHarness(db, tmp_path / "data")


async def reported(harness: ModerationHarness, *, pictures: int = 1) -> int:
    """Return a picture of Alice's that Bob has reported."""
    picture_id = await harness.painted(pictures=pictures)
    assert isinstance(await harness.moderation.report(BOB, picture_id, "why"), ReportFiled)
    harness.changed.clear()
    return picture_id


async def test_what_may_be_reported(harness: ModerationHarness):
    """Members can report other members' public pictures of their own server, each once."""
    public, private = await harness.painted(), await harness.painted(private=True)
    say = harness.moderation.report
    assert await say(ALICE, public, "") == Refused(OwnPicture(public))
    assert await say(ALICE, private, "") == Refused(OwnPicture(private))
    for actor, picture_id in ((BOB, private), (ADA, private), (ELSEWHERE, public), (BOB, 99)):
        assert await say(actor, picture_id, "") == Refused(UnknownPicture(str(picture_id)))
    assert await say(BOB, public, " a\u202e\ud800  b ") == ReportFiled(public, None)
    assert await say(BOB, public, "") == Refused(ReportedBefore(public))
    assert await say(ADA, public, "x" * 501) == Refused(ReasonTooLong(501, 500))
    assert await say(ADA, public, "x" * 500) == ReportFiled(public, None)
    case = await harness.reports.open_for(public)
    assert case is not None and [each.reason for each in case.reports] == ["a b", "x" * 500]
    assert harness.changed == [public] * 2


async def test_who_may_decide(harness: ModerationHarness):
    """Members and other servers' moderators can see and decide nothing; an owner decides
    anywhere."""
    picture_id, moderation = await reported(harness), harness.moderation
    await moderation.block(ADA, BOB.user_id, "")
    for actor in (ALICE, BOB):
        for refused in (
            await moderation.open_cases(actor),
            await moderation.case(actor, picture_id),
            await moderation.decide(actor, picture_id, Verdict.DISMISSED),
            await moderation.block(actor, 5, ""),
            await moderation.unblock(actor, BOB.user_id),
            await moderation.blocked(actor),
            await moderation.set_channel(actor, 5),
        ):
            assert isinstance(refused, Refused) and isinstance(refused.reason, NotAllowed)
    assert isinstance(await moderation.set_channel(MO, 5), Refused)
    for verdict in Verdict:
        elsewhere = await moderation.decide(ELSEWHERE, picture_id, verdict)
        assert elsewhere == Refused(NotReported(picture_id))
    assert await moderation.open_cases(ELSEWHERE) == OpenReports((), False, None)
    assert await moderation.blocked(ELSEWHERE) == []
    assert await harness.reports.open_for(picture_id) is not None
    decided = await moderation.decide(OWNER, picture_id, Verdict.DISMISSED)
    assert isinstance(decided, Case) and decided.resolved_by == OWNER.user_id


async def test_a_channel_shows_what_waits(harness: ModerationHarness):
    """Choosing a channel posts the open reports and returns their number; removing it posts
    none."""
    first, second = await reported(harness), await reported(harness)
    assert await harness.moderation.set_channel(ADA, 77) == 2
    assert harness.changed == [first, second]
    assert await harness.moderation.report(ADA, first, "") == ReportFiled(first, 77)
    assert await harness.moderation.set_channel(ADA, None) == 2
    assert harness.changed == [first, second, first]


async def test_the_list_is_short(harness: ModerationHarness):
    """Only the oldest reports are listed, with whether there are more."""
    ids = [await reported(harness) for _ in range(CASES_LISTED + 1)]
    found = await harness.moderation.open_cases(MO)
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
                *(harness.moderation.decide(MO, picture_id, each) for each in verdicts)
            )
            (decided,) = [each for each in outcomes if isinstance(each, Case)]
            refused = [each.reason for each in outcomes if isinstance(each, Refused)]
            assert refused == [ReportDecided(decided)] * (len(verdicts) - 1)
            there = await harness.history.get(picture_id) is not None
            assert there == (decided.verdict is Verdict.DISMISSED)
            blocked = await harness.blocks.is_blocked(GUILD, ALICE.user_id) is not None
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

    monkeypatch.setattr(harness.reports, "resolve", dying)
    with pytest.raises(DiskFull):
        await harness.moderation.decide(MO, picture_id, verdict)
    assert await harness.history.get(picture_id) is None
    assert await harness.reports.open_for(picture_id) is not None
    monkeypatch.undo()
    decided = await harness.moderation.decide(MO, picture_id, verdict)
    assert isinstance(decided, Case) and decided.verdict is verdict and decided.picture_erased


async def test_no_server_waits_for_anothers_verdict(
    harness: ModerationHarness, monkeypatch: pytest.MonkeyPatch
):
    """A slow verdict on one server does not delay those on another."""
    here, there = await harness.painted(), await harness.painted(ELSEWHERE)
    for picture_id in (here, there):
        await harness.reports.file(picture_id, BOB.user_id, None)
    go = asyncio.Event()
    erase_all = harness.deletion.erase_all

    async def slowly(actor: Actor, picture_id: int) -> object:
        if picture_id == here:
            await go.wait()
        return await erase_all(actor, picture_id)

    monkeypatch.setattr(harness.deletion, "erase_all", slowly)
    slow = asyncio.create_task(harness.moderation.decide(MO, here, Verdict.DELETED))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        decided = await harness.moderation.decide(ELSEWHERE, there, Verdict.DELETED)
    assert isinstance(decided, Case) and not slow.done()
    go.set()
    assert isinstance(await slow, Case)


async def test_deleting_takes_all_of_one_message(harness: ModerationHarness):
    """All pictures of the same job are deleted, and their reports are updated."""
    picture_id = await reported(harness, pictures=3)
    await harness.moderation.report(ADA, picture_id + 1, "")
    harness.changed.clear()
    await harness.moderation.decide(MO, picture_id, Verdict.DELETED)
    assert sorted(harness.changed) == [picture_id, picture_id + 1, picture_id + 2]
    assert not [each for each in range(3) if await harness.history.get(picture_id + each)]
    other = await harness.moderation.decide(MO, picture_id + 1, Verdict.DISMISSED)
    assert isinstance(other, Case) and other.picture_erased


async def test_a_moderator_blocks_neither_themself_nor_an_owner(harness: ModerationHarness):
    """Moderators can block neither themselves nor an owner, and such a verdict changes nothing."""
    for user_id in (MO.user_id, OWNER.user_id):
        assert await harness.moderation.block(MO, user_id, "") == Refused(NotBlockable(user_id))
    for renderer in (MO, OWNER):
        picture_id = await harness.painted(renderer)
        await harness.moderation.report(BOB, picture_id, "")
        refused = await harness.moderation.decide(MO, picture_id, Verdict.BLOCKED)
        assert refused == Refused(NotBlockable(renderer.user_id))
        assert await harness.history.get(picture_id) is not None
        assert await harness.reports.open_for(picture_id) is not None


async def test_blocking_ends_what_waits_here(harness: ModerationHarness):
    """Blocking cancels the user's waiting jobs on this server, and no others."""
    elsewhere = await harness.accepted(dataclasses.replace(BOB, guild_id=2))
    mine = [await harness.accepted(BOB), await harness.accepted(BOB, private=True)]
    for job in (elsewhere, *mine):
        harness.queued(job)
    done = await harness.moderation.block(MO, BOB.user_id, "spam")
    assert isinstance(done, UserBlocked) and done.cancelled == 2 and done.block.reason == "spam"
    assert harness.settled == [each.id for each in mine]
    assert len(harness.engine.queue) == 1
    states = [each and each.state for each in [await harness.jobs.get(j.id) for j in mine]]
    assert states == [JobState.CANCELLED] * 2
    untouched = harness.live.get(elsewhere.id)
    assert untouched is not None and not untouched.finished


async def test_a_job_on_its_way_into_the_queue_is_caught(harness: ModerationHarness):
    """A job accepted before the block and queued after it is cancelled, and reported once."""
    job = await harness.accepted(BOB)
    blocking = asyncio.create_task(harness.moderation.block(MO, BOB.user_id, ""))
    await asyncio.sleep(0.1)
    assert harness.settled == []
    harness.queued(job)
    await blocking
    live = harness.live.get(job.id)
    assert live is not None and live.finished and harness.settled == [job.id]
    assert len(harness.engine.queue) == 0


@pytest.mark.parametrize("first", range(6))
async def test_no_job_slips_past_a_block(harness: ModerationHarness, first: int):
    """Requests before, during and after a block are all refused or cancelled."""

    async def params(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        new = NewJob(Place(GUILD, CHANNEL, BOB.user_id), "{}", "x", 1)
        job = await harness.jobs.accept(new, POLICY)
        assert isinstance(job, Job | Block)
        if isinstance(job, Job):
            harness.queued(job)

    async def later() -> None:
        for _ in range(first):
            await asyncio.sleep(0)
        await harness.moderation.block(MO, BOB.user_id, "")

    await asyncio.gather(*(params(number) for number in range(12)), later())
    assert len(harness.engine.queue) == 0
    assert sum((await harness.jobs.live_counts()).values()) == 0
    new = NewJob(Place(GUILD, CHANNEL, BOB.user_id), "{}", "x", 1)
    assert isinstance(await harness.jobs.accept(new, POLICY), Block)
