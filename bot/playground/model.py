"""The data that the stand-in's world consists of; no transport, no JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any, Final

FILE_LIMIT_BYTES: Final = 10 * 2**20
"""Discord's limit for one file, unless the server or the user has paid for more."""
ACTIVE_THREADS: Final = 1000
"""Discord's limit of active threads per server."""


class ChannelType(IntEnum):
    """The kinds of channel that the world has."""

    TEXT = 0
    DM = 1
    CATEGORY = 4
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class MessageType(IntEnum):
    """The kinds of message that the world has."""

    DEFAULT = 0
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    CONTEXT_MENU_COMMAND = 23


class MessageFlag(IntFlag):
    """Properties of a message beyond its text."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    VOICE_MESSAGE = 1 << 13
    IS_COMPONENTS_V2 = 1 << 15


NO_FLAGS: Final = MessageFlag(0)


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    accent_color: int = 0x5C6BC0


@dataclass(slots=True)
class Role:
    """A role; the one with the guild's own id is @everyone. permissions: bits."""

    id: int
    name: str
    permissions: int
    color: int = 0
    position: int = 0


@dataclass(slots=True)
class Member:
    """An account's membership of a server."""

    user: User
    roles: list[int]
    joined_at: datetime
    nick: str | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Permissions that a channel allows and denies to a role or member.

    kind: 0 = role, 1 = member.
    """

    id: int
    kind: int
    allow: int
    deny: int


@dataclass(slots=True)
class Channel:
    """A channel, category, thread or direct message channel (guild_id None).

    members: who was added to a private thread.
    """

    id: int
    type: ChannelType
    name: str = ""
    guild_id: int | None = None
    topic: str | None = None
    parent_id: int | None = None
    position: int = 0
    overwrites: list[Overwrite] = field(default_factory=list[Overwrite])
    archived: bool = False
    locked: bool = False
    owner_id: int | None = None
    recipients: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    created_at: datetime | None = None
    last_message_id: int | None = None

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread under a channel."""
        return self.type in (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD)


@dataclass(slots=True)
class Guild:
    """A server. roles contains @everyone, under the guild's own id.

    thread_limit: how many threads may be active at once. locale: its language, as Discord says it
    of a Community; of all others it says English.
    """

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role]
    members: dict[int, Member]
    channels: dict[int, Channel]
    filesize_limit: int = FILE_LIMIT_BYTES
    thread_limit: int = ACTIVE_THREADS
    locale: str = "en-US"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on a message; its bytes are in the world's file store under its id."""

    id: int
    filename: str
    size: int
    content_type: str
    description: str | None = None
    width: int | None = None
    height: int | None = None
    spoiler: bool = False


@dataclass(slots=True)
class Message:
    """A message. reader_id: the only user who sees it, None for everyone in the channel.

    embeds and components are in Discord's JSON format, with `attachment://` not yet resolved.
    origin: the interaction it responds to, as Discord's interaction_metadata.
    """

    id: int
    channel_id: int
    author_id: int
    created_at: datetime
    type: MessageType = MessageType.DEFAULT
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: MessageFlag = NO_FLAGS
    tts: bool = False
    nonce: str | int | None = None
    edited_at: datetime | None = None
    reader_id: int | None = None
    reference: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None
    mentions: tuple[int, ...] = ()
    mention_roles: tuple[int, ...] = ()
    mention_everyone: bool = False
    application_id: int | None = None
    edits_when_old: list[datetime] = field(default_factory=list[datetime])
