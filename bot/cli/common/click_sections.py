"""A click command whose help lists options in sections with headings."""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

import click

from bot.request.prompt.flag_names import FLAGS, flag_name
from bot.request.values.flag_values import is_random
from bot.request.values.ids import plain_digits

_NUMBER: Final = re.compile(r"[+-]?(\d|\.\d|nan|inf)", re.IGNORECASE)

_SIMILAR: Final = 0.72
"""Chosen by hand: --promt is like --prompts, --width is not like --grid."""


class SectionOption(click.Option):
    """An option with the heading under which the help lists it."""

    def __init__(self, *names: Any, section: str = "Options", **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.section = section


class Decimal(click.types.FloatParamType):
    """A number, also in full-width digits, of which Python reads all but the decimal point."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail with a sentence."""
        plain: Any = plain_digits(value) if isinstance(value, str) else value
        return super().convert(plain, param, ctx)


class Seed(click.types.IntParamType):
    """A whole number, or -1 or "random" for None: any seed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seed, or fail with a sentence."""
        if isinstance(value, str) and is_random(value):
            return None
        given: Any = value
        return super().convert(given, param, ctx)


class NumberOption(SectionOption):
    """An option whose number may be left out: `--refine` or `--refine 0.3`.

    usual: the number if none is given.
    """

    def __init__(self, *names: Any, usual: float, **settings: Any) -> None:
        super().__init__(*names, type=Decimal(), **settings)
        self.usual = usual


class SectionedCommand(click.Command):
    """A command that lists its options by section, in the order in which they were declared."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default numbers: click itself would take the next word as the number."""
        usual = {
            name: each.usual
            for each in self.params
            if isinstance(each, NumberOption)
            for name in each.opts
        }
        try:
            return super().parse_args(ctx, self._filled(args, usual))
        except click.NoSuchOption as error:
            raise click.UsageError(_meant(error.option_name, self), ctx) from None

    @staticmethod
    def _filled(args: list[str], usual: dict[str, float]) -> list[str]:
        filled: list[str] = []
        for at, word in enumerate(args):
            if word == "--":
                return filled + args[at:]
            following = args[at + 1] if at + 1 < len(args) else ""
            bare = word in usual and not _NUMBER.match(following)
            filled.append(f"{word}={usual[word]:g}" if bare else word)
        return filled

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options per section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        last: list[tuple[str, str]] = []
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx) if isinstance(each, click.Option) else None
            if record is None:
                continue
            if isinstance(each, SectionOption):
                sections.setdefault(each.section, []).append(record)
            else:
                last.append(record)
        if last:
            sections["Help"] = last
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _meant(name: str, command: click.Command) -> str:
    """Return what to write in place of an option that does not exist.

    click's own suggestions are too distant: --variety for --quality.
    """
    said = f"No such option '{name}'."
    if flag_name(name)[0] in FLAGS:
        return f'{said} As a flag it belongs in the prompt: "a red house {name} …"'
    options = [each for param in command.params for each in param.opts if each.startswith("--")]
    if name in ("--width", "--height", "--resolution"):
        return f"{said} Use --size, as in --size 1024x768."
    alike = difflib.get_close_matches(name, options, 1, _SIMILAR)
    return f"{said} Did you mean '{alike[0]}'?" if alike else f"{said} --help lists all."


def section(heading: str) -> Any:
    """Return `click.option` for options under one heading."""

    def option(*names: str, **settings: Any) -> Any:
        settings.setdefault("cls", SectionOption)
        return click.option(*names, section=heading, **settings)

    return option
