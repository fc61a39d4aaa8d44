"""Which job is painted next where loading another model takes long. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

MAX_PASSED: Final = 4
"""How many jobs of the loaded model may be painted before one whose turn it is, for which another
model has to be loaded. Chosen by hand."""
LOOKED_AT: Final = 64
"""How far down the queue jobs of the loaded model are looked for. Chosen by hand: it bounds the
cost."""


def next_place(fits: Iterable[bool], passed: int) -> int:
    """Return the place in the queue of the job that is painted next, from 0.

    fits: for each job in the order of their turns, whether it is of the loaded model. passed: how
    many jobs have gone before the first one since it became the first.
    """
    if passed >= MAX_PASSED:
        return 0
    return next((place for place, each in enumerate(islice(fits, LOOKED_AT)) if each), 0)


def grouped(models: Sequence[str], loaded: str | None, passed: int = 0) -> list[int]:
    """Return the places of jobs in the order in which they are painted if no others come.

    models: the name of each job's, in the order of their turns. loaded: the one in memory.
    """
    left, order = list(range(len(models))), list[int]()
    while left:
        place = next_place((models[each] == loaded for each in left), passed)
        passed = passed + 1 if place else 0
        order.append(left.pop(place))
        loaded = models[order[-1]]
    return order
