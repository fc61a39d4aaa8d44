"""Wrong flags: named in one answer, with the prompt, Edit and Paint without them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.request.outcomes import ProposalClosed, Refused
from engine.types import Mode
from tests.bot.discord.forms import form_fields, open_remix
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import last_row_labels, paint, picture_messages
from tests.fakes import ScriptedRenderer


async def ask(harness: BotHarness, prompt: str, **options: Any) -> Any:
    """Ask for a picture as Alice; return the result."""
    return await harness.alice.slash(harness.channel, "imagine", prompt=prompt, **options)


async def test_everything_wrong_is_in_one_answer(harness: BotHarness):
    """One private answer names every wrong flag, gives the prompt back, and has both buttons."""
    asked = await ask(harness, "a cat --foo 3 --tile --ar wider --seed 5")
    text = harness.texts(asked.response.message)
    assert asked.ephemeral
    for flag in ("--foo", "--tile", "wider"):
        assert f"`{flag}`" in text
    assert "```\na cat --foo 3 --tile --ar wider --seed 5\n```" in text
    assert last_row_labels(asked.response.message) == ["Edit", "Paint without them"]
    assert harness.charged() == 0 and harness.rows("SELECT id FROM jobs") == []


async def test_values_that_only_the_model_refuses_are_named_too(harness: BotHarness):
    """A ratio, a number of steps and a count that cannot be painted are in the same answer."""
    asked = await ask(harness, "a cat --ar 99:1 --steps 80 --repeat 9 --foo --guidance 20")
    text = harness.texts(asked.response.message)
    for part in ("99:1", "80", "count must be", "--foo"):
        assert part in text
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    assert harness.renderer.painted[0].prompt == "a cat" and harness.charged() == 1


async def test_paint_without_them(harness: BotHarness, renderer: ScriptedRenderer):
    """The picture is painted without the wrong flags, with the good ones and the options, once."""
    asked = await ask(harness, "a cat --foo 3 --tile --seed 5 --no fog", negative="rain", count=2)
    question = asked.response.message
    await harness.alice.click(question, label="Paint without them")
    await harness.settled()
    first = renderer.painted[0]
    assert (first.prompt, first.seed, first.negative_prompt) == ("a cat", 5, "rain, fog")
    assert harness.charged() == 2 and len(picture_messages(harness)) == 1
    for label in ("Paint without them", "Edit"):
        again = await harness.alice.click(question, label=label)
        assert again.ephemeral and "already pressed Paint" in again.response.content
    assert harness.charged() == 2


async def test_edit_opens_the_prompt(harness: BotHarness, renderer: ScriptedRenderer):
    """The form holds the prompt as typed; what is sent is painted, or answered the same way."""
    asked = await ask(harness, "a cat --foo 3", seed=7)
    shown = await harness.alice.click(asked.response.message, label="Edit")
    assert form_fields(shown) == {"prompt": "a cat --foo 3"}
    again = await harness.alice.submit_modal(shown, {"prompt": "a cat --bar 3"})
    assert "`--bar`" in harness.texts(again.response.message)
    shown = await harness.alice.click(again.response.message, label="Edit")
    await harness.alice.submit_modal(shown, {"prompt": "a dog --steps 4"})
    await harness.settled()
    ((prompt, seed, steps),) = [(each.prompt, each.seed, each.steps) for each in renderer.painted]
    assert (prompt, seed, steps) == ("a dog", 7, 4) and harness.charged() == 1


async def test_the_buttons_outlive_the_process(harness: BotHarness, renderer: ScriptedRenderer):
    """After a restart the form opens and the picture is painted; after an hour it is over."""
    asked, late = await ask(harness, "a cat --foo --steps 4"), await ask(harness, "a dog --foo")
    await harness.stop()
    await harness.start()
    shown = await harness.alice.click(asked.response.message, label="Edit")
    assert form_fields(shown) == {"prompt": "a cat --foo --steps 4"}
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    assert [(each.prompt, each.steps) for each in renderer.painted] == [("a cat", 4)]
    harness.clock.advance(3600)
    for label in ("Edit", "Paint without them"):
        over = await harness.alice.click(late.response.message, label=label)
        assert "These buttons have expired" in over.response.content
    assert harness.charged() == 1


async def test_nobody_else_can_answer(harness: BotHarness):
    """Another member, another server and a question of another kind are refused."""
    await ask(harness, "a cat --foo")
    over = Refused(ProposalClosed(answered=False))
    corrections = harness.app.services.corrections
    assert await corrections.find(Actor(harness.bob.id, harness.guild.id, 1), 1) == over
    assert await corrections.find(Actor(harness.alice.id, 77, 1), 1) == over
    await ask(harness, "{a, b} cat")
    assert await corrections.find(Actor(harness.alice.id, harness.guild.id, 1), 2) == over


async def test_choices_stay_choices(harness: BotHarness, renderer: ScriptedRenderer):
    """Without its wrong flags, a prompt with choices is asked about as usual."""
    asked = await ask(harness, "{red --tile, blue} cat --foo 1")
    pressed = await harness.alice.click(asked.response.message, label="Paint without them")
    assert "make 2 pictures" in harness.texts(pressed.response.message)
    await harness.alice.click(pressed.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert [each.prompt for each in renderer.painted] == ["red cat", "blue cat"]


async def test_nothing_but_flags_cannot_be_painted(harness: BotHarness):
    """Where no words are left, only Edit is offered."""
    asked = await ask(harness, "--foo --tile")
    assert last_row_labels(asked.response.message) == ["Edit"]


async def test_prose_is_painted_as_written(harness: BotHarness, renderer: ScriptedRenderer):
    """Words after a dash about which the bot asks are painted as words without the flag."""
    asked = await ask(harness, "a street — no cars")
    assert "Did you mean `--no cars`?" in harness.texts(asked.response.message)
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    assert renderer.painted[0].prompt == "a street — no cars"


async def test_a_remix_can_be_corrected(harness: BotHarness, renderer: ScriptedRenderer):
    """A remix with a wrong flag stays a remix: the original's settings apply."""
    await paint(harness, prompt="a lake --steps 3")
    form = await open_remix(harness, harness.alice)
    asked = await harness.alice.submit_modal(form, {"prompt": "a pond --foo", "seed": "9"})
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    made = renderer.painted[-1]
    assert (made.prompt, made.steps, made.seed) == ("a pond", 3, 9)
    assert harness.rows("SELECT parent_picture_id FROM jobs WHERE id = 2") == [(1,)]


async def test_a_picture_from_a_picture_can_be_corrected(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """The attached picture is kept with the request."""
    asked = await ask(harness, "a cat --foo", picture=PHOTO, strength=0.5)
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    assert renderer.painted[0].mode is Mode.IMAGE and renderer.painted[0].strength == 0.5


async def test_mentions_keep_their_names(harness: BotHarness, renderer: ScriptedRenderer):
    """Names stand in place of Discord's codes in the answer, without the flags, and in the form."""
    emoji = "<:red_house:123456789012345678>"
    asked = await ask(harness, f"{emoji} of <@{harness.bob.id}> --foo", negative=emoji)
    assert "```\nred house of bob --foo\n```" in harness.texts(asked.response.message)
    shown = await harness.alice.click(asked.response.message, label="Edit")
    assert form_fields(shown) == {"prompt": "red house of bob --foo"}
    again = await harness.alice.submit_modal(shown, {"prompt": f"{emoji}, {emoji} --bar"})
    await harness.alice.click(again.response.message, label="Paint without them")
    await harness.settled()
    first = renderer.painted[0]
    assert (first.prompt, first.negative_prompt) == ("red house, red house", "red house")


async def test_a_corrected_picture_from_a_picture_has_names(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """The form's prompt has its codes in words where a source image is kept too."""
    asked = await ask(harness, "a cat --foo", picture=PHOTO)
    shown = await harness.alice.click(asked.response.message, label="Edit")
    await harness.alice.submit_modal(shown, {"prompt": "<:red_house:123456789012345678> --seed 5"})
    await harness.settled()
    made = renderer.painted[0]
    assert (made.prompt, made.mode, made.seed) == ("red house", Mode.IMAGE, 5)


async def test_a_pasted_text_can_be_corrected(harness: BotHarness, renderer: ScriptedRenderer):
    """A long text of another program is kept whole: in the form, and without its wrong flags."""
    settings = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768"
    words = ", ".join(["a red house", *["snow"] * 300])
    asked = await ask(harness, f"{words} Negative prompt: {words} {settings} --foo")
    message = asked.response.message
    assert "begins with this" in harness.texts(message)
    assert len(harness.texts(message)) <= 4000
    shown = await harness.alice.click(message, label="Edit")
    kept = form_fields(shown)["prompt"] or ""
    assert kept.endswith(f"{settings} --foo") and len(kept) > 3500
    text = f"/imagine prompt: a house Negative prompt: fog {settings} --foo"
    asked = await ask(harness, text)
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    made = renderer.painted[0]
    assert (made.prompt, made.negative_prompt, made.seed) == ("a house", "fog", 12345)


async def test_a_prompt_that_no_form_holds(harness: BotHarness, renderer: ScriptedRenderer):
    """A prompt that is too long for a form can be painted without its wrong flags, not edited."""
    asked = await ask(harness, f"a cat --no {'fog, ' * 900} --foo")
    message = asked.response.message
    assert last_row_labels(message) == ["Paint without them"]
    assert "begins with this:" in harness.texts(message)
    asked = await ask(harness, "--foo " * 700)
    assert last_row_labels(asked.response.message) == ["Edit"]
    shown = await harness.alice.click(asked.response.message, label="Edit")
    assert len(form_fields(shown)["prompt"] or "") == 4000


async def test_the_buttons_carry_the_mark(harness: BotHarness):
    """The ids of both buttons and of the form say which database they belong to."""
    asked = await ask(harness, "a cat --foo")
    pressed = await harness.alice.click(asked.response.message, custom_id=marked("z1:without:1"))
    shown_first = await ask(harness, "a dog --foo")
    shown = await harness.alice.click(shown_first.response.message, custom_id=marked("z1:edit:2"))
    assert shown.modal is not None and shown.modal["custom_id"] == marked("z1:edit:2")
    assert pressed.response is not None and marked("z1:edit:2") != "z1:edit:2"


# Addresses of pictures


@pytest.fixture
def addresses(harness: BotHarness) -> list[str]:
    """Return the addresses of two pictures that were attached somewhere on Discord."""
    found = [f"https://cdn.discordapp.com/attachments/1/{n}/cat.jpg?ex=1&hm=2&" for n in (2, 3)]
    harness.env.backend.cdn._blobs |= dict.fromkeys(found, PHOTO[1])
    return found


async def test_an_attachment_in_front_is_painted_from(harness: BotHarness, addresses: list[str]):
    """The address of an attachment of Discord's is the source image; two are blended."""
    await ask(harness, f"{addresses[0]} a dog --iw 2", enhance="off")
    await ask(harness, f"/imagine prompt: <{addresses[0]}>, {addresses[1]} a dog", enhance="off")
    await harness.settled()
    first, second = harness.renderer.painted
    assert (first.prompt, first.mode, first.strength) == ("a dog", Mode.IMAGE, 0.5)
    assert (second.prompt, second.mode, len(second.inputs)) == ("a dog", Mode.BLEND, 2)
    assert harness.fetched == [addresses[0], *addresses]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/cat.png",
        "http://127.0.0.1:8080/cat.png",
        "https://cdn.discordapp.com.example.com/attachments/1/2/cat.png",
        "https://media.discordapp.net/external/abc/https/example.com/cat.png",
        "https://example.com@cdn.discordapp.com/attachments/1/2/cat.png",
        "file:///etc/passwd",
    ],
)
async def test_nothing_is_fetched_from_elsewhere(harness: BotHarness, address: str):
    """Any other address is refused with how to attach a picture, and is not fetched."""
    asked = await ask(harness, f"{address} a dog --foo")
    text = harness.texts(asked.response.message)
    assert "No picture can be taken from" in text and "option `picture`" in text
    assert "`--foo`" in text and harness.fetched == []
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    assert harness.renderer.painted[0].prompt == "a dog" and harness.fetched == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://cdn.discordapp.com/emojis/1.png?name=cool_cat", "cool cat"),
        ("https://discord.com/channels/1/2/3", "a channel"),
    ],
)
async def test_links_that_discord_makes_are_words(harness: BotHarness, address: str, words: str):
    """A link to an emoji or a channel in front is what it is called, and is not fetched."""
    await ask(harness, f"{address} and a dog")
    await harness.settled()
    assert harness.renderer.painted[0].prompt == f"{words} and a dog" and harness.fetched == []


async def test_a_pasted_command_is_read_like_flags(harness: BotHarness, renderer: ScriptedRenderer):
    """Options of a pasted command are obeyed; wrong ones are named, and can be left out."""
    asked = await ask(harness, "/imagine prompt:a lake seed:abc aspect:2:1 count:2 model:flux")
    text = harness.texts(asked.response.message)
    assert asked.ephemeral and "`abc`" in text and "`--seed`" in text and harness.charged() == 0
    shown = await harness.alice.click(asked.response.message, label="Edit")
    typed = "/imagine prompt:a lake seed:7 aspect:2:1 count:2 model:flux"
    edited = await harness.alice.submit_modal(shown, {"prompt": typed})
    assert "“model:flux”" in harness.texts(edited.response.message)
    await harness.settled()
    first = renderer.painted[0]
    assert (first.prompt, first.seed) == ("a lake model:flux", 7) and harness.charged() == 2
    assert first.width_px > 1.9 * first.height_px


async def test_a_pasted_command_without_its_wrong_options(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Without what was wrong in it, the rest of a pasted command is painted."""
    asked = await ask(harness, "```/imagine prompt:a lake seed:abc aspect:2:1 --foo```")
    await harness.alice.click(asked.response.message, label="Paint without them")
    await harness.settled()
    (first,) = renderer.painted
    assert first.prompt == "a lake" and first.width_px > 1.9 * first.height_px


async def test_steps_and_speed_that_differ_can_be_corrected(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Steps that are not those of the speed are named with both; equal ones are painted."""
    asked = await ask(harness, "a lake --steps 3 --speed fast --seed 5")
    text = harness.texts(asked.response.message)
    assert "`--steps 3` and `--speed fast` contradict" in text and "4 steps" in text
    await harness.alice.click(asked.response.message, label="Paint without them")
    await ask(harness, "a lake --steps 4 --speed fast")
    await harness.settled()
    assert [each.steps for each in renderer.painted] == [8, 4]
    assert renderer.painted[0].seed == 5


async def test_a_region_in_a_prompt(harness: BotHarness, renderer: ScriptedRenderer):
    """--region repaints a part of the picture that is given, and is named where there is none."""
    asked = await ask(harness, "a lake --region left")
    assert "give one picture for it" in harness.texts(asked.response.message)
    assert harness.charged() == 0
    await ask(harness, "a lake --region left", picture=PHOTO)
    await harness.settled()
    (first,) = renderer.painted
    assert first.mode is Mode.INPAINT and len(first.inputs) == 2 and first.prompt == "a lake"
