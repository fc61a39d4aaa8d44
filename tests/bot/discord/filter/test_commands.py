"""/admin filter: rules are made, changed, tried, exported and imported; bad ones change nothing."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.accounts.permissions import Action, Actor
from bot.moderation.filter.administration import MAX_PATTERNS, MAX_RULES, RuleSettings
from bot.request.outcomes import NotAllowed, Refused
from storage.filters import FilterAction
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import private_text

Rows = list[tuple[Any, ...]]
NOT_ALLOWED = "not allowed"


async def admin(harness: BotHarness, command: str, who: Any = None, **options: Any) -> str:
    """Run a command of /admin filter; return the private answer."""
    result = await (who or harness.admin).slash(
        harness.channel, f"admin filter {command}", **options
    )
    return private_text(result)


async def answer(harness: BotHarness, prompt: str, who: Any = None, **options: Any) -> str:
    """Return the private answer to a prompt, "" where it was painted."""
    result = await (who or harness.alice).slash(
        harness.channel, "imagine", prompt=prompt, **options
    )
    await harness.settled()
    return private_text(result) if result.ephemeral else ""


def rules(harness: BotHarness) -> Rows:
    """Return all that is stored of rules."""
    return harness.rows("SELECT * FROM filter_rules ORDER BY id")


async def file_of(result: Any) -> str:
    """Return the text of the file that an answer has."""
    (attachment,) = result.response.attachments
    return (await attachment.read()).decode()


async def test_words_are_added_tried_and_removed(harness: BotHarness) -> None:
    """A rule refuses from the next request on, says so when it is tried, and stops when removed."""
    assert "Nothing is filtered" in await admin(harness, "list")
    said = await admin(harness, "add", words="cat, *dog*，裸體", regex="n+ude")
    assert "`cat`, `*dog*`, `裸體`, `n+ude`" in said and "Refuse" in said
    assert NOT_ALLOWED in await answer(harness, "a CAT")
    assert NOT_ALLOWED in await answer(harness, "hotdogs")
    assert "`*dog*`" in await admin(harness, "test", prompt="two hotdogs and a fox")
    assert "No rule finds anything" in await admin(harness, "test", prompt="a fox")
    said = await admin(harness, "add", words="CAT, fox")
    assert "1 was there already" in said
    assert "`fox`" in await admin(harness, "remove", words="cat, 裸体")
    assert not await answer(harness, "a cat")
    assert NOT_ALLOWED in await answer(harness, "a fox")
    assert "deleted" in await admin(harness, "remove", rule="main")
    assert not await answer(harness, "a fox") and rules(harness) == []
    assert harness.charged() == 2


async def test_a_member_is_told_the_word_only_if_the_server_says_so(harness: BotHarness) -> None:
    """By default the answer names no word; the switch holds for the next request."""
    await admin(harness, "add", words="cat")
    assert "cat" not in await answer(harness, "my Cat")
    assert "Members are told" in await admin(harness, "set", told="on")
    assert "`cat` is not allowed in prompts" in await answer(harness, "my Cat")
    assert "not told" in await admin(harness, "set", told="off")
    assert "cat" not in await answer(harness, "my Cat")


async def test_roles_and_channels_are_exempt(harness: BotHarness) -> None:
    """A rule does not hold for an exempt role or in an exempt channel, until they are chosen
    again; another rule holds all the same."""
    role = harness.guild.create_role("artists")
    bob = harness.guild.add_member(harness.env.create_user("artist"), roles=[role])
    await admin(harness, "add", words="cat")
    await admin(harness, "add", words="dog", rule="Dogs")
    assert f"except for <@&{role.id}>" in await admin(harness, "set", rule="main", role=role)
    assert not await answer(harness, "a cat", bob)
    assert NOT_ALLOWED in await answer(harness, "a cat")
    assert NOT_ALLOWED in await answer(harness, "a dog", bob)
    await admin(harness, "set", rule="main", role=role)
    assert NOT_ALLOWED in await answer(harness, "a cat", bob)
    assert "does not hold for you here" not in await admin(harness, "test", prompt="a cat")
    await admin(harness, "set", rule="MAIN", channel=harness.channel)
    assert not await answer(harness, "a cat")
    assert "does not hold for you here" in await admin(harness, "test", prompt="a cat")


async def test_age_restricted_channels_decide(harness: BotHarness) -> None:
    """A rule for other channels does not hold where Discord marks the channel; one for all does."""
    restricted = harness.guild.create_text_channel("late")
    found = harness.app.client.get_channel(restricted.id)
    assert isinstance(found, discord.TextChannel)
    found.nsfw = True
    await admin(harness, "add", words="cat")
    await admin(harness, "add", words="dog", rule="always")
    await admin(harness, "set", rule="main", where="not_age_restricted")
    assert NOT_ALLOWED in await answer(harness, "a cat")
    for prompt, refused in (("a cat", False), ("a dog", True)):
        result = await harness.alice.slash(restricted, "imagine", prompt=prompt)
        await harness.settled()
        assert result.ephemeral is refused, prompt
    assert harness.charged() == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"regex": "(a"}, "`(a` is not a regular expression (missing ): (a)"),
        ({"regex": "(?<=a)b"}, "is not a regular expression"),
        ({"regex": ".*"}, "`.*` would be found in every prompt"),
        ({"words": "*"}, "`*` would be found in every prompt"),
        ({"words": "cat, !!"}, "There are no letters in `!!`"),
        ({"words": "x" * 61}, "is longer than 60 characters"),
        ({"words": " , ,"}, "Nothing was changed: give `words`, `regex` or `allowed`"),
        ({}, "Nothing was changed: give `words`, `regex` or `allowed`"),
        ({"words": "cat", "rule": "\u200b"}, "The name of a rule needs 1 to 32 characters"),
    ],
)
async def test_a_bad_pattern_changes_nothing(
    harness: BotHarness, options: dict[str, Any], said: str
) -> None:
    """It is refused in one sentence, and good ones beside it are not added either."""
    await admin(harness, "add", words="dog")
    before = rules(harness)
    assert said in await admin(harness, "add", **options)
    assert rules(harness) == before


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("remove", {"words": "fox"}, "No rule has `fox`"),
        ("remove", {"words": "cat, fox"}, "No rule has `fox`"),
        ("remove", {"rule": "other"}, "There is no rule `other`. There are: `main`"),
        ("remove", {}, "Nothing was changed: give"),
        ("set", {"rule": "other", "action": "spoiler", "told": "on"}, "There is no rule `other`"),
    ],
)
async def test_what_is_not_there_changes_nothing(
    harness: BotHarness, command: str, options: dict[str, Any], said: str
) -> None:
    """Another rule or pattern than those that there are is refused in one sentence."""
    await admin(harness, "add", words="cat")
    before = rules(harness), harness.rows("SELECT * FROM filter_settings")
    assert said in await admin(harness, command, **options)
    assert (rules(harness), harness.rows("SELECT * FROM filter_settings")) == before


async def test_only_admins_may(harness: BotHarness) -> None:
    """Members and moderators are refused by every call, whatever Discord let through; nothing is
    told or changed."""
    await admin(harness, "add", words="cat")
    before, filter_ = rules(harness), harness.app.services.filter
    for moderates in (False, True):
        actor = Actor(1, harness.guild.id, harness.channel.id, manages_messages=moderates)
        outcomes = [
            await filter_.add(actor, None, "dog"),
            await filter_.remove(actor, "main"),
            await filter_.set(actor, None, RuleSettings(FilterAction.SPOILER), True),
            await filter_.rules(actor),
            await filter_.test(actor, "a cat"),
            await filter_.export(actor),
            await filter_.import_(actor, None, b"dog"),
            await filter_.import_(actor, None, b"zimagine filter 2"),
            await filter_.import_(actor, None, b"x" * 10**6),
        ]
        assert outcomes == [Refused(NotAllowed(Action.SET_FILTER))] * len(outcomes)
        assert await filter_.matching(actor, "") == ()
    assert rules(harness) == before


async def test_rules_go_through_a_file(harness: BotHarness) -> None:
    """What is exported replaces all rules when it is imported, with the old ones given back."""
    role = harness.guild.create_role("artists")
    await admin(harness, "add", words="cat, 裸體", regex="n+ude", allowed="concat*")
    await admin(harness, "add", words="dog", rule="Dogs & co")
    await admin(
        harness, "set", rule="main", action="spoiler", where="not_age_restricted", role=role
    )
    exported = await file_of(await harness.admin.slash(harness.channel, "admin filter export"))
    told = "SELECT name, action, everywhere, words, regexes, allowed, roles FROM filter_rules"
    before = harness.rows(f"{told} ORDER BY lookup")
    await admin(harness, "remove", rule="main")
    await admin(harness, "add", words="fox")
    imported = await harness.admin.slash(
        harness.channel, "admin filter import", file=("filter.txt", exported.encode())
    )
    assert "The filter of this server has 2 rules now" in private_text(imported)
    assert harness.rows(f"{told} ORDER BY lookup") == before
    assert "word: fox" in await file_of(imported)
    assert NOT_ALLOWED in await answer(harness, "a dog") and not await answer(harness, "a fox")


async def test_a_list_of_words_is_added_to_a_rule(harness: BotHarness) -> None:
    """A text file with a word in each line, as they are found everywhere, is added to one rule."""
    await admin(harness, "add", words="cat")
    listed = ("\ufeff# bad words\r\ncat\r\n\r\n big dog \r\n裸體\r\n").encode()
    said = await admin(harness, "import", file=("words.txt", listed))
    assert "`cat`, `big dog`, `裸體`" in said and "1 was there already" in said
    assert NOT_ALLOWED in await answer(harness, "a BIG dog")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"zimagine filter 2\nrule: main\nword: cat\n", "The file is of version 2, which I cannot"),
        (b"zimagine filter 1\nrule: main\nsound: cat\n", "Line 3 of the file"),
        (b"zimagine filter 1\nword: cat\n", "Line 2 of the file"),
        (b"zimagine filter 1\nrule: a\naction: ban\n", "Line 3 of the file"),
        (b"zimagine filter 1\nrule: a\nrole: 12x\n", "Line 3 of the file"),
        (b"zimagine filter 1\nrule: a\nrule: A\n", "Line 3 of the file"),
        (b"zimagine filter 1\nrule: a\nregex: (\n", "`(` is not a regular expression"),
        (b"fox\n(\n***\nhare\n", "Line 2: There are no letters in `(`"),
        (b"cat\n\xff\xfe\n", "Line 2 of the file"),
        ("\n".join(f"word{n}" for n in range(10_000)).encode(), "That would be 10001 words"),
        (
            b"zimagine filter 1\n" + b"".join(b"rule: r%d\n" % n for n in range(MAX_RULES + 1)),
            f"A server can have {MAX_RULES} rules",
        ),
        (b"x" * (513 * 1024), "The file is larger than 512 KiB"),
        (b"", "Nothing was changed: give"),
    ],
)
async def test_a_bad_file_changes_nothing(harness: BotHarness, data: bytes, said: str) -> None:
    """Another version, another format, bad and too many patterns: one sentence with the line."""
    await admin(harness, "add", words="bear")
    before = rules(harness)
    assert said in await admin(harness, "import", file=("filter.txt", data))
    assert rules(harness) == before


async def test_a_server_has_room_for_its_limit(harness: BotHarness) -> None:
    """As many patterns as a server can have are taken, and one more is refused."""
    data = "\n".join(f"word{n}" for n in range(MAX_PATTERNS)).encode()
    assert "`word0`" in await admin(harness, "import", file=("words.txt", data))
    assert f"That would be {MAX_PATTERNS + 1} words" in await admin(harness, "add", words="cat")
    assert NOT_ALLOWED in await answer(harness, f"a word{MAX_PATTERNS - 1}")


async def test_rules_are_kept_over_a_restart(harness: BotHarness) -> None:
    """The next process filters the same."""
    await admin(harness, "add", words="cat")
    await harness.crash()
    await harness.start()
    assert NOT_ALLOWED in await answer(harness, "a cat")


async def test_words_of_admins_are_no_markdown_and_ping_nobody(harness: BotHarness) -> None:
    """Patterns are shown as they are."""
    said = await admin(harness, "add", words="@everyone*, **bold**", rule="`@here`")
    assert "@everyone" not in said and "@here" not in said
    assert "`*bold*`" in said.replace("**bold**", "*bold*")
