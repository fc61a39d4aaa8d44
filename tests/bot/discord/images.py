"""Pictures to paint from, and slow downloads."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.discord.handlers import image_to_image
from storage.inputs import InputFiles
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import slow_reading
from tests.bot.sample_pictures import a_picture

MENU = "Paint from this"
PHOTO = ("photo.jpg", a_picture(600, 400, form="JPEG"))


def input_hashes(harness: BotHarness) -> set[str]:
    """Return the hashes of the input pictures in the data folder."""
    return {each.sha256 for each in InputFiles(harness.settings.storage.data_dir).found()}


def slow_downloads(harness: BotHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make downloads wait until their interaction has been deferred."""

    async def not_finished(_task: Any, _limit_s: float) -> bool:
        return False

    harness.gate.clear()
    defer = discord.InteractionResponse.defer

    async def announced(*args: Any, **options: Any) -> Any:
        done = await defer(*args, **options)
        harness.gate.set()
        return done

    monkeypatch.setattr(discord.InteractionResponse, "defer", announced)
    monkeypatch.setattr(image_to_image, "finished_within", not_finished)
    slow_reading(monkeypatch)
