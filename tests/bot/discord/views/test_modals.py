"""Remix: a form with a picture's words, kept nowhere but at Discord."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.discord.views.modals import remix_form
from bot.i18n import words
from engine.prompts import MAX_PROMPT_CHARS, clean
from engine.types import MAX_SEED, Mode
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World
from tests.fakes import a_request


async def remix(world: World, who: Any) -> Any:
    """Press Remix on the newest picture; the form."""
    return await who.click(await world.more(who, world.message_with_picture()), label="Remix")


def fields(form: Any) -> dict[str, str | None]:
    """What stands in a form's fields."""
    parts = [each["component"] for each in form.modal["components"]]
    return {each["custom_id"]: each.get("value") for each in parts}


async def test_other_words_in_the_same_shape(world: World):
    """The form holds the words; what is sent in is painted with the original's numbers."""
    await paint(
        world, prompt="a lake", seed=5, speed="fast", guidance=2.0, negative="fog", aspect="16:9"
    )
    form = await remix(world, world.bob)
    assert form.modal["custom_id"] == "z1:remix:1"
    assert fields(form) == {"prompt": "a lake", "negative": "fog", "seed": None}
    await world.bob.submit_modal(form, {"prompt": "a pond", "negative": "mist", "seed": " 7 "})
    await world.settled()
    first, second = painted(world)
    assert (second.prompt, second.negative_prompt, second.seed) == ("a pond", "mist", 7)
    assert "pond" in second.effective_prompt and "lake" not in second.effective_prompt
    for name in ("width_px", "height_px", "steps", "guidance", "mode"):
        assert getattr(first, name) == getattr(second, name)
    assert world.rows("SELECT parent_picture_id, user_id FROM jobs WHERE id = 2") == [
        (1, world.bob.id)
    ]


async def test_a_form_outlives_the_process_that_showed_it(world: World):
    """Sent in after a restart it paints; an empty seed is a fresh one; nothing is in memory."""
    await paint(world, prompt="a lake", seed=5)
    form = await remix(world, world.alice)
    assert not world.house.client._connection._view_store._modals  # pyright: ignore[reportPrivateUsage]
    await world.stop()
    await world.start()
    result = await world.alice.submit_modal(form, {"prompt": "a pond"})
    await world.settled()
    assert not result.ephemeral
    assert painted(world)[1].prompt == "a pond" and painted(world)[1].seed != 5


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"prompt": "\u200b"}, "prompt is empty"),
        ({"prompt": "x", "seed": "-1"}, "seed has to be between"),
        ({"prompt": "x", "seed": "1.5"}, "seed has to be between"),
        ({"prompt": "x", "seed": "٣"}, "seed has to be between"),
        ({"prompt": "x", "seed": str(MAX_SEED + 1)}, "seed has to be between"),
    ],
)
async def test_what_cannot_be_painted_is_said(world: World, sent: dict[str, str], said: str):
    """A refusal is for who sent it in, and costs nothing."""
    await paint(world, prompt="a lake")
    result = await world.alice.submit_modal(await remix(world, world.alice), sent)
    assert result.ephemeral and said in result.response.content
    assert world.charged() == 1


async def test_the_picture_may_be_gone_meanwhile(world: World):
    """Deleted between the form and its being sent in: a sentence, no charge."""
    await paint(world, prompt="a lake")
    form = await remix(world, world.bob)
    panel = await world.more(world.alice, world.message_with_picture())
    await world.alice.click(panel, label="Delete")
    result = await world.bob.submit_modal(form, {"prompt": "a pond"})
    assert result.ephemeral and "no picture" in result.response.content
    assert world.charged() == 1


async def test_the_command_takes_the_words_along(world: World):
    """/remix shows the form of one's last picture, or of a number, with the given words."""
    await paint(world, prompt="a lake")
    await paint(world, prompt="a hill")
    assert fields(await world.alice.slash(world.channel, "remix"))["prompt"] == "a hill"
    form = await world.alice.slash(world.channel, "remix", picture="1", prompt="a \u202e pond")
    assert form.modal is not None and form.modal["custom_id"] == "z1:remix:1"
    assert fields(form)["prompt"] == "a pond"
    unknown = await world.bob.slash(world.channel, "remix", picture="1")
    assert unknown.ephemeral and "no picture" in unknown.response.content


async def test_an_enlarged_picture_is_remixed_at_its_first_size(world: World):
    """Other words do not start from the pixels of the old ones."""
    await paint(world, prompt="a lake")
    await world.alice.click(world.message_with_picture(), label="Upscale")
    await world.settled()
    form = await remix(world, world.alice)
    await world.alice.submit_modal(form, {"prompt": "a pond"})
    await world.settled()
    first, _, third = painted(world)
    assert third.mode is Mode.TEXT and third.inputs == ()
    assert (third.width_px, third.height_px) == (first.width_px, first.height_px)


def test_every_text_fits_its_field():
    """Long, empty and our own added words: within Discord's limits, ours left out."""
    request = a_request(prompt="x" * 3000, negative_prompt="y" * 3000)
    form = remix_form(10**18 - 1, request, "z" * 5000, words()).to_dict()
    assert len(form["title"]) <= 45 and len(form["custom_id"]) <= 100
    for part in form["components"]:
        assert part["type"] == discord.ComponentType.label.value
        value = part["component"].get("value") or ""  # type: ignore[union-attr]
        assert len(value) <= part["component"]["max_length"]  # type: ignore[index]
    assert clean("z" * 5000)[:MAX_PROMPT_CHARS] in str(form)
