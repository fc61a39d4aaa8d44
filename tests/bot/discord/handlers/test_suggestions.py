"""Prompts that the demo model does not know: asked about privately before anything is charged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.accounts.permissions import Actor
from bot.request.outcomes import ProposalClosed, Refused
from engine.diffusion.families import SKETCH_FAMILY
from storage import consistency
from tests.bot.discord.fuzzer import Fuzzer, check_harmless
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import picture_messages
from tests.fakes import ScriptedRenderer

ANYWAY = "Paint anyway"
EVERY = ["Paint 1", "Paint 2", "Paint 3", ANYWAY]


@pytest.fixture
async def harness(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[BotHarness]:
    """Run the bot as it is with the embedded model, which knows little."""
    async with open_harness(data_dir, renderer.load, family=SKETCH_FAMILY) as harness:
        yield harness


async def ask(harness: BotHarness, prompt: str, **options: Any) -> Any:
    """Ask for a picture as Alice, without enhancement."""
    asked = {"prompt": prompt, "enhance": "off"} | options
    return await harness.alice.slash(harness.channel, "imagine", **asked)


def labels(message: discord.Message) -> list[str]:
    """Return the labels of all buttons, from top to bottom."""
    found: list[str] = []
    for part in message.components:
        children = part.children if isinstance(part, discord.ActionRow) else []
        accessory = part.accessory if isinstance(part, discord.SectionComponent) else None
        buttons = [each for each in (*children, accessory) if isinstance(each, discord.Button)]
        found += [each.label or "" for each in buttons]
    return found


def examples_for(prompt: str) -> tuple[str, ...]:
    """Return what is suggested in the place of a prompt."""
    assert SKETCH_FAMILY.vocabulary is not None
    return SKETCH_FAMILY.vocabulary().examples_for(prompt)


def nothing_charged(harness: BotHarness) -> bool:
    """Return whether there is no job and no charge."""
    return harness.rows("SELECT id FROM jobs") == [] and harness.charged() == 0


@pytest.mark.parametrize(
    "prompt",
    [
        "a giraffe",
        "a dinosaur",
        "Pikachu",
        "a red dinosaur --ar 16:9",
        "ein Hund",
        "一只长颈鹿",
        "кошка",
        "x",
    ],
)
async def test_it_is_asked_before_anything_is_spent(
    harness: BotHarness, renderer: ScriptedRenderer, prompt: str
):
    """A prompt with nothing known gets an ephemeral answer with four buttons and costs nothing."""
    asked = await ask(harness, prompt)
    assert asked.ephemeral and nothing_charged(harness) and renderer.painted == []
    text = harness.texts(asked.response.message)
    assert "built-in demo model" in text and "Nothing has been painted or charged" in text
    assert labels(asked.response.message) == EVERY
    assert SKETCH_FAMILY.vocabulary is not None
    names = SKETCH_FAMILY.vocabulary().names_for(prompt)
    assert all(name in text for _, group in names for name in group)
    assert all(example in text for example in examples_for(prompt.partition(" --")[0]))
    assert harness.channel.history() == []


@pytest.mark.parametrize(
    "prompt", ["a house", "two cats and a boat", "a dragon over the city", "夜晚的龙", "一朵花"]
)
async def test_one_known_word_is_enough(
    harness: BotHarness, renderer: ScriptedRenderer, prompt: str
):
    """A prompt with one known thing, place or time is painted at once."""
    await ask(harness, prompt)
    await harness.settled()
    assert [each.prompt for each in renderer.painted] == [prompt]
    message = harness.message_with_picture()
    assert "Built-in demo model. It knows: " in harness.texts(message)


async def test_each_example_is_one_tap(harness: BotHarness, renderer: ScriptedRenderer):
    """Every button paints what it says, as often as it is pressed, with the options as given."""
    asked = await ask(harness, "a giraffe --ar 16:9", negative="fog")
    question = asked.response.message
    examples = examples_for("a giraffe")
    for label in (*EVERY, "Paint 1"):
        await harness.alice.click(question, label=label)
        await harness.settled()
    assert [each.prompt for each in renderer.painted] == [*examples, "a giraffe", examples[0]]
    assert all(each.negative_prompt == "fog" for each in renderer.painted)
    assert len({each.width_px / each.height_px for each in renderer.painted}) == 1
    assert renderer.painted[0].width_px > renderer.painted[0].height_px
    assert harness.charged() == 5 and len(picture_messages(harness)) == 5
    assert consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []
    assert labels(asked.response.message) == EVERY


async def test_the_card_says_that_nothing_is_known(harness: BotHarness, renderer: ScriptedRenderer):
    """What was painted anyway says so on its card, while it waits and when it is finished."""
    renderer.hold()
    asked = await ask(harness, "a giraffe")
    pressed = await harness.alice.click(asked.response.message, label=ANYWAY)
    assert not pressed.ephemeral
    told = "The built-in demo model knows nothing in this prompt. It knows: house"
    assert told in harness.texts(pressed.response.message)
    renderer.release()
    await harness.settled()
    assert told in harness.texts(harness.message_with_picture())


async def test_several_cost_as_many(harness: BotHarness):
    """The count holds for each button, and the question says so."""
    asked = await ask(harness, "a giraffe", count=3)
    assert "Each press paints 3 pictures" in harness.texts(asked.response.message)
    await harness.alice.click(asked.response.message, label=ANYWAY)
    await harness.settled()
    assert harness.charged() == 3


async def test_private_stays_private(harness: BotHarness):
    """A private picture is shown to its requester alone, whichever button is pressed."""
    asked = await ask(harness, "a giraffe", private=True)
    pressed = await harness.alice.click(asked.response.message, label="Paint 1")
    await harness.settled()
    assert pressed.ephemeral and harness.rows("SELECT private FROM jobs") == [(1,)]


async def test_the_buttons_outlive_the_process(harness: BotHarness, renderer: ScriptedRenderer):
    """All buttons work after a restart."""
    asked = await ask(harness, "a giraffe --steps 4", seed=7)
    await harness.stop()
    await harness.start()
    for label in ("Paint 1", ANYWAY):
        await harness.alice.click(asked.response.message, label=label)
        await harness.settled()
    painted = [(each.prompt, each.seed, each.steps) for each in renderer.painted]
    assert painted == [(examples_for("a giraffe")[0], 7, 4), ("a giraffe", 7, 4)]


async def test_after_an_hour_it_is_over(harness: BotHarness):
    """An expired question says so instead of painting, whether its row still exists or not."""
    one, two = await ask(harness, "a giraffe"), await ask(harness, "a camel")
    harness.clock.advance(3600)
    await harness.alice.click(one.response.message, label=ANYWAY)
    assert "These buttons have expired" in harness.texts(one.response.message)
    assert labels(one.response.message) == []
    await harness.app.maintenance.forget_old_proposals()
    await harness.alice.click(two.response.message, label="Paint 2")
    assert "These buttons have expired" in harness.texts(two.response.message)
    assert nothing_charged(harness)


async def test_nobody_else_can_press(harness: BotHarness):
    """Another member's press, or one from another server, paints nothing and charges nobody."""
    await ask(harness, "a giraffe")
    paint = harness.app.services.suggestions.paint
    over = Refused(ProposalClosed(answered=False))
    for user, guild in ((harness.bob.id, harness.guild.id), (harness.alice.id, 77)):
        actor = Actor(user, guild, harness.channel.id)
        assert [await paint(actor, 1, each) for each in (None, 0, 2)] == [over] * 3
    assert await paint(Actor(harness.alice.id, harness.guild.id, harness.channel.id), 9) == over
    assert nothing_charged(harness)


@pytest.mark.parametrize("custom_id", ["z1:paint:1", "z1:decline:1"])
async def test_it_is_no_batch(harness: BotHarness, custom_id: str):
    """The buttons of the other kind of question do nothing to this one, and the reverse."""
    asked = await ask(harness, "a giraffe")
    await Fuzzer(harness).press(harness.alice, marked(custom_id), message=asked.response.message)
    many = await ask(harness, "{red, blue} house")
    for button in ("z1:anyway:2", "z1:tryfirst:2", "z1:trythird:2"):
        await Fuzzer(harness).press(harness.alice, marked(button), message=many.response.message)
    await harness.env.settle()
    assert nothing_charged(harness)


async def test_a_spent_quota_is_said_at_once(data_dir: Path, renderer: ScriptedRenderer):
    """A quota that is too small is said in place of the question, and again when pressed."""
    limits: dict[str, Any] = {"quota": {"pictures": 1, "hours": 2}}
    async with open_harness(data_dir, renderer.load, family=SKETCH_FAMILY, **limits) as harness:
        asked = await ask(harness, "a giraffe")
        await ask(harness, "a house")
        await harness.settled()
        refused = await ask(harness, "a camel")
        assert refused.ephemeral and "used up" in refused.response.content
        pressed = await harness.alice.click(asked.response.message, label=ANYWAY)
        assert pressed.ephemeral and "used up" in pressed.response.content
        assert harness.charged() == 1


async def test_choices_in_braces_say_it_in_their_own_question(harness: BotHarness):
    """A question about choices says it if the model knows nothing in any of them, and offers the
    same examples."""
    asked = await ask(harness, "{a giraffe, a camel}")
    text = harness.texts(asked.response.message)
    assert "knows no thing, place or time" in text
    assert labels(asked.response.message) == ["Paint 2 pictures", "Cancel", *EVERY[:3]]
    assert all(example in text for example in examples_for("a giraffe"))
    mixed = await ask(harness, "{a giraffe, a house}")
    assert "demo model" not in harness.texts(mixed.response.message)
    assert labels(mixed.response.message) == ["Paint 2 pictures", "Cancel"]


async def test_examples_in_place_of_choices(harness: BotHarness, renderer: ScriptedRenderer):
    """An example is painted with the flags of the first choice, also twice and after a restart; the
    choices can be painted afterwards, and nothing is charged before."""
    asked = await ask(harness, "{a giraffe --seed 3, a camel} --steps 4 --repeat 2", aspect="16:9")
    question = asked.response.message
    assert asked.ephemeral and nothing_charged(harness)
    assert "Each of them is 2 pictures" in harness.texts(question)
    await harness.alice.click(question, label="Paint 2")
    await harness.settled()
    await harness.stop()
    await harness.start()
    await harness.alice.click(question, label="Paint 2")
    await harness.settled()
    example = examples_for("a giraffe")[1]
    assert [each.prompt for each in renderer.painted] == [example] * 4
    assert [each.seed for each in renderer.painted] == [3, 4, 3, 4]
    assert {each.steps for each in renderer.painted} == {4} and harness.charged() == 4
    await harness.alice.click(question, label="Paint 4 pictures")
    await harness.settled()
    assert [each.prompt for each in renderer.painted[4:]] == [
        "a giraffe",
        "a giraffe",
        "a camel",
        "a camel",
    ]
    assert labels(asked.response.message) == []


@pytest.mark.parametrize("label", ["Paint 1", "Paint 3"])
async def test_examples_of_choices_expire_too(harness: BotHarness, label: str):
    """An hour later the question is over, whichever of its buttons is pressed."""
    asked = await ask(harness, "{a giraffe, a camel}")
    harness.clock.advance(3600)
    await harness.alice.click(asked.response.message, label=label)
    assert "These buttons have expired" in harness.texts(asked.response.message)
    assert labels(asked.response.message) == [] and nothing_charged(harness)


async def test_nobody_else_takes_an_example_of_choices(harness: BotHarness):
    """Both questions belong to their requester: nobody else's press paints anything."""
    await ask(harness, "{a giraffe, a camel}")
    bob = Actor(harness.bob.id, harness.guild.id, harness.channel.id)
    over = Refused(ProposalClosed(answered=False))
    for proposal in (1, 2):
        assert await harness.app.services.suggestions.paint(bob, proposal, 0) == over
    assert nothing_charged(harness)


async def test_a_remix_with_choices_offers_examples(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Examples in place of a remix keep the picture's settings and its original."""
    await ask(harness, "a lake --steps 4", aspect="16:9")
    await harness.settled()
    shown = await harness.alice.slash(harness.channel, "remix")
    asked = await harness.alice.submit_modal(shown, {"prompt": "{a giraffe, a camel}"})
    await harness.alice.click(asked.response.message, label="Paint 1")
    await harness.settled()
    first, second = renderer.painted
    assert second.prompt == examples_for("a giraffe")[0] and second.steps == 4
    assert (second.width_px, second.height_px) == (first.width_px, first.height_px)
    assert harness.rows("SELECT parent_picture_id FROM jobs WHERE id = 2") == [(1,)]


async def test_a_remix_asks_too(harness: BotHarness, renderer: ScriptedRenderer):
    """The new prompt of a remix is asked about; its settings and its original are kept."""
    await ask(harness, "a lake --steps 4", aspect="16:9")
    await harness.settled()
    shown = await harness.alice.slash(harness.channel, "remix")
    asked = await harness.alice.submit_modal(shown, {"prompt": "a giraffe"})
    assert asked.ephemeral and harness.charged() == 1
    await harness.alice.click(asked.response.message, label=ANYWAY)
    await harness.settled()
    first, second = renderer.painted
    assert second.prompt == "a giraffe" and second.steps == 4
    assert (second.width_px, second.height_px) == (first.width_px, first.height_px)
    assert harness.rows("SELECT parent_picture_id FROM jobs WHERE id = 2") == [(1,)]


async def test_repeating_is_not_asked_about(harness: BotHarness, renderer: ScriptedRenderer):
    """Reroll and variations of a picture that was painted anyway are painted without a question."""
    asked = await ask(harness, "a giraffe")
    await harness.alice.click(asked.response.message, label=ANYWAY)
    await harness.settled()
    for command in ("reroll", "vary"):
        await harness.alice.slash(harness.channel, command)
        await harness.settled()
    assert [each.prompt for each in renderer.painted] == ["a giraffe"] * (1 + 1 + 4)


async def test_help_status_and_explain_say_what_it_knows(harness: BotHarness):
    """Each says that this is the demo model, and names all that it knows."""
    for command, options in (("help", {}), ("status", {})):
        told = await harness.alice.slash(harness.channel, command, **options)
        text = harness.texts(told.response.message)
        assert "This is the built-in demo model" in text
        assert all(word in text for word in ("house", "flower", "desert", "noon", "mist", "pink"))
    for prompt, words in (("a house", "It knows: house"), ("a giraffe", "knows nothing in this")):
        told = await harness.alice.slash(harness.channel, "explain", prompt=prompt)
        assert words in harness.texts(told.response.message)


async def test_other_models_are_not_mentioned(data_dir: Path, renderer: ScriptedRenderer):
    """With a model that knows words, nothing is asked, and nothing is said of a demo model."""
    async with open_harness(data_dir, renderer.load) as harness:
        await ask(harness, "a giraffe")
        await harness.settled()
        texts = [harness.texts(harness.message_with_picture())]
        for command, options in (
            ("help", {}),
            ("status", {}),
            ("explain", {"prompt": "a giraffe"}),
        ):
            told = await harness.alice.slash(harness.channel, command, **options)
            texts.append(harness.texts(told.response.message))
        assert "demo" not in "".join(texts)


async def test_nothing_typed_pings_or_formats(harness: BotHarness):
    """The prompt is escaped in the question."""
    asked = await ask(harness, "<@123456789012345678> **b** @everyone \ud800")
    assert asked.ephemeral and r"\*\*b\*\*" in harness.texts(asked.response.message)
    for request in harness.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            check_harmless(request.json)
