"""Faults to test a bot with: one-off or switched on and off, and seeded."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Fault(StrEnum):
    """Something that can be made to go wrong."""

    DROP_SOCKET = "drop_socket"
    RECONNECT = "reconnect"
    INVALIDATE = "invalidate_session"
    REFUSE_GATEWAY = "refuse_gateway"
    SILENT_GATEWAY = "silent_gateway"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    LOST_ANSWER = "lost_answer"
    SLOW = "slow"
    LATE = "late"
    REORDER = "reorder"
    EXPIRE_TOKENS = "expire_tokens"
    FORGET_NONCES = "forget_nonces"
    SMALL_UPLOADS = "small_uploads"
    MUTE_BOT = "mute_bot"
    ARCHIVE_THREAD = "archive_thread"
    CLOSE_DIRECT = "close_direct"
    DELETE_CHANNEL = "delete_channel"
    REMOVE_BOT = "remove_bot"
    RESTART_BOT = "restart_bot"
    KILL_BOT = "kill_bot"


@dataclass(frozen=True, slots=True)
class _FaultInfo:
    label: str
    hint: str
    toggle: bool = False


ABOUT: Final = {
    Fault.DROP_SOCKET: _FaultInfo(
        "Drop the socket", "Cuts the bot's gateway connection; it resumes."
    ),
    Fault.RECONNECT: _FaultInfo("Ask to reconnect", "Asks the bot to reconnect, as Discord does."),
    Fault.INVALIDATE: _FaultInfo("End the session", "The bot has to identify again."),
    Fault.REFUSE_GATEWAY: _FaultInfo(
        "Gateway down", "The gateway cuts and refuses every connection.", True
    ),
    Fault.SILENT_GATEWAY: _FaultInfo(
        "Silent gateway", "The gateway accepts connections and sends nothing.", True
    ),
    Fault.RATE_LIMIT: _FaultInfo(
        "Rate limit", "About one request in three is answered with 429.", True
    ),
    Fault.SERVER_ERROR: _FaultInfo(
        "Server errors", "About one request in three is answered with 503.", True
    ),
    Fault.LOST_ANSWER: _FaultInfo(
        "Lost answers", "About one request in three is carried out, but answered with 502.", True
    ),
    Fault.SLOW: _FaultInfo("Slow", "Every request takes 0.5 to 1.5 seconds longer.", True),
    Fault.LATE: _FaultInfo(
        "Late requests",
        "About one request in three is carried out 1 to 5 seconds late, even if the bot has died.",
        True,
    ),
    Fault.REORDER: _FaultInfo(
        "Reordered answers", "Concurrent requests are answered in a different order.", True
    ),
    Fault.EXPIRE_TOKENS: _FaultInfo(
        "Expire the tokens", "As if fifteen minutes had passed since every interaction."
    ),
    Fault.FORGET_NONCES: _FaultInfo(
        "Forget the nonces", "As if minutes had passed: a repeated message is posted again."
    ),
    Fault.SMALL_UPLOADS: _FaultInfo("Small uploads", "Files are limited to 64 KiB.", True),
    Fault.MUTE_BOT: _FaultInfo("Mute the bot", "The bot can't post in #paint.", True),
    Fault.ARCHIVE_THREAD: _FaultInfo("Lock the thread", "The thread is archived and locked.", True),
    Fault.CLOSE_DIRECT: _FaultInfo(
        "No direct messages", "Nobody accepts direct messages from the bot.", True
    ),
    Fault.DELETE_CHANNEL: _FaultInfo(
        "Delete a channel", "Deletes #more-paint with all its messages."
    ),
    Fault.REMOVE_BOT: _FaultInfo(
        "Remove the bot", "While this is on, the bot is not on the server.", True
    ),
    Fault.RESTART_BOT: _FaultInfo("Restart the bot", "Asks the bot to stop, and starts it again."),
    Fault.KILL_BOT: _FaultInfo(
        "Kill the bot", "Kills the bot without warning, and starts it again."
    ),
}
_SHARE: Final = 1 / 3
LATE_S: Final = (1.0, 5.0)


class Faults:
    """Which faults are switched on, and which requests they affect."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._on: set[Fault] = set()
        self._once: dict[Fault, Callable[[], None]] = {}
        self._switches: dict[Fault, Callable[[bool], None]] = {}
        self._planned: list[tuple[Fault, str, str]] = []

    def connect(self, fault: Fault, act: Callable[[], None]) -> None:
        """Set the action of a fault that happens once."""
        self._once[fault] = act

    def connect_switch(self, fault: Fault, act: Callable[[bool], None]) -> None:
        """Set the action of a fault that is switched on (True) and off again."""
        self._switches[fault] = act

    def inject(self, fault: Fault, *, active: bool = True) -> None:
        """Trigger or switch a fault. Raises KeyError if it has no action."""
        if not ABOUT[fault].toggle:
            self._once[fault]()
            return
        was_active = fault in self._on
        (self._on.add if active else self._on.discard)(fault)
        if active != was_active and fault in self._switches:
            self._switches[fault](active)

    def plan(self, fault: Fault, method: str, path_part: str) -> None:
        """Apply a fault once, to the next request with this method and a path with `path_part`."""
        self._planned.append((fault, method, path_part))

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Return the fault that affects this request, if any."""
        for planned in self._planned:
            fault, wanted, part = planned
            if wanted == method and part in path:
                self._planned.remove(planned)
                return fault
        for fault in (Fault.RATE_LIMIT, Fault.SERVER_ERROR, Fault.LOST_ANSWER):
            if fault in self._on and self._random.random() < _SHARE:
                return fault
        return None

    def delay_s(self, struck: Fault | None = None) -> float:
        """Return the extra delay of this request. struck: the fault that already affects it."""
        slow_s = self._random.uniform(0.5, 1.5) if Fault.SLOW in self._on else 0.0
        late = Fault.LATE in self._on and self._random.random() < _SHARE
        late_s = self._random.uniform(*LATE_S) if late or struck is Fault.LATE else 0.0
        return slow_s + late_s

    def to_json(self) -> list[dict[str, Any]]:
        """Return the available faults as the page receives them."""
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
