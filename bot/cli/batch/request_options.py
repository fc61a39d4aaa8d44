"""The options of a request as options of `zimagine imagine`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bot.cli.common.click_sections import Decimal, NumberOption, Seed, section
from bot.request.options import OPTIONS, Option, Section


def request_options(heading: Section) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options under this heading, in the order of the table."""
    add = section(heading)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        # click lists options in the reverse order of their decorators.
        for each in reversed(OPTIONS):
            if each.section is heading:
                command = add(f"--{each.name}", **_settings(each))(command)
        return command

    return decorate


def _joined(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> str | None:
    return ",".join(given) if given else None


def _settings(option: Option) -> dict[str, Any]:
    settings: dict[str, Any] = {"help": option.help}
    if option.metavar is not None:
        settings["metavar"] = option.metavar
    if option.default is not None:
        settings["default"] = option.default
    if option.kind is bool:
        return settings | {"is_flag": True}
    if option.bare is not None:
        return settings | {"cls": NumberOption, "usual": option.bare}
    if option.name == "lora":
        # Given several times, the last one would win silently.
        return settings | {"multiple": True, "callback": _joined}
    choices = option.choices
    if choices is not None:
        return settings | {"type": click.Choice([each.value for each in choices])}
    if option.name == "seed":
        return settings | {"type": Seed()}
    return settings | {"type": Decimal() if option.kind is float else option.kind}
