"""How our messages reach people: a Protocol, so that delivery knows no Discord."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from bot.cards import Card

REPLY_TOKEN_LIFE = timedelta(minutes=14)
"""Discord forgets the token of an interaction after 15 minutes."""


@dataclass(frozen=True, slots=True)
class Address:
    """One message of ours, or (message_id None) the channel it would go to."""

    guild_id: int
    channel_id: int
    message_id: int | None = None
    locale: str = "en-US"


class Obstacle(StrEnum):
    """Why a message cannot be delivered this way."""

    MESSAGE_GONE = "message_gone"
    CHANNEL_GONE = "channel_gone"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"


class Undeliverable(Exception):
    """Discord said no for good: trying again will not help."""

    def __init__(self, obstacle: Obstacle, detail: str) -> None:
        super().__init__(f"{obstacle}: {detail}")
        self.obstacle = obstacle
        self.detail = detail


class TryLater(Exception):
    """Discord or the way there is in trouble: the same call may work in a while."""


class Messenger(Protocol):
    """Edits, posts and looks up. All raise Undeliverable or TryLater and nothing else."""

    async def edit(self, address: Address, card: Card) -> None:
        """Make the message show `card`, replacing all it showed. Repeating it changes nothing."""
        ...

    async def post(self, address: Address, card: Card, nonce: str) -> int:
        """Post a new message and return its id. Within minutes the same nonce posts only once."""
        ...

    async def find_answer(self, reply_token: str) -> int | None:
        """The id of the message that answered a command; None if it was never answered.

        Only for tokens that are younger than REPLY_TOKEN_LIFE.
        """
        ...
