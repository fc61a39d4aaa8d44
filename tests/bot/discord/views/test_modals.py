"""The remix form, and the prompt that a refused form gives back."""

from __future__ import annotations

import discord
import pytest

from bot.discord.views.modals import WORDS_LIMIT, remix_form
from bot.i18n import words
from bot.request.params import MAX_TYPED_CHARS
from engine.prompts import clean
from engine.types import MAX_SEED, Mode
from tests.bot.discord.forms import form_fields, open_remix
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint, painted
from tests.fakes import a_request


async def test_other_words_in_the_same_shape(harness: BotHarness):
    """The form holds the prompt; the submission is painted with the original's parameters."""
    await paint(
        harness, prompt="a lake", seed=5, speed="fast", guidance=2.0, negative="fog", aspect="16:9"
    )
    form = await open_remix(harness, harness.bob)
    assert form.modal["custom_id"] == marked("z1:remix:1")
    assert form_fields(form) == {"prompt": "a lake", "negative": "fog", "seed": None}
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


async def test_a_negative_prompt_in_the_form_raises_guidance(harness: BotHarness):
    """A remix with a negative prompt gets the guidance that it needs where the original had none,
    and without one keeps the original's."""
    await paint(harness, prompt="a lake", seed=5)
    message = harness.message_with_picture()
    for negative in ("mist", ""):
        form = await harness.bob.click(await harness.more(harness.bob, message), label="Remix")
        await harness.bob.submit_modal(form, {"prompt": "a pond", "negative": negative})
    await harness.settled()
    assert [each.guidance for each in painted(harness)] == [1.0, 1.8, 1.0]


async def test_a_form_outlives_the_process_that_showed_it(harness: BotHarness):
    """A form submitted after a restart still works, and discord.py keeps no modal in memory."""
    await paint(harness, prompt="a lake", seed=5)
    form = await open_remix(harness, harness.alice)
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
    """A refusal of a form is ephemeral and costs nothing."""
    await paint(harness, prompt="a lake")
    result = await harness.alice.submit_modal(await open_remix(harness, harness.alice), sent)
    assert result.ephemeral and said in result.response.content
    assert harness.charged() == 1


async def test_the_picture_may_be_gone_meanwhile(harness: BotHarness):
    """A form for a picture deleted meanwhile is refused and not charged."""
    await paint(harness, prompt="a lake")
    form = await open_remix(harness, harness.bob)
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    await harness.alice.click(panel, label="Delete")  # the question is in its place
    result = await harness.bob.submit_modal(form, {"prompt": "a pond"})
    assert result.ephemeral and "no picture" in result.response.content
    assert harness.charged() == 1


async def test_the_command_takes_the_words_along(harness: BotHarness):
    """/remix opens the form for the last or the given picture, with the given prompt."""
    await paint(harness, prompt="a lake")
    await paint(harness, prompt="a hill")
    assert form_fields(await harness.alice.slash(harness.channel, "remix"))["prompt"] == "a hill"
    form = await harness.alice.slash(harness.channel, "remix", picture="1", prompt="a \u202e pond")
    assert form.modal is not None and form.modal["custom_id"] == marked("z1:remix:1")
    assert form_fields(form)["prompt"] == "a pond"
    unknown = await harness.bob.slash(harness.channel, "remix", picture="1")
    assert unknown.ephemeral and "no picture" in unknown.response.content


async def test_an_enlarged_picture_is_remixed_at_its_first_size(harness: BotHarness):
    """A remix of an upscaled picture has the original's size and does not start from its pixels."""
    await paint(harness, prompt="a lake")
    await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    form = await open_remix(harness, harness.alice)
    await harness.alice.submit_modal(form, {"prompt": "a pond"})
    await harness.settled()
    first, _, third = painted(harness)
    assert third.mode is Mode.TEXT and third.inputs == ()
    assert (third.width_px, third.height_px) == (first.width_px, first.height_px)


def test_every_text_fits_its_field():
    """Long, empty and automatically added texts stay within the limits of their fields."""
    request = a_request(prompt="x" * 3000, negative_prompt="y" * 3000)
    form = remix_form(10**18 - 1, request, "z" * 5000, words()).to_dict()
    assert len(form["title"]) <= 45 and len(form["custom_id"]) <= 100
    for part in form["components"]:
        assert part["type"] == discord.ComponentType.label.value
        value = part["component"].get("value") or ""  # type: ignore[union-attr]
        assert len(value) <= part["component"]["max_length"]  # type: ignore[index]
    assert clean("z" * 5000)[:MAX_TYPED_CHARS] in str(form)


async def test_the_words_come_back_to_be_copied(harness: BotHarness):
    """A refused form gives the prompt back in a code block that mentions nobody."""
    await paint(harness, prompt="a lake")
    typed = "a *pond* for @everyone --nonsense 3"
    result = await harness.alice.submit_modal(
        await open_remix(harness, harness.alice), {"prompt": typed}
    )
    said = harness.texts(result.response.message)
    assert result.ephemeral and "There is no flag `--nonsense`." in said
    assert "```\na *pond* for @\u200beveryone --nonsense 3\n```" in said
    assert result.response.message.attachments == []
    sent = {"prompt": "a *pond* for @everyone", "seed": "no number"}
    result = await harness.alice.submit_modal(await open_remix(harness, harness.alice), sent)
    said = result.response.content
    assert said.startswith("The seed must be between")
    assert said.endswith("```\na *pond* for @\u200beveryone\n```")
    assert harness.charged() == 1


@pytest.mark.parametrize("typed", ["word " * (WORDS_LIMIT // 4), "a ``` cat"])
async def test_words_that_fit_no_block_come_in_a_file(harness: BotHarness, typed: str):
    """Prompts that are long or contain a code fence come back in a text file."""
    await paint(harness, prompt="a lake")
    sent = {"prompt": typed, "seed": "no number"}
    result = await harness.alice.submit_modal(await open_remix(harness, harness.alice), sent)
    assert result.ephemeral and "The seed must be between" in result.response.content
    (file,) = result.response.message.attachments
    assert file.filename == "prompt.txt"
    assert (await file.read()).decode() == typed.strip()


async def test_nothing_to_give_back(harness: BotHarness):
    """Forms without a visible prompt are refused without giving anything back."""
    await paint(harness, prompt="a lake")
    sent = {"prompt": " \u200b "}
    result = await harness.alice.submit_modal(await open_remix(harness, harness.alice), sent)
    assert "prompt is empty" in result.response.content


async def test_another_programs_text_can_be_pasted_into_the_form(harness: BotHarness):
    """A text pasted over the prompt brings its negative prompt, seed and size; what the form was
    filled with yields, what was typed into it does not."""
    await paint(harness, prompt="a lake", negative="mist", guidance=1.5, seed=5)
    text = "a pond\nNegative prompt: fog\nSteps: 20, Sampler: x, Seed: 9, Size: 256x192"
    for filled, negative in (("mist", "fog"), ("rain", "rain")):
        form = await open_remix(harness, harness.alice)
        await harness.alice.submit_modal(
            form, {"prompt": text, "negative": filled, "seed": "7" if filled == "rain" else ""}
        )
        await harness.settled()
        request = painted(harness)[-1]
        assert (request.prompt, request.negative_prompt) == ("a pond", negative)
        assert request.seed == (9 if filled == "mist" else 7)
        assert (request.width_px, request.height_px) == (256, 192)
