"""A config file with every setting of November 2026 is still read correctly."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from bot.settings import Settings, load
from tests.compatibility.home import CONFIG

WRITTEN: dict[str, dict[str, Any]] = tomllib.loads(CONFIG.read_text(encoding="utf-8"))


def plain(value: object) -> object:
    """Convert a setting to its TOML value."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value)
        case tuple():
            return list(value)
        case _:
            return value


def values(settings: BaseModel) -> dict[str, dict[str, object]]:
    """Return every field of every section of the settings models."""
    sections = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        name: {field: plain(getattr(section, field)) for field in type(section).model_fields}
        for name, section in sections.items()
    }


def test_every_setting_is_written() -> None:
    """The file has exactly the known settings."""
    known = {section: set(fields) for section, fields in values(Settings()).items()}
    assert {section: set(fields) for section, fields in WRITTEN.items()} == known


def test_none_is_at_its_default() -> None:
    """No setting in the file has its default value, so one that is not read would be noticed."""
    for section, fields in values(Settings()).items():
        for name, default in fields.items():
            assert WRITTEN[section][name] != default, f"{section}.{name}"


def test_each_arrives() -> None:
    """The loaded settings equal the written ones."""
    assert values(load(CONFIG)) == WRITTEN
