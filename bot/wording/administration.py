"""Sentences for the admins of a server: pauses, cancelling, and how the server is doing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.administration.cancelling import CancelQuestion, WaitingCancelled
from bot.administration.pauses import PauseBegun
from bot.administration.server_status import REPORTS_COUNTED, ServerStatus
from bot.i18n import LANGUAGES, Words, paragraph
from bot.wording.log_channels import channel_line, channel_problem
from bot.wording.names import command_link
from bot.wording.permissions import permission_names
from bot.wording.quotas import allowed_pictures
from storage.log_entries import LogEvent


def pause_begun(done: PauseBegun, say: Words) -> str:
    """Say that a server is paused, what becomes of older requests, and how to go on."""
    text = say(
        "Painting is paused on this server: requests are refused until {command}.",
        command=command_link("admin resume", say),
    )
    if not done.unfinished:
        return text
    older = say.plural(
        "{n} job was accepted before and is still painted; {command} cancels what waits.",
        "{n} jobs were accepted before and are still painted; {command} cancels what waits.",
        done.unfinished,
        command=command_link("admin cancel all", say),
    )
    return paragraph(text, older)


def cancel_question(question: CancelQuestion, say: Words) -> str:
    """Ask whether waiting jobs are to be cancelled, with how many there are."""
    jobs = say.plural("{n} job", "{n} jobs", question.waiting.jobs)
    pictures = say.plural("{n} picture", "{n} pictures", question.waiting.pictures)
    if question.user_id is not None:
        asked = say(
            "Cancel what {person} has waiting here: {jobs}, {pictures}? They are not charged for "
            "it.",
            person=f"<@{question.user_id}>",
            jobs=jobs,
            pictures=pictures,
        )
    else:
        people = say.plural("{n} member", "{n} members", question.waiting.people)
        asked = say(
            "Cancel everything that waits on this server: {jobs} of {people}, {pictures}? Nobody "
            "is charged for it.",
            jobs=jobs,
            people=people,
            pictures=pictures,
        )
    return paragraph(asked, _spared(question.spared, say))


def waiting_cancelled(done: WaitingCancelled, say: Words) -> str:
    """Say what was cancelled."""
    text = say.plural(
        "{n} job was cancelled and not charged.",
        "{n} jobs were cancelled and not charged.",
        done.waiting.jobs,
    )
    return paragraph(text, _spared(done.spared, say))


def _spared(jobs: int, say: Words) -> str:
    if not jobs:
        return ""
    return say.plural(
        "{n} other job is left alone, because its member's highest role is not below yours.",
        "{n} other jobs are left alone, because their members' highest roles are not below yours.",
        jobs,
    )


def server_status(status: ServerStatus, paused: str, missing: Sequence[str], say: Words) -> str:
    """Return everything about a server, a line for each matter.

    paused: the line about its pause. missing: the bot's missing permissions in this channel.
    """
    return "\n".join(
        [paused, *_queue(status, say), *_rules(status, say), *_places(status, say)]
    ) + ("\n" + _permissions(missing, say))


def _queue(status: ServerStatus, say: Words) -> Iterator[str]:
    waiting = say.plural("{n} job", "{n} jobs", status.waiting)
    people = say.plural("{n} member", "{n} members", status.people)
    if status.waiting:
        yield say("**Waiting:** {jobs} of {people}", jobs=waiting, people=people)
    else:
        yield say("**Waiting:** nothing")
    painting = say.plural("{n} job", "{n} jobs", status.painting)
    if status.painting:
        yield say("**Being painted:** {jobs}", jobs=painting)
    else:
        yield say("**Being painted:** nothing")


def _rules(status: ServerStatus, say: Words) -> Iterator[str]:
    quota = allowed_pictures(status.quota, say)
    if status.own_quotas:
        others = say.plural(
            "{n} member or role has one of their own",
            "{n} members and roles have one of their own",
            status.own_quotas,
        )
        yield say("**Quota:** {quota}; {others}", quota=quota, others=others)
    else:
        yield say("**Quota:** {quota}", quota=quota)
    if status.rules or status.pictures:
        rules = say.plural("{n} rule", "{n} rules", status.rules)
        pictures = say.plural("{n} picture", "{n} pictures", status.pictures)
        yield say("**Filter:** on, with {rules} and {pictures}", rules=rules, pictures=pictures)
    else:
        yield say("**Filter:** off")
    blocked = say.plural("{n} member", "{n} members", status.blocked)
    yield say("**Blocked:** {people}", people=blocked)


def _places(status: ServerStatus, say: Words) -> Iterator[str]:
    count = say.plural("{n} open report", "{n} open reports", status.reports)
    if status.reports > REPORTS_COUNTED:
        count = say("more than {n} open reports", n=REPORTS_COUNTED)
    channels = {each.event: each for each in status.channels}
    reports, audit = channels.pop(LogEvent.REPORTS, None), channels.pop(LogEvent.AUDIT, None)
    if reports is None:
        yield say("**Reports:** {reports}, posted in no channel", reports=count)
    else:
        channel = f"<#{reports.channel_id}>"
        yield say("**Reports:** {reports}, posted in {channel}", reports=count, channel=channel)
    if audit is None:
        yield say("**Audit log:** posted in no channel")
    else:
        yield say("**Audit log:** posted in {channel}", channel=f"<#{audit.channel_id}>")
    yield from filter(None, (channel_problem(each, say) for each in (reports, audit)))
    yield from (channel_line(each, say) for each in channels.values())
    language = (
        say("as Discord says")
        if status.language is None
        else LANGUAGES.get(status.language, status.language)
    )
    yield say(
        "**Language:** {language} · **Time zone:** {zone}",
        language=language,
        zone=status.timezone or "UTC",
    )


def _permissions(missing: Sequence[str], say: Words) -> str:
    if not missing:
        return say("**My permissions here:** complete")
    return say("**Missing permissions here:** {names}", names=permission_names(missing, say))
