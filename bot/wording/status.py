"""The state of the bot, its model and its device in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.i18n import Words, paragraph
from bot.jobs.status import BotStatus
from engine.engine_states import EngineState
from engine.renderer import DeviceMemory

_AT_WORK: Final = (EngineState.STARTING, EngineState.READY, EngineState.PAINTING)
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN: Final = "·"


def state_sentence(status: BotStatus, say: Words) -> str:
    """Say whether the bot paints, and whether it accepts requests."""
    state = status.state
    if state in _AT_WORK and not (status.accepting and not status.paused):
        return _decided(status, say)
    if status.loading is not None and state in _AT_WORK:
        return _loading(status.loading, status.loading_left_s, say)
    return {
        EngineState.STARTING: say("The model is still loading; requests are already accepted."),
        EngineState.READY: say("Ready to paint."),
        EngineState.PAINTING: say("Painting."),
        EngineState.DRAINING: say("Shutting down; waiting jobs will be painted after the restart."),
        EngineState.STOPPED: say("Stopped."),
        EngineState.DEFUNCT: say(
            "I cannot paint at the moment; the bot's owner has been notified."
        ),
    }[state]


def model_facts(status: BotStatus, say: Words) -> list[str]:
    """Return what a picture with default settings is painted with, and the memory in use."""
    facts = [
        say.plural("{n} step", "{n} steps", status.steps),
        say("guidance {guidance}", guidance=f"{status.guidance:g}"),
    ]
    facts += [status.dtype] if status.dtype else []
    facts += [memory_use(status.memory, say)] if status.memory is not None else []
    return facts


def memory_use(memory: DeviceMemory, say: Words) -> str:
    """Return how much memory is in use, of how much."""
    used, total = (f"{each / 2**30:.1f}" for each in (memory.used_bytes, memory.total_bytes))
    if memory.shared:
        return say("memory of the machine: {used} of {total} GiB in use", used=used, total=total)
    return say("memory of the GPU: {used} of {total} GiB in use", used=used, total=total)


def memory_curve(shares: Sequence[float | None]) -> str:
    """Draw shares of the memory in use, the oldest first; a dot where one is not known."""
    top = len(_LEVELS) - 1
    return "".join(
        _UNKNOWN if each is None else _LEVELS[min(top, max(0, round(each * top)))]
        for each in shares
    )


def _decided(status: BotStatus, say: Words) -> str:
    paused = say("Painting is paused by the bot's owner.") if status.paused else ""
    if status.accepting:
        return paragraph(paused, say("Requests are accepted and wait."))
    nothing_new = say("The bot's owner lets me accept nothing new at the moment.")
    still = "" if status.paused else say("What already waits is still painted.")
    return paragraph(paused, nothing_new, still)


def _loading(model: str, left_s: float | None, say: Words) -> str:
    if not left_s:  # its name is of small letters, digits and signs without a meaning
        return say(
            "The model {model} is being loaded; until then none is in memory. Requests are "
            "already accepted.",
            model=_name(model),
        )
    return say(
        "The model {model} is being loaded, for about {took} more; until then none is in memory. "
        "Requests are already accepted.",
        model=_name(model),
        took=say("{seconds} s", seconds=max(1, round(left_s))),
    )


def _name(model: str) -> str:
    """Escape the one sign of a model's name that is Markdown."""
    return model.replace("_", "\\_")
