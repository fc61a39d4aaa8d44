"""/help and /status: what a newcomer reads first."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.discord.views.help import EXAMPLE, FLAGS, Entry, help_layout, status_layout
from bot.i18n import words
from bot.jobs.status import Condition
from bot.request.flags import Flagged, parse
from engine.states import EngineState
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World


async def test_help_lists_every_command_of_members(world: World):
    """Each with the id that Discord knows, so that a tap starts it; admins' are not among them."""
    result = await world.alice.slash(world.channel, "help")
    assert result.response.ephemeral
    told = world.texts(result.response.message)
    listed = set(re.findall(r"</(\w+):[1-9]\d*>", told))
    typed = world.house.client.tree.get_commands(type=discord.AppCommandType.chat_input)
    assert listed == {each.name for each in typed} - {"admin"}
    assert f"</imagine:{await _id_of(world, 'imagine')}> Paint a picture" in told


async def _id_of(world: World, name: str) -> int:
    known = await world.house.client.tree.fetch_commands()
    return next(each.id for each in known if each.name == name)


def test_what_help_says_of_flags_is_true():
    """Every flag that it names is obeyed."""
    prompt = "a house " + FLAGS.replace("·", "")
    for text in (prompt, EXAMPLE):
        assert isinstance(parse(text), Flagged), text
    assert EXAMPLE in str(_help_components())


def test_commands_in_the_order_of_use():
    """What paints comes first, as one would try it; an unknown command is not lost."""
    told = str(_help_components())
    assert told.index("`/imagine`") < told.index("`/vary`") < told.index("`/new`")


def _help_components() -> list[dict[str, Any]]:
    names = ("new", "vary", "imagine")
    entries = [Entry(name, f"`/{name}`", "…") for name in names]
    return help_layout(entries, words("en")).to_components()


async def test_status_before_and_after_the_first_picture(world: World):
    """The model, the queue, and the time of a usual picture once it is known."""
    before = world.texts((await world.alice.slash(world.channel, "status")).response.message)
    assert "Ready to paint." in before and "Model: " in before and "0 jobs wait" in before
    assert "takes about" not in before
    await paint(world, prompt="a boat")
    after = await world.alice.slash(world.channel, "status")
    assert after.response.ephemeral
    assert re.search(r"takes about \d+\.\d s\.", world.texts(after.response.message))


def test_every_state_has_its_sentence():
    """In each of them something else is said, also while no model is there."""
    told = {
        str(
            status_layout(
                Condition(state, None, None, 1024, 1024, 8, None, 3, 50), words("en")
            ).to_components()
        )
        for state in EngineState
    }
    assert len(told) == len(EngineState) and all("Model:" not in each for each in told)
