"""Where buttons and forms work: on the servers that are served, and in direct messages.

Discord does not say which server a direct message has to do with. The row that a button names does:
a press acts for the server where its picture, job or question was made.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Final

import aiohttp
import discord
import structlog

from bot.discord.interaction.error_codes import ErrorCode
from bot.discord.interaction.home_server import SERVER_NAME_CHARS, HomeServer, set_home_server
from bot.discord.interaction.responses import (
    Interaction,
    refuse,
    reject_server,
    reply_keeping_prompt,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import ComponentAction, names_row, table_of
from bot.discord.views.markdown import quoted
from bot.request.outcomes import (
    ListGone,
    ProposalClosed,
    Reason,
    Refused,
    UnknownJob,
    UnknownPicture,
)
from storage.types import Place

log = structlog.get_logger(__name__)

MEMBERSHIP_LIMIT_S = 0.8
"""How long Discord may take to say whether somebody is a member. Chosen by hand: accepting a job
may take two seconds afterwards, and Discord waits three for the answer."""

TAKING_BACK: Final = frozenset(
    {
        ComponentAction.CANCEL,
        ComponentAction.CANCEL_IN_QUEUE,
        ComponentAction.DECLINE_PROPOSAL,
        ComponentAction.DELETE,
        ComponentAction.CONFIRM_DELETE,
        ComponentAction.KEEP,
        ComponentAction.MORE,
        ComponentAction.MORE_OF_ONE,
        ComponentAction.CHOOSE_PICTURE,
        ComponentAction.CHOOSE_ANOTHER,
    }
)
"""Ways to cancel or delete what is one's own, and the panels on the way there. Nobody loses them by
leaving a server, or because the bot has left it: they cost nothing, and direct messages are the
only place where such a person still finds them."""


OPERATION: Final = frozenset(
    {
        ComponentAction.DRAIN,
        ComponentAction.UNLOAD,
        ComponentAction.ANNOUNCE,
        ComponentAction.LEAVE_AS_IS,
    }
)
"""Buttons of the bot's owners. They work on the owners' server also where nothing is painted."""


class _Standing(Enum):
    """What Discord says about somebody on a server."""

    MEMBER = auto()
    NO_MEMBER = auto()
    BOT_GONE = auto()
    UNSURE = auto()


async def admit(
    interaction: Interaction, services: Services, action: ComponentAction, row_id: int
) -> bool:
    """Return whether a press or form may be handled; if not, the reason has been answered.

    In direct messages it also finds the server to act for, which `actor_of` then uses. Whose
    picture, job or question it is, is left to the handlers, who ask the same on servers. Raises
    StorageError.
    """
    if interaction.guild_id is not None:
        if services.serves(interaction.guild_id):
            return True
        if action in OPERATION and interaction.guild_id == services.owner_server:
            return True
        await reject_server(interaction)
        return False
    if row_id == 0 or not names_row(action):  # a list or a panel of some server
        await reject_server(interaction)
        return False
    place = await _place_of(services, action, row_id)
    if place is None:
        await _reject_unknown(interaction, action, row_id)
        return False
    guild = interaction.client.get_guild(place.guild_id)
    server = HomeServer(place.guild_id, "" if guild is None else guild.name)
    own = place.user_id == interaction.user.id
    if not (own and action in TAKING_BACK):
        if not services.serves(place.guild_id):
            await _reject_standing(interaction, server, None)
            return False
        standing, member = await _standing(interaction, place.guild_id, guild)
        if standing is not _Standing.MEMBER:
            await _reject_standing(interaction, server, standing)
            return False
        server = HomeServer(server.guild_id, server.name, member)
    set_home_server(interaction, server)
    return True


async def _place_of(services: Services, action: ComponentAction, row_id: int) -> Place | None:
    """Return where the row was made; None if it is unknown."""
    match table_of(action):
        case "jobs":
            return await services.where_asked.of_job(row_id)
        case "proposals":
            return await services.where_asked.of_proposal(row_id)
        case "list_pages":  # they are only ever shown on servers
            return None
        case _:
            return await services.where_asked.of_picture(row_id)


async def _reject_unknown(interaction: Interaction, action: ComponentAction, row_id: int) -> None:
    """Reply that the row is gone."""
    reason: Reason
    match table_of(action):
        case "jobs":
            reason = UnknownJob(str(row_id))
        case "proposals":
            reason = ProposalClosed(answered=False)
        case "list_pages":
            reason = ListGone()
        case _:
            reason = UnknownPicture(str(row_id))
    await refuse(interaction, Refused(reason))


async def _standing(
    interaction: Interaction, guild_id: int, guild: discord.Guild | None
) -> tuple[_Standing, discord.Member | None]:
    """Ask Discord whether who pressed is a member; also of a server that is not cached, because
    the shard that knows it may not be connected yet."""
    user_id = interaction.user.id
    try:
        async with asyncio.timeout(MEMBERSHIP_LIMIT_S):
            if guild is not None:
                return _Standing.MEMBER, await guild.fetch_member(user_id)
            await interaction.client.http.get_member(guild_id, user_id)
            return _Standing.MEMBER, None
    except (discord.NotFound, discord.Forbidden) as error:
        left = error.code in (ErrorCode.UNKNOWN_MEMBER, ErrorCode.UNKNOWN_USER)
        return (_Standing.NO_MEMBER if left else _Standing.BOT_GONE), None
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # or a TimeoutError
        # Refused, although most are members: somebody who was banned could otherwise paint by
        # pressing so often that Discord's rate limit holds back its answer.
        detail = str(error)[:200] or type(error).__name__
        log.warning("membership unknown", server=guild_id, detail=detail)
        return _Standing.UNSURE, None


async def _reject_standing(
    interaction: Interaction, server: HomeServer, standing: _Standing | None
) -> None:
    """Reply why the press does not count for that server; None if it is not served."""
    say = words_of(interaction)
    name = quoted(server.name, SERVER_NAME_CHARS) or say("the server where this was made")
    match standing:
        case _Standing.NO_MEMBER:
            text = say(
                "You are no longer a member of {server}, so I cannot do this for you. You can "
                "still delete your pictures.",
                server=name,
            )
        case _Standing.BOT_GONE:
            text = say("I am no longer on {server}, so I cannot do this.", server=name)
        case _Standing.UNSURE:
            text = say(
                "Discord did not tell me in time whether you are still a member of {server}. "
                "Nothing was charged. Please press again in a moment.",
                server=name,
            )
        case _:
            text = say("I am no longer enabled on {server}, so I cannot do this.", server=name)
    await reply_keeping_prompt(interaction, text)
