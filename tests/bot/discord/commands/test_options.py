"""The options of /imagine, and how the chosen ones are shown while waiting and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.playground.rules.commands import MAX_CHARACTERS
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.prompts import EnhancementLevel, PictureStyle
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import paint, painted
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
    """The bot with a model that knows all styles."""
    async with open_harness(data_dir, renderer.load, engine={"model": "some/turbo"}) as harness:
        yield harness
        renderer.release()


def registered(harness: BotHarness, name: str = "imagine") -> dict[str, Any]:
    """Return a command as it was registered."""
    (sync, *_) = [r for r in harness.env.http_requests if r.method == "PUT"]
    return next(each for each in sync.json if each["name"] == name)


def option(harness: BotHarness, name: str) -> dict[str, Any]:
    """Return an option of /imagine as it was registered."""
    return next(each for each in registered(harness)["options"] if each["name"] == name)


def values(harness: BotHarness, name: str) -> list[str]:
    """Return the choices of an option."""
    return [each["value"] for each in option(harness, name)["choices"]]


async def test_few_options_in_the_order_of_their_use(harness: BotHarness):
    """The prompt comes first, then the most used options; steps are offered as speed."""
    named = [each["name"] for each in registered(harness)["options"]]
    assert [each for each in named if each in ORDER] == ORDER and "steps" not in named
    assert values(harness, "speed") == ["fast", "standard", "fine"]
    assert values(harness, "style") == list(PictureStyle)


async def test_the_bounds_of_guidance_are_the_models(harness: BotHarness):
    """Discord's client gets the highest guidance of the family that paints."""
    assert option(harness, "guidance")["max_value"] == SKETCH_FAMILY.max_guidance


async def test_the_bounds_of_guidance_follow_the_family(turbo: BotHarness):
    """Another family has another bound."""
    assert option(turbo, "guidance")["max_value"] == Z_IMAGE_TURBO.max_guidance
    assert Z_IMAGE_TURBO.max_guidance != SKETCH_FAMILY.max_guidance


async def test_smart_is_offered_only_where_it_can_act(harness: BotHarness):
    """The embedded model's text encoder cannot generate text, so "smart" is not offered."""
    assert values(harness, "enhance") == ["off", "light", "full"]


async def test_smart_is_offered_for_a_language_model(turbo: BotHarness):
    """ "smart" is offered for a model whose text encoder can generate text."""
    assert values(turbo, "enhance") == list(EnhancementLevel)


async def test_the_command_stays_within_discords_limits(turbo: BotHarness):
    """The command stays within 25 choices per option and 8,000 characters in the longest
    language."""

    def characters(part: dict[str, Any]) -> int:
        own = sum(
            max(map(len, [part.get(key, ""), *(part.get(f"{key}_localizations") or {}).values()]))
            for key in ("name", "description")
        )
        return own + len(str(part.get("value", ""))) + sum(map(characters, parts(part)))

    def parts(part: dict[str, Any]) -> list[dict[str, Any]]:
        return [*part.get("options", ()), *part.get("choices", ())]

    command = registered(turbo)
    assert characters(command) < MAX_CHARACTERS / 2  # room for further languages
    assert all(len(each.get("choices", ())) <= 25 for each in command["options"])


async def test_a_style_is_painted_shown_and_kept(turbo: BotHarness):
    """A style reaches the model, is shown on the card and in Details, and is kept by a reroll."""
    result = await turbo.alice.slash(turbo.channel, "imagine", prompt="a lake", style="oil")
    status = turbo.texts(result.response.message)
    assert "-# oil painting" in status and "Added" not in status
    await turbo.settled()
    assert painted(turbo)[0].effective_prompt.startswith("a lake, oil painting. Depth")
    assert painted(turbo)[0].prompt == "a lake"
    await turbo.alice.slash(turbo.channel, "reroll", seed=9)
    await turbo.settled()
    first, again = painted(turbo)
    assert (again.effective_prompt, again.style) == (first.effective_prompt, PictureStyle.OIL)
    recipe = await turbo.alice.slash(turbo.channel, "recipe")
    told = turbo.texts(recipe.response.message)
    assert "**Added:** oil painting. " in told
    assert "**Chosen style:** oil painting" in told and "--style oil --enhance full" in told
    form = await turbo.alice.slash(turbo.channel, "remix")
    await turbo.alice.submit_modal(form, {"prompt": "a pond", "seed": "7"})
    await turbo.settled()
    assert painted(turbo)[2].effective_prompt.startswith("a pond, oil painting. ")


async def test_the_persons_words_win_and_the_answer_says_so(turbo: BotHarness):
    """A style in the prompt wins over the option, and the status and result both say so."""
    result = await turbo.alice.slash(
        turbo.channel, "imagine", prompt="an anime girl", style="watercolour"
    )
    note = "(“anime”), so watercolour was left out"
    assert note in turbo.texts(result.response.message)
    await turbo.settled()
    assert note in turbo.texts(turbo.message(result.response.id))
    assert "watercolour" not in painted(turbo)[0].effective_prompt


async def test_a_style_that_the_model_does_not_know_is_said(harness: BotHarness):
    """The demo model names a style that it does not know, and paints without it."""
    for options in ({"style": "ink"}, {}):
        await paint(harness, prompt="a red boat", seed=1, **options)
    styled, plain = painted(harness)
    assert styled.effective_prompt == plain.effective_prompt
    first, second = [harness.texts(each) for each in harness.channel.history() if each.attachments]
    told = "does not know the style ink wash"
    assert told in first and told not in second


async def test_explain_knows_styles(turbo: BotHarness):
    """/explain shows a flag's style, what it would add, and why it would be dropped."""
    shown = await turbo.alice.slash(turbo.channel, "explain", prompt="a lake --style ink")
    told = turbo.texts(shown.response.message)
    assert "**Chosen style:** ink wash" in told and "ink wash painting. Depth" in told
    left = await turbo.alice.slash(turbo.channel, "explain", prompt="a photo --style ink")
    assert "“photo”" in turbo.texts(left.response.message)


async def test_a_flag_and_an_option_that_differ_are_refused(harness: BotHarness):
    """A flag and an option that contradict each other are refused, and nothing is charged."""
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt="a lake --steps 12", speed="fast"
    )
    assert refused.ephemeral and "`--steps 12`" in harness.texts(refused.response.message)
    assert harness.charged() == 0


async def test_one_line_says_what_was_chosen(turbo: BotHarness, renderer: ScriptedRenderer):
    """One line shows count, shape, style and speed in the reply, while painting and after a
    restart; a request without such choices has no line."""
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
    renderer.hold()
    await turbo.start()
    progress = turbo.app.services.progress
    async with asyncio.timeout(20):
        while 2 not in progress._tracked:
            await asyncio.sleep(0.02)
    assert progress._tracked[2].card.asked.pictures == 3
    async with asyncio.timeout(20):
        while progress._tracked[2].last_card is None:
            await asyncio.sleep(0.02)
    assert line in turbo.texts(turbo.message(result.response.id)).splitlines()
    renderer.release()
    await turbo.settled()
