"""Why a member cannot paint, as a list of what was looked at."""

from __future__ import annotations

from collections.abc import Iterator

from bot.i18n import Words, paragraph
from bot.operation.member_diagnosis import MemberDiagnosis, ServerFacts
from bot.request.reasons.limits import QueueIsFull, ServerQuotaSpent
from bot.wording.lists import enumerated
from bot.wording.moderation import When
from bot.wording.quotas import allowed_pictures
from bot.wording.reasons.jobs import failure_sentence
from bot.wording.reasons.limits import limit_refusal
from engine.engine_states import EngineState
from storage.types import JobState

CLOSED_SHOWN = 5
"""Channels that are named. Chosen by hand."""
_YES, _NO, _UNSURE = "✓", "✗", "?"
_WORKS = (EngineState.STARTING, EngineState.READY, EngineState.PAINTING)


def diagnosis_lines(found: MemberDiagnosis, say: Words, when: When) -> list[str]:
    """Return a line for each question, with ✓, ✗ or ? before it, in the order in which a request
    meets them; the last says what follows."""
    lines = [*_steps(found, say, when)]
    marked = [f"{mark} {text}" for mark, text in lines]
    if any(mark == _NO for mark, _ in lines):
        marked.append(say("What is marked with ✗ keeps this member from painting."))
    else:
        marked.append(say("Nothing here keeps this member from painting now."))
    return marked


def _steps(found: MemberDiagnosis, say: Words, when: When) -> Iterator[tuple[str, str]]:
    yield _server(found.server, say)
    yield _membership(found.server, say)
    yield _channels(found.server, say)
    yield _engine(found, say)
    yield _accepting(found, say)
    if found.server_paused:
        yield _NO, say("The server's admins paused painting there.")
    if found.block is None:
        yield _YES, say("The moderators have not blocked them.")
    else:
        yield _NO, say("The moderators blocked them {when}.", when=when(found.block.blocked_at))
    if found.ruled_out:
        yield _NO, say("The server's rules let them paint in no channel.")
    else:
        yield _YES, say("The server's rules let them paint, at least in some channel.")
    yield _quota(found, say, when)
    if found.queue is None:
        yield _YES, say("There is a place in the queue for them.")
    else:
        reason = QueueIsFull(found.queue.waiting, found.queue.limit, found.queue.scope)
        yield _NO, _queue(reason, say)
    yield _filter(found, say)
    if found.last is not None:
        yield _last(found, say, when)


def _server(server: ServerFacts, say: Words) -> tuple[str, str]:
    if server.served:
        return _YES, say("I am enabled on that server.")
    return _NO, say(
        "I am not enabled on that server: {setting} does not name it.", setting="guilds"
    )


def _membership(server: ServerFacts, say: Words) -> tuple[str, str]:
    match server.member:
        case True:
            return _YES, say("They are a member there.")
        case False:
            return _NO, say("They are no member there.")
        case None:
            return _UNSURE, say("Discord did not say whether they are a member there.")


def _channels(server: ServerFacts, say: Words) -> tuple[str, str]:
    if server.member is not True:
        return _UNSURE, say("Which channels they see is not known.")
    count = say.plural(
        "Of {n} channel that they see, they can paint in {usable}.",
        "Of {n} channels that they see, they can paint in {usable}.",
        server.channels,
        usable=server.usable,
    )
    if not server.closed:
        return (_YES if server.usable else _NO), count
    closed = enumerated((f"“{each}”" for each in server.closed[:CLOSED_SHOWN]), say)
    why = say(
        "In others they may use no commands, or I may not post pictures: {names}.", names=closed
    )
    return (_YES if server.usable else _NO), paragraph(count, why)


def _engine(found: MemberDiagnosis, say: Words) -> tuple[str, str]:
    if found.state not in _WORKS:
        return _NO, say("The engine has stopped or failed.")
    if found.loading:
        return _YES, say("The model is still loading; requests are accepted and wait.")
    return _YES, say("The engine works.")


def _accepting(found: MemberDiagnosis, say: Words) -> tuple[str, str]:
    if not found.accepting:
        return _NO, say("Nothing new is accepted: an owner drains the queue.")
    if found.paused:
        return _UNSURE, say("An owner paused painting: requests are accepted and wait.")
    return _YES, say("Requests are accepted and painted.")


def _quota(found: MemberDiagnosis, say: Words, when: When) -> tuple[str, str]:
    quota, over = found.quota, found.over_quota
    if over is not None and over.ceiling is not None:
        spent = ServerQuotaSpent(over.server_used, over.ceiling.pictures, over.ceiling.hours)
        return _NO, limit_refusal(spent, over.retry_at, say, when)
    allowed = allowed_pictures(quota.policy, say)
    if over is None:
        return _YES, say(
            "Their quota is {allowed}; used: {used}.", allowed=allowed, used=quota.used
        )
    spent_text = say(
        "Their quota is used up: {allowed}; used: {used}.", allowed=allowed, used=quota.used
    )
    again = (
        ""
        if over.retry_at is None
        else say("They can paint again {when}.", when=when(over.retry_at))
    )
    return _NO, paragraph(spent_text, again)


def _queue(reason: QueueIsFull, say: Words) -> str:
    return say(
        "No place in the queue: {waiting} jobs wait, and {limit} may ({scope}).",
        waiting=reason.waiting,
        limit=reason.limit,
        scope=_scope(reason, say),
    )


def _scope(reason: QueueIsFull, say: Words) -> str:
    return {
        "user": say("of one member"),
        "server": say("of one server"),
        "queue": say("in all"),
    }[reason.scope.value]


def _filter(found: MemberDiagnosis, say: Words) -> tuple[str, str]:
    if not found.refusing_rules:
        return _YES, say("No filter of the server refuses prompts of theirs.")
    return _UNSURE, say.plural(
        "{n} filter rule of the server refuses prompts in which it finds something.",
        "{n} filter rules of the server refuse prompts in which they find something.",
        found.refusing_rules,
    )


def _last(found: MemberDiagnosis, say: Words, when: When) -> tuple[str, str]:
    job = found.last
    assert job is not None
    asked = say("Their last request there: {when}.", when=when(job.accepted_at))
    if job.state is JobState.PAINTED:
        return _YES, paragraph(asked, say("It was painted."))
    if job.finished_at is None:
        return _YES, paragraph(asked, say("It waits or is being painted."))
    why = failure_sentence(job.state, job.error_code or "", job.error_detail or "", say)
    return _UNSURE, paragraph(asked, why)
