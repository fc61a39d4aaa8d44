"""`zimagine settings`: every setting with its value, and where that comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import click

from bot.cli.common.errors import fail
from bot.cli.common.language import padded, terminal_words, width
from bot.exit_codes import BAD_CONFIG
from bot.i18n import Words
from bot.settings import InvalidSetting
from bot.settings.provenance import SettingOrigin, setting_origins
from bot.wording.configuration import effect_text, origin_text, table_headings, unset_text

_GAP: Final = "  "
_VALUE_COLUMNS: Final = 24
"""A wider value pushes what is right of it aside, so that one long path does not widen every row.
Chosen by hand."""


@click.command("settings")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path | None, as_json: bool) -> None:
    """Show every setting, its value, where it comes from, and when a change of it holds.

    The environment goes before the file, and the file before the defaults. Secrets are masked.
    """
    try:
        origins = setting_origins(config)
    except InvalidSetting as error:
        fail(error.said(terminal_words()), BAD_CONFIG)
    if as_json:
        found = {each.name: _fields(each) for each in origins}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(table(origins, terminal_words())))


def table(origins: Sequence[SettingOrigin], say: Words) -> list[str]:
    """Return the lines of the table: a heading, and below it the settings of each section."""
    rows = [(each, _cells(each, say)) for each in origins]
    headings = table_headings(say)
    every_row = (headings, *(cells for _, cells in rows))
    columns = [max(map(width, column)) for column in zip(*every_row, strict=True)]
    columns[1] = min(columns[1], _VALUE_COLUMNS)
    lines = [_line(headings, columns)]
    for section, found in groupby(rows, key=lambda row: row[0].name.partition(".")[0]):
        lines += ["", f"[{section}]", *(_line(cells, columns) for _, cells in found)]
    return lines


def _cells(origin: SettingOrigin, say: Words) -> tuple[str, str, str, str]:
    value = unset_text(say) if origin.value is None else _toml_like(origin.value)
    key = origin.name.partition(".")[2]
    return key, value, origin_text(origin, say), effect_text(origin.takes_effect, say)


def _line(cells: Sequence[str], columns: Sequence[int]) -> str:
    return _GAP.join(_filled(cells, columns)).rstrip()


def _filled(cells: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    """Yield the cells with spaces behind them; one that is too wide takes from those after it."""
    over = 0
    for cell, wanted in zip(cells, columns, strict=True):
        room = max(wanted - over, 0)
        over = max(width(cell) - room, 0)
        yield padded(cell, room)


def _toml_like(value: object) -> str:
    """Return a value as the file has it; tables in one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {_toml_like(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value, ensure_ascii=False)


def _fields(origin: SettingOrigin) -> dict[str, Any]:
    return {
        "value": origin.value,
        "source": origin.source,
        "place": origin.place or None,
        "line": origin.line,
        "takes_effect": origin.takes_effect,
    }
