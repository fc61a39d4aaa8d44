"""Findings of a watch: longest callbacks, blocking calls and collections, as JSON and text."""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

LIMIT_MS: Final = 50.0
"""Nothing may occupy the loop for longer: the bound stated in ARCHITECTURE.md."""
LONGEST: Final = 5

Where = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlowCallback:
    """One callback. cpu_ms: computed; stuck_ms: stood still in one call; wall_ms: elapsed."""

    name: str
    where: Where
    cpu_ms: float
    stuck_ms: float
    wall_ms: float
    at_s: float

    @property
    def took_ms(self) -> float:
        """The time that the callback itself is responsible for."""
        return max(self.cpu_ms, self.stuck_ms)

    def __str__(self) -> str:
        head = (
            f"{self.took_ms:.0f} ms in {self.name} (computed {self.cpu_ms:.0f} ms, stood still "
            f"{self.stuck_ms:.0f} ms, {self.wall_ms:.0f} ms on the clock, at {self.at_s:.1f} s)"
        )
        return _lines(head, self.where)


@dataclass(frozen=True, slots=True)
class BlockingCall:
    """A call that may block. event: CPython's name of it; about: its first argument."""

    event: str
    about: str
    name: str
    where: Where

    def __str__(self) -> str:
        return _lines(f"{self.event} {self.about} in {self.name}", self.where)


@dataclass(frozen=True, slots=True)
class GcPause:
    """One garbage collection; every thread waits for it."""

    thread: str
    generation: int
    took_ms: float

    def __str__(self) -> str:
        return f"{self.took_ms:.0f} ms of garbage collection on {self.thread}"


@dataclass(slots=True)
class Findings:
    """The findings. slow: only notable callbacks. longest_ms: of all callbacks, as a heap."""

    callbacks: int = 0
    computed_ms: float = 0.0
    took_s: float = 0.0
    longest_ms: list[float] = field(default_factory=list[float])
    slow: list[SlowCallback] = field(default_factory=list[SlowCallback])
    blocked: list[BlockingCall] = field(default_factory=list[BlockingCall])
    collections: list[GcPause] = field(default_factory=list[GcPause])

    def ran(self, cpu_ms: float) -> None:
        """Count a callback."""
        self.callbacks += 1
        self.computed_ms += cpu_ms
        if len(self.longest_ms) < LONGEST:
            heapq.heappush(self.longest_ms, cpu_ms)
        else:
            heapq.heappushpop(self.longest_ms, cpu_ms)

    def collected(self, one: GcPause) -> None:
        """Record a collection, unless it was short."""
        if one.took_ms >= 1.0:
            self.collections.append(one)

    def violations(self, limit_ms: float = LIMIT_MS) -> list[str]:
        """Return what occupied the loop, or might on a slower disk, with its place in the code."""
        return [
            *(str(each) for each in self.slow if each.took_ms > limit_ms),
            *self._blocking(),
            *(str(each) for each in self.collections if each.took_ms > limit_ms),
        ]

    def _blocking(self) -> list[str]:
        """Return one example of each place, with the number of occurrences."""
        times = Counter((each.event, each.where) for each in self.blocked)
        first = {(each.event, each.where): each for each in reversed(self.blocked)}
        return [f"{times[each]}× blocking: {first[each]}" for each in times]

    def __str__(self) -> str:
        """Return a summary and everything notable."""
        longest = ", ".join(f"{each:.1f}" for each in sorted(self.longest_ms, reverse=True))
        pauses = [each.took_ms for each in self.collections]
        head = (
            f"{self.callbacks} callbacks in {self.took_s:.1f} s computed "
            f"{self.computed_ms / 1e3:.1f} s; the longest {longest} ms; longest collection "
            f"{max(pauses, default=0.0):.1f} ms"
        )
        notable = sorted(self.slow, key=lambda each: each.took_ms, reverse=True)
        return "\n".join([head, *map(str, notable), *self._blocking()])

    def to_json(self) -> str:
        """Return JSON for another process to read."""
        return json.dumps(dataclasses.asdict(self))


def from_json(text: str) -> Findings:
    """Read the output of `to_json`."""
    data: dict[str, Any] = json.loads(text)
    data["slow"] = [
        SlowCallback(**{**each, "where": tuple(each["where"])}) for each in data["slow"]
    ]
    data["blocked"] = [
        BlockingCall(**{**each, "where": tuple(each["where"])}) for each in data["blocked"]
    ]
    data["collections"] = [GcPause(**each) for each in data["collections"]]
    return Findings(**data)


def _lines(head: str, where: Where) -> str:
    return "\n".join([head, *(f"    {each}" for each in where)])
