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
    """Return a setting as TOML stores it."""
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
    """Return every field of every section, read from the models."""
    sections = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        name: {field: plain(getattr(section, field)) for field in type(section).model_fields}
        for name, section in sections.items()
    }


def test_every_setting_is_still_known() -> None:
    """Each setting in the file still exists; newer ones are not in it."""
    known = values(Settings())
    for section, fields in WRITTEN.items():
        assert set(fields) <= set(known[section]), section


def test_none_is_at_its_default() -> None:
    """No setting in the file has its default value, so one that was ignored would be noticed."""
    defaults = values(Settings())
    for section, fields in WRITTEN.items():
        for name, value in fields.items():
            assert value != defaults[section][name], f"{section}.{name}"


def test_each_arrives() -> None:
    """Every setting in the file is read with its value."""
    read = values(load(CONFIG))
    for section, fields in WRITTEN.items():
        assert {name: read[section][name] for name in fields} == fields
