"""The names of people, roles and channels that a prompt mentions, before it goes anywhere."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

import aiohttp
import discord

from bot.discord.interaction.responses import Interaction
from bot.request.mentions.names import Mentioned, Names, mentioned, with_names
from bot.request.params import GenerationParams

LOOKUP_LIMIT_S = 0.8
"""How long names may take that Discord did not send. Chosen by hand: accepting a job may take two
seconds afterwards, and Discord waits three for the answer."""
MAX_LOOKUPS = 5
"""People of one prompt who are looked up. Chosen by hand: more than a picture has room for."""

_NOT_FOUND = (discord.DiscordException, aiohttp.ClientError, OSError, asyncio.CancelledError)


async def named(interaction: Interaction, *texts: str) -> tuple[str, ...]:
    """Return texts of a member with the names of whom and what they mention in place of codes.

    Where no name is known, the words are in the language of the first text.
    Takes no longer than LOOKUP_LIMIT_S, and no time where nobody has to be looked up. Names of
    channels that the member cannot see are not told.
    """
    names = await _names(interaction, mentioned("\n".join(texts)))
    return tuple(with_names(text, names, interaction.created_at, texts[0]) for text in texts)


async def named_params(interaction: Interaction, params: GenerationParams) -> GenerationParams:
    """Return parameters whose prompt and negative prompt have names in place of codes."""
    prompt, negative = await named(interaction, params.prompt, params.negative or "")
    return dataclasses.replace(params, prompt=prompt, negative=negative or None)


async def _names(interaction: Interaction, ids: Mentioned) -> Names:
    people, roles, channels = _sent(interaction)
    guild = interaction.guild
    if guild is not None:
        for role_id in (*ids.roles, *ids.unknown):
            if (role := guild.get_role(role_id)) is not None:
                roles[role_id] = role.name
        for channel_id in (*ids.channels, *ids.unknown):
            if (name := _channel_name(interaction, channel_id)) is not None:
                channels[channel_id] = name
        known = people.keys() | roles.keys() | channels.keys()
        bare = [each for each in ids.unknown if each not in known]
        missing = dict.fromkeys(each for each in (*ids.people, *bare) if each not in people)
        people |= await _looked_up(guild, list(missing)[:MAX_LOOKUPS])
    return Names(people, roles, channels)


def _sent(interaction: Interaction) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """Return the names that came with the interaction: of people, roles and channels."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    resolved: Mapping[str, Mapping[str, Any]] = data.get("resolved") or {}
    people = {interaction.user.id: interaction.user.display_name}
    if (bot := interaction.client.user) is not None:
        people[bot.id] = bot.display_name
    for user_id, user in (resolved.get("users") or {}).items():
        member = (resolved.get("members") or {}).get(user_id) or {}
        name = member.get("nick") or user.get("global_name") or user.get("username")
        people[int(user_id)] = str(name or "")
    return people, _resolved_names(resolved, "roles"), _resolved_names(resolved, "channels")


def _resolved_names(resolved: Mapping[str, Mapping[str, Any]], kind: str) -> dict[int, str]:
    entries = (resolved.get(kind) or {}).items()
    return {int(each): str(entry.get("name") or "") for each, entry in entries}


def _channel_name(interaction: Interaction, channel_id: int) -> str | None:
    """Return the name of a channel that the member can see, as Discord would show it."""
    guild, member = interaction.guild, interaction.user
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel_id == interaction.channel_id:
        return getattr(interaction.channel, "name", None)
    if channel is None or not isinstance(member, discord.Member):
        return None
    # The members of a private thread are not cached.
    if isinstance(channel, discord.Thread) and channel.is_private():
        return None
    return channel.name if channel.permissions_for(member).view_channel else None


async def _looked_up(guild: discord.Guild, user_ids: Iterable[int]) -> dict[int, str]:
    """Return the display names of those members whom Discord names in time."""
    tasks = {asyncio.ensure_future(guild.fetch_member(each)): each for each in user_ids}
    if not tasks:
        return {}
    try:
        await asyncio.wait(tasks, timeout=LOOKUP_LIMIT_S)
    finally:
        for task in tasks:
            task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    found: dict[int, str] = {}
    for user_id, outcome in zip(tasks.values(), outcomes, strict=True):
        if isinstance(outcome, discord.Member):
            found[user_id] = outcome.display_name
        elif not isinstance(outcome, _NOT_FOUND):
            raise outcome
    return found
