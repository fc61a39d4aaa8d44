"""Helpers that paint pictures through the bot and read the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.discord.handlers import variations
from engine.types import ImageRequest
from tests.bot.discord.harness import BotHarness

STAR_LABELS = {
    *("Favourite", "Note", "Repaint part", "Blend"),
    *(f"Favourite {number}" for number in range(1, 5)),
}
"""What is in the row below the others."""


async def paint(harness: BotHarness, who: Any = None, **options: Any) -> None:
    """Paint a picture and wait until it is delivered."""
    await (who or harness.alice).slash(harness.channel, "imagine", **options)
    await harness.settled()


def painted(harness: BotHarness) -> list[ImageRequest]:
    """Return the requests that the scripted renderer has painted, in order."""
    return harness.renderer.painted


async def run_command(harness: BotHarness, command: str, **options: Any) -> Any:
    """Run a command, wait for its result, and return the painted request."""
    result = await harness.alice.slash(harness.channel, command, **options)
    await harness.settled()
    assert not result.followups, private_text(result)
    return painted(harness)[-1]


def picture_file(harness: BotHarness, picture_id: int = 1) -> Path:
    """Return the path of a picture's file."""
    ((file,),) = harness.rows("SELECT file FROM pictures WHERE id = ?", picture_id)
    return harness.settings.storage.data_dir / file


def parent_ids(harness: BotHarness) -> list[Any]:
    """Return the parent picture of each job, in order."""
    return [row[0] for row in harness.rows("SELECT parent_picture_id FROM jobs ORDER BY id")]


async def private_picture(harness: BotHarness) -> Any:
    """Paint a private picture as Alice; return the message that only she sees."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    return result.response.message


def private_text(result: Any) -> str:
    """Return the ephemeral reply to an interaction, also if the response had been deferred."""
    said = result.followups[-1] if result.followups else result.response
    assert said.ephemeral
    return said.content


def response_text(harness: BotHarness, result: Any) -> str:
    """Return all text of the response."""
    return harness.texts(result.response.message)


def last_row_labels(message: Any) -> list[str]:
    """Return the button labels of the last row above the row of stars; empty if it has none."""
    labels: list[str] = []
    for row in reversed(message.components):
        labels = [each.label for each in getattr(row, "children", ())]
        if not labels or not set(labels) <= STAR_LABELS:
            break
    return labels


def button_rows(response: Any) -> list[list[dict[str, Any]]]:
    """Return the buttons of a response, row by row, without those beside texts."""
    return [part["components"] for part in response.components if part["type"] == 1]


def picture_messages(harness: BotHarness) -> list[Any]:
    """Return the messages of the channel that show a picture."""
    return [each for each in harness.channel.history() if each.attachments]


def alice_as_actor(harness: BotHarness) -> Actor:
    """Return Alice as the services see her."""
    return Actor(harness.alice.id, harness.guild.id, harness.channel.id)


def announcements(harness: BotHarness) -> int:
    """Return the number of deferred responses."""
    bodies = [r.json for r in harness.env.http_requests if r.path.endswith("/callback")]
    return sum(body["type"] == 5 for body in bodies)


def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loading a picture take longer than the limit for a response."""

    async def not_finished(_task: Any, _limit_s: float) -> bool:
        return False

    monkeypatch.setattr(variations, "finished_within", not_finished)
