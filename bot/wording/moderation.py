"""Sentences about reports, verdicts and blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from bot.i18n import Words
from bot.moderation.service import ReportFiled, UserBlocked
from bot.request.reasons.moderation import (
    Blocked,
    ModerationReason,
    NotAllowed,
    NotBlockable,
    NotBlocked,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    ReportDecided,
    ReportedBefore,
)
from storage.types import Case, Verdict

When = Callable[[datetime], str]
"""Formats a point in time for the place where the sentence will be read."""


def moderation_refusal(reason: ModerationReason, say: Words, when: When) -> str:
    """Explain why a report, verdict or block, or a request from a blocked member, is refused."""
    match reason:
        case NotAllowed():
            return not_allowed(say)
        case Blocked(None):
            return say("The moderators of this server have blocked you from painting here.")
        case Blocked(why):
            return say(
                "The moderators of this server have blocked you from painting here: {reason}",
                reason=f"“{why}”",
            )
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
        case NotBlocked():
            return say("This member is not blocked here.")
        case _:
            assert_never(reason)


def not_allowed(say: Words) -> str:
    """Say that the member lacks a permission."""
    return say("You do not have permission to do that here.")


def report_filed(filed: ReportFiled, say: Words) -> str:
    """Thank the member who filed a report, and say what happens with it."""
    privacy = say("Only the moderators can see who reported it.")
    if filed.channel_id is None:
        thanks = say(
            "Thank you. Your report of picture #{id} was saved, but this server has no "
            "channel for reports yet. Please tell someone who manages the server: /admin "
            "reports list shows it to them.",
            id=filed.picture_id,
        )
    else:
        thanks = say(
            "Thank you. The moderators have been notified about picture #{id}.",
            id=filed.picture_id,
        )
    return f"{thanks} {privacy}"


def verdict_sentence(case: Case, say: Words, when: When) -> str:
    """Say who decided a report, how and when, or that it is still open."""
    if case.verdict is None or case.resolved_at is None:
        return say("Picture #{id} was reported.", id=case.picture_id)
    values = {
        "id": case.picture_id,
        "moderator": f"<@{case.resolved_by}>",
        "when": when(case.resolved_at),
    }
    match case.verdict:
        case Verdict.DELETED:
            return say("{moderator} deleted picture #{id} {when}.", **values)
        case Verdict.BLOCKED:
            return say(
                "{moderator} deleted picture #{id} and blocked {painter} {when}.",
                painter=f"<@{case.user_id}>",
                **values,
            )
        case Verdict.DISMISSED:
            return say("{moderator} found nothing wrong with picture #{id} {when}.", **values)


def already_decided(case: Case, say: Words, when: When) -> str:
    """Say that a report has been decided, perhaps by whoever pressed twice, and how."""
    return say("This report has already been decided.") + " " + verdict_sentence(case, say, when)


def user_blocked(done: UserBlocked, reason: str | None, say: Words) -> str:
    """Say who was blocked and how many jobs that cancelled.

    reason: already escaped for display, None if none was given.
    """
    blocked = f"<@{done.block.user_id}>"
    lines = [say("{person} can no longer paint on this server.", person=blocked)]
    if reason is not None:
        lines.append(say("They will see this reason: {reason}", reason=f"“{reason}”"))
    if done.cancelled:
        lines.append(
            say.plural(
                "{n} of their jobs was cancelled and not charged.",
                "{n} of their jobs were cancelled and not charged.",
                done.cancelled,
            )
        )
    return "\n".join(lines)
