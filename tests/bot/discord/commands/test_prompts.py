"""What is suggested while somebody types a prompt, and what becomes of what they choose."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.discord.commands.prompts import _presets
from bot.i18n import words
from bot.pictures.prompt_suggestions import PromptSuggestions, read
from bot.request.params import MAX_LINE_CHARS
from bot.request.prompt.prompt_keys import KEY_CHARS, is_key, key_of
from bot.wording.prompt_reading import reading_line
from engine.prompts import MAX_PROMPT_CHARS
from storage.presets import StoredPreset
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint, painted
from tests.fakes import EPOCH

LONG = "a red fox in fresh snow under tall pines, " * 6 + "morning light"
COMMANDS = ("imagine", "blend", "inpaint", "remix", "explain")


async def offered(harness: BotHarness, typed: str, who: Any = None, **more: Any) -> list[Any]:
    """Return the names and values that are suggested in `prompt` of /imagine."""
    command = more.pop("command", "imagine")
    who = who or harness.alice
    found = await who.autocomplete(harness.channel, command, "prompt", typed, **more)
    return [(each["name"], each["value"]) for each in found]


async def test_the_first_line_reads_what_is_typed_and_is_what_is_typed(harness: BotHarness):
    """Whoever presses Enter gets their own words, also where the words are only half there."""
    for typed, line in {
        "a red fox in snow, watercolour": "Subject: a red fox · Style: watercolour · 30/2000",
        "a marble statue --ar 16:": "Subject: a marble statue · Material: marble · 24/2000",
        "a cat --style oil": "Subject: a cat · Style: oil painting · 5/2000",
        "雪地里的红狐狸，水彩": "Subject: 雪地里的红狐狸 · Style: 水彩 · 10/2000",
    }.items():
        ((name, value),) = await offered(harness, typed)
        assert value == typed
        assert name == line
    assert await offered(harness, "") == await offered(harness, "  ") == []


def test_the_line_is_in_the_language_of_whoever_types():
    """The words found stay in the language that they were typed in."""
    reading = reading_line(read("a red fox, silk"), words("zh-CN"))
    assert reading == "主体：a red fox · 材质：silk · 15/2000"


@pytest.mark.parametrize("command", COMMANDS)
async def test_earlier_prompts_are_suggested_in_every_command(harness: BotHarness, command: str):
    """Newest first and each once, those that have the typed text, none of anybody else."""
    for prompt in ("a red boat", "a blue house", "a red boat"):
        await paint(harness, prompt=prompt)
    await paint(harness, harness.bob, prompt="a red secret")
    boat, house = ("a red boat", "a red boat"), ("a blue house", "a blue house")
    assert await offered(harness, "", command=command) == [boat, house]
    first, *others = await offered(harness, "RED", command=command)
    assert first[1] == "RED" and others == [boat]
    assert [each[1] for each in await offered(harness, "a red boat", command=command)] == [
        "a red boat"
    ]


async def test_a_suggested_prompt_is_read_as_it_was(harness: BotHarness):
    """Braces and hyphens that were words before are words again."""
    await paint(harness, prompt=r"a sign that says \{wet\} \--paint", enhance="off")
    ((_, value),) = await offered(harness, "")
    await paint(harness, prompt=value, enhance="off")
    first, again = painted(harness)
    assert first.prompt == again.prompt == "a sign that says {wet} --paint"


async def test_a_long_prompt_survives_in_a_short_value(harness: BotHarness):
    """Chosen from memory or while it is typed, it is painted whole; also after a restart."""
    await paint(harness, prompt=LONG, enhance="off")
    ((name, value),) = await offered(harness, "")
    assert name.startswith("a red fox") and len(name) <= KEY_CHARS and is_key(value)
    await harness.stop()
    await harness.start()
    await paint(harness, prompt=value, enhance="off")
    typed = f"{LONG}, rain"
    (_, own), *_ = await offered(harness, typed)
    await paint(harness, prompt=own, enhance="off")
    assert [each.prompt for each in painted(harness)] == [LONG, LONG, typed]


async def test_the_value_of_somebody_else_shows_nothing(harness: BotHarness):
    """Nobody gets at another member's prompt, and a beginning is not painted for the whole."""
    await paint(harness, prompt=LONG)
    for who, prompt in ((harness.bob, key_of(LONG)), (harness.alice, key_of(f"{LONG}!"))):
        result = await who.slash(harness.channel, "imagine", prompt=prompt)
        assert result.ephemeral and "do not have any more" in result.response.content
    assert len(painted(harness)) == 1


async def test_what_looks_like_a_value_is_painted_as_it_is(harness: BotHarness):
    """Only what was made as a key is one."""
    typed = "a red fox… ⟨0123456789ab01234567⟩"
    await paint(harness, prompt=typed, enhance="off")
    assert painted(harness)[0].prompt == typed


async def test_typing_on_behind_a_choice(harness: BotHarness):
    """Discord shows the line of a choice in the place of what was typed; what comes behind it is
    typed behind the words, and the line itself is never painted."""
    ((line, _),) = await offered(harness, "a red fox")
    assert line == "Subject: a red fox · 9/2000"
    ((again, value),) = await offered(harness, f"{line} in snow")
    assert (again, value) == ("Subject: a red fox · 17/2000", "a red fox in snow")
    await paint(harness, prompt=f"{line}, watercolour", enhance="off")
    await paint(harness, harness.bob, prompt=f"{line}, ink", enhance="off")
    mine, another = painted(harness)
    assert mine.prompt == "a red fox, watercolour"
    assert another.prompt == f"{line}, ink"  # which Bob was never offered


async def test_presets_are_added_to_what_is_typed(harness: BotHarness):
    """Each of one's own with its flag; none alone, and none beside another."""
    for name, line in (("my ink", "soft light --style ink"), ("wide", "--ar 16:9")):
        await harness.alice.slash(harness.channel, "preset save", name=name, settings=line)
    _, ink, wide = await offered(harness, "a fox")
    assert ink == (
        'a fox --preset "my ink" (soft light --style ink)',
        'a fox --preset "my ink"',
    )
    assert wide[1] == "a fox --preset wide"
    assert await offered(harness, "") == []
    assert len(await offered(harness, "a fox", preset="wide")) == 1
    assert len(await offered(harness, "a fox --preset")) == 1
    assert len(await offered(harness, "a fox", harness.bob)) == 1
    await paint(harness, prompt=ink[1], enhance="off")
    assert painted(harness)[0].prompt == "a fox, soft light"
    await harness.alice.slash(harness.channel, "preset delete", name="wide")
    assert [each[1] for each in await offered(harness, "b")] == ["b", 'b --preset "my ink"']
    await harness.alice.slash(harness.channel, "preset save", name="b", settings="light")
    assert [each[1] for each in await offered(harness, "c")][1:] == [
        "c --preset b",
        'c --preset "my ink"',
    ]


async def test_choices_end_where_discord_ends(harness: BotHarness):
    """At most 25, presets among them, each with a name and a value of 100 characters at most."""
    for number in range(30):
        await paint(harness, prompt=f"{number} foxes {'in the snow ' * (number % 12)}")
    for number in range(7):
        name = f"{number}" * 40
        await harness.alice.slash(harness.channel, "preset save", name=name, settings="light")
    found = await offered(harness, "foxes")
    assert len(found) == 25
    assert all(1 <= len(part) <= 100 for each in found for part in each)
    assert sum("--preset" in value for _, value in found) == 5
    assert "29 foxes" in found[1][0]


async def test_it_answers_from_memory_and_in_time(harness: BotHarness):
    """After the first suggestion no database is asked, and the slowest text takes less than 50 ms
    of a processor, so that it is so on a machine that is busy with other things too."""
    await paint(harness, prompt="a boat")
    await offered(harness, "")
    await harness.app.services.gallery._history._db.close()
    suggest = harness.app.services.prompt_suggestions.suggest
    actor = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    for typed in ("a bo", "x" * MAX_LINE_CHARS, "a-" * 3000, "“" * MAX_LINE_CHARS, "雪" * 6000):
        begun = time.process_time()
        found = await suggest(actor, typed)
        took_s = time.process_time() - begun
        assert took_s < 0.05, (typed[:5], took_s)
        assert found.reading is not None
    assert len((await suggest(actor, "bo")).prompts) == 1


async def test_a_broken_database_leaves_the_typed_words(harness: BotHarness):
    """Suggestions are never in the way of what somebody types."""
    await harness.app.services.gallery._history._db.close()
    assert [each[1] for each in await offered(harness, "a boat")] == ["a boat"]


async def test_nothing_is_suggested_of_an_erased_member(harness: BotHarness):
    """Neither pictures' prompts, nor presets, nor what was typed last."""
    await paint(harness, prompt="a boat")
    await harness.alice.slash(harness.channel, "preset save", name="ink", settings="light")
    (_, key), *_ = await offered(harness, LONG)
    actor = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    assert await harness.app.services.prompt_suggestions.resolve(actor, key) == LONG
    await harness.app.services.erasure.erase_own(actor)
    assert await offered(harness, "") == []
    assert await harness.app.services.prompt_suggestions.resolve(actor, key) != LONG


async def test_a_deleted_picture_is_not_suggested(harness: BotHarness):
    """Its words go with it."""
    await paint(harness, prompt="a boat")
    assert len(await offered(harness, "")) == 1
    actor = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    await harness.app.services.deletion.erase(actor, 1)
    assert await offered(harness, "") == []


def test_a_prompt_that_is_too_long_says_so():
    """The length is counted without flags, and as the limit counts it."""
    line = reading_line(read("a cat " * 500), words())
    assert line.endswith(f"too long: 2998/{MAX_PROMPT_CHARS}") and len(line) <= 100


def test_a_name_that_no_flag_can_have_is_not_offered():
    """A quotation mark in it would end it."""
    found = PromptSuggestions(None, (), (StoredPreset('a "b"', "C", "light", EPOCH),))
    assert _presets("a fox", found, words()) == []
