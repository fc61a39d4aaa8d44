"""Sentences about reports, verdicts and blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.i18n import Words, paragraph
from bot.moderation.blocks import UserBlocked
from bot.moderation.reports import ReportFiled
from bot.wording.names import command_link
from storage.types import Case, Verdict

When = Callable[[datetime], str]
"""Formats a point in time for the place where the sentence will be read."""


def report_filed(filed: ReportFiled, say: Words) -> str:
    """Thank the member who filed a report, and say what happens with it."""
    privacy = say("Only the moderators can see who reported it.")
    if filed.channel_id is None:
        thanks = say(
            "Thank you. Your report of picture #{id} was saved, but this server has no "
            "channel for reports yet. Please tell someone who manages the server: {command} shows "
            "it to them.",
            id=filed.picture_id,
            command=command_link("admin reports list", say),
        )
    else:
        thanks = say(
            "Thank you. The moderators have been notified about picture #{id}.",
            id=filed.picture_id,
        )
    return paragraph(thanks, privacy)


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
    decided = say("This report has already been decided.")
    return paragraph(decided, verdict_sentence(case, say, when))


def user_blocked(done: UserBlocked, reason: str | None, say: Words, when: When) -> str:
    """Say who was blocked and how many jobs that cancelled.

    reason: already escaped for display, None if none was given.
    """
    blocked = f"<@{done.block.user_id}>"
    lines = [say("{person} can no longer paint on this server.", person=blocked)]
    if reason is not None:
        lines.append(say("They will see this reason: {reason}", reason=f"“{reason}”"))
    if done.block.until is not None:
        lines.append(say("The block ends {when}.", when=when(done.block.until)))
    if done.cancelled:
        lines.append(
            say.plural(
                "{n} of their jobs was cancelled and not charged.",
                "{n} of their jobs were cancelled and not charged.",
                done.cancelled,
            )
        )
    return "\n".join(lines)
