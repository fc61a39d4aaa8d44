"""The picture in the making is shown, and never in the way of anything else."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from bot.delivery import progress
from bot.delivery.attachments import encode_preview
from bot.delivery.cards import PaintingCard
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.progress import MESSAGE_INTERVAL_S
from engine.types import Progress, Raster
from tests.bot.progress_harness import ProgressHarness, open_progress_harness
from tests.fakes import fake_preview, until


@pytest.fixture
async def harness() -> AsyncIterator[ProgressHarness]:
    """A hall that is open."""
    async with open_progress_harness() as harness:
        yield harness


def shade(card: PaintingCard) -> int | None:
    """How light the card's preview is; None where it shows none."""
    if card.preview is None:
        return None
    with Image.open(io.BytesIO(card.preview.data)) as image:
        seen = image.getpixel((64, 64))
    assert isinstance(seen, tuple)
    return int(seen[0])


async def test_the_newest_preview_is_shown_with_its_step(harness: ProgressHarness):
    """Of five steps the last one's preview is seen, then that of the last of two more."""
    job = await harness.ask(1)
    await harness.step(job, 5)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.edited(1, 1)
    await harness.step(job, 2)
    await harness.tick(MESSAGE_INTERVAL_S)
    first, second = await harness.edited(1, 2)
    for card, step in ((first, 5), (second, 7)):
        assert card.preview is not None and card.preview.step == card.step == step
        assert shade(card) == pytest.approx(fake_preview(step).rgb[0], abs=2)


async def test_between_two_steps_the_last_preview_stays(harness: ProgressHarness):
    """What a painter tells between two steps has no preview; the message keeps the one it had."""
    job = await harness.ask(1)
    job.report(Progress(4, 8, fake_preview(4)))
    job.report(Progress(5, 8))
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 5 and card.preview is not None and card.preview.step == 4


async def test_a_quiet_message_shows_text_only(harness: ProgressHarness):
    """Who wants it quiet sees the bar, and no picture before the picture."""
    job = await harness.ask(1, quiet=True)
    await harness.step(job, 5)
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 5 and card.preview is None


async def test_a_picture_is_never_shown_as_the_next_one(harness: ProgressHarness):
    """Of several, the preview is of the one that the text names, else there is none."""
    job = await harness.ask(1, count=2)
    job.report(Progress(8, 16, fake_preview(8)))
    await harness.tick(MESSAGE_INTERVAL_S)
    job.report(Progress(9, 16))
    await harness.tick(MESSAGE_INTERVAL_S)
    job.report(Progress(10, 16, fake_preview(2)))
    await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 3)
    assert [each.number for each in cards] == [1, 2, 2]
    assert [each.preview and each.preview.step for each in cards] == [8, None, 10]


async def test_a_step_back_takes_its_preview_along(harness: ProgressHarness):
    """Where painting began anew, nothing is shown that is further than the text says."""
    job = await harness.ask(1)
    job.report(Progress(6, 8, fake_preview(6)))
    job.report(Progress(1, 8))
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 1 and card.preview is None


async def test_a_preview_that_cannot_be_encoded_leaves_the_text(harness: ProgressHarness):
    """Pixels that are none cost the preview, not the message and not the job."""
    job = await harness.ask(1)
    job.report(Progress(3, 8, Raster(16, 16, b"abc")))
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 3 and card.preview is None
    harness.renderer.release()
    assert len(await job.result()) == 1


@pytest.mark.parametrize("why", [Obstacle.TOO_LARGE, Obstacle.REJECTED, Obstacle.FORBIDDEN])
async def test_a_preview_that_discord_refuses_leaves_the_text(
    harness: ProgressHarness, why: Obstacle
):
    """Where a file is not taken, the same state is told in words, and files are not tried again."""
    job = await harness.ask(1)
    harness.messenger.faults = [Undeliverable(why, "no")]
    await harness.step(job, 2)
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {} and harness.messenger.faults == []
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [(each.step, each.preview) for each in cards] == [(2, None), (3, None)]


async def test_after_an_upload_that_failed_comes_text(harness: ProgressHarness):
    """An edit that did not arrive is followed by one without a file; then there are previews."""
    job = await harness.ask(1)
    harness.messenger.faults = [TemporaryFailure("timeout"), TemporaryFailure("again")]
    for _ in range(4):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [each.step for each in cards] == [3, 4]
    assert [each.preview is not None for each in cards] == [False, True]


class HeldEncoder:
    """Encodes a preview when a test lets it."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, raster: Raster, width_px: int, height_px: int) -> bytes:
        """The preview, in time."""
        self.begun.set()
        assert self.go.wait(10)
        return encode_preview(raster, width_px, height_px)


@pytest.fixture
async def encoder(
    harness: ProgressHarness, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HeldEncoder]:
    """Encodes for the hall, whose first job's message is about to show a preview."""
    encoder = HeldEncoder()
    monkeypatch.setattr(progress, "encode_preview", encoder)
    job = await harness.ask(1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await until(encoder.begun.is_set)
    yield encoder
    encoder.go.set()


async def test_a_preview_that_is_encoded_too_late_is_not_sent(
    harness: ProgressHarness, encoder: HeldEncoder
):
    """Whoever retires a message while its preview is encoded sees no edit of it afterwards."""
    retiring = asyncio.create_task(harness.updater.stop_tracking(1))
    await asyncio.sleep(0.02)
    encoder.go.set()
    async with asyncio.timeout(5):
        await retiring
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_a_preview_of_what_is_done_is_not_sent(
    harness: ProgressHarness, encoder: HeldEncoder
):
    """The result comes any moment: nothing is shown in between."""
    job = harness.engine.current
    assert job is not None
    harness.renderer.release()
    await job.result()
    encoder.go.set()
    for _ in range(3):
        await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_nobody_waits_for_an_encoder(harness: ProgressHarness, encoder: HeldEncoder):
    """While a preview is encoded the loop goes on, and the painter with it."""
    job = harness.engine.current
    assert job is not None
    await harness.step(job, 3)
    assert harness.messenger.messages == {} and not encoder.go.is_set()
