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
from tests.bot.discord.conftest import BotHarness
from tests.fakes import a_request


async def remix(harness: BotHarness, who: Any) -> Any:
    """Press Remix on the newest picture; the form."""
    return await who.click(await harness.more(who, harness.message_with_picture()), label="Remix")


def fields(form: Any) -> dict[str, str | None]:
    """What stands in a form's fields."""
    parts = [each["component"] for each in form.modal["components"]]
    return {each["custom_id"]: each.get("value") for each in parts}


async def test_other_words_in_the_same_shape(harness: BotHarness):
    """The form holds the words; what is sent in is painted with the original's numbers."""
    await paint(
        harness, prompt="a lake", seed=5, speed="fast", guidance=2.0, negative="fog", aspect="16:9"
    )
    form = await remix(harness, harness.bob)
    assert form.modal["custom_id"] == "z1:remix:1"
    assert fields(form) == {"prompt": "a lake", "negative": "fog", "seed": None}
    await harness.bob.submit_modal(form, {"prompt": "a pond", "negative": "mist", "seed": " 7 "})
    await harness.settled()
    first, second = painted(harness)
    assert (second.prompt, second.negative_prompt, second.seed) == ("a pond", "mist", 7)
    assert "pond" in second.effective_prompt and "lake" not in second.effective_prompt
    for name in ("width_px", "height_px", "steps", "guidance", "mode"):
        assert getattr(first, name) == getattr(second, name)
    assert harness.rows("SELECT parent_picture_id, user_id FROM jobs WHERE id = 2") == [
        (1, harness.bob.id)
    ]


async def test_a_form_outlives_the_process_that_showed_it(harness: BotHarness):
    """Sent in after a restart it paints; an empty seed is a fresh one; nothing is in memory."""
    await paint(harness, prompt="a lake", seed=5)
    form = await remix(harness, harness.alice)
    assert not harness.app.client._connection._view_store._modals  # pyright: ignore[reportPrivateUsage]
    await harness.stop()
    await harness.start()
    result = await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    assert not result.ephemeral
    assert painted(harness)[1].prompt == "a pond" and painted(harness)[1].seed != 5


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"prompt": "\u200b"}, "prompt is empty"),
        ({"prompt": "x", "seed": "-1"}, "seed must be between"),
        ({"prompt": "x", "seed": "1.5"}, "seed must be between"),
        ({"prompt": "x", "seed": "٣"}, "seed must be between"),
        ({"prompt": "x", "seed": str(MAX_SEED + 1)}, "seed must be between"),
    ],
)
async def test_what_cannot_be_painted_is_said(harness: BotHarness, sent: dict[str, str], said: str):
    """A refusal is for who sent it in, and costs nothing."""
    await paint(harness, prompt="a lake")
    result = await harness.alice.submit_modal(await remix(harness, harness.alice), sent)
    assert result.ephemeral and said in result.response.content
    assert harness.charged() == 1


async def test_the_picture_may_be_gone_meanwhile(harness: BotHarness):
    """Deleted between the form and its being sent in: a sentence, no charge."""
    await paint(harness, prompt="a lake")
    form = await remix(harness, harness.bob)
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    result = await harness.bob.submit_modal(form, {"prompt": "a pond"})
    assert result.ephemeral and "no picture" in result.response.content
    assert harness.charged() == 1


async def test_the_command_takes_the_words_along(harness: BotHarness):
    """/remix shows the form of one's last picture, or of a number, with the given words."""
    await paint(harness, prompt="a lake")
    await paint(harness, prompt="a hill")
    assert fields(await harness.alice.slash(harness.channel, "remix"))["prompt"] == "a hill"
    form = await harness.alice.slash(harness.channel, "remix", picture="1", prompt="a \u202e pond")
    assert form.modal is not None and form.modal["custom_id"] == "z1:remix:1"
    assert fields(form)["prompt"] == "a pond"
    unknown = await harness.bob.slash(harness.channel, "remix", picture="1")
    assert unknown.ephemeral and "no picture" in unknown.response.content


async def test_an_enlarged_picture_is_remixed_at_its_first_size(harness: BotHarness):
    """Other words do not start from the pixels of the old ones."""
    await paint(harness, prompt="a lake")
    await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    form = await remix(harness, harness.alice)
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    first, _, third = painted(harness)
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
