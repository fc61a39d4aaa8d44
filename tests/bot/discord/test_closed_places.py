"""Places that only the interaction's token reaches: the token is used while it lives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.bot.discord.delivery_settings import direct_messages
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.previews import ProgressClock, attachment_names, start_painting
from tests.fakes import ScriptedRenderer

SPENT_S = 14 * 60 + 1


def close(harness: BotHarness, *, method: str = "*", code: int = 50001, under: str = "*") -> None:
    """Have the bot's own requests to the channel refused, as in a private thread without it."""
    path = f"/channels/{harness.channel.id}/{under}"
    harness.env.inject_error(method, path, status=403, code=code, times=None)


def edits(harness: BotHarness) -> list[str]:
    """Return which ways were tried to edit a message, in order."""
    paths = [each.path for each in harness.env.http_requests if each.method == "PATCH"]
    return ["token" if path.startswith("/webhooks/") else "own" for path in paths]


def seen(harness: BotHarness, message_id: int) -> Any:
    """Return a message as Alice sees it."""
    messages = harness.channel.history(viewer=harness.alice)
    return next(each for each in messages if each.id == message_id)


async def shows(harness: BotHarness, message_id: int, text: str) -> None:
    """Wait until a message shows this text."""
    async with asyncio.timeout(10):
        while text not in harness.texts(seen(harness, message_id)):
            await asyncio.sleep(0.01)


def labels(message: Any) -> list[str]:
    """Return the labels of a message's buttons."""
    rows = [getattr(each, "children", ()) for each in message.components]
    return [each.label for row in rows for each in row]


@pytest.mark.parametrize("late_s", [0, 40])
async def test_a_thread_without_the_bot_shows_progress_and_picture(
    harness: BotHarness, renderer: ScriptedRenderer, late_s: float
):
    """The token shows previews and the picture; after one refusal it comes first."""
    close(harness)
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 3)
    await shows(harness, result.response.id, "step 3 of 8")
    assert attachment_names(seen(harness, result.response.id)) != []
    await clock.edited(renderer, 2)
    await shows(harness, result.response.id, "step 5 of 8")
    assert edits(harness) == ["own", "token", "token"]
    harness.clock.advance(late_s)
    renderer.release()
    await harness.settled()
    message = seen(harness, result.response.id)
    assert attachment_names(message)[0].endswith(".png")
    assert "Reroll" in labels(message) and "Cancel" not in labels(message)
    assert edits(harness) == ["own", "token", "token", "token"] and direct_messages(harness) == []


@pytest.mark.parametrize("private", [False, True])
async def test_after_a_restart_the_token_still_shows_progress(
    harness: BotHarness, renderer: ScriptedRenderer, private: bool
):
    """The next process edits by the token that its predecessor stored, private messages too."""
    close(harness)
    result = await start_painting(harness, renderer, private=private)
    await harness.crash()
    renderer.hold()
    await harness.start()
    clock = ProgressClock(harness)
    await harness.state(1, "painting")
    await clock.edited(renderer, 4)
    await shows(harness, result.response.id, "step 4 of 8")
    renderer.release()
    await harness.settled()
    message = seen(harness, result.response.id)
    assert attachment_names(message)[0].endswith(".png") and direct_messages(harness) == []


async def test_progress_ends_with_the_token(harness: BotHarness, renderer: ScriptedRenderer):
    """After fourteen minutes one edit is refused, and the picture is sent by direct message."""
    close(harness)
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 2)
    await shows(harness, result.response.id, "step 2 of 8")
    harness.clock.advance(SPENT_S)
    await clock.edited(renderer, 2)
    handle = harness.app.services.engine_jobs.handle_of(1)
    assert handle is not None
    renderer.step(1)
    async with asyncio.timeout(10):
        while handle.latest is None or handle.latest.step < 5:
            await asyncio.sleep(0.01)
    clock.now_s += 30
    await asyncio.sleep(1.2)  # at least two rounds of the progress updater
    assert edits(harness) == ["own", "token", "own"]
    renderer.release()
    await harness.settled()
    (message,) = direct_messages(harness)
    assert message.attachments and f"<#{harness.channel.id}>" in harness.texts(message)


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10008), (404, 10015)])
async def test_a_token_that_died_early_leaves_the_direct_message(
    harness: BotHarness, renderer: ScriptedRenderer, status: int, code: int
):
    """Whatever Discord says of the token, the picture goes to the one place that is left."""
    close(harness)
    await start_painting(harness, renderer)
    harness.env.inject_error("PATCH", "/webhooks/*", status=status, code=code, times=None)
    renderer.release()
    await harness.settled()
    (message,) = direct_messages(harness)
    assert message.attachments and harness.rows("SELECT state FROM deliveries") == [("delivered",)]


async def test_the_card_says_that_its_picture_was_sent(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Where the bot may only look, the card says so, and has no Cancel any more."""
    result = await start_painting(harness, renderer)
    close(harness, method="POST", code=50013, under="messages")
    harness.clock.advance(SPENT_S)
    renderer.release()
    await harness.settled()
    (sent,) = direct_messages(harness)
    assert sent.attachments
    message = seen(harness, result.response.id)
    text = harness.texts(message)
    assert "not allowed to post pictures here" in text and f"<@{harness.alice.id}>" in text
    assert labels(message) == []


async def test_a_cancelled_job_in_a_closed_place_loses_its_button(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """The token says that the job was cancelled."""
    close(harness)
    result = await start_painting(harness, renderer)
    await harness.alice.click(seen(harness, result.response.id), label="Cancel")
    renderer.release()
    await harness.settled()
    message = seen(harness, result.response.id)
    assert labels(message) == [] and "cancelled" in harness.texts(message).lower()
