"""The port through which delivery sends messages, independent of discord.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.delivery.cards import Card

REPLY_TOKEN_LIFE = timedelta(minutes=14)
"""How long an interaction's token is used; Discord invalidates it after 15 minutes."""


@dataclass(frozen=True, slots=True)
class Address:
    """One of the bot's messages or, if message_id is None, a channel to post in.

    guild_id: 0 for direct messages. reply_token: the token of the interaction that the message
    answered; the message is edited by it. token_since: when it was given, None if unknown.
    ephemeral: the message cannot be edited without its token. upload_limit_bytes: the upload limit
    that Discord gave with the interaction, None if unknown.
    """

    guild_id: int
    channel_id: int
    message_id: int | None = None
    locale: str = "en-US"
    reply_token: str | None = field(default=None, repr=False)
    upload_limit_bytes: int | None = None
    token_since: datetime | None = None
    ephemeral: bool = False


class Obstacle(StrEnum):
    """Why a message cannot be delivered."""

    MESSAGE_GONE = "message_gone"
    CHANNEL_GONE = "channel_gone"
    ARCHIVED = "archived"
    FULL = "full"
    """The server already has as many active threads as Discord allows."""
    FORBIDDEN = "forbidden"
    UNREADABLE = "unreadable"
    """The channel's history is not readable, so it is unknown whether an earlier post arrived."""
    TOO_LARGE = "too_large"
    REJECTED = "rejected"


class Undeliverable(Exception):
    """Discord refused permanently; trying again would not help."""

    def __init__(self, obstacle: Obstacle, detail: str) -> None:
        super().__init__(f"{obstacle}: {detail}")
        self.obstacle = obstacle
        self.detail = detail


class TemporaryFailure(Exception):
    """Discord or the network is in trouble; the same call may succeed later."""


class AnsweredElsewhere(Exception):
    """Another program with the same token answered the command: the answer is not ours to change,
    and the requester expects the result from that program."""


@dataclass(frozen=True, slots=True)
class ServerMember:
    """Somebody who is on a server now. server: its name, "" if unknown."""

    server: str
    role_ids: frozenset[int]


class Messenger(Protocol):
    """Edits, posts and finds messages.

    Every method raises only Undeliverable and TemporaryFailure, except `find_answer`, and
    `is_direct` and `member`, which raise only TemporaryFailure.
    """

    async def edit(self, address: Address, card: Card) -> None:
        """Make the message show `card` instead of all it showed before. Idempotent.

        By the token if the address has one, else as one of the bot's messages in the channel.
        """
        ...

    async def post(self, address: Address, card: Card, nonce: str) -> int:
        """Post a new message and return its id. Within minutes, the same nonce posts only once
        in the same channel, even if that message has been deleted."""
        ...

    async def delete(self, address: Address) -> None:
        """Delete one of the bot's messages, by its token if the address has one."""
        ...

    async def direct_channel(self, user_id: int) -> int:
        """Return the id of the direct message channel with this user."""
        ...

    async def is_direct(self, channel_id: int) -> bool:
        """Return whether a channel is somebody's direct messages; False if it is gone."""
        ...

    async def open_thread(self, address: Address, user_id: int) -> int:
        """Return the id of the thread under this message, named after the user. Opens it if needed;
        idempotent."""
        ...

    async def find_post(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Return the id of the bot's message that shows this job's result, or None.

        since: the message was posted no earlier than this. It is recognized by the names of its
        files or, if it has none, by the job's number. Raises Undeliverable(UNREADABLE) if the
        history cannot be read.
        """
        ...

    async def find_status(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Return the id of the bot's message with this job's Cancel button; else like
        `find_post`."""
        ...

    async def find_case(self, address: Address, picture_id: int, since: datetime) -> int | None:
        """Return the id of the bot's newest message with the buttons to decide a picture's reports.

        since: the message was posted no earlier than this. Raises Undeliverable(UNREADABLE) if the
        history cannot be read.
        """
        ...

    async def find_card(self, address: Address, card: Card) -> int | None:
        """Return the id of the bot's newest message in the channel that has the same text as a
        card, which names a time that no other does; else like `find_case`."""
        ...

    async def member(self, guild_id: int, user_id: int) -> ServerMember | None:
        """Return what Discord says of a member; None if they, or the bot, left the server. Raises
        only TemporaryFailure."""
        ...

    async def find_answer(self, reply_token: str, job_id: int) -> int | None:
        """Return the id of the message that answered a job's command, or None if there is none.

        Only for tokens younger than REPLY_TOKEN_LIFE. Raises Undeliverable(MESSAGE_GONE) if Discord
        no longer knows the token, and AnsweredElsewhere if the message is another program's.
        """
        ...
