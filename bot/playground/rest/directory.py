"""Read-only lookups: the bot itself, users, guilds, channels, the gateway's address."""

from __future__ import annotations

from bot.playground import errors
from bot.playground.errors import Form
from bot.playground.model import Guild
from bot.playground.rest.finding import the_channel, the_guild
from bot.playground.rest.gate import Call, Reply
from bot.playground.shapes import (
    Json,
    application_json,
    channel_json,
    guild_json,
    member_json,
    own_user_json,
    role_json,
    user_json,
)
from bot.playground.standin_parts import StandIn
from bot.playground.world import ChannelChanged

SESSIONS_PER_DAY = 1000
GUILDS_A_PAGE = 200
"""How many servers Discord lists at once."""


async def gateway(call: Call) -> Reply:
    """GET /gateway"""
    return Reply(200, {"url": call.standin.gateway.url})


async def gateway_bot(call: Call) -> Reply:
    """GET /gateway/bot"""
    limit = {
        "total": SESSIONS_PER_DAY,
        "remaining": max(0, SESSIONS_PER_DAY - call.standin.gateway.identified),
        "reset_after": 24 * 3600 * 1000,
        "max_concurrency": 1,
    }
    answer = {"url": call.standin.gateway.url, "shards": 1, "session_start_limit": limit}
    return Reply(200, answer)


async def own_user(call: Call) -> Reply:
    """GET /users/@me"""
    return Reply(200, own_user_json(call.standin.bot))


async def own_guilds(call: Call) -> Reply:
    """GET /users/@me/guilds: those after an id, in order, with the bot's permissions there."""
    standin, query = call.standin, call.request.query
    after = int(query.get("after") or 0)
    limit = min(int(query.get("limit") or GUILDS_A_PAGE), GUILDS_A_PAGE)
    joined = sorted(g.id for g in standin.world.guilds.values() if standin.bot.id in g.members)
    page = [each for each in joined if each > after][:limit]
    return Reply(200, [_partial_guild(standin, standin.world.guilds[each]) for each in page])


def _partial_guild(standin: StandIn, found: Guild) -> Json:
    permissions = standin.world.guild_permissions(found, standin.bot.id)
    return {
        "id": str(found.id),
        "name": found.name,
        "icon": None,
        "banner": None,
        "owner": found.owner_id == standin.bot.id,
        "permissions": str(permissions),
        "features": [],
    }


async def application(call: Call) -> Reply:
    """GET /applications/@me and /oauth2/applications/@me"""
    standin = call.standin
    joined = [g for g in standin.world.guilds.values() if standin.bot.id in g.members]
    return Reply(200, application_json(standin.bot, standin.owner, len(joined)))


async def user(call: Call) -> Reply:
    """GET /users/{user_id}"""
    found = call.standin.world.users.get(call.number("user_id"))
    if found is None:
        raise errors.UNKNOWN_USER.error()
    return Reply(200, user_json(found))


async def private_channel(call: Call) -> Reply:
    """POST /users/@me/channels"""
    standin = call.standin
    sent = call.body.json.get("recipient_id") if isinstance(call.body.json, dict) else None
    problems = Form()
    if not str(sent or "").isdecimal():
        problems.add(("recipient_id",), "BASE_TYPE_REQUIRED", "This field is required")
    problems.check()
    found = standin.world.users.get(int(str(sent)))
    if found is None or found.bot:
        raise errors.UNKNOWN_USER.error()
    channel = standin.world.private_channel(standin.bot.id, found.id)
    return Reply(200, channel_json(channel, standin.world))


async def guild(call: Call) -> Reply:
    """GET /guilds/{guild_id}"""
    return Reply(200, guild_json(the_guild(call)))


async def guild_channels(call: Call) -> Reply:
    """GET /guilds/{guild_id}/channels"""
    channels = [c for c in the_guild(call).channels.values() if not c.is_thread]
    return Reply(200, [channel_json(c, call.standin.world) for c in channels])


async def guild_roles(call: Call) -> Reply:
    """GET /guilds/{guild_id}/roles"""
    return Reply(200, [role_json(role) for role in the_guild(call).roles.values()])


async def guild_member(call: Call) -> Reply:
    """GET /guilds/{guild_id}/members/{user_id}"""
    named = call.text("user_id")
    number = call.standin.bot.id if named == "@me" else int(named)
    member = the_guild(call).members.get(number)
    if member is None:
        raise errors.UNKNOWN_MEMBER.error()
    return Reply(200, member_json(member))


async def channel(call: Call) -> Reply:
    """GET /channels/{channel_id}"""
    return Reply(200, channel_json(the_channel(call), call.standin.world))


async def change_channel(call: Call) -> Reply:
    """PATCH /channels/{channel_id}: for threads, archived and locked."""
    found = the_channel(call)
    if not found.is_thread:
        raise errors.MISSING_PERMISSIONS.error()
    the_channel(call, needs=("MANAGE_THREADS",))
    found.archived = bool(call.body.json.get("archived", found.archived))
    found.locked = bool(call.body.json.get("locked", found.locked))
    call.standin.world.notify(ChannelChanged(found))
    return Reply(200, channel_json(found, call.standin.world))
