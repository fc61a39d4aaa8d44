"""Faults to try a bot with: once or for as long as they are switched on, seeded."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Fault(StrEnum):
    """What can go wrong on purpose."""

    DROP_SOCKET = "drop_socket"
    RECONNECT = "reconnect"
    INVALIDATE = "invalidate_session"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    LOST_ANSWER = "lost_answer"
    SLOW = "slow"
    EXPIRE_TOKENS = "expire_tokens"
    RESTART_BOT = "restart_bot"
    KILL_BOT = "kill_bot"


@dataclass(frozen=True, slots=True)
class _About:
    label: str
    hint: str
    toggle: bool = False


ABOUT: Final = {
    Fault.DROP_SOCKET: _About("Drop the socket", "Cuts the bot's gateway connection; it resumes."),
    Fault.RECONNECT: _About("Ask to reconnect", "Asks the bot to connect again, as Discord does."),
    Fault.INVALIDATE: _About("End the session", "The bot has to identify itself anew."),
    Fault.RATE_LIMIT: _About(
        "Rate limit", "About one request in three is answered with 429.", True
    ),
    Fault.SERVER_ERROR: _About(
        "Server errors", "About one request in three is answered with 503.", True
    ),
    Fault.LOST_ANSWER: _About(
        "Lost answers", "About one request in three is carried out, but answered with 502.", True
    ),
    Fault.SLOW: _About("Slow", "Every request takes 0.5 to 1.5 seconds longer.", True),
    Fault.EXPIRE_TOKENS: _About(
        "Expire the tokens", "As if fifteen minutes had passed since every interaction."
    ),
    Fault.RESTART_BOT: _About("Restart the bot", "Asks the bot to stop, and starts it again."),
    Fault.KILL_BOT: _About("Kill the bot", "Kills the bot without warning, and starts it again."),
}
_SHARE: Final = 1 / 3


class Faults:
    """Which faults are switched on, and whom they strike."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._on: set[Fault] = set()
        self._once: dict[Fault, Callable[[], None]] = {}
        self._planned: list[tuple[Fault, str, str]] = []

    def connect(self, fault: Fault, act: Callable[[], None]) -> None:
        """What a fault does that happens once."""
        self._once[fault] = act

    def inject(self, fault: Fault, *, active: bool = True) -> None:
        """Let a fault happen, or switch it. Raises KeyError for one that nothing is behind."""
        if not ABOUT[fault].toggle:
            self._once[fault]()
        elif active:
            self._on.add(fault)
        else:
            self._on.discard(fault)

    def plan(self, fault: Fault, method: str, path_part: str) -> None:
        """Strike the next request of this method whose path contains `path_part`, once."""
        self._planned.append((fault, method, path_part))

    def struck(self, method: str, path: str) -> Fault | None:
        """Which of the request faults strikes this request, if one does."""
        for planned in self._planned:
            fault, wanted, part = planned
            if wanted == method and part in path:
                self._planned.remove(planned)
                return fault
        for fault in (Fault.RATE_LIMIT, Fault.SERVER_ERROR, Fault.LOST_ANSWER):
            if fault in self._on and self._random.random() < _SHARE:
                return fault
        return None

    def delay_s(self) -> float:
        """How much longer this request takes."""
        return self._random.uniform(0.5, 1.5) if Fault.SLOW in self._on else 0.0

    def to_json(self) -> list[dict[str, Any]]:
        """As the page gets them: those that something is behind."""
        return [
            {
                "id": fault.value,
                "label": about.label,
                "kind": "toggle" if about.toggle else "once",
                "active": fault in self._on,
                "hint": about.hint,
            }
            for fault, about in ABOUT.items()
            if about.toggle or fault in self._once
        ]
