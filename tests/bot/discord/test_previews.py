"""Previews appear in the status message while it is painted, and disappear with the result."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.delivery.attachments import PREVIEW_NAME
from bot.delivery.cards import Card, PaintingCard
from bot.delivery.messenger import Address
from engine.errors import NonFinite
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.previews import ProgressClock, attachment_names, start_painting
from tests.fakes import ScriptedRenderer, fake_preview


def galleries(request: Any) -> list[Any]:
    """Return the items of all galleries in a request."""
    found = [each for each in request.json["components"] if each["type"] == 12]
    return [item for each in found for item in each["items"]]


async def shade(message: Any) -> int:
    """Return the brightness of the picture that a message shows."""
    with Image.open(io.BytesIO(await message.attachments[0].read())) as image:
        assert image.size == (256, 256)
        seen = image.getpixel((64, 64))
    assert isinstance(seen, tuple)
    return int(seen[0])


async def test_the_newest_preview_takes_the_place_of_the_last(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Each edit replaces the preview, and its alt text names the step."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    for steps, step in ((2, 2), (3, 5)):
        await clock.edited(renderer, steps)
        message = harness.message(result.response.id)
        assert attachment_names(message) == [PREVIEW_NAME]
        assert await shade(message) == pytest.approx(fake_preview(step).rgb[0], abs=2)
        (item,) = galleries(clock.edits()[-1])
        assert item["media"]["url"] == f"attachment://{PREVIEW_NAME}"
        assert item["description"] == f"Preview after step {step} of 8: a city"
        assert f"step {step} of 8" in harness.texts(message) and "▰" in harness.texts(message)
        assert [b.label for b in message.components[-1].children] == ["Cancel"]
    renderer.release()
    await harness.settled()
    message = harness.message(result.response.id)
    assert len(attachment_names(message)) == 1 and attachment_names(message)[0].endswith(".png")
    assert "Preview" not in str(galleries(clock.edits()[-1]))


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_the_edits_are_valid(harness: BotHarness, renderer: ScriptedRenderer):
    """Edits with previews are valid for Discord, even with a long prompt."""
    clock, api = ProgressClock(harness), ApiDescription()
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="很长的提示 " * 200)
    await harness.state(1, "painting")
    await clock.edited(renderer, 2)
    (item,) = galleries(clock.edits()[-1])
    assert 1000 < len(item["description"]) <= 1024
    assert [p for r in clock.edits() for p in api.problems(r.method, r.path, r.json)] == []
    renderer.release()
    await harness.settled()


async def test_a_private_picture_has_private_previews(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Previews of a private job go through the interaction's token, never to the channel."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer, private=True)
    assert result.ephemeral
    await clock.edited(renderer, 3)
    (edit,) = clock.edits()
    assert "/webhooks/" in edit.path and len(galleries(edit)) == 1
    renderer.release()
    await harness.settled()
    assert not [r for r in harness.env.http_requests if r.path.endswith("/messages")]
    assert galleries(clock.edits()[-1])[0]["media"]["url"].endswith(".png")


async def test_of_several_it_says_which(harness: BotHarness, renderer: ScriptedRenderer):
    """In a series, text and alt text name the picture that the preview belongs to."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer, count=3)
    await clock.edited(renderer, 11)
    assert "step 11 of 24 · picture 2 of 3" in harness.texts(harness.message(result.response.id))
    (item,) = galleries(clock.edits()[-1])
    assert item["description"] == "Preview of picture 2 of 3 after step 11 of 24: a city"
    shown = await shade(harness.message(result.response.id))
    assert shown == pytest.approx(fake_preview(3).rgb[0], abs=2)
    renderer.release()
    await harness.settled()


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_what_ends_without_a_picture_shows_none(
    harness: BotHarness, renderer: ScriptedRenderer, end: str
):
    """A job that ends without a picture loses its preview."""
    clock = ProgressClock(harness)
    if end == "failed":
        renderer.failures["a city"] = NonFinite("step 3")
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 2)
    assert attachment_names(harness.message(result.response.id)) == [PREVIEW_NAME]
    if end == "cancelled":
        await harness.alice.slash(harness.channel, "cancel")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs") == [(end,)]
    message = harness.message(result.response.id)
    assert attachment_names(message) == [] and galleries(clock.edits()[-1]) == []


async def test_a_result_elsewhere_leaves_no_preview_behind(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """When the result is a new message, the status message keeps a link and no preview."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 2)
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    status = harness.message(result.response.id)
    assert attachment_names(status) == [] and "is ready" in harness.texts(status)
    assert attachment_names(harness.channel.last_message)[0].endswith(".png")


async def test_a_job_under_three_seconds_makes_no_noise(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A job shorter than three seconds causes no edit but the result, and no mention."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    renderer.step(7)
    clock.now_s += 2.9
    await asyncio.sleep(1.2)  # at least two rounds of the progress updater
    assert clock.edits() == []
    renderer.release()
    await harness.settled()
    (edit,) = clock.edits()
    assert edit.json["allowed_mentions"] == {"parse": []}
    assert "<@" not in edit.json["components"][0]["content"]
    assert [each.id for each in harness.channel.history()] == [result.response.id]


async def test_an_edit_under_way_never_overtakes_the_result(
    harness: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """A slow edit with a preview never overwrites the result."""
    clock, messenger = ProgressClock(harness), harness.app.services.delivery._messenger
    order: list[str] = []
    begun, go = asyncio.Event(), asyncio.Event()
    edit = messenger.edit

    async def slowly(address: Address, card: Card) -> None:
        if isinstance(card, PaintingCard):
            begun.set()
            await go.wait()
        order.append(type(card).__name__)
        await edit(address, card)

    monkeypatch.setattr(messenger, "edit", slowly)
    result = await start_painting(harness, renderer)
    renderer.step(2)
    await asyncio.sleep(0.1)
    clock.now_s += 3
    async with asyncio.timeout(10):
        await begun.wait()
    renderer.release()
    await harness.state(1, "painted")
    await asyncio.sleep(0.1)
    assert order == []
    go.set()
    await harness.settled()
    assert order == ["PaintingCard", "PictureCard"]
    assert attachment_names(harness.message(result.response.id))[0].endswith(".png")


async def test_an_owner_can_do_without(data_dir: Path, renderer: ScriptedRenderer):
    """With `previews = false` no previews are rendered, and the progress bar stays."""
    async with open_harness(data_dir, renderer.load, discord={"previews": False}) as harness:
        clock = ProgressClock(harness)
        result = await start_painting(harness, renderer)
        await clock.edited(renderer, 3)
        message = harness.message(result.response.id)
        assert "step 3 of 8" in harness.texts(message) and attachment_names(message) == []
        renderer.release()
        await harness.settled()
    assert renderer.previews == [False]


async def test_who_wants_it_quiet_gets_text(harness: BotHarness, renderer: ScriptedRenderer):
    """Members can turn previews off in /settings without affecting others."""
    await harness.alice.slash(harness.channel, "settings", quiet="on")
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 3)
    assert attachment_names(harness.message(result.response.id)) == []
    renderer.release()
    await harness.settled()
    await harness.alice.click(harness.message(result.response.id), label="Reroll")
    await harness.settled()
    await harness.bob.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    assert renderer.previews == [False, False, True]


async def test_after_a_restart_there_are_previews_again(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """After a restart, an interrupted job shows previews on its old status message."""
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 6)
    await harness.crash()
    renderer.hold()
    renderer.previews.clear()
    await harness.start()
    clock.take_over()
    await harness.state(1, "painting")
    async with asyncio.timeout(10):
        while attachment_names(harness.message(result.response.id)):  # left by the old process
            await asyncio.sleep(0.01)
    await clock.edited(renderer, 2)
    message = harness.message(result.response.id)
    assert "step 2 of 8" in harness.texts(message) and attachment_names(message) == [PREVIEW_NAME]
    assert await shade(message) == pytest.approx(fake_preview(2).rgb[0], abs=2)
    renderer.release()
    await harness.settled()
    assert renderer.previews == [True]
    assert attachment_names(harness.message(result.response.id))[0].endswith(".png")
