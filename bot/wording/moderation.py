"""The sentences about reports, verdicts and blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from bot.i18n import Words
from bot.moderation.service import ReportFiled, UserBlocked
from bot.request.outcomes import (
    Blocked,
    NotBlockable,
    NotBlocked,
    NotReported,
    OwnPicture,
    ReasonTooLong,
    ReportDecided,
    ReportedBefore,
)
from storage.types import Case, Verdict

ModerationReason = (
    Blocked
    | OwnPicture
    | ReportedBefore
    | ReasonTooLong
    | NotReported
    | ReportDecided
    | NotBlockable
    | NotBlocked
)

When = Callable[[datetime], str]
"""How a point in time is written where the sentence is going to be read."""


def moderation_refusal(reason: ModerationReason, say: Words, when: When) -> str:
    """Why a report, a verdict or a block is refused, or a wish of who is blocked."""
    match reason:
        case Blocked(None):
            return say("The moderators of this server have blocked you from painting here.")
        case Blocked(why):
            return say(
                "The moderators of this server have blocked you from painting here: {reason}",
                reason=f"“{why}”",
            )
        case OwnPicture():
            return say("This picture is your own: you can delete it, and need not report it.")
        case ReportedBefore(picture_id):
            return say(
                "You have reported picture #{id} already; the moderators have not decided yet.",
                id=picture_id,
            )
        case ReasonTooLong(chars, limit):
            return say(
                "The reason is too long: {chars} characters, at most {limit} are kept.",
                chars=chars,
                limit=limit,
            )
        case NotReported(picture_id):
            return say("Nobody has reported picture #{id} on this server.", id=picture_id)
        case ReportDecided(case):
            return already_decided(case, say, when)
        case NotBlockable():
            return say("Neither you yourself nor an owner of the bot can be blocked.")
        case NotBlocked():
            return say("This member is not blocked here.")
        case _:
            assert_never(reason)


def report_filed(filed: ReportFiled, say: Words) -> str:
    """What a person who reported a picture is told."""
    kept = say("Only the moderators see who reported it.")
    if filed.channel_id is None:
        told = say(
            "Thank you, your report of picture #{id} is written down. This server has no place "
            "for reports yet: please tell somebody who manages it; /admin reports list shows it "
            "to them.",
            id=filed.picture_id,
        )
    else:
        told = say(
            "Thank you, the moderators are told of picture #{id}.",
            id=filed.picture_id,
        )
    return f"{told} {kept}"


def verdict_sentence(case: Case, say: Words, when: When) -> str:
    """Who decided a case, what and when; that nobody has yet, where that is so."""
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
    """That there is a verdict already, and whose."""
    return say("Somebody was faster.") + " " + verdict_sentence(case, say, when)


def user_blocked(done: UserBlocked, reason: str | None, say: Words) -> str:
    """Who is blocked now, and what that ended. reason: as it can be shown, None for none."""
    blocked = f"<@{done.block.user_id}>"
    lines = [say("{person} cannot paint on this server any more.", person=blocked)]
    if reason is not None:
        lines.append(say("They will be told: {reason}", reason=f"“{reason}”"))
    if done.cancelled:
        lines.append(
            say.plural(
                "{n} job of theirs is cancelled and not charged.",
                "{n} jobs of theirs are cancelled and not charged.",
                done.cancelled,
            )
        )
    return "\n".join(lines)
