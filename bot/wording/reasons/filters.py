"""Sentences about what a server filters, and about patterns that cannot be used."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.filters import (
    BadRuleName,
    FilterFileRefused,
    FilterFileTooLarge,
    FilterReason,
    NothingToFilter,
    PatternProblem,
    PatternRefused,
    PatternsTooLarge,
    PictureFiltered,
    PictureNotListed,
    PromptFiltered,
    TooManyListed,
    TooManyPatterns,
    TooManyRules,
    UnknownPattern,
    UnknownRule,
)
from bot.wording.lists import alternatives, listed
from bot.wording.names import option_name

_SHOWN_CHARS = 80
_RULES_SHOWN = 10


def filter_refusal(reason: FilterReason, say: Words) -> str:
    """Explain why a request is filtered, or why the filter was not changed."""
    match reason:
        case PromptFiltered(str(pattern)):
            refused = say("{words} is not allowed in prompts on this server.", words=cut(pattern))
            return paragraph(refused, say("Nothing was charged."))
        case PromptFiltered():
            refused = say("This prompt has words that are not allowed on this server.")
            return paragraph(refused, say("Nothing was charged."))
        case PictureFiltered():
            refused = say("Nothing may be painted from this picture on this server.")
            return paragraph(refused, say("Nothing was charged."))
        case PictureNotListed():
            unknown = say("This picture is not on the list.")
            return paragraph(unknown, _unchanged(say))
        case TooManyListed(limit):
            problem = say("The list of a server can have {limit} pictures.", limit=limit)
            return paragraph(problem, _unchanged(say))
        case PatternRefused():
            return paragraph(_pattern_problem(reason, say), _unchanged(say))
        case TooManyPatterns(patterns, limit):
            problem = say(
                "That would be {patterns} words and patterns; a server can have {limit}.",
                patterns=patterns,
                limit=limit,
            )
            return paragraph(problem, _unchanged(say))
        case PatternsTooLarge():
            problem = say("All patterns of this server together would take too much memory.")
            return paragraph(problem, _unchanged(say))
        case TooManyRules(limit):
            problem = say("A server can have {limit} rules.", limit=limit)
            return paragraph(problem, _unchanged(say))
        case BadRuleName(limit):
            return say("The name of a rule needs 1 to {limit} characters.", limit=limit)
        case UnknownRule(name, names):
            unknown = say("There is no rule {name}.", name=cut(name))
            shown = [cut(each) for each in names[:_RULES_SHOWN]]
            here = say("There are: {names}", names=listed(shown, say)) if shown else ""
            return paragraph(unknown, here)
        case UnknownPattern(pattern):
            unknown = say("No rule has {words}.", words=cut(pattern))
            return paragraph(unknown, _unchanged(say))
        case NothingToFilter(options):
            wanted = alternatives((option_name(each, say) for each in options), say)
            return say("Nothing was changed: give {options}.", options=wanted)
        case FilterFileRefused(_, str(version)):
            problem = say("The file is of version {version}, which I cannot read.", version=version)
            return paragraph(problem, _unchanged(say))
        case FilterFileRefused(line):
            problem = say("Line {line} of the file is not that of a filter.", line=line)
            return paragraph(problem, _unchanged(say))
        case FilterFileTooLarge(limit):
            problem = say("The file is larger than {limit} KiB.", limit=limit)
            return paragraph(problem, _unchanged(say))
        case _:
            assert_never(reason)


def cut(pattern: str) -> str:
    """Return a pattern as inline code, where Markdown means nothing, shortened for a sentence."""
    text = " ".join(pattern.split()).replace("`", "'").replace("@", "@\u200b")
    return f"`{text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + '…'}`"


def _unchanged(say: Words) -> str:
    return say("Nothing was changed.")


def _pattern_problem(reason: PatternRefused, say: Words) -> str:
    pattern = cut(reason.pattern)
    match reason.problem:
        case PatternProblem.EMPTY:
            problem = say("There are no letters in {pattern}.", pattern=pattern)
        case PatternProblem.TOO_LONG:
            problem = say(
                "{pattern} is longer than {limit} characters.", pattern=pattern, limit=reason.detail
            )
        case PatternProblem.EVERYTHING:
            problem = say("{pattern} would be found in every prompt.", pattern=pattern)
        case PatternProblem.INVALID:
            problem = say("{pattern} is not a regular expression.", pattern=pattern)
            if reason.detail:
                problem = say(
                    "{pattern} is not a regular expression ({detail}).",
                    pattern=pattern,
                    detail=reason.detail,
                )
        case _:
            assert_never(reason.problem)
    if reason.line:
        return say("Line {line}: {problem}", line=reason.line, problem=problem)
    return problem
