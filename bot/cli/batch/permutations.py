"""Expand permutations on the command line, and ask for confirmation before generating them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT, OK
from bot.request.outcomes import FlagError, FlagProblem, PictureAddress
from bot.request.params import GenerationParams, PastedSettings
from bot.request.prompt.apply_flags import joined
from bot.request.prompt.pasted.command import without_command
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.pasted.settings import take_pasted
from bot.request.prompt.permutations import permutations


@dataclass(frozen=True, slots=True)
class ExpandedPrompt:
    """One prompt, or a text whose braces are invalid if there is a `problem`.

    ignored: parts of its choices that do nothing, as in `Permutations`. pasted: what else the text
    held, if it was another program's. unknown_options: as in `GenerationParams`.
    """

    text: str
    problem: FlagProblem | None = None
    ignored: tuple[str, ...] = ()
    pasted: PastedSettings | None = None
    unknown_options: tuple[str, ...] = ()


def expand_prompts(texts: Sequence[str], per_prompt: int, limit: int) -> tuple[ExpandedPrompt, ...]:
    """Return the permutations of each text, in order; a text without any stays as it is.

    per_prompt: pictures of one prompt. Exits with one sentence and code 2 if there are more than
    `limit` pictures in total.
    """
    prompts: list[ExpandedPrompt] = []
    total = 0
    for text in texts:
        addresses, _ = picture_addresses(text)
        taken = take_pasted(GenerationParams(text))
        _, plain = picture_addresses(without_command(taken.prompt))
        expanded = permutations(plain, limit)
        problems = [FlagProblem((), (PictureAddress(each),)) for each in addresses]
        if isinstance(expanded, FlagError):
            problems.append(FlagProblem((expanded,)))
        if problems or isinstance(expanded, FlagError):
            prompts.append(ExpandedPrompt(text, joined(problems)))
            total += 1
            continue
        total += expanded.total
        prompts += (
            ExpandedPrompt(each, None, expanded.ignored, taken.pasted, taken.unknown_options)
            for each in expanded.prompts
        )
    total *= per_prompt
    if total > limit:
        shown = str(total) if total < 10**6 else "millions of"
        fail(f"That would be {shown} pictures; at most {limit} can be painted.", BAD_INPUT)
    return tuple(prompts)


def confirm(pictures: int) -> None:
    """Ask for confirmation; exit if it is denied, or if there is no terminal to ask on."""
    if not _is_interactive():
        fail(
            f"The choices in braces make {pictures} pictures: use --yes to paint them all. "
            "To use a literal brace, put a backslash before it.",
            BAD_INPUT,
        )
    question = f"The choices in braces make {pictures} pictures. Paint them all?"
    if not click.confirm(question, err=True):
        click.echo("zimagine: nothing was painted.", err=True)
        raise click.exceptions.Exit(OK)


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
