"""Every setting with its value and where it comes from; secrets are never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, SecretStr

from bot.settings.current import TAKES_EFFECT, TakesEffect, setting_names, value_of
from bot.settings.loading import DEFAULT_CONFIG, load, read_text
from bot.settings.sources import key_lines, variable_of

MASK: Final = "********"
"""Stands for every secret, however long it is."""


class Source(StrEnum):
    """Where the value of a setting comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingOrigin:
    """A setting, its value, and where that comes from.

    value: as JSON has it; MASK in place of a secret. place: the variable or the file, "" for a
    default. line: in the file.
    """

    name: str
    value: object
    source: Source
    place: str
    line: int | None
    takes_effect: TakesEffect


def setting_origins(path: Path | None) -> tuple[SettingOrigin, ...]:
    """Return all settings in order. path: as of `load`. Raises InvalidSetting."""
    settings = load(path)
    lines = key_lines(read_text(path))
    file = str(path or DEFAULT_CONFIG)
    found: list[SettingOrigin] = []
    for name in setting_names():
        section, _, key = name.partition(".")
        variable, line = variable_of(section, key, os.environ), lines.get((section, key))
        source, place = Source.DEFAULT, ""
        if variable is not None:
            source, place, line = Source.ENVIRONMENT, variable, None
        elif line is not None:
            source, place = Source.FILE, file
        value = _plain(value_of(settings, name))
        found.append(SettingOrigin(name, value, source, place, line, TAKES_EFFECT[name]))
    return tuple(found)


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    match value:
        case SecretStr():
            return MASK if value.get_secret_value() else ""
        case Path():
            return str(value)
        case tuple():
            return list(value)
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case BaseModel():
            return value.model_dump(mode="json", exclude_defaults=True)
        case _:
            return value
