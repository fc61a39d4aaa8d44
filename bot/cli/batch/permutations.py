"""Choices in braces on the command line: what they make is asked about before it is painted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT, OK
from bot.request import flags
from bot.request.outcomes import FlagError, FlagProblem, Refused
from engine.prompts import Count


@dataclass(frozen=True, slots=True)
class ExpandedPrompt:
    """One prompt, or (problem) a text whose braces cannot be read."""

    text: str
    problem: Refused | None = None

    def refused(self, _: Count | None) -> Refused:
        """The problem, as what is made of it."""
        assert self.problem is not None
        return self.problem


def expand_prompts(texts: Sequence[str], each: int, limit: int) -> tuple[ExpandedPrompt, ...]:
    """Every way to choose from each text, in order; a text without choices is as it was.

    each: pictures of one prompt. More than `limit` in all are the end of the command with one
    sentence and code 2.
    """
    found: list[ExpandedPrompt] = []
    total = 0
    for text in texts:
        ways = flags.permutations(text, limit)
        if isinstance(ways, FlagError):
            found.append(ExpandedPrompt(text, Refused(FlagProblem(ways))))
            total += 1
            continue
        total += ways.total
        found += map(ExpandedPrompt, ways.prompts)
    total *= each
    if total > limit:
        shown = str(total) if total < 10**6 else "millions of"
        fail(f"That would be {shown} pictures; at most {limit} can be painted.", BAD_INPUT)
    return tuple(found)


def confirm(pictures: int) -> None:
    """Ask whether so many are to be painted; the end of the command where they are not, or where
    nobody can be asked."""
    if not _somebody_is_there():
        fail(
            f"The choices in braces make {pictures} pictures: use --yes to paint them all. "
            "To use a literal brace, put a backslash before it.",
            BAD_INPUT,
        )
    question = f"The choices in braces make {pictures} pictures. Paint them all?"
    if not click.confirm(question, err=True):
        click.echo("zimagine: nothing was painted.", err=True)
        raise click.exceptions.Exit(OK)


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
