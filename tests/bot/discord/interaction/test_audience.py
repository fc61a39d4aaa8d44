"""Who sees one channel and may read another, against what discord.py reckons for each member."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import discord
import pytest

from bot.discord.interaction.audience import everybody_reads, may_read_too
from tests.bot.discord.harness import BotHarness

BLIND = discord.PermissionOverwrite(view_channel=False)
SEE = discord.PermissionOverwrite(view_channel=True)
CHOICES = (None, True, False)


def overwrite(dice: random.Random) -> discord.PermissionOverwrite:
    """Return a random overwrite."""
    return discord.PermissionOverwrite(
        view_channel=dice.choice(CHOICES), read_message_history=dice.choice(CHOICES)
    )


def some_permissions(dice: random.Random) -> discord.Permissions:
    """Return random permissions of a role, seldom those of an administrator."""
    return discord.Permissions(
        view_channel=dice.random() < 0.5,
        read_message_history=dice.random() < 0.5,
        administrator=dice.random() < 0.1,
    )


async def test_it_is_what_every_member_could_be_asked(harness: BotHarness):
    """With any roles and overwrites, it is so exactly if it is so for every set of roles."""
    dice, answers = random.Random(19), list[bool]()
    client = harness.app.client
    for _ in range(60):
        server = harness.env.create_guild()
        roles = [
            server.create_role(f"r{number}", permissions=some_permissions(dice))
            for number in range(3)
        ]
        guild = client.get_guild(server.id)
        assert guild is not None
        channels = [
            server.create_text_channel(
                name, overwrites={each: overwrite(dice) for each in (guild.default_role, *roles)}
            )
            for name in ("stars", "source")
        ]
        await harness.env.settle()
        guild.default_role._permissions = some_permissions(dice).value & ~(1 << 3)
        stars, source = (guild.get_channel(each.id) for each in channels)
        assert isinstance(stars, discord.TextChannel)
        assert isinstance(source, discord.TextChannel)
        wanted = True
        for count in range(4):
            for some in combinations(roles, count):
                person = server.add_member(harness.env.create_user("x"), roles=list(some))
                member = await guild.fetch_member(person.id)
                sees = stars.permissions_for(member).view_channel
                can = source.permissions_for(member)
                wanted &= not sees or (can.view_channel and can.read_message_history)
        for each in guild.me.roles[1:]:  # simcord does not mark a bot's own role as Discord does
            each.tags = discord.RoleTags({"bot_id": str(guild.me.id)})
        assert may_read_too(stars, source) is wanted
        answers.append(wanted)
    assert 10 < sum(answers) < 50  # both answers are tested


@pytest.mark.parametrize(
    ("stars", "source", "expected"),
    [
        ({}, {}, True),
        ({}, {"everybody": BLIND}, False),
        ({"everybody": BLIND}, {"everybody": BLIND}, True),
        ({"everybody": BLIND, "alice": SEE}, {}, True),
        ({"everybody": BLIND, "alice": SEE}, {"everybody": BLIND}, False),
        ({}, {"alice": BLIND}, False),
        ({"alice": BLIND}, {"alice": BLIND}, True),
    ],
)
async def test_members_who_are_named(
    harness: BotHarness, stars: dict[str, Any], source: dict[str, Any], expected: bool
):
    """A member whom a channel names counts with any roles that they may have."""
    guild = harness.guild
    targets = {"everybody": guild.default_role, "alice": harness.alice}
    ids = [
        harness.guild.create_text_channel(
            "c", overwrites={targets[name]: each for name, each in named.items()}
        ).id
        for named in (stars, source)
    ]
    await harness.env.settle()
    assert await everybody_reads(harness.app.client, guild.id, *ids) is expected


async def test_what_is_no_channel_to_read(harness: BotHarness):
    """Neither a channel that is gone, nor one of another server, nor an age-restricted one beside
    one that is not."""
    client, guild = harness.app.client, harness.guild
    elsewhere = harness.env.create_guild().create_text_channel("elsewhere")
    stars = guild.create_text_channel("stars")
    await harness.env.settle()
    assert await everybody_reads(client, guild.id, stars.id, harness.channel.id)
    for source in (1, elsewhere.id):
        assert not await everybody_reads(client, guild.id, stars.id, source)
    assert not await everybody_reads(client, guild.id, 1, harness.channel.id)
    assert not await everybody_reads(client, 1, stars.id, harness.channel.id)
    found = client.get_channel(harness.channel.id)
    assert isinstance(found, discord.TextChannel)
    found.nsfw = True
    assert not await everybody_reads(client, guild.id, stars.id, harness.channel.id)
    assert await everybody_reads(client, guild.id, harness.channel.id, stars.id)
