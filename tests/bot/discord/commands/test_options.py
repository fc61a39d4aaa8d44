"""What /imagine offers, and what is said of what was chosen while it waits and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.playground.rules.commands import MAX_CHARACTERS
from engine.prompts import EnhancementLevel, PictureStyle
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import BotHarness, open_harness
from tests.fakes import ScriptedRenderer

ORDER = [
    "prompt",
    "aspect",
    "count",
    "style",
    "private",
    "seed",
    "speed",
    "guidance",
    "negative",
    "enhance",
]


@pytest.fixture
async def turbo(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[BotHarness]:
    """The house with the scripted painter, for a model of the size that knows styles."""
    async with open_harness(data_dir, renderer.load, engine={"model": "some/turbo"}) as harness:
        yield harness
        renderer.release()


def registered(harness: BotHarness, name: str = "imagine") -> dict[str, Any]:
    """A command as it was sent to Discord."""
    (sync, *_) = [r for r in harness.env.http_requests if r.method == "PUT"]
    return next(each for each in sync.json if each["name"] == name)


def option(harness: BotHarness, name: str) -> dict[str, Any]:
    """An option of /imagine as it was sent to Discord."""
    return next(each for each in registered(harness)["options"] if each["name"] == name)


def values(harness: BotHarness, name: str) -> list[str]:
    """What can be chosen for it."""
    return [each["value"] for each in option(harness, name)["choices"]]


async def test_few_options_in_the_order_of_their_use(harness: BotHarness):
    """The prompt first and then what is chosen most; steps are a speed."""
    named = [each["name"] for each in registered(harness)["options"]]
    assert [each for each in named if each in ORDER] == ORDER and "steps" not in named
    assert values(harness, "speed") == ["fast", "standard", "fine"]
    assert values(harness, "style") == list(PictureStyle)


async def test_smart_is_offered_only_where_it_can_act(harness: BotHarness):
    """The embedded model's text encoder cannot write."""
    assert values(harness, "enhance") == ["off", "light", "full"]


async def test_smart_is_offered_for_a_language_model(turbo: BotHarness):
    """A model of Turbo's kind has an encoder that can write."""
    assert values(turbo, "enhance") == list(EnhancementLevel)


async def test_the_command_stays_within_discords_limits(turbo: BotHarness):
    """25 choices an option, and 8,000 characters in all, counted in the longest language."""

    def characters(part: dict[str, Any]) -> int:
        own = sum(
            max(map(len, [part.get(key, ""), *(part.get(f"{key}_localizations") or {}).values()]))
            for key in ("name", "description")
        )
        return own + len(str(part.get("value", ""))) + sum(map(characters, parts(part)))

    def parts(part: dict[str, Any]) -> list[dict[str, Any]]:
        return [*part.get("options", ()), *part.get("choices", ())]

    command = registered(turbo)
    assert characters(command) < MAX_CHARACTERS / 2  # languages are still to come
    assert all(len(each.get("choices", ())) <= 25 for each in command["options"])


async def test_a_style_is_painted_shown_and_kept(turbo: BotHarness):
    """The model reads it, the answer shows it as added, Details name it, a reroll keeps it."""
    result = await turbo.alice.slash(turbo.channel, "imagine", prompt="a lake", style="oil")
    status = turbo.texts(result.response.message)
    assert "Added: oil painting. " in status and "-# oil painting" in status
    await turbo.settled()
    assert painted(turbo)[0].effective_prompt.startswith("a lake, oil painting. Depth")
    assert painted(turbo)[0].prompt == "a lake"
    await turbo.alice.slash(turbo.channel, "reroll", seed=9)
    await turbo.settled()
    first, again = painted(turbo)
    assert (again.effective_prompt, again.style) == (first.effective_prompt, PictureStyle.OIL)
    recipe = await turbo.alice.slash(turbo.channel, "recipe")
    told = turbo.texts(recipe.response.message)
    assert "**Chosen style:** oil painting" in told and "--style oil --enhance full" in told
    form = await turbo.alice.slash(turbo.channel, "remix")
    await turbo.alice.submit_modal(form, {"prompt": "a pond", "seed": "7"})
    await turbo.settled()
    assert painted(turbo)[2].effective_prompt.startswith("a pond, oil painting. ")


async def test_the_persons_words_win_and_the_answer_says_so(turbo: BotHarness):
    """Beside the wish, and still beside the picture."""
    result = await turbo.alice.slash(
        turbo.channel, "imagine", prompt="an anime girl", style="watercolour"
    )
    note = "(“anime”), so watercolour was left out"
    assert note in turbo.texts(result.response.message)
    await turbo.settled()
    assert note in turbo.texts(turbo.message(result.response.id))
    assert "watercolour" not in painted(turbo)[0].effective_prompt


async def test_a_model_that_knows_no_styles_says_so(harness: BotHarness):
    """Its picture is the one without a style."""
    for options in ({"style": "ink"}, {}):
        await paint(harness, prompt="a red boat", seed=1, **options)
    styled, plain = painted(harness)
    assert styled.effective_prompt == plain.effective_prompt
    first, second = [harness.texts(each) for each in harness.channel.history() if each.attachments]
    assert "does not support styles" in first and "does not support styles" not in second


async def test_explain_knows_styles(turbo: BotHarness):
    """What a flag would choose, what it would add, and why it would be left out."""
    shown = await turbo.alice.slash(turbo.channel, "explain", prompt="a lake --style ink")
    told = turbo.texts(shown.response.message)
    assert "**Chosen style:** ink wash" in told and "ink wash painting. Depth" in told
    left = await turbo.alice.slash(turbo.channel, "explain", prompt="a photo --style ink")
    assert "“photo”" in turbo.texts(left.response.message)


async def test_a_flag_and_an_option_that_differ_are_refused(harness: BotHarness):
    """Steps and speed decide the same: neither silently wins, and nothing is charged."""
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake --steps 12", speed="fast"
    )
    assert refused.ephemeral and "`--steps`" in refused.response.content
    assert harness.charged() == 0


async def test_one_line_says_what_was_chosen(turbo: BotHarness, renderer: ScriptedRenderer):
    """How many, what shape, style and speed: in the answer, while it is painted, and after a
    restart; a plain wish has no such line."""
    renderer.hold()
    plain = await turbo.alice.slash(turbo.channel, "imagine", prompt="one", enhance="off")
    assert "-#" not in turbo.texts(plain.response.message)
    await turbo.state(1, "painting")
    chosen = {"aspect": "16:9", "count": 3, "style": "anime", "speed": "fine", "guidance": 1.5}
    result = await turbo.alice.slash(turbo.channel, "imagine", prompt="two", **chosen)
    line = "-# 3 pictures · 16:9 · anime · fine · guidance 1.5"
    assert line in turbo.texts(result.response.message).splitlines()
    own = await turbo.bob.slash(
        turbo.channel, "imagine", prompt="three --size 512x1024 --steps 7 --private"
    )
    assert "-# 512×1024 · 7 steps" in turbo.texts(own.response.message).splitlines()
    await turbo.crash()
    await turbo.start()
    board = turbo.app.services.progress
    async with asyncio.timeout(20):
        while 2 not in board._shown:
            await asyncio.sleep(0.02)
    assert board._shown[2].card.asked.pictures == 3
    async with asyncio.timeout(20):
        while board._shown[2].last is None:
            await asyncio.sleep(0.02)
    assert line in turbo.texts(turbo.message(result.response.id)).splitlines()
    renderer.release()
    await turbo.settled()
