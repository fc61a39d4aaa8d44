"""Time repeated operations, and write a table of the results."""

import platform
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Timing:
    """One row: how long something took; `goal_ms` is the limit for its median."""

    name: str
    median_ms: float
    p95_ms: float
    times: int
    goal_ms: float | None = None


async def timed(name: str, works: Iterable[Work], goal_ms: float | None = None) -> Timing:
    """Perform the operations one after the other, and time each."""
    taken_ms = []
    for work in works:
        began_s = time.perf_counter()
        await work()
        taken_ms.append((time.perf_counter() - began_s) * 1000)
    p95_ms = statistics.quantiles(taken_ms, n=20)[-1] if len(taken_ms) > 1 else taken_ms[0]
    return Timing(name, statistics.median(taken_ms), p95_ms, len(taken_ms), goal_ms)


def table(columns: dict[str, list[Timing]]) -> str:
    """Format as Markdown: a row for each name, and two columns for each list of timings."""
    head = ["what", *(f"{name}: {part}" for name in columns for part in ("median", "p95")), "goal"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in zip(*columns.values(), strict=True):
        cells = [part for each in row for part in (_ms(each.median_ms), _ms(each.p95_ms))]
        goal_ms = row[0].goal_ms
        lines.append([row[0].name, *cells, "" if goal_ms is None else f"< {goal_ms:g} ms"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Return processor, cores and versions, in one line."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(
            line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")
        )
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return (
        f"{model}, {cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _ms(taken_ms: float) -> str:
    return f"{taken_ms:.2f} ms" if taken_ms < 1000 else f"{taken_ms / 1000:.1f} s"
