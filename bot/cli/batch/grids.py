"""Grids: combine the values of several settings, and label each combination. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.request.options import OPTIONS
from bot.request.values.ids import plain_digits

MAX_CELLS: Final = 64
"""Pictures of one grid. Chosen by hand."""
_WIDEST: Final = 8
"""Pictures in one row of the sheet if there is only one axis. Chosen by hand."""


class InvalidGrid(ValueError):
    """A grid is invalid; str() is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values to try."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a grid: a value for each setting."""

    values: Mapping[str, Any]

    @property
    def label(self) -> str:
        """A label for humans: "steps 4, guidance 1.8"."""
        return ", ".join(f"{name} {_text(value)}" for name, value in self.values.items())

    @property
    def file_label(self) -> str:
        """A part of the file name, which already has the seed: "steps-4-guidance-1.8"."""
        named = (each for each in self.values.items() if each[0] != "seed")
        return "-".join(f"{name}-{_text(value)}" for name, value in named)


def axis(text: str) -> Axis:
    """Parse "steps=4,6,8". Raises InvalidGrid."""
    name, equals, listed = plain_digits(text).partition("=")
    name = name.strip().lower()
    option = _GRIDS.get(name)
    if not equals or option is None:
        raise InvalidGrid(
            f"--grid {text!r} is not understood: write a setting and its values, like "
            f"steps=4,6,8; the settings are {', '.join(_GRIDS)}."
        )
    parts = [part.strip() for part in listed.split(",")]
    try:
        values = tuple(option.grid_value(part) for part in parts)
    except ValueError:
        raise InvalidGrid(f"--grid {text!r} is not understood: {option.grid}.") from None
    if len(set(values)) < len(values):
        raise InvalidGrid(f"--grid {text!r} repeats a value.")
    return Axis(name, values)


def axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """Parse every --grid of a call. Raises InvalidGrid."""
    found = tuple(map(axis, texts))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidGrid(f"--grid {name} is given twice: put all its values into one.")
    if {"steps", "speed"} <= set(names):
        raise InvalidGrid("--grid steps and --grid speed set the same thing: give one of them.")
    return found


def cells(along: Sequence[Axis], count: int = 1) -> tuple[Cell, ...]:
    """Return every combination, with the last axis varying fastest. Raises InvalidGrid if too many.

    count: pictures of each combination, with different seeds. Without an axis there is one cell.
    """
    number = count
    for each in along:
        number *= len(each.values)
    if along and number > MAX_CELLS:
        raise InvalidGrid(f"The grid would have {number} pictures; at most {MAX_CELLS} fit.")
    names = [each.name for each in along]
    combined = itertools.product(*(each.values for each in along))
    return tuple(Cell(dict(zip(names, values, strict=True))) for values in combined)


def columns(along: Sequence[Axis], count: int = 1) -> int:
    """Return the number of pictures in a row of the contact sheet; 0 = no sheet."""
    if not along:
        return 0
    last = len(along[-1].values)
    return min(last, _WIDEST) if len(along) == 1 and count == 1 else last


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


_GRIDS: Final = {each.name: each for each in OPTIONS if each.grid}
