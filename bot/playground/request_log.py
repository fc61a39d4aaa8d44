"""The log of the bot's requests: how long each took, and which rules it broke."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Final

KEPT: Final = 300
"""How many log entries are kept. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class RequestLogEntry:
    """One request, or (method GATEWAY) one notable event on the socket.

    problems: sentences about what the bot did wrong. refusal: the error it received, or empty.
    about: the command whose interaction it belongs to, or empty.
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
    about: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the entry as the page receives it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A whole request with its response, for tests that check them."""

    method: str
    path: str
    request: Any
    status: int
    answer: Any


class RequestLog:
    """Keeps the newest entries and passes each to listeners."""

    def __init__(self) -> None:
        self.entries: deque[RequestLogEntry] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[RequestLogEntry], None]] = []
        self._exchanges: list[Callable[[Exchange], None]] = []
        self._numbers = count(1)

    def listen(self, listener: Callable[[RequestLogEntry], None]) -> None:
        """Call this with every entry from now on."""
        self._listeners.append(listener)

    def listen_exchanges(self, listener: Callable[[Exchange], None]) -> None:
        """Call this with every request and its response, including bodies, from now on."""
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
        about: str = "",
    ) -> None:
        """Add an entry."""
        entry = RequestLogEntry(
            id=next(self._numbers),
            at_ms=at_ms,
            method=method,
            path=path,
            status=status,
            ms=round(ms, 1),
            bytes=size,
            problems=problems,
            refusal=refusal,
            about=about,
        )
        self.entries.append(entry)
        for listener in list(self._listeners):
            listener(entry)

    def note(self, at_ms: int, path: str, problems: list[str]) -> None:
        """Add a notable event on the gateway."""
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
        """Pass an exchange to its listeners."""
        for listener in list(self._exchanges):
            listener(exchange)

    @property
    def problems(self) -> list[str]:
        """Every problem in the kept entries, with its request."""
        return [f"{e.method} {e.path}: {p}" for e in self.entries for p in e.problems]
