"""What is painted reaches its person exactly once, on a Discord that fails as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.cards import FailureCard, KeptCard, MovedCard, PictureCard
from bot.carrying import NONCE_LIFE
from bot.delivery import Delivery, DeliveryPolicy, NeverAnswered
from bot.messenger import Address, Obstacle, TryLater, Undeliverable
from bot.own_threads import OwnThreads
from bot.progress import Board
from bot.result_cards import ResultCards
from bot.studio.naming import picture_name
from bot.studio.settling import write_picture
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest, Painted, request_to_json
from storage.database import Database
from storage.deliveries import Deliveries
from storage.errors import DatabaseBusy
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.preferences import Threads
from storage.types import DeliveryMode, Job, NewJob, Place, PolicySource, QuotaPolicy, Road
from tests.fakes import (
    DIRECT,
    FakeClock,
    FakeMessenger,
    Lost,
    ScriptedRenderer,
    fake_recipe,
    gradient,
)

REQUEST = ImageRequest("a lake", "a lake", "", 5, 128, 128, 8, 1.0)
POLICY = QuotaPolicy(50, 24, PolicySource.CONFIG)
STATUS_ID = 77


class Desk:
    """A delivery with everything around it real but Discord."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.clock = FakeClock()
        self.messenger = FakeMessenger()
        self.files = PictureFiles(folder, clock=self.clock)
        self.history = History(db, self.clock)
        self.deliveries = Deliveries(db, self.clock)
        self.slept: list[float] = []
        self.nonces = iter(f"nonce-{n}" for n in range(100))
        self.jobs = Jobs(db, self.clock, lambda: next(self.nonces))
        self.policy = DeliveryPolicy()
        self.restart()

    def restart(self) -> None:
        """A new process on the same database."""
        engine = Engine(ScriptedRenderer().load, bounds=Bounds(queue=1))
        self.delivery = Delivery(
            messenger=self.messenger,
            board=Board(self.messenger, engine, now_s=lambda: 0.0, clock=self.clock),
            deliveries=self.deliveries,
            cards=ResultCards(self.history, self.files, lambda _: ()),
            threads=OwnThreads(Threads(self.db, self.clock), self.messenger),
            clock=self.clock,
            policy=self.policy,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def accept(
        self,
        *,
        placed: bool = True,
        reply_token: str | None = None,
        private: bool = False,
        status_id: int = STATUS_ID,
        delivery: DeliveryMode = DeliveryMode.CHANNEL,
        spoiler: bool = False,
    ) -> Job:
        """A job in the database, its status message known or not."""
        place, request = Place(1, 2, 3), request_to_json(REQUEST)
        new = NewJob(
            place,
            request,
            "a lake",
            5,
            reply_token=reply_token,
            private=private,
            delivery=delivery,
            spoiler=spoiler,
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        if placed:
            await self.delivery.placed(job.id, status_id)
        return job

    async def paint(self, job: Job) -> None:
        """The job's picture on the disk and in the database."""
        assert await self.jobs.painting(job.id)
        painted = Painted(gradient(REQUEST), fake_recipe(REQUEST), 1.5)
        await self.jobs.painted(job.id, write_picture(self.files, picture_name(job.id, 5), painted))

    async def deliver(self) -> None:
        """Run until nothing moves any more."""
        runner = asyncio.create_task(self.delivery.run())
        async with asyncio.timeout(10):
            await asyncio.sleep(0.05)
            while self.delivery.busy:
                await asyncio.sleep(0.01)
        runner.cancel()

    async def state(self, job: Job) -> str:
        """Where the delivery is."""
        found = await self.deliveries.get(job.id)
        assert found is not None
        return found.state.value


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk on a fresh database."""
    async with await Database.open(tmp_path / "zimagine.db") as db:
        yield Desk(db, tmp_path)


async def test_a_quick_result_replaces_the_status(desk: Desk):
    """Within 30 seconds the status message becomes the picture and nothing else is sent."""
    job = await desk.accept()
    await desk.paint(job)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, PictureCard) and not card.mention
    assert desk.messenger.posts == [] and await desk.state(job) == "delivered"


async def test_a_late_result_is_posted_and_the_status_points_to_it(desk: Desk):
    """After 30 seconds there is a new message that mentions, and a link in the old one."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliver()
    ((_, card, nonce),) = desk.messenger.posts
    assert isinstance(card, PictureCard) and card.mention and nonce == "nonce-0"
    (moved,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_post_whose_answer_is_lost_stands_once(desk: Desk, times: int):
    """When the answer to a post is lost, the message is found, however bad things are."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    desk.messenger.faults = [Lost("gone")] * times
    await desk.deliver()
    assert len(desk.messenger.posts) == 1 and await desk.state(job) == "delivered"
    assert desk.slept == [2.0]


async def test_the_road_is_kept_over_a_restart(desk: Desk):
    """An edit that may have arrived before a crash is edited again later, never posted as well."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("crash here")]
    runner = asyncio.create_task(desk.delivery.run())
    while not desk.slept:
        await asyncio.sleep(0.01)
    runner.cancel()
    await desk.delivery.drain(0)
    desk.clock.advance(3600)
    desk.restart()
    await desk.deliver()
    assert desk.messenger.posts == []
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_what_the_last_process_left_is_delivered_once(desk: Desk):
    """A picture painted before a crash is delivered at the next start, and only there."""
    job = await desk.accept()
    await desk.paint(job)
    desk.restart()
    await desk.deliver()
    desk.restart()
    await desk.deliver()
    assert len(desk.messenger.messages[STATUS_ID]) == 1


async def test_a_deleted_status_message_is_no_end(desk: Desk):
    """When the status message is gone the picture is posted, with a mention."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "10008")]
    await desk.deliver()
    ((_, card, _),) = desk.messenger.posts
    assert isinstance(card, PictureCard) and card.mention
    assert await desk.state(job) == "delivered"


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN])
async def test_what_cannot_be_posted_is_kept(desk: Desk, obstacle: Obstacle):
    """A channel that is gone or closed leaves the picture in the history, not in a loop."""
    job = await desk.accept()
    await desk.paint(job)
    closed = Undeliverable(Obstacle.FORBIDDEN, "takes no direct messages")
    desk.messenger.faults = [Undeliverable(obstacle, "no"), closed]
    await desk.deliver()
    assert await desk.state(job) == "kept" and desk.slept == []
    assert [each.seed for each in await desk.history.recent(3, 1, 5)] == [5]
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted


async def test_trouble_is_retried_with_growing_patience(desk: Desk):
    """Passing faults delay a delivery; none of them loses it."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("503")] * 7
    await desk.deliver()
    assert await desk.state(job) == "delivered"
    assert desk.slept == [2.0, 5.0, 15.0, 60.0, 300.0, 300.0, 300.0]


async def test_a_result_waits_for_its_status_message(desk: Desk):
    """A picture that is ready before the command's answer is known does not overtake it."""
    job = await desk.accept(placed=False)
    desk.delivery.expect(job.id)
    await desk.paint(job)
    runner = asyncio.create_task(desk.delivery.run())
    await asyncio.sleep(0.05)
    assert desk.messenger.posts == [] and desk.messenger.messages == {}
    await desk.delivery.placed(job.id, STATUS_ID)
    await desk.delivery.drain(5)
    runner.cancel()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_a_job_withdrawn_before_its_answer_is_dropped_silently(desk: Desk):
    """Who was never answered is not told of the job's end either."""
    job = await desk.accept(placed=False)
    await desk.jobs.cancelled(job.id)
    await desk.deliver()
    assert await desk.state(job) == "dropped" and desk.messenger.posts == []


async def test_an_answer_that_arrived_after_all_is_corrected(desk: Desk):
    """Discord said "too late" to the second try of an answer whose first one stands: the message
    that promises a picture is found, and says what became of it."""
    job = await desk.accept(placed=False, reply_token="token")
    desk.messenger.statuses[job.id] = STATUS_ID
    await desk.jobs.cancelled(job.id)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.state == "cancelled"
    assert await desk.state(job) == "delivered" and desk.messenger.posts == []


async def test_a_job_that_no_message_shows_is_posted_and_notifies_who_waits_long(desk: Desk):
    """One of many that were agreed to: its result is its first message, and mentions its person
    only after half a minute; cancelled, nobody is looked for who could have been told."""
    quick, slow, cancelled = [await desk.accept(placed=False) for _ in range(3)]
    desk.messenger.statuses[cancelled.id] = STATUS_ID
    await desk.jobs.cancelled(cancelled.id)
    await desk.paint(quick)
    runner = asyncio.create_task(desk.delivery.run())
    async with asyncio.timeout(10):
        while len(desk.messenger.posts) < 1:
            await asyncio.sleep(0.01)
    desk.clock.advance(31)
    await desk.paint(slow)
    desk.delivery.wake(slow.id)
    async with asyncio.timeout(10):
        while len(desk.messenger.posts) < 2 or desk.delivery.busy:
            await asyncio.sleep(0.01)
    runner.cancel()
    assert [card.mention for _, card, _ in desk.messenger.posts] == [False, True]  # type: ignore[union-attr]
    assert desk.messenger.messages == {}
    assert [await desk.state(job) for job in (quick, slow, cancelled)] == [
        "delivered",
        "delivered",
        "dropped",
    ]


async def test_a_private_answer_cannot_be_looked_for(desk: Desk):
    """Where nobody can look, a job that was withdrawn is dropped, as if it was never answered."""
    private, unreadable = (
        await desk.accept(placed=False, private=True),
        await desk.accept(placed=False),
    )
    desk.messenger.unreadable = True
    for job in (private, unreadable):
        desk.messenger.statuses[job.id] = STATUS_ID
        await desk.jobs.cancelled(job.id)
    await desk.deliver()
    assert [await desk.state(job) for job in (private, unreadable)] == ["dropped", "dropped"]


async def test_a_failure_is_delivered_like_a_picture(desk: Desk):
    """A job that failed says so in its status message."""
    job = await desk.accept()
    await desk.jobs.painting(job.id)
    await desk.jobs.failed(job.id, "non_finite", "step 3")
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.code == "non_finite"


async def test_an_erased_picture_is_not_delivered(desk: Desk):
    """What its person deleted before it was delivered stays away."""
    job = await desk.accept()
    await desk.paint(job)
    picture = await desk.history.latest(3, 1)
    assert picture is not None
    await desk.history.erase(picture.id)
    await desk.deliver()
    assert desk.messenger.messages == {} and await desk.state(job) == "dropped"


async def test_an_answer_that_a_crash_kept_unknown_is_found_again(desk: Desk):
    """Killed between the answer and its being written down: the same message gets the result."""
    job = await desk.accept(placed=False, reply_token="t")
    await desk.paint(job)
    desk.messenger.answers["t"] = 55
    desk.restart()
    await desk.deliver()
    assert isinstance(desk.messenger.messages[55][-1], PictureCard)
    assert desk.messenger.posts == []


async def test_a_command_that_was_never_answered_is_known_as_such(desk: Desk):
    """Discord has no answer under the token: whoever asks is told, and nothing is placed."""
    job = await desk.accept(placed=False, reply_token="t")
    with pytest.raises(NeverAnswered):
        await desk.delivery.status_message(job.id, accepted_at=job.accepted_at)
    assert desk.slept == [3.0]  # until Discord takes no answer any more


async def test_an_answer_that_is_still_on_its_way_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """What a killed process sent arrives after the restart: its job is not given up."""
    job = await desk.accept(placed=False, reply_token="t")
    desk.clock.advance(1)

    async def arrives(delay_s: float) -> None:
        assert delay_s == 2.0
        desk.messenger.answers["t"] = 55

    monkeypatch.setattr(desk.delivery, "_sleep", arrives)
    found = await desk.delivery.status_message(job.id, accepted_at=job.accepted_at)
    row = await desk.deliveries.get(job.id)
    assert row is not None and found == 55 == row.message_id


async def test_an_old_token_is_not_asked_about(desk: Desk):
    """After fifteen minutes Discord has forgotten every token: silence proves nothing."""
    job = await desk.accept(placed=False, reply_token="t")
    desk.clock.advance(15 * 60)
    assert await desk.delivery.status_message(job.id, accepted_at=job.accepted_at) is None


async def test_a_token_is_forgotten_when_it_is_not_needed(desk: Desk):
    """As soon as the status message is known, its token leaves the database."""
    job = await desk.accept(placed=False, reply_token="t")
    await desk.delivery.placed(job.id, STATUS_ID)
    found = await desk.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


async def test_a_database_in_trouble_delays_a_delivery(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """While the disk takes nothing the delivery waits; then it arrives, once."""
    job = await desk.accept()
    await desk.paint(job)
    troubles = [DatabaseBusy(Path("zimagine.db"), "locked")] * 2
    really = desk.deliveries.pending_for

    async def pending_for(job_id: int):
        if troubles:
            raise troubles.pop()
        return await really(job_id)

    monkeypatch.setattr(desk.deliveries, "pending_for", pending_for)
    await desk.deliver()
    assert len(desk.slept) == 2 and await desk.state(job) == "delivered"
    assert len(desk.messenger.messages[STATUS_ID]) == 1


async def test_a_post_is_recorded_before_the_status_is_touched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Whatever happens after a post, it is never posted again."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    states: list[str] = []
    really = desk.messenger.edit

    async def edit(*arguments: Any):
        states.append(await desk.state(job))
        await really(*arguments)

    monkeypatch.setattr(desk.messenger, "edit", edit)
    await desk.deliver()
    assert states == ["delivered"] and len(desk.messenger.posts) == 1


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN, Obstacle.ARCHIVED])
@pytest.mark.parametrize("late_s", [0, 31])
async def test_a_closed_channel_is_no_end(desk: Desk, obstacle: Obstacle, late_s: int):
    """Where the channel is gone or closed, its person gets the picture by direct message."""
    job = await desk.accept()
    desk.clock.advance(late_s)
    await desk.paint(job)
    shut = Undeliverable(obstacle, "no")
    archived = obstacle is Obstacle.ARCHIVED and late_s == 0  # tried as a post before that
    desk.messenger.faults = [shut, shut] if archived else [shut]
    await desk.deliver()
    ((address, card, _),) = desk.messenger.posts
    assert (address.guild_id, address.channel_id) == (0, DIRECT + 3)
    assert isinstance(card, PictureCard) and card.direct and not card.mention
    assert await desk.state(job) == "delivered"


async def test_no_direct_message_where_the_owner_wants_none(desk: Desk):
    """With direct messages switched off, what cannot be posted is kept."""
    desk.policy = DeliveryPolicy(direct_messages=False)
    desk.restart()
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "no")]
    await desk.deliver()
    assert await desk.state(job) == "kept" and desk.messenger.posts == []


async def test_after_its_nonce_a_post_is_looked_for(desk: Desk):
    """Hours later Discord has forgotten the nonce: the message that stands is found by its file."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliveries.attempt(job.id, Road.POST)
    pending = await desk.deliveries.pending_for(job.id)
    assert pending is not None
    card = await ResultCards(desk.history, desk.files, lambda _: ()).card(pending, Road.POST)
    await desk.messenger.post(Address(1, 2), card, pending.delivery.nonce)  # and then killed
    desk.clock.advance(5 * 3600)
    desk.messenger.forget_nonces()
    desk.restart()
    await desk.deliver()
    assert await desk.state(job) == "delivered" and len(desk.messenger.posts) == 1
    (moved,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("fresh", [True, False])
async def test_where_nobody_can_look_nothing_is_posted_twice(desk: Desk, fresh: bool):
    """Without the right to read the past the nonce vouches for it; after its life, nothing does."""
    desk.messenger.unreadable = True
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliveries.attempt(job.id, Road.POST)
    desk.clock.advance(5 if fresh else NONCE_LIFE.total_seconds() + 1)
    await desk.deliver()
    assert await desk.state(job) == ("delivered" if fresh else "kept")
    assert len(desk.messenger.posts) == (1 if fresh else 0)


async def test_what_is_private_is_shown_through_its_token(desk: Desk):
    """A private picture replaces the answer that only its person sees; the token is then gone."""
    job = await desk.accept(reply_token="t", private=True)
    desk.clock.advance(60)
    await desk.paint(job)
    await desk.deliver()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)
    assert desk.messenger.posts == [] and await desk.state(job) == "delivered"
    found = await desk.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


@pytest.mark.parametrize("accepts", [True, False])
async def test_what_is_private_is_never_posted_in_public(desk: Desk, accepts: bool):
    """After its token has died a private picture goes by direct message, or stays in /history."""
    job = await desk.accept(reply_token="t", private=True)
    await desk.paint(job)
    desk.clock.advance(16 * 60)
    desk.messenger.faults = [] if accepts else [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await desk.deliver()
    assert await desk.state(job) == ("delivered" if accepts else "kept")
    assert [address.channel_id for address, _, _ in desk.messenger.posts] == (
        [DIRECT + 3] if accepts else []
    )
    assert desk.messenger.messages == {}


async def test_what_is_too_old_is_not_sent(desk: Desk):
    """After a day a result is kept; its status message says where it is, without a ping."""
    job = await desk.accept()
    await desk.paint(job)
    desk.clock.advance(25 * 3600)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted and card.old
    assert await desk.state(job) == "kept" and desk.messenger.posts == []


async def test_no_storm_of_pings_after_an_outage(desk: Desk):
    """Of all that waited for the bot to come back, only the first result mentions its person."""
    for _ in range(4):
        await desk.paint(await desk.accept(placed=False))
    desk.clock.advance(3600)
    desk.restart()
    await desk.deliver()
    mentions = [
        card.mention for _, card, _ in desk.messenger.posts if isinstance(card, PictureCard)
    ]
    assert sorted(mentions) == [False, False, False, True]


async def test_a_defect_of_ours_leaves_the_picture_in_the_history(desk: Desk):
    """A result that cannot be made into a message is kept, not tried for ever."""
    job = await desk.accept()
    await desk.paint(job)
    async with desk.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET recipe = '{}'")
    await desk.deliver()
    assert await desk.state(job) == "kept"


@pytest.mark.parametrize(
    ("obstacle", "state", "posts"),
    [(Obstacle.FORBIDDEN, "kept", 0), (Obstacle.CHANNEL_GONE, "delivered", 1)],
)
async def test_what_may_stand_behind_a_closed_door_is_not_sent_again(
    desk: Desk, obstacle: Obstacle, state: str, posts: int
):
    """A try whose answer was lost may have arrived: where nobody can look any more, the result is
    kept; where the channel went away with whatever stood in it, a direct message follows."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("no answer"), Undeliverable(obstacle, "closed")]
    await desk.deliver()
    assert await desk.state(job) == state
    assert len(desk.messenger.posts) == posts


async def test_after_the_drain_nothing_is_sent(desk: Desk):
    """A result that is there only when the bot is already leaving waits for the next process."""
    job = await desk.accept()
    await desk.paint(job)
    await desk.delivery.drain(5)
    await desk.deliver()
    desk.delivery.wake(job.id)
    assert desk.messenger.messages == {} and await desk.state(job) == "pending"
    desk.restart()
    await desk.deliver()
    assert await desk.state(job) == "delivered"


async def test_a_private_result_without_an_answer_is_written_directly(desk: Desk):
    """Painted before anybody noticed that its command was never answered: no message could be
    edited, so its person gets a direct one."""
    job = await desk.accept(placed=False, reply_token="never-answered", private=True)
    await desk.paint(job)
    await desk.deliver()
    (post,) = desk.messenger.posts
    assert post[0].channel_id == DIRECT + job.place.user_id
    assert await desk.state(job) == "delivered"
