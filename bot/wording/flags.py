"""What is wrong with a flag in a prompt or with its choices, in words."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.request.outcomes import (
    FlagError,
    FlagErrorKind,
    ManyPermutations,
    OnePromptOnly,
    ProposalClosed,
    TooManyPermutations,
)

PermutationsReason = ManyPermutations | OnePromptOnly | TooManyPermutations | ProposalClosed

_SHOWN = 40


def flag_problem(bad: FlagError, say: Words) -> str:
    """One sentence that quotes the flag, and says what would be right."""
    flag, value = _quoted(bad.flag), _quoted(bad.value)
    match bad.kind:
        case FlagErrorKind.UNKNOWN:
            told = say("There is no flag {flag}.", flag=flag)
        case FlagErrorKind.UNSUPPORTED:
            told = say("{flag} has no effect here.", flag=flag)
            if not bad.suggestion:
                return told + " " + say("Please leave it out.")
        case FlagErrorKind.MISSING:
            told = say("{flag} needs a value.", flag=flag)
        case FlagErrorKind.BAD_VALUE:
            told = say("{value} is not a valid value for {flag}.", value=value, flag=flag)
        case FlagErrorKind.TWICE:
            other = _quoted(", ".join(bad.expected))
            return say("{flag} and {other} contradict each other.", flag=flag, other=other)
        case FlagErrorKind.UNBALANCED:
            return say("The brace {flag} in {words} has no matching brace.", flag=flag, words=value)
        case _:
            assert_never(bad.kind)
    return " ".join(filter(None, (told, _advice(bad, say))))


def permutations_problem(reason: PermutationsReason, say: Words) -> str:
    """Braces that make more of one wish than can be, or a question about them that is over."""
    match reason:
        case ManyPermutations(total) | OnePromptOnly(total):
            return say(
                "The choices in braces make {total} pictures. Please ask for them one at a "
                "time. To use a literal brace, put a backslash before it.",
                total=total,
            )
        case TooManyPermutations(total, limit):
            return say(
                "The choices in braces make {total} prompts; at most {limit} can be painted "
                "at once. To use a literal brace, put a backslash before it.",
                total=total if total < 10**6 else "…",
                limit=limit,
            )
        case ProposalClosed(True):
            return say(
                "You have already answered this with Paint. Use /queue to see what is still "
                "to come."
            )
        case ProposalClosed():
            return say(
                "This question has expired, and nothing was charged for it. Please ask again."
            )
        case _:
            assert_never(reason)


def _advice(bad: FlagError, say: Words) -> str:
    if bad.suggestion:
        return say("Did you mean {flag}?", flag=_quoted(bad.suggestion))
    if bad.low is not None and bad.high is not None:
        return say("It accepts {low} to {high}.", low=_number(bad.low), high=_number(bad.high))
    if bad.expected:
        return say("It accepts: {values}.", values=", ".join(bad.expected))
    return ""


def _number(value: float) -> str:
    """All digits of the largest seed; no more of a fraction than was meant."""
    return f"{value:.10g}"


def _quoted(text: str) -> str:
    """Short, and without a grave accent, which would end the quotation in Discord's Markdown."""
    shown = text.replace("`", "'")
    return f"`{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}`" if shown else ""
