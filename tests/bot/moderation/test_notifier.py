"""Report cards are posted once and kept up to date, whatever fails on Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import CaseCard
from bot.delivery.messenger import Address, Obstacle, TemporaryFailure, Undeliverable
from bot.moderation.cards import ReportCards
from bot.moderation.notifier import ReportNotifier
from engine.types import request_to_json
from storage.database import Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.log_channels import LogChannels
from storage.log_entries import LogEvent
from storage.preferences import Preferences
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.types import (
    Card,
    Job,
    NewJob,
    NewPicture,
    Place,
    PolicySource,
    QuotaPolicy,
    Report,
    Route,
    Verdict,
)
from tests.fakes import FakeClock, FakeMessenger, Lost, a_request, fake_recipe, until

GUILD, HERE, MODS = 1, 10, 11
POLICY = QuotaPolicy(1000, 24, PolicySource.CONFIG)


class NotifierHarness:
    """A report notifier over a real database and a fake messenger."""

    def __init__(self, db: Database, data_dir: Path) -> None:
        self.clock, self.messenger = FakeClock(), FakeMessenger()
        self.jobs = Jobs(db, self.clock, iter(map(str, range(1000))).__next__)
        self.history, self.reports = History(db, self.clock), Reports(db, self.clock)
        self.report_messages = ReportMessages(db, self.clock)
        self.deliveries = Deliveries(db, self.clock)
        self.preferences = Preferences(db, self.clock)
        self.channels = LogChannels(db, self.clock)
        self.files = PictureFiles(data_dir, clock=self.clock)
        self.languages = ServerLanguages(self.preferences)
        self.slept: list[float] = []
        self.report_notifier = self.restart()

    def restart(self) -> ReportNotifier:
        """Create the notifier of the next process."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.sleep(0)

        cards = ReportCards(
            self.reports,
            self.history,
            self.jobs,
            self.deliveries,
            self.files,
            self.languages,
            self.report_messages,
        )
        self.report_notifier = ReportNotifier(
            messenger=self.messenger,
            reports=self.reports,
            channels=self.channels,
            cards=cards,
            clock=self.clock,
            sleep=sleep,
        )
        return self.report_notifier

    async def choose(self, channel_id: int | None) -> None:
        """Choose the channel of reports."""
        await self.channels.choose(GUILD, LogEvent.REPORTS, channel_id, 1, "en-US")

    async def picture(self) -> int:
        """Return a picture that was delivered as message 500."""
        request = a_request()
        new = NewJob(Place(GUILD, HERE, 100), request_to_json(request), "a boat", 7)
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        await self.jobs.painting(job.id)
        file = self.files.write(f"zimagine-{job.id}-7.png", b"png").file
        recipe = fake_recipe(request).to_json()
        (picture,) = await self.jobs.painted(
            job.id, NewPicture(file, "0" * 64, recipe, 7, 64, 64, 1.0)
        )
        await self.deliveries.placed(job.id, 499)
        await self.deliveries.attempt(job.id, Route.POST)
        await self.deliveries.delivered(job.id, 500)
        return picture.id

    async def reported(self, by: int = 200, picture_id: int | None = None) -> int:
        """File a report that moderators have not seen yet."""
        picture_id = picture_id or await self.picture()
        assert isinstance(await self.reports.file(picture_id, by, f"by {by}"), Report)
        return picture_id

    async def card(self, picture_id: int) -> Card | None:
        """Return where the picture's newest report is shown."""
        case = await self.reports.last_for(picture_id)
        assert case is not None
        return case.card

    async def idle(self) -> None:
        """Run the notifier until it is idle, then cancel it."""
        task = asyncio.create_task(self.report_notifier.run())
        await until(lambda: not self.report_notifier.busy)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[NotifierHarness]:
    """An empty database, with a channel for reports."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        harness = NotifierHarness(db, tmp_path / "data")
        await harness.choose(MODS)
        yield harness


async def test_a_card_says_all_there_is(harness: NotifierHarness):
    """A card shows the picture as a spoiler, the link to its message, and its reports."""
    picture_id = await harness.reported()
    await harness.idle()
    ((where, card, _),) = harness.messenger.posts
    assert where == Address(GUILD, MODS)
    assert isinstance(card, CaseCard) and card.file_name.startswith("SPOILER_")
    assert "zimagine-" not in card.file_name and card.pictures[0].path.read_bytes() == b"png"
    assert card.url.endswith(f"/{GUILD}/{HERE}/500")
    assert await harness.card(picture_id) == Card(MODS, 1000)


async def test_a_post_whose_answer_was_lost_is_found(harness: NotifierHarness):
    """If the response to a post is lost, the card is found again, even without its nonce."""
    picture_id = await harness.reported()
    harness.messenger.faults = [Lost("reset")]
    harness.messenger.forget_nonces()
    await harness.idle()
    assert len(harness.messenger.posts) == 1 and harness.slept == [2.0]
    assert await harness.card(picture_id) == Card(MODS, 1000)


@pytest.mark.parametrize("unreadable", [False, True])
async def test_killed_between_the_post_and_the_note(
    harness: NotifierHarness, monkeypatch: pytest.MonkeyPatch, unreadable: bool
):
    """Killed after posting and before recording it, the next process finds the card; if it cannot
    look, the nonce still prevents a second one."""
    picture_id = await harness.reported()
    posted = asyncio.Event()

    async def dying(*_: object) -> None:
        posted.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(harness.reports, "posted", dying)
    task = asyncio.create_task(harness.report_notifier.run())
    await posted.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await harness.card(picture_id) is None
    monkeypatch.undo()
    harness.messenger.unreadable = unreadable
    harness.restart()
    await harness.idle()
    assert len(harness.messenger.posts) == 1
    assert await harness.card(picture_id) == Card(MODS, 1000)


async def test_a_card_that_was_deleted_is_another_message(harness: NotifierHarness):
    """The card that replaces a deleted one has a nonce of its own: with that of the first one,
    Discord would post nothing for some minutes."""
    picture_id = await harness.reported()
    await harness.idle()
    harness.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "deleted")]
    harness.messenger.unreadable = True
    harness.report_notifier.wake(picture_id)
    await harness.idle()
    first, second = (nonce for _, _, nonce in harness.messenger.posts)
    assert first != second and await harness.card(picture_id) == Card(MODS, 1001)


async def test_what_happens_meanwhile_is_on_the_card(
    harness: NotifierHarness, monkeypatch: pytest.MonkeyPatch
):
    """A report and a verdict that arrive while the card is being posted are shown afterwards."""
    picture_id, real = await harness.reported(), harness.messenger.post

    async def slowly(address: Address, card: CaseCard, nonce: str) -> int:
        if len(harness.messenger.posts) == 0:
            await harness.reports.file(picture_id, 201, None)
            harness.report_notifier.wake(picture_id)
        message_id = await real(address, card, nonce)
        await harness.reports.resolve(picture_id, 5, Verdict.DISMISSED)
        return message_id

    monkeypatch.setattr(harness.messenger, "post", slowly)
    await harness.idle()
    last = harness.messenger.messages[1000][-1]
    assert isinstance(last, CaseCard) and len(last.case.reports) == 2
    assert last.case.verdict is Verdict.DISMISSED and len(harness.messenger.posts) == 1


async def test_a_deleted_picture_goes_from_its_messages(harness: NotifierHarness):
    """Each message of a deleted picture is deleted, whatever fails, and the card loses its
    picture."""
    picture_id = await harness.reported()
    await harness.idle()
    await harness.history.erase(picture_id)
    await harness.reports.resolve(picture_id, 5, Verdict.DELETED)
    harness.restart()
    harness.messenger.faults = [
        Undeliverable(Obstacle.MESSAGE_GONE, "10008"),
        TemporaryFailure("down"),
        None,
        Undeliverable(Obstacle.FORBIDDEN, "50013"),
    ]
    await harness.idle()
    last = harness.messenger.messages[1000][-1]
    assert isinstance(last, CaseCard) and last.picture is None and last.pictures == ()
    assert harness.messenger.deleted == [500]


async def test_a_card_that_is_gone_is_posted_again(harness: NotifierHarness):
    """If the card was deleted, the next report posts it again, unless the case is decided."""
    picture_id = await harness.reported()
    task = asyncio.create_task(harness.report_notifier.run())
    await until(lambda: not harness.report_notifier.busy)
    await harness.reported(201, picture_id)
    gone = Undeliverable(Obstacle.MESSAGE_GONE, "10008")
    harness.messenger.faults = [gone]
    harness.report_notifier.wake(picture_id)
    await until(lambda: not harness.report_notifier.busy)
    assert await harness.card(picture_id) == Card(MODS, 1001)
    await harness.reports.resolve(picture_id, 5, Verdict.DISMISSED)
    harness.messenger.faults = [gone]
    harness.report_notifier.wake(picture_id)
    await until(lambda: not harness.report_notifier.busy)
    assert len(harness.messenger.posts) == 2 and harness.messenger.faults == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_old_cases_are_left_alone_at_the_start(harness: NotifierHarness):
    """Reports that have not changed for days cause no request at the start."""
    await harness.reported()
    await harness.idle()
    harness.clock.advance(3 * 24 * 3600)
    harness.restart()
    await harness.idle()
    assert harness.messenger.messages == {}
    later = await harness.reported()
    harness.restart()
    await harness.idle()
    assert await harness.card(later) == Card(MODS, 1001)


async def test_without_a_channel_nothing_is_posted(harness: NotifierHarness):
    """A report without a channel waits, and is posted once there is one."""
    await harness.choose(None)
    picture_id = await harness.reported()
    await harness.idle()
    assert harness.messenger.posts == [] and await harness.card(picture_id) is None
    await harness.choose(MODS)
    harness.report_notifier.wake(picture_id)
    await harness.idle()
    assert await harness.card(picture_id) == Card(MODS, 1000)


async def test_a_file_that_is_gone_leaves_the_words(harness: NotifierHarness):
    """If the picture's file is gone, the card says so and can still be decided."""
    picture_id = await harness.reported()
    picture = await harness.history.get(picture_id)
    assert picture is not None
    harness.files.remove(picture.file)
    await harness.idle()
    ((_, card, _),) = harness.messenger.posts
    assert isinstance(card, CaseCard) and card.pictures == () and card.picture == picture
