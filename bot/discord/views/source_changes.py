"""What became of a given picture, in the two characters that a custom_id has left for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import ascii_lowercase, digits
from typing import Final

from engine.types import Ground, SourceChange, SourceChangeKind

CHANGES: Final = "(?:[0-9a-z]{2})?"
"""The pattern of the characters; none if the picture was taken as it was given."""
_DIGITS: Final = digits + ascii_lowercase
_GROUNDS: Final = (Ground.WHITE, Ground.BLACK, Ground.GREY)
"""In the order of their numbers, which never changes: old messages hold them."""


def changes_code(changes: Iterable[SourceChange]) -> str:
    """Return the changes as text: how much was cut, whether it moved, and the ground, as one
    number of two digits to the base 36."""
    found = {each.kind: each.value for each in changes}
    cut = min(99, int(found.get(SourceChangeKind.CUT, 0)))
    moved = SourceChangeKind.FIRST_FRAME in found
    ground = _GROUNDS.index(Ground(found.get(SourceChangeKind.GROUND, Ground.WHITE)))
    number = (cut * 2 + moved) * len(_GROUNDS) + ground
    return "".join(_DIGITS[each] for each in divmod(number, len(_DIGITS))) if number else ""


def changes_of(code: str) -> tuple[SourceChange, ...]:
    """Return the changes that a text stands for; none if it stands for nothing."""
    if not code:
        return ()
    rest, ground = divmod(int(code, len(_DIGITS)), len(_GROUNDS))
    cut, moved = divmod(rest, 2)
    return tuple(_changes(cut, _GROUNDS[ground], moved=bool(moved))) if cut < 100 else ()


def _changes(cut: int, ground: Ground, *, moved: bool) -> Iterator[SourceChange]:
    if ground is not Ground.WHITE:
        yield SourceChange(SourceChangeKind.GROUND, ground)
    if moved:
        yield SourceChange(SourceChangeKind.FIRST_FRAME)
    if cut:
        yield SourceChange(SourceChangeKind.CUT, str(cut))
