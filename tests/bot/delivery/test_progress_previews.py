"""Previews are shown while a picture is painted, and never get in the way of anything else."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from PIL import Image

from bot.delivery import progress
from bot.delivery.attachments import encode_preview
from bot.delivery.cards import PaintingCard
from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Obstacle,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.progress import MESSAGE_INTERVAL_S
from engine.types import Progress, Raster
from tests.bot.progress_harness import ProgressHarness, open_progress_harness
from tests.fakes import Call, fake_preview, until


@pytest.fixture
async def harness() -> AsyncIterator[ProgressHarness]:
    """A running progress updater."""
    async with open_progress_harness() as harness:
        yield harness


def shade(card: PaintingCard) -> int | None:
    """Return the brightness of the card's preview, None if it has none."""
    if card.preview is None:
        return None
    with Image.open(io.BytesIO(card.preview.data)) as image:
        seen = image.getpixel((64, 64))
    assert isinstance(seen, tuple)
    return int(seen[0])


async def test_the_newest_preview_is_shown_with_its_step(harness: ProgressHarness):
    """Only the newest preview is shown, with the step it belongs to."""
    job = await harness.submit(1)
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
    """A progress report without a preview keeps the last one on the message."""
    job = await harness.submit(1)
    job.report(Progress(4, 8, fake_preview(4)))
    job.report(Progress(5, 8))
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 5 and card.preview is not None and card.preview.step == 4


async def test_a_quiet_message_shows_text_only(harness: ProgressHarness):
    """A quiet message shows the progress bar and no previews."""
    job = await harness.submit(1, quiet=True)
    await harness.step(job, 5)
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 5 and card.preview is None


async def test_a_picture_is_never_shown_as_the_next_one(harness: ProgressHarness):
    """With several pictures, the preview is of the one the text names, or there is none."""
    job = await harness.submit(1, count=2)
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
    """After the sampler has gone back, no preview is shown that is ahead of the text."""
    job = await harness.submit(1)
    job.report(Progress(6, 8, fake_preview(6)))
    job.report(Progress(1, 8))
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = await harness.edited(1, 1)
    assert card.step == 1 and card.preview is None


async def test_a_preview_that_cannot_be_encoded_leaves_the_text(harness: ProgressHarness):
    """A preview that cannot be encoded is left out; message and job are unaffected."""
    job = await harness.submit(1)
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
    """If Discord refuses the file, the same state is shown as text, now and later."""
    job = await harness.submit(1)
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
    """A failed edit is followed by one without a file, and then by previews again."""
    job = await harness.submit(1)
    harness.messenger.faults = [TemporaryFailure("timeout"), TemporaryFailure("again")]
    for _ in range(4):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [each.step for each in cards] == [3, 4]
    assert [each.preview is not None for each in cards] == [False, True]


class HeldEncoder:
    """An encoder that waits until a test lets it go on."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, raster: Raster, width_px: int, height_px: int) -> bytes:
        """Encode the preview once allowed."""
        self.begun.set()
        assert self.go.wait(10)
        return encode_preview(raster, width_px, height_px)


@pytest.fixture
async def encoder(
    harness: ProgressHarness, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HeldEncoder]:
    """An encoder that is about to encode the first job's preview."""
    encoder = HeldEncoder()
    monkeypatch.setattr(progress, "encode_preview", encoder)
    job = await harness.submit(1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await until(encoder.begun.is_set)
    yield encoder
    encoder.go.set()


async def test_a_preview_that_is_encoded_too_late_is_not_sent(
    harness: ProgressHarness, encoder: HeldEncoder
):
    """If updates stop while a preview is being encoded, it is not sent."""
    stopping = asyncio.create_task(harness.updater.stop_tracking(1))
    await asyncio.sleep(0.02)
    encoder.go.set()
    async with asyncio.timeout(5):
        await stopping
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_a_preview_of_what_is_done_is_not_sent(
    harness: ProgressHarness, encoder: HeldEncoder
):
    """If the job finishes while a preview is being encoded, it is not sent."""
    job = harness.engine.current
    assert job is not None
    harness.renderer.release()
    await job.result()
    encoder.go.set()
    for _ in range(3):
        await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_nobody_waits_for_an_encoder(harness: ProgressHarness, encoder: HeldEncoder):
    """Encoding a preview blocks neither the event loop nor the renderer."""
    job = harness.engine.current
    assert job is not None
    await harness.step(job, 3)
    assert harness.messenger.messages == {} and not encoder.go.is_set()


def closed_to_previews(call: Call) -> Exception | None:
    """Refuse the bot's own edits with a file, as without the permission Attach Files."""
    previewed = isinstance(call.card, PaintingCard) and call.card.preview is not None
    return Undeliverable(Obstacle.FORBIDDEN, "50013") if call.way == "edit" and previewed else None


def closed(call: Call) -> Exception | None:
    """Refuse all of the bot's own edits."""
    return Undeliverable(Obstacle.FORBIDDEN, "50001") if call.way == "edit" else None


@pytest.mark.parametrize("rule", [closed, closed_to_previews])
async def test_the_token_shows_what_the_bot_may_not(
    harness: ProgressHarness, rule: Callable[[Call], Exception | None]
):
    """A refused preview is shown by the token; that one refusal is the only one."""
    harness.messenger.rule = rule
    job = await harness.submit(1, token="token")
    for number in (1, 2):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
        cards = await harness.edited(1, number)
        assert cards[-1].preview is not None
    assert [call.way for call in harness.messenger.calls] == ["edit", "token", "token"]


@pytest.mark.parametrize(("rule", "goes_on"), [(closed, False), (closed_to_previews, True)])
async def test_with_the_token_the_previews_end(
    harness: ProgressHarness, rule: Callable[[Call], Exception | None], goes_on: bool
):
    """One edit without a preview shows whether text can be edited; if not, it was the last one."""
    harness.messenger.rule = rule
    job = await harness.submit(1, token="token")
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.edited(1, 1)
    harness.messenger.calls.clear()
    harness.now_s += REPLY_TOKEN_LIFE.total_seconds()
    for _ in range(2):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
    await asyncio.sleep(0.1)
    assert [call.way for call in harness.messenger.calls] == ["edit"] * (2 if goes_on else 1)
    cards = await harness.edited(1, 3 if goes_on else 1)
    assert [card.preview is None for card in cards] == [False, *([True] * (len(cards) - 1))]


async def test_trouble_with_the_token_ends_no_progress(harness: ProgressHarness):
    """A temporary failure costs one edit, and no preview but that one."""
    failing = [TemporaryFailure("503")]

    def rule(call: Call) -> Exception | None:
        return failing.pop() if call.way == "token" and failing else closed(call)

    harness.messenger.rule = rule
    job = await harness.submit(1, token="token")
    for _ in range(3):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [(card.step, card.preview is None) for card in cards] == [(2, True), (3, False)]
