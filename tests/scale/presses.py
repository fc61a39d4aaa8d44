"""Measure how soon users get an answer while the bot paints: `python -m tests.scale.presses`.

The real bot with the embedded model runs against the local stand-in for Discord, all on this
machine. The time is from sending an interaction until its answer arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.loop.run import LoadResult, LoadSettings, run_load
from tests.scale.stopwatch import machine

LIMIT_MS: Final = 3000.0
"""Discord's own limit."""
GOAL_MS: Final = 1000.0
"""For the median of each kind."""


def table(used: LoadResult) -> str:
    """Format as Markdown: one row per kind of interaction, the slowest first, and a total."""
    kinds = {what: _capped(times) for what, times in used.by_kind().items()}
    rows = sorted(kinds.items(), key=lambda row: -statistics.median(row[1]))
    rows.append(("all", [each for times in kinds.values() for each in times]))
    lines = ["| what | times | median | p95 | longest |", "| --- | ---: | ---: | ---: | ---: |"]
    for what, times in rows:
        cells = (statistics.median(times), _p95(times), max(times))
        lines.append(f"| {what} | {len(times)} | {' | '.join(map(_ms, cells))} |")
    return "\n".join(lines)


def broken(used: LoadResult) -> list[str]:
    """Return what was not answered in time, and which kinds are slower than they should be."""
    late = [f"{what} was not answered within {LIMIT_MS:.0f} ms" for what in used.late()]
    slow = [
        f"{what}: median {median_ms:.0f} ms"
        for what, times in used.by_kind().items()
        if (median_ms := statistics.median(_capped(times))) >= GOAL_MS
    ]
    kept = [] if used.findings is None else used.findings.violations()
    return [*late, *slow, *kept, *used.problems]


def main() -> None:
    """Print the table and the machine; exit with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=2000, help="of everybody together")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--watch", action="store_true", help="also what keeps the event loop")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        orders = LoadSettings(chosen.acts, chosen.people, Path(folder), chosen.watch, chosen.seed)
        used = asyncio.run(run_load(orders))
    print(f"{datetime.now(UTC):%Y-%m-%d}. {machine()}.")
    print(
        f"{chosen.people} people, {len(used.answered):,} interactions in {used.took_s:.0f} s, "
        f"{used.pictures} results delivered meanwhile.\n"
    )
    print(table(used))
    if used.findings is not None:
        print(f"\n{used.findings}")
    wrong = broken(used)
    for each in wrong:
        print(f"BROKEN {each}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def _capped(times: Sequence[float | None]) -> list[float]:
    """Count unanswered interactions as Discord's limit."""
    return [LIMIT_MS if each is None else each for each in times]


def _p95(times: list[float]) -> float:
    # With few values the quantile would lie beyond the longest.
    return min(max(times), statistics.quantiles(times, n=20)[-1]) if len(times) > 1 else times[0]


def _ms(taken_ms: float) -> str:
    return f"{taken_ms:.0f} ms"


if __name__ == "__main__":
    main()
