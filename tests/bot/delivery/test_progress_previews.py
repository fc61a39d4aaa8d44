"""The picture in the making is shown, and never in the way of anything else."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from bot.delivery import progress
from bot.delivery.cards import PaintingCard
from bot.delivery.messenger import Obstacle, TryLater, Undeliverable
from bot.delivery.previews import encode_preview
from bot.delivery.progress import PER_MESSAGE_S
from engine.types import Progress, Raster
from tests.bot.hall import Hall, open_hall
from tests.fakes import fake_preview, until


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    """A hall that is open."""
    async with open_hall() as hall:
        yield hall


def shade(card: PaintingCard) -> int | None:
    """How light the card's preview is; None where it shows none."""
    if card.preview is None:
        return None
    with Image.open(io.BytesIO(card.preview.data)) as image:
        seen = image.getpixel((64, 64))
    assert isinstance(seen, tuple)
    return int(seen[0])


async def test_the_newest_preview_is_shown_with_its_step(hall: Hall):
    """Of five steps the last one's preview is seen, then that of the last of two more."""
    job = await hall.ask(1)
    await hall.step(job, 5)
    await hall.tick(PER_MESSAGE_S)
    await hall.edited(1, 1)
    await hall.step(job, 2)
    await hall.tick(PER_MESSAGE_S)
    first, second = await hall.edited(1, 2)
    for card, step in ((first, 5), (second, 7)):
        assert card.preview is not None and card.preview.step == card.step == step
        assert shade(card) == pytest.approx(fake_preview(step).rgb[0], abs=2)


async def test_between_two_steps_the_last_preview_stays(hall: Hall):
    """What a painter tells between two steps has no preview; the message keeps the one it had."""
    job = await hall.ask(1)
    job.report(Progress(4, 8, fake_preview(4)))
    job.report(Progress(5, 8))
    await hall.tick(PER_MESSAGE_S)
    (card,) = await hall.edited(1, 1)
    assert card.step == 5 and card.preview is not None and card.preview.step == 4


async def test_a_quiet_message_shows_text_only(hall: Hall):
    """Who wants it quiet sees the bar, and no picture before the picture."""
    job = await hall.ask(1, quiet=True)
    await hall.step(job, 5)
    await hall.tick(PER_MESSAGE_S)
    (card,) = await hall.edited(1, 1)
    assert card.step == 5 and card.preview is None


async def test_a_picture_is_never_shown_as_the_next_one(hall: Hall):
    """Of several, the preview is of the one that the text names, else there is none."""
    job = await hall.ask(1, count=2)
    job.report(Progress(8, 16, fake_preview(8)))
    await hall.tick(PER_MESSAGE_S)
    job.report(Progress(9, 16))
    await hall.tick(PER_MESSAGE_S)
    job.report(Progress(10, 16, fake_preview(2)))
    await hall.tick(PER_MESSAGE_S)
    cards = await hall.edited(1, 3)
    assert [each.number for each in cards] == [1, 2, 2]
    assert [each.preview and each.preview.step for each in cards] == [8, None, 10]


async def test_a_step_back_takes_its_preview_along(hall: Hall):
    """Where painting began anew, nothing is shown that is further than the text says."""
    job = await hall.ask(1)
    job.report(Progress(6, 8, fake_preview(6)))
    job.report(Progress(1, 8))
    await hall.tick(PER_MESSAGE_S)
    (card,) = await hall.edited(1, 1)
    assert card.step == 1 and card.preview is None


async def test_a_preview_that_cannot_be_encoded_leaves_the_text(hall: Hall):
    """Pixels that are none cost the preview, not the message and not the job."""
    job = await hall.ask(1)
    job.report(Progress(3, 8, Raster(16, 16, b"abc")))
    await hall.tick(PER_MESSAGE_S)
    (card,) = await hall.edited(1, 1)
    assert card.step == 3 and card.preview is None
    hall.painter.release()
    assert len(await job.result()) == 1


@pytest.mark.parametrize("why", [Obstacle.TOO_LARGE, Obstacle.REJECTED, Obstacle.FORBIDDEN])
async def test_a_preview_that_discord_refuses_leaves_the_text(hall: Hall, why: Obstacle):
    """Where a file is not taken, the same state is told in words, and files are not tried again."""
    job = await hall.ask(1)
    hall.messenger.faults = [Undeliverable(why, "no")]
    await hall.step(job, 2)
    await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {} and hall.messenger.faults == []
    await hall.tick(PER_MESSAGE_S)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    cards = await hall.edited(1, 2)
    assert [(each.step, each.preview) for each in cards] == [(2, None), (3, None)]


async def test_after_an_upload_that_failed_comes_text(hall: Hall):
    """An edit that did not arrive is followed by one without a file; then there are previews."""
    job = await hall.ask(1)
    hall.messenger.faults = [TryLater("timeout"), TryLater("again")]
    for _ in range(4):
        await hall.step(job, 1)
        await hall.tick(PER_MESSAGE_S)
    cards = await hall.edited(1, 2)
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
async def encoder(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HeldEncoder]:
    """Encodes for the hall, whose first job's message is about to show a preview."""
    encoder = HeldEncoder()
    monkeypatch.setattr(progress, "encode_preview", encoder)
    job = await hall.ask(1)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await until(encoder.begun.is_set)
    yield encoder
    encoder.go.set()


async def test_a_preview_that_is_encoded_too_late_is_not_sent(hall: Hall, encoder: HeldEncoder):
    """Whoever retires a message while its preview is encoded sees no edit of it afterwards."""
    retiring = asyncio.create_task(hall.board.retire(1))
    await asyncio.sleep(0.02)
    encoder.go.set()
    async with asyncio.timeout(5):
        await retiring
    await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {}


async def test_a_preview_of_what_is_done_is_not_sent(hall: Hall, encoder: HeldEncoder):
    """The result comes any moment: nothing is shown in between."""
    job = hall.engine.current
    assert job is not None
    hall.painter.release()
    await job.result()
    encoder.go.set()
    for _ in range(3):
        await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {}


async def test_nobody_waits_for_an_encoder(hall: Hall, encoder: HeldEncoder):
    """While a preview is encoded the loop goes on, and the painter with it."""
    job = hall.engine.current
    assert job is not None
    await hall.step(job, 3)
    assert hall.messenger.messages == {} and not encoder.go.is_set()
