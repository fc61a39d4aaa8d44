"""Where settings come from: which variable of the environment, which line of the file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from bot.setting_names import ENV_PREFIX, TOKEN_ENV

KeyPath = tuple[str, ...]


def variable_of(section: str, key: str, environment: Mapping[str, str]) -> str | None:
    """Return the environment variable that gives a setting, as it is spelt there; None if none
    does.

    As when settings are read: one for the key goes before one for its whole section, in JSON.
    """
    by_name = {name.upper(): name for name in environment}
    own = by_name.get(f"{ENV_PREFIX}{section}__{key}".upper())
    if own is not None:
        return own
    whole = by_name.get(f"{ENV_PREFIX}{section}".upper())
    if whole is not None and key in _json_keys(environment[whole]):
        return whole
    if (section, key) == ("discord", "token") and environment.get(TOKEN_ENV):
        return TOKEN_ENV
    return None


def _json_keys(text: str) -> list[str]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return []
    return list(parsed) if isinstance(parsed, dict) else []


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each table and key of a TOML text; of a text that is none, as far as it
    is.

    The parser of the standard library keeps no lines. So the text is read line by line anew: a key
    belongs to the line with which it appears.
    """
    found: dict[KeyPath, int] = {}
    lines = text.split("\n")
    begun: int | None = None  # the first line of a value that goes on
    for number, line in enumerate(lines, 1):
        plain = line.strip()
        if begun is None and (not plain or plain.startswith("#")):
            continue
        first = number if begun is None else begun
        try:
            parsed = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            begun = first
            continue
        begun = None
        for path in _paths(parsed):
            found.setdefault(path, first)
    return found


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the innermost table around it that is written down."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


def _paths(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items():
        path = (*above, key)
        yield path
        if isinstance(value, dict):
            yield from _paths(value, path)
