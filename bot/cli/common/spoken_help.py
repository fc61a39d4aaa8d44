"""Help and errors of the command line in the language of the terminal.

What click says itself is looked up in the same catalogue, under the messages of the installed
click; where another version says something else, that is in English.
"""

from __future__ import annotations

import copy
import gettext
import inspect
from collections.abc import Iterable
from typing import Any, Final

import click

from bot.cli.common.language import padded, terminal_words, width, wrapped
from bot.i18n import DOMAIN, LOCALES, Words, translatable

OF_CLICK: Final = (
    translatable("Aborted!"),
    translatable("Commands"),
    translatable("Error: {message}"),
    translatable("Invalid value for {param_hint}: {message}"),
    translatable("Invalid value: {message}"),
    translatable("Missing argument"),
    translatable("Missing command."),
    translatable("Missing option"),
    translatable("Missing parameter"),
    translatable("No such command {name!r}."),
    translatable("No such option {name!r}."),
    translatable("Option {name!r} does not take a value."),
    translatable("Options"),
    translatable("Show the version and exit."),
    translatable("Show this message and exit."),
    translatable("Try '{command} {option}' for help."),
    translatable("Usage:"),
    translatable("{name} {filename!r} does not exist."),
    translatable("{name} {filename!r} is a directory."),
    translatable("{name} {filename!r} is a file."),
    translatable("{name} {filename!r} is not readable."),
    translatable("{value!r} is not a valid {number_type}."),
    translatable("{value} is not in the range {range}."),
)


def plural(one: str, several: str) -> tuple[str, str]:
    """Mark a message of click's that has two forms for the catalogues."""
    return one, several


FORMS_OF_CLICK: Final = (
    plural("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    plural("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    plural("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    plural("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)
_TERM_COLUMNS: Final = 30
"""As click has it."""


def speak() -> None:
    """Let click look up what it says in the catalogues of zimagine."""
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


def spoken(command: click.Command, say: Words) -> click.Command:
    """Return a copy of a command whose help, and that of its subcommands, is in this language."""
    copied = copy.copy(command)
    copied.context_class = SpokenContext
    copied.params = [spoken_option(each, say) for each in command.params]
    if command.help:
        told = help_text(command)
        copied.help = say.verbatim(told)
        if copied.help != told:  # click shortens at spaces, of which Chinese has none
            copied.short_help = copied.help.partition("\n")[0]
    if isinstance(copied, click.Group):
        copied.commands = {name: spoken(each, say) for name, each in copied.commands.items()}
    return copied


def help_text(command: click.Command) -> str:
    """Return what a command says of itself, with one line for each paragraph."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def spoken_option(param: click.Parameter, say: Words) -> click.Parameter:
    """Return a copy of an option with its help in this language."""
    if not isinstance(param, click.Option) or not param.help:
        return param
    copied = copy.copy(param)
    copied.help = say.verbatim(param.help)
    return copied


class SpokenFormatter(click.HelpFormatter):
    """Formats help in two columns where characters are as wide as two."""

    def write_heading(self, heading: str) -> None:
        """Write a heading in the language of the terminal."""
        told = terminal_words().verbatim(heading)
        if width(told) == len(told):
            super().write_heading(told)
        else:
            self.write(f"{' ' * self.current_indent}{told}：\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how to call a command; there is no space behind what is full width."""
        told = terminal_words().verbatim("Usage:")
        super().write_usage(
            prog, args, told if prefix is None and width(told) > len(told) else prefix
        )

    def write_text(self, text: str) -> None:
        """Write paragraphs, each in lines that fit."""
        if text.isascii() or width(text) == len(text):
            super().write_text(text)
            return
        indent = " " * self.current_indent
        for paragraph in text.split("\n\n"):
            lines = wrapped(" ".join(paragraph.split()), self.width - self.current_indent)
            self.write("".join(f"{indent}{line}\n" for line in lines))
            if paragraph is not text.split("\n\n")[-1]:
                self.write("\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = _TERM_COLUMNS, col_spacing: int = 2
    ) -> None:
        """Write names with their texts, each in lines that fit."""
        rows = list(rows)
        if all(width(text) == len(text) for row in rows for text in row):
            super().write_dl(rows, col_max, col_spacing)
            return
        first = min(max(width(name) for name, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, text in rows:
            lines = wrapped(text, max(self.width - first - 2, 10))
            head = [padded(name, first)] if width(name) <= first - col_spacing else [name]
            shown = [head[0] + lines.pop(0)] if head[0] != name else [name]
            shown += [" " * first + line for line in lines]
            self.write("".join(f"{indent}{line.rstrip()}\n" for line in shown))


class SpokenContext(click.Context):
    """A context whose help is formatted for the language of the terminal."""

    formatter_class = SpokenFormatter


class SpokenGroup(click.Group):
    """A group whose own help is in the language of the terminal."""

    context_class = SpokenContext

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Let click speak before it parses anything."""
        speak()
        return super().make_context(*args, **settings)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options with their help in the language of the terminal."""
        say = terminal_words()
        return [spoken_option(each, say) for each in super().get_params(ctx)]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option for help; click keeps the first one, in whatever language that was."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = terminal_words().verbatim("Show this message and exit.")
        return option

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the program is."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(terminal_words().verbatim(help_text(self)))
