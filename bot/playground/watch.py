"""What the bot asked for, how long it took, and which rules it broke."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Final

KEPT: Final = 300


@dataclass(frozen=True, slots=True)
class RequestLogEntry:
    """One request, or (method GATEWAY) one thing of note on the socket.

    problems: sentences on what the bot did wrong. refusal: what it was told, empty if nothing.
    """

    id: int
    at_ms: int
    method: str
    path: str
    status: int
    ms: float
    bytes: int
    problems: list[str] = field(default_factory=list[str])
    refusal: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the page gets it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A whole request and its answer, for those who check them."""

    method: str
    path: str
    request: Any
    status: int
    answer: Any


class RequestLog:
    """Keeps the newest entries and tells listeners of each."""

    def __init__(self) -> None:
        self.entries: deque[RequestLogEntry] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[RequestLogEntry], None]] = []
        self._exchanges: list[Callable[[Exchange], None]] = []
        self._numbers = count(1)

    def listen(self, listener: Callable[[RequestLogEntry], None]) -> None:
        """Call this with every entry from now on."""
        self._listeners.append(listener)

    def listen_exchanges(self, listener: Callable[[Exchange], None]) -> None:
        """Call this with every request and its answer, bodies and all, from now on."""
        self._exchanges.append(listener)

    def add(
        self,
        *,
        at_ms: int,
        method: str,
        path: str,
        status: int,
        ms: float,
        size: int,
        problems: list[str],
        refusal: str,
    ) -> None:
        """Keep an entry."""
        entry = RequestLogEntry(
            next(self._numbers), at_ms, method, path, status, round(ms, 1), size, problems, refusal
        )
        self.entries.append(entry)
        for listener in list(self._listeners):
            listener(entry)

    def note(self, at_ms: int, path: str, problems: list[str]) -> None:
        """Keep something of note that happened on the gateway."""
        self.add(
            at_ms=at_ms,
            method="GATEWAY",
            path=path,
            status=0,
            ms=0.0,
            size=0,
            problems=problems,
            refusal="",
        )

    def record_exchange(self, exchange: Exchange) -> None:
        """Hand an exchange to whoever checks them."""
        for listener in list(self._exchanges):
            listener(exchange)

    @property
    def problems(self) -> list[str]:
        """Every problem that is still known, with its request."""
        return [f"{e.method} {e.path}: {p}" for e in self.entries for p in e.problems]
