"""Write in a server's log what its filter refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from bot.accounts.permissions import Actor
from storage.audit import AuditLog
from storage.errors import StorageError
from storage.log_entries import LogEvent, Value

log = structlog.get_logger(__name__)

WRITE_LIMIT_S: Final = 1.0
"""How long writing may take before the member is answered without it. Chosen by hand, as for
reading the rules."""


class RefusalLog:
    """Writes refusals for moderators; where that fails, the request is refused all the same."""

    def __init__(self, entries: AuditLog) -> None:
        self._entries = entries

    async def note(self, actor: Actor, action: str, data: Mapping[str, Value]) -> None:
        """Write that a request of this member was refused; raises nothing."""
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self._entries.record(
                    actor.guild_id, LogEvent.FILTER, action, actor.user_id, data
                )
        except (StorageError, TimeoutError) as error:
            log.warning("a refusal was not logged", detail=str(error) or type(error).__name__)
