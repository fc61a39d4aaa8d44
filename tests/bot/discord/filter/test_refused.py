"""A prompt that a server's filter refuses is not painted in any way, and not charged."""

from __future__ import annotations

import json

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.painting import paint, painted, private_text

REFUSED = "words that are not allowed on this server. Nothing was charged."


def rule(guild_id: int, **values: object) -> str:
    """Return the statement that adds a rule of the filter, such as another version may have."""
    row = {
        "guild_id": guild_id,
        "name": "a",
        "lookup": "a",
        "action": "refuse",
        "everywhere": 1,
        "words": ["cat", "裸體"],
        "regexes": [],
        "allowed": [],
        "roles": [],
        "channels": [],
        "set_by": 1,
        "set_at": 1,
    } | values
    texts = [json.dumps(each) if isinstance(each, list) else each for each in row.values()]
    quoted = ", ".join("'" + str(each).replace("'", "''") + "'" for each in texts)
    return f"INSERT INTO filter_rules ({', '.join(row)}) VALUES ({quoted})"


async def forbid(harness: BotHarness, **values: object) -> None:
    """Add a rule to the server before its rules are read for the first time."""
    async with harness.app.stores.db.transaction(bookkeeping=True) as transaction:
        await transaction.execute(rule(harness.guild.id, **values))


async def test_every_text_of_a_request_is_checked(harness: BotHarness) -> None:
    """The prompt, its flags, its negative prompt, a pasted command and a preset are refused before
    anything is charged, however the word is written; other words are painted."""
    await harness.alice.slash(
        harness.channel, "preset save", name="mine", settings="a fat cat --ar 16:9"
    )
    await forbid(harness)
    for options in (
        {"prompt": "a CAT"},
        {"prompt": "a ｃａｔ, asleep"},
        {"prompt": "一個裸 体的人"},
        {"prompt": "a fox", "negative": "cat"},
        {"prompt": "a fox --no cat"},
        {"prompt": "/imagine prompt:a cat seed:5"},
        {"prompt": "a fox", "preset": "mine"},
        {"prompt": "a {fox, cat}"},
        {"prompt": "a {fox, hare, cat, dog, cow}"},
        {"prompt": "a cat", "picture": PHOTO},
        {"prompt": "a cat", "private": True},
    ):
        refused = await harness.alice.slash(harness.channel, "imagine", **options)
        assert REFUSED in private_text(refused), options
    await harness.settled()
    assert harness.charged() == 0 and not painted(harness)
    assert harness.rows("SELECT count(*) FROM jobs") == [(0,)]
    await paint(harness, prompt="concatenated foxes")
    assert harness.charged() == 1


async def test_what_enhancement_adds_is_checked(harness: BotHarness) -> None:
    """A word that is not in the prompt but in what the model would read is refused."""
    await forbid(harness, words=["quality"], regexes=["quality|detailed|sharp|focus|light"])
    await paint(harness, prompt="a fox in the forest, sunset", enhance="off")
    assert harness.charged() == 1
    refused = await harness.alice.slash(
        harness.channel, "imagine", prompt="a fox in the forest, sunset", enhance="full"
    )
    assert REFUSED in private_text(refused)


async def test_pictures_from_before_the_rule_are_not_repeated(harness: BotHarness) -> None:
    """Rerolls, variations, upscales and remixes of a prompt that is not allowed are refused."""
    await paint(harness, prompt="a cat")
    message = harness.message_with_picture()
    await harness.crash()
    harness.change(rule(harness.guild.id))
    await harness.start()
    for label in ("Reroll", "Vary (subtle)", "Upscale"):
        refused = await harness.bob.click(message, label=label)
        assert REFUSED in private_text(refused), label
    form = await harness.alice.slash(harness.channel, "remix")
    refused = await harness.alice.submit_modal(form, {"prompt": "a big cat"})
    assert REFUSED in private_text(refused)
    assert harness.charged() == 1


async def test_a_broken_pattern_in_the_database_stops_nobody(harness: BotHarness) -> None:
    """A pattern that cannot be compiled any more is left out; the others are found."""
    await forbid(harness, regexes=["(", "d[o0]g"])
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a d0g")
    assert REFUSED in private_text(refused)
    await paint(harness, prompt="a fox")
    assert harness.charged() == 1


async def test_what_is_refused_is_not_explained(harness: BotHarness) -> None:
    """/explain refuses what /imagine refuses, with the same words; other prompts are explained."""
    await forbid(harness)
    for prompt in ("a cat", "a fox --no cat"):
        refused = await harness.alice.slash(harness.channel, "explain", prompt=prompt)
        assert REFUSED in private_text(refused), prompt
    explained = await harness.alice.slash(harness.channel, "explain", prompt="a fox")
    assert REFUSED not in private_text(explained)
