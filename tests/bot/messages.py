"""Collect all translatable texts: `python -m tests.bot.messages` prints the template."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from bot.cli import COMMANDS, group
from bot.cli.common.spoken_help import help_text
from bot.i18n import NAME
from bot.request.options import Section
from bot.wording.names import NAMED_FLAGS, OPTIONS

BOT = Path(__file__).parents[2] / "bot"
MARKERS = {"say": 1, "plural": 2, "locale_str": 1, "translatable": 1}
"""The functions whose first arguments are messages, and how many of them."""
NAMED = "typed_name"
"""The function whose argument is a name, which catalogues have in a context of their own."""
HEADINGS = frozenset({"Help", "Options", *Section})
"""The headings of `--help`."""


@cache
def template() -> bytes:
    """Return the template of all messages in `bot`, in a stable order and without dates."""
    catalog = Catalog(project="zimagine", charset="utf-8")
    for file in sorted(BOT.rglob("*.py")):
        name = f"bot/{file.relative_to(BOT).as_posix()}"
        source = file.read_text(encoding="utf-8")
        for message in sorted(messages(source), key=str):
            catalog.add(message, None, [(name, 0)])
        for typed in sorted(names(source)):
            catalog.add(typed, None, [(name, 0)], context=NAME)
    for typed in sorted(OPTIONS | NAMED_FLAGS):  # those of the table are not marked in the source
        if catalog.get(typed, NAME) is None:
            catalog.add(typed, None, [("bot/request/options.py", 0)], context=NAME)
    for text in sorted(help_texts()):
        catalog.add(text, None, [("bot/cli", 0)])
    out = io.BytesIO()
    write_po(out, catalog, omit_header=True, include_lineno=False, sort_output=True)
    return out.getvalue()


def messages(source: str) -> Iterator[str | tuple[str, str]]:
    """Yield each message in Python source; one with a plural as (singular, plural).

    Not with Babel's extractor: it reads tokens, and where one marker is inside another's call, as
    in `say.plural("…", "…", n, size=text(say))`, it loses the plural or the whole message.
    """
    for call in marked_calls(source):
        match [each.value if isinstance(each, ast.Constant) else None for each in call_texts(call)]:
            case [str(message)]:
                yield message
            case [str(singular), str(plural)]:
                yield singular, plural
            case _:
                pass  # a variable: its text is marked where it is written


def help_texts() -> set[str]:
    """Return the texts of `--help`: partly made from tables, so taken from the commands."""
    commands = [group, *(import_module(f"bot.cli.{name}").command for name in COMMANDS)]
    return {*COMMANDS.values(), *HEADINGS, *(text for each in commands for text in _helps(each))}


def _helps(command: click.Command) -> Iterator[str]:
    if command.help:
        yield help_text(command)
    for param in command.params:
        if isinstance(param, click.Option) and param.help:
            yield param.help
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _helps(each)


def names(source: str) -> set[str]:
    """Return each name in Python source that is marked for the catalogues."""
    return {
        str(ast.literal_eval(node.args[0]))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _called(node) == NAMED
    }


def marked_calls(source: str) -> Iterator[ast.Call]:
    """Yield each call that translates or marks a message, however deep it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _called(node) in MARKERS:
            yield node


def call_texts(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a marked call that are messages."""
    return call.args[: MARKERS[_called(call)]]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


if __name__ == "__main__":
    sys.stdout.buffer.write(template())
