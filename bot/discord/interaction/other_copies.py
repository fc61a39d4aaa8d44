"""Notices another process that answers interactions with the same token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import discord
import structlog

from bot.delivery.alerts import AnotherCopy
from bot.discord.interaction.error_codes import ErrorCode

log = structlog.get_logger(__name__)

_CALLBACK: Final = re.compile(r"/interactions/(\d+)/[^/]+/callback")
_REMEMBERED: Final = 1000
"""How many interactions are remembered; an answer takes seconds. Chosen by hand."""


class OtherCopies:
    """Tells an answer of another copy of the bot from an earlier attempt of our own.

    Discord sends every interaction to both, and accepts one answer; the second one is refused with
    ALREADY_ACKNOWLEDGED. discord.py causes the same refusal itself, when it sends an answer again
    whose confirmation was lost. So the attempts are counted: if the first one was refused, somebody
    else has answered.
    """

    def __init__(self, alert: Callable[[AnotherCopy], object]) -> None:
        """alert: tells the owners."""
        self._alert = alert
        self._attempts: dict[int, int] = {}
        self._told = False

    def trace(self) -> aiohttp.TraceConfig:
        """Return what the client's session needs, so that attempts are counted."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._count)
        return config

    async def _count(
        self, _session: aiohttp.ClientSession, _context: Any, sent: aiohttp.TraceRequestStartParams
    ) -> None:
        match = _CALLBACK.search(sent.url.path)
        if match is None:
            return
        interaction_id = int(match[1])
        self._attempts[interaction_id] = self._attempts.get(interaction_id, 0) + 1
        if len(self._attempts) > _REMEMBERED:
            del self._attempts[next(iter(self._attempts))]

    def answered_first(self, interaction_id: int, error: BaseException) -> bool:
        """Return whether an error proves that another copy answered, and tell the owner if so.

        False if it could also be an earlier attempt of our own.
        """
        refused = isinstance(error, discord.HTTPException)
        if not refused or error.code != ErrorCode.ALREADY_ACKNOWLEDGED:
            return False
        if self._attempts.get(interaction_id) != 1:
            return False
        self.found(interaction_id)
        return True

    def found(self, interaction_id: int) -> None:
        """Log an interaction that another copy answered; the owner is told of the first."""
        log.warning("another copy of the bot answered", interaction=interaction_id)
        if not self._told:
            self._told = True
            self._alert(AnotherCopy())
