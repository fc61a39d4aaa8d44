"""Grids: which values are tried against which, and how each of their pictures is called. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle

MAX_CELLS: Final = 64
_WIDEST: Final = 8
"""So many pictures of a single row of values stand beside each other."""


class InvalidGrid(ValueError):
    """A grid that cannot be painted; str() is one sentence."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting and the values to try."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one picture of a grid is painted with, by setting."""

    values: Mapping[str, Any]

    @property
    def label(self) -> str:
        """For people: "steps 4, guidance 1.8"."""
        return ", ".join(f"{name} {_text(value)}" for name, value in self.values.items())

    @property
    def file_label(self) -> str:
        """For the name of a file, which has the seed already: "steps-4-guidance-1.8"."""
        named = (each for each in self.values.items() if each[0] != "seed")
        return "-".join(f"{name}-{_text(value)}" for name, value in named)


def axis(text: str) -> Axis:
    """Read "steps=4,6,8". Raises WrongGrid."""
    name, equals, listed = text.partition("=")
    name = name.strip().lower()
    read = _READERS.get(name)
    if not equals or read is None:
        raise InvalidGrid(
            f"--grid {text!r} is not understood: write a setting and its values, like "
            f"steps=4,6,8; the settings are {', '.join(_READERS)}."
        )
    parts = [part.strip() for part in listed.split(",")]
    try:
        values = tuple(read(part) for part in parts)
    except ValueError:
        raise InvalidGrid(f"--grid {text!r} is not understood: {_NEEDED[name]}.") from None
    if len(set(values)) < len(values):
        raise InvalidGrid(f"--grid {text!r} repeats a value.")
    return Axis(name, values)


def axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """Read every --grid of a call. Raises WrongGrid."""
    found = tuple(map(axis, texts))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidGrid(f"--grid {name} is given twice: put all its values into one.")
    if {"steps", "speed"} <= set(names):
        raise InvalidGrid("--grid steps and --grid speed set the same thing: give one of them.")
    return found


def cells(along: Sequence[Axis], count: int = 1) -> tuple[Cell, ...]:
    """Every combination, the last axis fastest; WrongGrid where there are too many.

    count: how often each is painted, with seeds of their own. Without an axis it is one cell.
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
    """How many pictures of the sheet stand beside each other; 0 = there is no sheet."""
    if not along:
        return 0
    last = len(along[-1].values)
    return min(last, _WIDEST) if len(along) == 1 and count == 1 else last


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _whole(text: str) -> int:
    if not text.isascii():  # int() reads digits of every script
        raise ValueError(text)
    return int(text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "guidance": float,
    "steps": _whole,
    "speed": Speed,
    "seed": _whole,
    "strength": float,
    "variety": float,
    "style": PictureStyle,
    "enhance": EnhancementLevel,
}
_NEEDED: Final = {
    "guidance": "guidance is a number",
    "steps": "steps is a whole number",
    "speed": f"speed is one of {', '.join(Speed)}",
    "seed": "seed is a whole number",
    "strength": "strength is a number",
    "variety": "variety is a number",
    "style": f"style is one of {', '.join(PictureStyle)}",
    "enhance": f"enhance is one of {', '.join(EnhancementLevel)}",
}
