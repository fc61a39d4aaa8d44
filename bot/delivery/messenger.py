"""How our messages reach people: a Protocol, so that delivery knows no Discord."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.delivery.cards import Card

REPLY_TOKEN_LIFE = timedelta(minutes=14)
"""Discord forgets the token of an interaction after 15 minutes."""


@dataclass(frozen=True, slots=True)
class Address:
    """One message of ours, or (message_id None) the channel it would go to.

    guild_id: 0 in a direct message. reply_token: of a message that one person alone sees; nothing
    else can change it. upload_limit_bytes: what Discord said it takes there, None = not known.
    """

    guild_id: int
    channel_id: int
    message_id: int | None = None
    locale: str = "en-US"
    reply_token: str | None = field(default=None, repr=False)
    upload_limit_bytes: int | None = None


class Obstacle(StrEnum):
    """Why a message cannot be delivered this way."""

    MESSAGE_GONE = "message_gone"
    CHANNEL_GONE = "channel_gone"
    ARCHIVED = "archived"
    FULL = "full"
    """The server has as many active threads as Discord allows."""
    FORBIDDEN = "forbidden"
    UNREADABLE = "unreadable"
    """The channel's past may not be read, so nobody knows whether an earlier try arrived."""
    TOO_LARGE = "too_large"
    REJECTED = "rejected"


class Undeliverable(Exception):
    """Discord said no for good: trying again will not help."""

    def __init__(self, obstacle: Obstacle, detail: str) -> None:
        super().__init__(f"{obstacle}: {detail}")
        self.obstacle = obstacle
        self.detail = detail


class TemporaryFailure(Exception):
    """Discord or the way there is in trouble: the same call may work in a while."""


class Messenger(Protocol):
    """Edits, posts and looks up. All raise Undeliverable or TryLater and nothing else."""

    async def edit(self, address: Address, card: Card) -> None:
        """Make the message show `card`, replacing all it showed. Repeating it changes nothing."""
        ...

    async def post(self, address: Address, card: Card, nonce: str) -> int:
        """Post a new message and return its id. Within minutes the same nonce posts only once."""
        ...

    async def delete(self, address: Address) -> None:
        """Take a message of ours away."""
        ...

    async def direct_channel(self, user_id: int) -> int:
        """The channel of direct messages to this person."""
        ...

    async def open_thread(self, address: Address, user_id: int) -> int:
        """The channel of a thread under this message, named after a person; made where there is
        none. Repeating it changes nothing.
        """
        ...

    async def find_post(self, address: Address, job_id: int, since: datetime) -> int | None:
        """The id of the message of ours that shows this job's result; None if there is none.

        since: no earlier than this was it posted. A message is known by its files' names, or by
        the job's number where it has none. Undeliverable(UNREADABLE) where nobody can tell.
        """
        ...

    async def find_status(self, address: Address, job_id: int, since: datetime) -> int | None:
        """The id of the message of ours that this job can be cancelled on; otherwise as above."""
        ...

    async def find_case(self, address: Address, picture_id: int, since: datetime) -> int | None:
        """The id of the newest message of ours on which this picture's reports can be decided.

        since: no earlier than this was it posted. Undeliverable(UNREADABLE) where nobody can tell.
        """
        ...

    async def find_answer(self, reply_token: str) -> int | None:
        """The id of the message that answered a command; None if it was never answered.

        Only for tokens that are younger than REPLY_TOKEN_LIFE; Undeliverable(MESSAGE_GONE) where
        Discord does not know the token any more.
        """
        ...
