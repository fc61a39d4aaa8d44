"""Run variants of the same work as processes in turn, and compare what they took."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BenchmarkFailed(Exception):
    """A process of a benchmark ended without a result; the message is its last line."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of a comparison: a module that prints a JSON object as its last line.

    arguments: of its command line. folder: where it is started, None for where this process is.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times more one side took than the other: the median of all rounds, and the ends."""

    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


def in_turn(
    variants: Sequence[Variant], rounds: int, *, warm: bool = True
) -> dict[str, list[dict[str, Any]]]:
    """Return what each variant printed in each round, by its name.

    Each run is a process of its own, and the variants take turns (A B A B), so that what else
    happens on the machine meets all of them. warm: before, each runs once to fill the page cache,
    which does not count. Raises BenchmarkFailed.
    """
    for each in variants if warm else ():
        run(each)
    found: dict[str, list[dict[str, Any]]] = {each.name: [] for each in variants}
    for _ in range(rounds):
        for each in variants:
            found[each.name].append(run(each))
    return found


def run(variant: Variant) -> dict[str, Any]:
    """Run a variant once and return what it printed. Raises BenchmarkFailed."""
    done = subprocess.run(
        [sys.executable, "-m", variant.module, *variant.arguments],
        cwd=variant.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    said = [line for line in done.stderr.splitlines() if line.strip()]
    last = said[-1].strip() if said else f"it ended with {done.returncode}"
    raise BenchmarkFailed(f"{variant.name}: {last}")


def ratio(more: Sequence[float], less: Sequence[float]) -> Ratio:
    """Return how many times as much the first took as the second, round by round."""
    found = [one / other for one, other in zip(more, less, strict=True)]
    return Ratio(statistics.median(found), min(found), max(found))


def values(runs: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """Return one value of each run."""
    return [float(each[name]) for each in runs]
