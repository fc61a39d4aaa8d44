"""What the bot's owners are told: what they changed, and how the bot is."""

from __future__ import annotations

from collections.abc import Iterator

from bot.i18n import Words, paragraph
from bot.operation.announcements import AnnouncementQuestion
from bot.operation.control import Backlog, ModelMove
from bot.operation.overview import OwnerOverview
from bot.wording.compilation import compilation_state
from bot.wording.moderation import When
from bot.wording.names import command_link
from bot.wording.reasons.jobs import failure_sentence
from bot.wording.status import memory_curve, model_facts, state_sentence
from engine.compilation import CompilationState
from engine.errors import OutOfMemory
from storage.recent_work import FailedWork, PaintedWork

ERRORS_SHOWN = 5
"""Kinds of errors that are listed. Chosen by hand."""


def duration(seconds: float, say: Words) -> str:
    """Return a time in its largest two units, from seconds to days."""
    minutes, rest_s = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return say("{days} d {hours} h", days=days, hours=hours)
    if hours:
        return say("{hours} h {minutes} min", hours=hours, minutes=minutes)
    if minutes:
        return say("{minutes} min {seconds} s", minutes=minutes, seconds=rest_s)
    return say("{seconds} s", seconds=rest_s)


def backlog_sentence(backlog: Backlog, say: Words) -> str:
    """Say what is left to paint, and how long that takes."""
    if backlog.empty:
        return say("Nothing waits, and nothing is being painted.")
    waiting = say.plural("{n} job is waiting.", "{n} jobs are waiting.", backlog.waiting)
    painting = say("One is being painted.") if backlog.painting else ""
    long = (
        say("All of it takes about {took}.", took=duration(backlog.seconds, say))
        if backlog.seconds
        else ""
    )
    return paragraph(waiting, painting, long)


def paused(backlog: Backlog, say: Words) -> str:
    """Say that painting is paused, and what that means for whom."""
    present = say("The present picture is finished first.") if backlog.painting else ""
    return paragraph(
        say("Painting is paused, also after a restart."),
        present,
        say.plural("{n} job is waiting.", "{n} jobs are waiting.", backlog.waiting),
        say("{command} goes on.", command=command_link("owner resume", say)),
    )


def resumed(backlog: Backlog, say: Words) -> str:
    """Say that everything is as usual again."""
    return paragraph(
        say("I paint and accept requests."),
        backlog_sentence(backlog, say),
    )


def drain_question(backlog: Backlog, say: Words) -> str:
    """Ask back before nothing more is accepted."""
    return paragraph(
        say("Accept no new requests on any server, also after a restart?"),
        say("What waits is still painted, even if painting is paused."),
        backlog_sentence(backlog, say),
    )


def draining(backlog: Backlog, say: Words) -> str:
    """Say that nothing more is accepted, and who is told when all is painted."""
    told = (
        ""
        if backlog.empty
        else say("I send the owners a direct message once everything is painted.")
    )
    return paragraph(
        say("Nothing new is accepted, also after a restart."),
        backlog_sentence(backlog, say),
        told,
        say("{command} ends this.", command=command_link("owner resume", say)),
    )


def unload_question(backlog: Backlog, say: Words) -> str:
    """Ask back before the memory is freed while there is something to paint."""
    return paragraph(
        say("Give the memory back once the present picture is painted?"),
        backlog_sentence(backlog, say),
        say(
            "The next job loads the model again; {command} keeps it from that.",
            command=command_link("owner pause", say),
        ),
    )


def unloading(say: Words) -> str:
    """Say that the memory will be freed after the present picture."""
    return say("The memory is given back as soon as the present picture is painted …")


def unloaded(backlog: Backlog, say: Words) -> str:
    """Say that the memory is free."""
    again = say("The model is loaded again for the next job.")
    waits = (
        say.plural("{n} job is waiting.", "{n} jobs are waiting.", backlog.waiting)
        if backlog.waiting
        else ""
    )
    return paragraph(say("The memory of the model is given back."), again, waits)


def moving(move: ModelMove, say: Words) -> str:
    """Say which model is being loaded, and how long that takes."""
    model = _model(move.model)
    if move.loaded:
        return say("The model {model} is in use already.", model=model)
    if move.seconds is None:
        begun = say("The model {model} is being loaded …", model=model)
    else:
        took = duration(move.seconds, say)
        begun = say("The model {model} is being loaded, for about {took} …", model=model, took=took)
    present = say("The present picture is finished first.") if move.backlog.painting else ""
    return paragraph(begun, present, say("Jobs that wait are kept."))


def moved(move: ModelMove, say: Words) -> str:
    """Say that a model is loaded, and what it does not change."""
    return paragraph(
        say("The model {model} is loaded.", model=_model(move.model)),
        say(
            "Jobs of other models load theirs when it is their turn, and requests that name no "
            "model are painted by {default}, as before.",
            default=_model(move.default),
        ),
    )


def announcement_question(question: AnnouncementQuestion, say: Words) -> str:
    """Ask back before an announcement is sent."""
    return say.plural("Post this on {n} server?", "Post this on {n} servers?", question.servers)


def overview_lines(overview: OwnerOverview, say: Words, when: When) -> Iterator[str]:
    """Yield the state of the bot, a line for each subject. when: writes a moment."""
    status = overview.status
    yield say("**State:** {state}", state=state_sentence(status, say))
    if status.model is not None:
        model = say("{model} on {device}", model=_model(status.model), device=status.device)
        yield say("**Model:** {model}", model=model)
    yield " · ".join(model_facts(status, say))
    if status.compilation is not None and status.compilation.state is not CompilationState.OFF:
        compiled = compilation_state(status.compilation, say)
        yield say("**Compiled blocks:** {state}", state=compiled)
    if any(each is not None for each in overview.curve):
        curve = f"`{memory_curve(overview.curve)}`"
        yield say("**Memory in the last hour:** {curve}", curve=curve)
    yield say("**Queue:** {queue}", queue=backlog_sentence(overview.backlog, say))
    yield say("**Last hour:** {speed}", speed=_speed(overview.painted, say))
    yield from _errors(overview.failed, say, when)
    up = say("up for {time}", time=duration(overview.uptime_s, say))
    yield f"zimagine {overview.version} · {up}"


def _speed(painted: PaintedWork | None, say: Words) -> str:
    if painted is None:
        return say("not known, because the database cannot be read now")
    pictures = say.plural("{n} picture", "{n} pictures", painted.pictures)
    if painted.mean_s is None:
        return pictures
    each = say("{seconds} s each", seconds=f"{painted.mean_s:.1f}")
    return f"{pictures} · {each}"


def _errors(failed: tuple[FailedWork, ...] | None, say: Words, when: When) -> Iterator[str]:
    if failed is None:
        return
    if not failed:
        yield say("**Errors in the last day:** none")
        return
    counts = " · ".join(f"`{each.code}` × {each.jobs}" for each in failed[:ERRORS_SHOWN])
    yield say("**Errors in the last day:** {counts}", counts=counts)
    newest = failed[0]
    sentence = failure_sentence("failed", newest.code, newest.detail, say)
    if newest.code == OutOfMemory.code:  # whose detail says who holds it, and what to change
        sentence = paragraph(sentence, say("({detail})", detail=newest.detail))
    yield say("The newest, {when}: {error}", when=when(newest.newest_at), error=sentence)


def _model(name: str) -> str:
    return name.replace("_", "\\_").replace("*", "\\*").replace("`", "\\`")
