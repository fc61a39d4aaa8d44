"""/admin rules and /admin access: rules are set, explained, exported and imported."""

from __future__ import annotations

import json
from typing import Any

import discord
import pytest

from tests.bot.discord.access_rules import answer, rule
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import private_text


async def admin(harness: BotHarness, command: str, by: Any = None, **options: Any) -> str:
    """Run a command of /admin as an admin or somebody else; return the private answer."""
    result = await (by or harness.admin).slash(harness.channel, f"admin {command}", **options)
    return private_text(result)


async def grant_to_everybody(harness: BotHarness) -> None:
    """Let everybody use /admin under Integrations, so that only the bot refuses."""
    (command,) = [
        each for each in await harness.app.client.tree.fetch_commands() if each.name == "admin"
    ]
    harness.guild.set_command_permissions(command.id, {harness.guild.default_role: True})


def stored(harness: BotHarness) -> list[tuple[Any, ...]]:
    """Return all rules and roles that are stored."""
    rules = harness.rows("SELECT scope, subject_id, kind, value FROM access_rules ORDER BY 1, 2, 3")
    return [*rules, *harness.rows("SELECT role_id FROM admin_roles")]


async def export(harness: BotHarness) -> dict[str, Any]:
    """Return the file of /admin rules export."""
    result = await harness.admin.slash(harness.channel, "admin rules export")
    (attachment,) = result.response.attachments
    return json.loads(await attachment.read())


async def import_(harness: BotHarness, file: Any, who: Any = None) -> Any:
    """Run /admin rules import with a file; return the result."""
    data = file if isinstance(file, bytes) else json.dumps(file).encode()
    return await (who or harness.admin).slash(
        harness.channel, "admin rules import", file=("rules.json", data)
    )


async def test_rules_are_listed_explained_and_removed(harness: BotHarness) -> None:
    """The list has them in their order; why names what decides and what it comes before, and the
    defaults of everything else."""
    role = harness.guild.create_role("artists")
    artist = harness.guild.add_member(harness.env.create_user("artist"), roles=[role])
    assert "There are no rules" in await admin(harness, "rules list")
    await rule(harness, "steps", "6")
    await rule(harness, "steps", "9", who=role)
    said = await rule(harness, "steps", "20", where=harness.channel)
    assert "Most steps: 20" in said
    said = await rule(harness, "steps", "7")
    assert f"come first: <#{harness.channel.id}>, <@&{role.id}>" in said
    listed = await admin(harness, "rules list")
    places = [listed.index(each) for each in (f"<#{harness.channel.id}>", f"<@&{role.id}>")]
    assert places == sorted(places) and "this server · Most steps: 7" in listed
    why = await admin(harness, "rules why", who=artist)
    assert (
        f"Most steps: 20 (rule for <#{harness.channel.id}>), before <@&{role.id}>: 9; "
        "this server: 7" in why
    )
    assert "Painting: allowed (no rule)" in why
    assert "Most unfinished jobs: 10, on all servers (no rule)" in why
    assert "Most steps: 20" in await admin(harness, "rules remove", where=harness.channel)
    assert "There is no rule “Most steps”" in await admin(
        harness, "rules remove", what="steps", where=harness.channel
    )
    assert "before this server: 7" in await admin(harness, "rules why", who=artist)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"what": "hats", "value": "1"}, "No rule decides `hats`"),
        ({"what": "steps", "value": "many"}, "whole number from 1 to 1000"),
        ({"what": "size", "value": "big"}, "such as `1024x1024`"),
        ({"what": "paint", "value": "maybe"}, "`allow` or `block`"),
        ({"what": "models", "value": "no such"}, "There is no model"),
    ],
)
async def test_what_no_rule_can_say_is_refused(
    harness: BotHarness, options: dict[str, Any], said: str
) -> None:
    """A wrong kind or value is named with what there is, and nothing is changed."""
    assert said in await admin(harness, "rules set", **options)
    assert stored(harness) == []


async def test_two_subjects_and_strangers_are_refused(harness: BotHarness) -> None:
    """A rule is for one subject; members and moderators without access set none."""
    await grant_to_everybody(harness)
    both = {"what": "steps", "value": "4", "who": harness.bob, "where": harness.channel}
    assert "not for both" in await admin(harness, "rules set", **both)
    options = {"what": "steps", "value": "4"}
    for who in (harness.alice, harness.moderator):
        assert "permission" in await admin(harness, "rules set", who, **options)
        assert "permission" in private_text(await import_(harness, {"zimagine_rules": 1}, who))
    assert stored(harness) == []


async def test_nobody_acts_against_a_higher_role(harness: BotHarness) -> None:
    """Rules for a role above one's own, for its members, and /admin for it are refused by name."""
    boss = harness.guild.create_role("boss", position=99)
    member = harness.guild.add_member(harness.env.create_user("boss"), roles=[boss])
    options = {"what": "paint", "value": "block"}
    said = await admin(harness, "rules set", **options, who=boss)
    assert f"<@&{boss.id}> is above your highest one" in said
    said = await admin(harness, "rules set", **options, who=member)
    assert f"<@{member.id}> is not below yours" in said
    assert "above your highest" in await admin(harness, "access role", role=boss)
    file = {
        "zimagine_rules": 1,
        "rules": [{"scope": "role", "id": str(boss.id), "kind": "steps", "value": 4}],
    }
    assert "above your highest one" in private_text(await import_(harness, file))
    assert stored(harness) == []


async def test_a_role_with_access_uses_admin(harness: BotHarness) -> None:
    """Its members pass the bot's own check, until the role loses it; they cannot take it from
    themselves, and a restart keeps it."""
    await grant_to_everybody(harness)
    role = harness.guild.create_role("helpers")
    helper = harness.guild.add_member(harness.env.create_user("helper"), roles=[role])
    assert "permission" in await admin(harness, "quota list", helper)
    assert "may use /admin" in await admin(harness, "access role", role=role)
    await harness.crash()
    await harness.start()
    assert "Quotas on this server" in await admin(harness, "quota list", helper)
    assert "would lose it" in await admin(harness, "access role", helper, role=role, remove=True)
    assert "would lose it" in private_text(await import_(harness, {"zimagine_rules": 1}, helper))
    assert "no longer use" in await admin(harness, "access role", role=role, remove=True)
    assert "permission" in await admin(harness, "quota list", helper)


async def test_an_admin_cannot_lock_themselves_out(harness: BotHarness) -> None:
    """A rule or a file after which the admin could paint nowhere is refused by name; with a channel
    that is allowed, the same rule is set."""
    said = await admin(harness, "rules set", what="paint", value="block")
    assert "The rule that blocks this server would leave no channel where you can paint" in said
    file = {
        "zimagine_rules": 1,
        "rules": [{"scope": "server", "kind": "paint", "value": False}],
    }
    assert "would leave no channel" in private_text(await import_(harness, file))
    assert stored(harness) == []
    await rule(harness, "paint", "allow", where=harness.channel)
    assert "blocked" in await rule(harness, "paint", "block")
    assert "would leave no channel" in await admin(harness, "rules remove", where=harness.channel)


async def test_a_file_brings_rules_back(harness: BotHarness) -> None:
    """An export that is imported again changes what has changed since, after a question that says
    what; nothing changes before the answer, nor after the other one."""
    role = harness.guild.create_role("artists")
    await admin(harness, "access role", role=role)
    await rule(harness, "steps", "6", where=harness.channel)
    await rule(harness, "models", "all")
    before, file = stored(harness), await export(harness)
    assert file["zimagine_rules"] == 1 and file["admin_roles"][0]["name"] == "artists"
    assert "says what holds already" in private_text(await import_(harness, file))
    await rule(harness, "steps", "9", where=harness.channel)
    await rule(harness, "count", "1", who=harness.bob)
    await admin(harness, "rules remove", what="models")
    changed = stored(harness)
    asked = await import_(harness, file)
    text = harness.texts(asked.response.message)
    assert "Most steps: 6, before: 9" in text
    assert "Added: this server · Models: all that the owner offers" in text
    assert f"Removed: <@{harness.bob.id}> · Most pictures at once: 1" in text
    assert stored(harness) == changed
    kept = await harness.admin.click(asked.response.message, label="Keep the rules")
    assert "Nothing was changed" in harness.texts(kept.response.message)
    asked = await import_(harness, file)
    await harness.crash()
    await harness.start()
    done = await harness.admin.click(asked.response.message, label="Import")
    assert "this server has 2 rules now" in harness.texts(done.response.message)
    assert stored(harness) == before
    assert "at most 6 steps" in await answer(harness, prompt="a lake --steps 7")


async def test_a_file_for_what_was_deleted_changes_nothing(harness: BotHarness) -> None:
    """Roles and channels that are gone are named as the file calls them; the list forgets their
    rules, and so does the next export."""
    role = harness.guild.create_role("artists")
    channel = harness.guild.create_text_channel("studio")
    await admin(harness, "rules set", what="steps", value="6", who=role)
    await rule(harness, "steps", "7", where=channel)
    file = await export(harness)
    await delete(harness, role, channel)
    before = stored(harness)
    refused = private_text(await import_(harness, file | {"rules": file["rules"][:2]}))
    assert "the role `artists` and the channel `studio`" in refused
    assert stored(harness) == before
    assert "2 rules for what was deleted were removed" in await admin(harness, "rules list")
    assert stored(harness) == [] and (await export(harness))["rules"] == []


async def delete(harness: BotHarness, role: Any, channel: Any) -> None:
    """Delete a role and a channel as an admin would, and wait until the bot knows."""
    guild = harness.app.client.get_guild(harness.guild.id)
    assert guild is not None
    found = guild.get_role(role.id)
    assert found is not None
    await found.delete()
    place = guild.get_channel(channel.id)
    assert isinstance(place, discord.TextChannel)
    await place.delete()
    await harness.env.settle()


async def test_rules_that_changed_meanwhile_are_not_replaced(harness: BotHarness) -> None:
    """An answer to a question about other rules than there are changes nothing."""
    file = {
        "zimagine_rules": 1,
        "rules": [{"scope": "server", "kind": "steps", "value": 4}],
    }
    asked = await import_(harness, file)
    await rule(harness, "count", "2")
    before = stored(harness)
    done = await harness.admin.click(asked.response.message, label="Import")
    assert "Somebody has changed the rules since then" in harness.texts(done.response.message)
    assert stored(harness) == before


async def test_a_block_lasts_as_long_as_it_says(harness: BotHarness) -> None:
    """`for` ends a block by itself, and the blocked member and the list are told when; a text that
    is no time is refused."""
    refused = await admin(harness, "block", who=harness.bob, **{"for": "soon"})
    assert "I cannot read “soon” as a time" in refused
    said = await admin(harness, "block", who=harness.bob, reason="spam", **{"for": "2h"})
    assert "The block ends <t:" in said
    assert "You can paint again <t:" in await answer(harness, harness.bob)
    listed = await harness.admin.slash(harness.channel, "admin blocked")
    assert "ends <t:" in harness.texts(listed.response.message)
    harness.clock.advance(2 * 3600)
    assert await answer(harness, harness.bob) == ""
    listed = await harness.admin.slash(harness.channel, "admin blocked")
    assert "Nobody is blocked" in harness.texts(listed.response.message)
