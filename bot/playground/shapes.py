"""The world in Discord's JSON format (API v10). Snowflakes are strings, times ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from bot.playground.model import (
    Attachment,
    Channel,
    ChannelType,
    Guild,
    Member,
    Message,
    MessageType,
    Role,
    User,
)
from bot.playground.world import World

Json = dict[str, Any]

_SPOILER: Final = 1 << 3
_MEDIA_PARTS: Final = ("media", "file")
_EMBED_MEDIA: Final = ("image", "thumbnail", "video")


def iso(moment: datetime) -> str:
    """Format a time as Discord does."""
    return moment.isoformat()


def user_json(user: User) -> Json:
    """Return a user object."""
    shape: Json = {
        "id": str(user.id),
        "username": user.username,
        "avatar": None,
        "discriminator": "0",
        "public_flags": 0,
        "flags": 0,
        "global_name": user.global_name,
        "primary_guild": None,
        "accent_color": user.accent_color,
    }
    return shape | ({"bot": True} if user.bot else {})


def own_user_json(user: User) -> Json:
    """Return the user object that an account gets for itself."""
    return user_json(user) | {"mfa_enabled": True, "locale": "en-US", "verified": True}


def application_json(user: User, owner: User, guild_count: int) -> Json:
    """Return the application that a bot account belongs to."""
    return {
        "id": str(user.id),
        "name": user.username,
        "icon": None,
        "description": "",
        "type": None,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "bot": user_json(user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_json(owner),
        "approximate_guild_count": guild_count,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "rpc_origins": [],
        "summary": "",
        "hook": True,
    }


def role_json(role: Role) -> Json:
    """Return a role object."""
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def member_json(member: Member) -> Json:
    """Return a guild member object with its user."""
    return {
        "user": user_json(member.user),
        "nick": member.nick,
        "avatar": None,
        "banner": None,
        "roles": [str(role) for role in member.roles],
        "joined_at": iso(member.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "mute": False,
        "deaf": False,
        "flags": 0,
    }


def is_hidden(channel: Channel, user_id: int) -> bool:
    """Return whether the gateway keeps a private thread from an account not added to it."""
    return channel.type is ChannelType.PRIVATE_THREAD and user_id not in channel.members


def channel_json(channel: Channel, world: World) -> Json:
    """Return a channel, thread or direct message channel object."""
    shape: Json = {
        "id": str(channel.id),
        "type": int(channel.type),
        "flags": 0,
        "last_message_id": _text(channel.last_message_id),
    }
    if channel.type is ChannelType.DM:
        people = [world.users[each] for each in channel.recipients if not world.users[each].bot]
        return shape | {"recipients": [user_json(each) for each in people]}
    shape |= {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": _text(channel.parent_id),
        "rate_limit_per_user": 0,
    }
    if channel.is_thread:
        return shape | _thread_part(channel, world)
    return shape | {
        "topic": channel.topic,
        "position": channel.position,
        "nsfw": False,
        "permission_overwrites": [
            {"id": str(o.id), "type": o.kind, "allow": str(o.allow), "deny": str(o.deny)}
            for o in channel.overwrites
        ],
    }


def _thread_part(channel: Channel, world: World) -> Json:
    assert channel.created_at is not None
    count = len(world.messages(channel.id))
    return {
        "owner_id": str(channel.owner_id),
        "message_count": count,
        "member_count": 1,
        "total_message_sent": count,
        "thread_metadata": {
            "archived": channel.archived,
            "archive_timestamp": iso(channel.created_at),
            "auto_archive_duration": 1440,
            "locked": channel.locked,
            "create_timestamp": iso(channel.created_at),
        },
    }


def guild_json(guild: Guild) -> Json:
    """Return a guild object as the REST API does."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "roles": [role_json(role) for role in guild.roles.values()],
        "icon": None, "description": None, "home_header": None, "splash": None,
        "discovery_splash": None, "features": [], "banner": None, "application_id": None,
        "region": "deprecated", "afk_channel_id": None, "afk_timeout": 300,
        "system_channel_id": None, "system_channel_flags": 0, "widget_enabled": False,
        "widget_channel_id": None, "verification_level": 0, "default_message_notifications": 1,
        "mfa_level": 0, "explicit_content_filter": 0, "max_presences": None,
        "max_members": 500000, "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25, "vanity_url_code": None, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": guild.locale, "rules_channel_id": None,
        "safety_alerts_channel_id": None, "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False, "nsfw": False, "nsfw_level": 0, "emojis": [],
        "stickers": [], "incidents_data": None,
    }  # fmt: skip


def guild_create_json(guild: Guild, world: World, bot_id: int) -> Json:
    """Return a guild as the gateway announces it: with its channels, threads and the bot."""
    channels = [c for c in guild.channels.values() if not is_hidden(c, bot_id)]
    own = guild.members.get(bot_id)
    return guild_json(guild) | {
        "joined_at": iso(own.joined_at if own else world.clock()),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member_json(own)] if own else [],
        "channels": [channel_json(c, world) for c in channels if not c.is_thread],
        "threads": [channel_json(c, world) for c in channels if c.is_thread and not c.archived],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment_json(attachment: Attachment, channel_id: int, base_url: str) -> Json:
    """Return an attachment object. base_url: the stand-in's address, without a trailing slash."""
    path = f"/attachments/{channel_id}/{attachment.id}/{quote(attachment.filename)}"
    shape: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": attachment.size,
        "content_type": attachment.content_type,
        "url": base_url + path,
        "proxy_url": base_url + path,
    }
    if attachment.width is not None and attachment.height is not None:
        shape |= {"width": attachment.width, "height": attachment.height}
    if attachment.description is not None:
        shape["description"] = attachment.description
    if attachment.spoiler:
        shape["flags"] = _SPOILER
    return shape


def message_json(message: Message, world: World, base_url: str, *, deep: bool = True) -> Json:
    """Return a message object. deep: include the message that it replies to."""
    files = [attachment_json(a, message.channel_id, base_url) for a in message.attachments]
    by_name = {each["filename"]: each for each in files}
    shown = _displayed_files(message.components)
    people = [world.users[each] for each in message.mentions]
    shape: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": int(message.type),
        "author": user_json(world.users[message.author_id]),
        "content": message.content,
        "timestamp": iso(message.created_at),
        "edited_timestamp": None if message.edited_at is None else iso(message.edited_at),
        "flags": int(message.flags),
        "tts": message.tts,
        "pinned": False,
        "mention_everyone": message.mention_everyone,
        "mentions": [user_json(each) for each in people],
        "mention_roles": [str(each) for each in message.mention_roles],
        "embeds": [_resolved_embed(embed, by_name) for embed in message.embeds],
        "components": [_resolved(part, by_name) for part in _with_ids(message.components)],
        "attachments": [each for each in files if each["filename"] not in shown],
    }
    if message.nonce is not None:
        shape["nonce"] = message.nonce
    if message.application_id is not None:
        shape |= {
            "application_id": str(message.application_id),
            "webhook_id": str(message.application_id),
        }
    if message.origin is not None:
        shape["interaction_metadata"] = message.origin
    if message.reference is not None:
        shape["message_reference"] = message.reference
        if deep and message.type is MessageType.REPLY:
            original = world.message(message.channel_id, int(message.reference["message_id"]))
            shape["referenced_message"] = (
                message_json(original, world, base_url, deep=False) if original else None
            )
    return shape


def _displayed_files(components: list[Json]) -> set[str]:
    """Return the names of files shown by V2 components; Discord lists them nowhere else."""
    names: set[str] = set()
    todo: list[Any] = list(components)
    while todo:
        part = todo.pop()
        if isinstance(part, Mapping):
            url = part.get("url")
            if isinstance(url, str) and url.startswith("attachment://"):
                names.add(url.removeprefix("attachment://"))
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return names


def _with_ids(components: list[Json]) -> list[Json]:
    """Add ids to components that came without, as Discord does."""
    taken = {part["id"] for part in _walk(components) if part.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)

    def numbered(part: Json) -> Json:
        copy = dict(part)
        if not copy.get("id"):
            copy["id"] = next(free)
        if isinstance(copy.get("emoji"), dict):
            copy["emoji"] = {key: each for key, each in copy["emoji"].items() if each is not None}
        for key in ("components", "accessory", "component"):
            value = copy.get(key)
            if isinstance(value, list):
                copy[key] = [numbered(each) for each in value]
            elif isinstance(value, dict):
                copy[key] = numbered(value)
        return copy

    return [numbered(part) for part in components]


def _walk(components: list[Json]) -> list[Json]:
    found: list[Json] = []
    todo = list(components)
    while todo:
        part = todo.pop()
        found.append(part)
        todo.extend(part.get("components") or ())
        todo.extend(part[key] for key in ("accessory", "component") if key in part)
    return found


def _resolved(part: Json, files: Mapping[str, Json]) -> Json:
    """Return a component with the address and size of its media."""
    copy = dict(part)
    for key in _MEDIA_PARTS:
        if isinstance(copy.get(key), dict):
            copy[key] = _media(copy[key], files)
    if copy.get("type") == 12:
        copy["items"] = [
            {"description": None, "spoiler": False, **item, "media": _media(item["media"], files)}
            for item in copy.get("items", [])
        ]
    if copy.get("type") == 13:
        named = files.get(str(part["file"].get("url", "")).removeprefix("attachment://"))
        copy |= {"name": named["filename"], "size": named["size"]} if named else {}
    for key in ("components", "accessory", "component"):
        value = copy.get(key)
        if isinstance(value, list):
            copy[key] = [_resolved(each, files) for each in value]
        elif isinstance(value, dict):
            copy[key] = _resolved(value, files)
    return copy


def _media(media: Json, files: Mapping[str, Json]) -> Json:
    url = str(media.get("url", ""))
    found = files.get(url.removeprefix("attachment://")) if url.startswith("attachment:") else None
    if found is None:
        return {"id": "0", "proxy_url": url, **media}
    sizes = {key: found[key] for key in ("width", "height") if key in found}
    return {
        "id": found["id"],
        "url": found["url"],
        "proxy_url": found["proxy_url"],
        "content_type": found["content_type"],
        "attachment_id": found["id"],
        **sizes,
    }


def _resolved_embed(embed: Json, files: Mapping[str, Json]) -> Json:
    copy = {"type": "rich", **embed}
    for key in _EMBED_MEDIA:
        if isinstance(copy.get(key), dict):
            media = _media(copy[key], files)
            copy[key] = {k: v for k, v in media.items() if k not in ("id", "attachment_id")}
    return copy


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
