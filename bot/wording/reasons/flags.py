"""Sentences about flags in a prompt that cannot be obeyed."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.flags import FlagError, FlagErrorKind
from bot.request.reasons.values import PresetContradicted
from bot.wording.lists import enumerated, listed
from bot.wording.names import flag_name

_QUOTED_CHARS = 40


def flag_problem(error: FlagError, say: Words) -> str:
    """Quote the flag that cannot be used, and say what would be valid."""
    flag, value = _quoted(error.flag), _quoted(error.value)
    match error.kind:
        case FlagErrorKind.UNKNOWN:
            problem = say("There is no flag {flag}.", flag=flag)
        case FlagErrorKind.UNSUPPORTED:
            problem = say("{flag} has no effect here.", flag=flag)
            if not error.suggestion:
                return paragraph(problem, say("Please leave it out."))
            return paragraph(problem, _did_you_mean(_renamed(error.suggestion, say), say))
        case FlagErrorKind.MISSING:
            problem = say("{flag} needs a value.", flag=flag)
        case FlagErrorKind.BAD_VALUE:
            problem = say("{value} is not a valid value for {flag}.", value=value, flag=flag)
        case FlagErrorKind.TWICE:
            whole = _quoted(f"{error.flag} {error.value}".strip())
            other = listed(map(_quoted, error.expected), say)
            return say(
                "{flag} and {other} contradict each other: please keep one of them.",
                flag=whole,
                other=other,
            )
        case FlagErrorKind.PROSE:
            return _did_you_mean(_renamed(error.suggestion, say), say)
        case FlagErrorKind.UNBALANCED:
            return say("The brace {flag} in {words} has no matching brace.", flag=flag, words=value)
        case _:
            assert_never(error.kind)
    return paragraph(problem, _advice(error, say))


def preset_contradicted(reason: PresetContradicted, say: Words) -> str:
    """Say what the name for a number stands for, and that one of both has to go."""
    number = _quoted(f"{flag_name(reason.option, say)} {_number(reason.value)}")
    preset = f"{flag_name('speed', say)} {reason.preset}"
    name = _quoted(flag_name("strict", say) if reason.option == "guidance" else preset)
    values = {"number": number, "name": name, "means": _number(reason.means)}
    match reason.option:
        case "steps":
            return say(
                "{number} and {name} contradict each other: with this model, that speed is {means} "
                "steps. Please keep one of them.",
                **values,
            )
        case "guidance":
            return say(
                "{number} and {name} contradict each other: with this model, strict is guidance "
                "{means}. Please keep one of them.",
                **values,
            )


def _advice(error: FlagError, say: Words) -> str:
    if error.suggestion:
        return _did_you_mean(error.suggestion, say)  # in the script that was typed
    if error.low is not None and error.high is not None:
        return say("It accepts {low} to {high}.", low=_number(error.low), high=_number(error.high))
    if error.expected:
        return say("It accepts: {values}.", values=enumerated(error.expected, say))
    return ""


def _did_you_mean(flag: str, say: Words) -> str:
    return say("Did you mean {flag}?", flag=_quoted(flag))


def _renamed(flag: str, say: Words) -> str:
    """Return a flag, perhaps with a value, by its name in this language."""
    name, space, value = flag.removeprefix("--").partition(" ")
    return f"{flag_name(name, say)}{space}{value}"


def _number(value: float) -> str:
    """Format with ten significant digits: enough for the largest seed, no float noise."""
    return f"{value:.10g}"


def _quoted(text: str) -> str:
    """Quote as inline code, shortened; a backtick would end the quotation in Markdown."""
    shown = text.replace("`", "'")
    return (
        f"`{shown if len(shown) <= _QUOTED_CHARS else shown[:_QUOTED_CHARS] + '…'}`"
        if shown
        else ""
    )
