"""How snapshots are stored: one readable JSON file each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import discord
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

WIDTH = 100


class ReadableJson(SingleFileSnapshotExtension):
    """Writes values on one line if they fit."""

    file_extension = "json"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        """Return the text of the file."""
        return _pretty(data) + "\n"


def readable(value: Any) -> Any:
    """Replace component numbers by names, split text into lines, and drop false values."""
    if isinstance(value, Mapping):
        named = {key: readable(each) for key, each in value.items() if each not in (False, None)}
        if isinstance(named.get("type"), int):  # what a menu has chosen names its type itself
            named["type"] = discord.ComponentType(named["type"]).name
        if named.get("type") == "button":
            named["style"] = discord.ButtonStyle(named["style"]).name
        return named
    if isinstance(value, list):
        return [readable(each) for each in value]
    return value.split("\n") if isinstance(value, str) and "\n" in value else value


def _pretty(value: Any, indent: int = 0) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, Mapping | list):
        return flat
    pad, end = " " * (indent + 2), " " * indent
    if isinstance(value, Mapping):
        rows = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {_pretty(each, indent + 2)}"
            for key, each in value.items()
        ]
        return "{\n" + ",\n".join(rows) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + _pretty(each, indent + 2) for each in value) + f"\n{end}]"
