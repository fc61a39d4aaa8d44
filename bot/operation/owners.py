"""Who the bot's owners are: those whom the settings name, else those of its application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.delivery.messenger import TemporaryFailure, Undeliverable
from bot.request.outcomes import Refused
from bot.request.reasons.operation import OwnersOnly, OwnersUnknown

log = structlog.get_logger(__name__)

KNOWN_FOR_S: Final = 300.0
"""How long Discord's answer counts. Chosen by hand: somebody who leaves the application's team
stays an owner for that long at most."""


class Owners:
    """Tells owners from others. ask: returns the present owners, asking Discord if it has to."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[frozenset[int]]],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._now_s = now_s
        self._known: frozenset[int] = frozenset()
        self._asked_s: float | None = None

    async def refusal(self, user_id: int) -> Refused | None:
        """Return why somebody may not do what only owners may; None for an owner."""
        if self._asked_s is None or self._now_s() - self._asked_s >= KNOWN_FOR_S:
            try:
                self._known, self._asked_s = await self._ask(), self._now_s()
            except (Undeliverable, TemporaryFailure) as error:
                log.warning("owners unknown", detail=str(error))
                return Refused(OwnersUnknown())
        return None if user_id in self._known else Refused(OwnersOnly())
