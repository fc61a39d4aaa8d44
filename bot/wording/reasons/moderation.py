"""Sentences about what permissions, blocks and reports forbid."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.moderation import (
    Blocked,
    EnoughReplies,
    MessageTooLong,
    ModerationReason,
    NoDirectMessages,
    NoReporters,
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NotErasable,
    NothingWritten,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    ReportClosed,
    ReportDecided,
    ReportedBefore,
    ReportGone,
    UnknownDuration,
)
from bot.wording.moderation import When, already_decided
from bot.wording.names import command_link

_TEXT_CHARS = 40


def moderation_refusal(
    reason: ModerationReason, retry_at: datetime | None, say: Words, when: When
) -> str:
    """Explain why a report, verdict or block, or a request from a blocked member, is refused."""
    match reason:
        case NotAllowed():
            return not_allowed(say)
        case Blocked(None):
            blocked = say("The moderators of this server have blocked you from painting here.")
            return paragraph(blocked, _until(retry_at, say, when))
        case Blocked(why):
            blocked = say(
                "The moderators of this server have blocked you from painting here: {reason}",
                reason=f"“{why}”",
            )
            return paragraph(blocked, _until(retry_at, say, when))
        case OwnPicture():
            return say("This is your own picture: you can delete it instead of reporting it.")
        case ReportedBefore(picture_id):
            return say(
                "You have already reported picture #{id}; the moderators have not decided yet.",
                id=picture_id,
            )
        case ReasonTooLong(chars, limit):
            return say(
                "The reason is too long: {chars} characters; the limit is {limit}.",
                chars=chars,
                limit=limit,
            )
        case NotReported(picture_id):
            return say("Nobody has reported picture #{id} on this server.", id=picture_id)
        case ReportDecided(case):
            return already_decided(case, say, when)
        case NotBlockable():
            return say(
                "You cannot block yourself, me, an owner of the bot, or anybody whose highest role "
                "is not below yours."
            )
        case NotErasable():
            return say(
                "You cannot erase an owner of the bot, or anybody whose highest role is not below "
                "yours. Everybody can erase themselves with {command}.",
                command=command_link("privacy erase", say),
            )
        case UnknownDuration(text, max_days):
            return say(
                "I cannot read {text} as a time of up to {days} days; write it as 30m, 12h, 3d or "
                "2w. Nothing was changed.",
                text=f"“{' '.join(text[:_TEXT_CHARS].split())}”",
                days=max_days,
            )
        case (
            NoReporters()
            | NoDirectMessages()
            | NothingWritten()
            | MessageTooLong()
            | ReportClosed()
            | ReportGone()
            | EnoughReplies()
        ):
            return _message_refusal(reason, say)
        case NotBlocked():
            return say("This member is not blocked here.")
        case _:
            assert_never(reason)


def _until(retry_at: datetime | None, say: Words, when: When) -> str:
    return "" if retry_at is None else say("You can paint again {when}.", when=when(retry_at))


def _message_refusal(
    reason: NoReporters
    | NoDirectMessages
    | NothingWritten
    | MessageTooLong
    | ReportClosed
    | ReportGone
    | EnoughReplies,
    say: Words,
) -> str:
    """Explain why a message between moderators and a reporter is not sent."""
    match reason:
        case NoReporters(picture_id):
            return say(
                "Nobody can be answered: picture #{id} was reported by a filter, or by members who "
                "have erased their data.",
                id=picture_id,
            )
        case NoDirectMessages():
            return say(
                "The bot's owner has turned direct messages off, so reporters cannot be answered."
            )
        case NothingWritten():
            return say("Your message is empty, so nothing was sent.")
        case MessageTooLong(chars, limit):
            return say(
                "The message is too long: {chars} characters; the limit is {limit}.",
                chars=chars,
                limit=limit,
            )
        case ReportClosed(picture_id):
            return say(
                "The moderators have closed your report of picture #{id}, so nothing was sent.",
                id=picture_id,
            )
        case ReportGone(picture_id):
            return say(
                "Your report of picture #{id} no longer exists, so nothing was sent.",
                id=picture_id,
            )
        case EnoughReplies(limit):
            return say.plural(
                "You have already written {n} message; please wait until the moderators answer.",
                "You have already written {n} messages; please wait until the moderators answer.",
                limit,
            )
        case _:
            assert_never(reason)


def not_allowed(say: Words) -> str:
    """Say that the member lacks a permission."""
    return say("You do not have permission to do that here.")
