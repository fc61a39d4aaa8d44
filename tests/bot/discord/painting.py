"""Paint pictures through the bot, and look at what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.discord.handlers import variations
from engine.types import ImageRequest
from tests.bot.discord.harness import BotHarness


async def paint(harness: BotHarness, who: Any = None, **options: Any) -> None:
    """Paint one picture to its end."""
    await (who or harness.alice).slash(harness.channel, "imagine", **options)
    await harness.settled()


def painted(harness: BotHarness) -> list[ImageRequest]:
    """What the scripted painter was asked for, in order."""
    return harness.renderer.painted


async def run_command(harness: BotHarness, command: str, **options: Any) -> Any:
    """Use a command to its end; the request that was painted."""
    result = await harness.alice.slash(harness.channel, command, **options)
    await harness.settled()
    assert not result.followups, private_text(result)
    return painted(harness)[-1]


def picture_file(harness: BotHarness, picture_id: int = 1) -> Path:
    """Where a picture lies on the disk."""
    ((file,),) = harness.rows("SELECT file FROM pictures WHERE id = ?", picture_id)
    return harness.settings.storage.data_dir / file


def parent_ids(harness: BotHarness) -> list[Any]:
    """What each job was painted from."""
    return [row[0] for row in harness.rows("SELECT parent_picture_id FROM jobs ORDER BY id")]


async def private_picture(harness: BotHarness) -> Any:
    """A private picture of Alice's; the message that she alone sees."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    return result.response.message


def private_text(result: Any) -> str:
    """What an interaction said to its person alone, also where an answer was announced before."""
    said = result.followups[-1] if result.followups else result.response
    assert said.ephemeral
    return said.content


def response_text(harness: BotHarness, result: Any) -> str:
    """What an answer says."""
    return harness.texts(result.response.message)


def last_row_labels(message: Any) -> list[str]:
    """The buttons of the last row; [] where it has none."""
    row = message.components[-1]
    return [each.label for each in getattr(row, "children", ())]


def picture_messages(harness: BotHarness) -> list[Any]:
    """The messages of the channel that show a picture."""
    return [each for each in harness.channel.history() if each.attachments]


def alice_as_actor(harness: BotHarness) -> Actor:
    """Alice, as the studio knows her."""
    return Actor(harness.alice.id, harness.guild.id, harness.channel.id)


def announcements(harness: BotHarness) -> int:
    """How many answers were announced before they came."""
    bodies = [r.json for r in harness.env.http_requests if r.path.endswith("/callback")]
    return sum(body["type"] == 5 for body in bodies)


def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if reading a picture took longer than anybody waits for an answer."""

    async def not_finished(_task: Any, _limit_s: float) -> bool:
        return False

    monkeypatch.setattr(variations, "finished_within", not_finished)
