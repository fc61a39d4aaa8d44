"""What permissions, blocks and reports forbid."""

from __future__ import annotations

from dataclasses import dataclass

from storage.types import Case


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The actor lacks a permission. what: the value of an Action."""

    what: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The moderators of this server have blocked the member. reason: as they gave it, if at all."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """Members cannot report their own pictures."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportedBefore:
    """The member has already reported the picture, and the report is still open."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReasonTooLong:
    """The reason of a report or a block is too long."""

    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class NotReported:
    """The picture has never been reported on this server."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportDecided:
    """The report has already been decided. case: says by whom and how."""

    case: Case


@dataclass(frozen=True, slots=True)
class NotBlockable:
    """A moderator cannot block themselves or an owner of the bot."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UnknownDuration:
    """A text that says no length of time, or a longer one than this."""

    text: str
    max_days: int


@dataclass(frozen=True, slots=True)
class NotBlocked:
    """The user is not blocked."""

    user_id: int


@dataclass(frozen=True, slots=True)
class NotErasable:
    """An admin cannot erase somebody whose rank protects them, nor an owner of the bot."""

    user_id: int


@dataclass(frozen=True, slots=True)
class NoReporters:
    """Nobody can be answered: a filter reported the picture, or who did erased their data."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class NoDirectMessages:
    """The bot's owner lets it send no direct messages, so nobody can be answered."""


@dataclass(frozen=True, slots=True)
class NothingWritten:
    """A message without a word."""


@dataclass(frozen=True, slots=True)
class MessageTooLong:
    """A message between moderators and a reporter is too long."""

    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class ReportClosed:
    """A reporter writes about a report that moderators have decided."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class ReportGone:
    """A reporter writes about a report that was erased, or on which no moderator has written."""

    picture_id: int


@dataclass(frozen=True, slots=True)
class EnoughReplies:
    """The reporter has written `limit` times since the moderators last wrote."""

    limit: int


ModerationReason = (
    NoReporters
    | NoDirectMessages
    | NothingWritten
    | MessageTooLong
    | ReportClosed
    | ReportGone
    | EnoughReplies
    | NotAllowed
    | Blocked
    | OwnPicture
    | ReportedBefore
    | ReasonTooLong
    | NotReported
    | ReportDecided
    | NotBlockable
    | NotErasable
    | NotBlocked
    | UnknownDuration
)
