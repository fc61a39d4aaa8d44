"""/help and /status."""

from __future__ import annotations

import re
from typing import Any

import discord
import pytest

from bot.discord.views.help import CommandEntry, flag_lines, help_layout, status_layout
from bot.i18n import words
from bot.jobs.status import BotStatus
from bot.request.prompt.flags import ParsedPrompt, parse
from engine.engine_states import EngineState
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint

EXAMPLE, CHINESE_EXAMPLE = "a lake at dawn --ar 16:9", "黎明的湖 --比例 16:9"


async def test_help_lists_every_command_of_members(harness: BotHarness):
    """/help lists every member command with its id, so that it can be tapped, and no admin
    commands."""
    result = await harness.alice.slash(harness.channel, "help")
    assert result.response.ephemeral
    told = harness.texts(result.response.message)
    listed = set(re.findall(r"</(\w+)(?: \w+)?:[1-9]\d*>", told))
    typed = harness.app.client.tree.get_commands(type=discord.AppCommandType.chat_input)
    assert listed == {each.name for each in typed} - {"admin", "moderation"}
    assert f"</imagine:{await _id_of(harness, 'imagine')}> Paint a picture" in told


async def _id_of(harness: BotHarness, name: str) -> int:
    known = await harness.app.client.tree.fetch_commands()
    return next(each.id for each in known if each.name == name)


@pytest.mark.parametrize(("locale", "example"), [("en", EXAMPLE), ("zh-CN", CHINESE_EXAMPLE)])
def test_what_help_says_of_flags_is_true(locale: str, example: str):
    """Every flag that /help names works, and does the same in every language."""
    told = flag_lines(words(locale))
    found = parse(f"a house {told}")
    assert isinstance(found, ParsedPrompt) and found.given["negative"] in ("fog", "雾")
    english = parse("a house --ar 16:9 --seed 5 --repeat 3 --private --speed fast")
    assert isinstance(english, ParsedPrompt)
    assert {**found.given, "negative": ""} == {**english.given, "negative": ""}
    assert isinstance(parse(example), ParsedPrompt)
    shown = str(_help_components(locale))
    assert example in shown and told.replace("\n", "\\n") in shown


def test_commands_in_the_order_of_use():
    """Commands that paint come first, and unknown commands are still listed."""
    told = str(_help_components())
    assert told.index("`/imagine`") < told.index("`/vary`") < told.index("`/new`")


def _help_components(locale: str = "en") -> list[dict[str, Any]]:
    names = ("new", "vary", "imagine")
    entries = [CommandEntry(name, f"`/{name}`", "…") for name in names]
    return help_layout(entries, words(locale)).to_components()


async def test_status_before_and_after_the_first_picture(harness: BotHarness):
    """/status shows model and queue, and the usual time once a picture was painted."""
    before = harness.texts((await harness.alice.slash(harness.channel, "status")).response.message)
    assert "Ready to paint." in before and "Model: " in before and "0 jobs are waiting" in before
    assert "takes about" not in before
    await paint(harness, prompt="a boat")
    after = await harness.alice.slash(harness.channel, "status")
    assert after.response.ephemeral
    assert re.search(r"takes about \d+\.\d s\.", harness.texts(after.response.message))


def test_every_state_has_its_sentence():
    """Each engine state has its own sentence, also without a model."""
    told = {
        str(
            status_layout(
                BotStatus(state, None, None, 1024, 1024, 8, None, 3, 50), words("en")
            ).to_components()
        )
        for state in EngineState
    }
    assert len(told) == len(EngineState) and all("Model:" not in each for each in told)
