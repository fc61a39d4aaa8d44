"""Fixtures: the bot on simcord, and a translation to read it in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import simcord.interactions
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from bot import i18n
from bot.delivery import worker
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.languages import CHINESE, Speak
from tests.fakes import ScriptedRenderer


@pytest.fixture(autouse=True)
def no_earlier_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was sent before a restart is on its way here, so that no test waits for it."""
    monkeypatch.setattr(worker, "EARLIER_EDITS_S", 0.0)


@pytest.fixture
def renderer() -> ScriptedRenderer:
    """A renderer that paints at once unless a test holds it."""
    return ScriptedRenderer()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A path for a new data folder."""
    return tmp_path / "data"


@pytest.fixture
async def harness(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[BotHarness]:
    """The bot with the scripted renderer and default settings."""
    async with open_harness(data_dir, renderer.load) as harness:
        yield harness
        renderer.release()


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small Chinese catalogue, the only translation installed."""
    catalog = Catalog(locale="zh_CN", domain=i18n.DOMAIN)
    for message, said in CHINESE.items():
        catalog.add(message, said)
    folder = tmp_path / "locales" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / f"{i18n.DOMAIN}.mo").open("wb") as file:
        write_mo(file, catalog)
    monkeypatch.setattr(i18n, "LOCALES", tmp_path / "locales")
    i18n.words.cache_clear()
    yield
    i18n.words.cache_clear()


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> Speak:
    """A function that sets the languages of the user and of the server from now on."""
    whole = simcord.interactions.base_payload
    spoken = ["en-US", "en-US"]

    def base_payload(*args: Any, **kwargs: Any) -> Any:
        record, payload = whole(*args, **kwargs)
        return record, payload | {"locale": spoken[0], "guild_locale": spoken[1]}

    def set_to(reader: str, server: str) -> None:
        spoken[:] = [reader, server]

    monkeypatch.setattr(simcord.interactions, "base_payload", base_payload)
    return set_to
