"""/preset, the preset of /imagine, and the defaults of members, channels and servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.prompts import PictureStyle
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import paint, painted
from tests.fakes import KNOWS_ALL, ScriptedRenderer


@pytest.fixture
async def harness(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[BotHarness]:
    """The bot with a model that knows every style."""
    async with open_harness(
        data_dir, renderer.load, family=replace(KNOWS_ALL, known_styles=None)
    ) as opened:
        yield opened


def first_answer(harness: BotHarness) -> str:
    """Return what the newest interaction was answered with at first, before the picture came."""
    posted = [each for each in harness.env.http_requests if each.path.endswith("/callback")]
    return str(posted[-1].json)


async def preset(harness: BotHarness, command: str, who: Any = None, **options: Any) -> str:
    """Run a command of /preset; return the private answer."""
    result = await (who or harness.alice).slash(harness.channel, f"preset {command}", **options)
    assert result.ephemeral
    return result.response.content


async def settings(harness: BotHarness, who: Any, command: str, **options: Any) -> str:
    result = await who.slash(harness.channel, command, **options)
    assert result.ephemeral
    return result.response.content


async def test_a_preset_is_saved_used_and_deleted(harness: BotHarness) -> None:
    """It fills in what a request leaves open, by option and by flag, and the answer names it."""
    saved = await preset(harness, "save", name="Ink", settings="soft light --style ink --ar 1:1")
    assert "`Ink` saved" in saved and "/preset copy code:" in saved
    await paint(harness, prompt="a fox", preset="ink", aspect="16:9", enhance="off")
    assert "Preset used: “Ink”." in first_answer(harness)
    (request,) = painted(harness)
    assert request.prompt == "a fox, soft light" and request.style is PictureStyle.INK
    assert request.width_px > request.height_px
    await paint(harness, prompt='a hare --preset "INK"')
    assert painted(harness)[-1].style is PictureStyle.INK
    assert "`Ink` deleted" in await preset(harness, "delete", name="ink")
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a fox", preset="ink")
    assert result.ephemeral and "no preset `ink`" in result.response.content
    assert len(painted(harness)) == 2


async def test_a_preset_is_shared_by_its_code(harness: BotHarness) -> None:
    """The copy is one's own: deleting the original leaves it."""
    saved = await preset(harness, "save", name="ink", settings="--style ink")
    code = saved.partition("copy code:")[2][:8]
    assert "No preset has the code" in await preset(harness, "copy", harness.bob, code="ZZZZZZZZ")
    assert "`mine` saved" in await preset(
        harness, "copy", harness.bob, code=code.lower(), name="mine"
    )
    await preset(harness, "delete", name="ink")
    await paint(harness, harness.bob, prompt="a fox", preset="mine")
    assert painted(harness)[-1].style is PictureStyle.INK
    listed = await preset(harness, "list", harness.bob)
    assert "`mine`" in listed and code not in listed
    assert "no presets yet" in await preset(harness, "list")


async def test_defaults_are_of_the_member_then_the_channel_then_the_server(
    harness: BotHarness,
) -> None:
    """Each decides what the one before leaves open; the answer names them; default clears one."""
    await settings(harness, harness.admin, "admin settings server", aspect="16:9", style="anime")
    await settings(harness, harness.admin, "admin settings channel", style="ink")
    said = await settings(harness, harness.alice, "settings", count="2")
    assert "--count 2" in said
    await paint(harness, prompt="a fox")
    text = first_answer(harness)
    assert "From the defaults" in text and "--aspect 16:9" in text and "--style ink" in text
    first, second = painted(harness)
    assert first.style is PictureStyle.INK and first.width_px > first.height_px
    assert second.seed != first.seed
    await paint(harness, prompt="a fox --style pixel --ar 1:1", count=1)
    third = painted(harness)[-1]
    assert len(painted(harness)) == 3 and third.style is PictureStyle.PIXEL
    assert third.width_px == third.height_px
    assert "none" in await settings(harness, harness.alice, "settings", count="default")
    await paint(harness, prompt="a hare")
    assert len(painted(harness)) == 4


async def test_permutations_use_defaults_and_presets_too(harness: BotHarness) -> None:
    """Every prompt in braces is filled in by itself, when the question is answered."""
    await preset(harness, "save", name="ink", settings="--style ink")
    await settings(harness, harness.alice, "settings", aspect="16:9")
    await harness.alice.slash(harness.channel, "imagine", prompt="a {red, blue} fox --preset ink")
    rows = harness.rows("SELECT wish FROM proposals")
    assert len(rows) == 1 and not painted(harness)


async def test_me_shows_what_one_has_and_where_it_is_changed(harness: BotHarness) -> None:
    """Quota, totals, settings, defaults and presets, with links to the commands."""
    await paint(harness, prompt="a fox")
    await preset(harness, "save", name="ink", settings="--style ink")
    await settings(harness, harness.alice, "settings", aspect="16:9")
    result = await harness.alice.slash(harness.channel, "me")
    assert result.ephemeral
    text = harness.texts(result.response.message)
    for part in ("Used: 1", "You have 1 picture here.", "--aspect 16:9", "You have 1 preset."):
        assert part in text, text
    for command in ("history", "settings", "preset list"):
        assert f"</{command}:" in text


async def test_the_first_picture_is_one_press_away(harness: BotHarness) -> None:
    """/help proposes prompts; a press paints one, and counts it."""
    shown = (await harness.alice.slash(harness.channel, "help")).response.message
    await harness.alice.click(shown, label="Paint 2")
    await harness.settled()
    (request,) = painted(harness)
    assert request.prompt in harness.texts(shown) and harness.charged() == 1
