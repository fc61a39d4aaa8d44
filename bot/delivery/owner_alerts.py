"""What the owner has to know, told to them on Discord and in the log, and not all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.delivery.cards import NoticeCard
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from storage.errors import DatabaseCorrupt, DataFolderUnusable, DiskFull, StorageError
from storage.types import Clock

log = structlog.get_logger(__name__)

REPEAT_AFTER = timedelta(hours=6)
"""The same kind of trouble is told once in so long."""

Owners = Callable[[], Awaitable[frozenset[int]]]
"""Who owns the bot; asked when there is something to tell."""


class OwnerAlerts:
    """Tells the owners, by direct message. nonce: a fresh text of at most 25 characters."""

    def __init__(
        self, messenger: Messenger, owners: Owners, *, clock: Clock, nonce: Callable[[], str]
    ) -> None:
        self._messenger = messenger
        self._owners = owners
        self._clock = clock
        self._nonce = nonce
        self._sent_at: dict[str, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def storage_failed(self, error: StorageError) -> None:
        """The disk or the database is in trouble; a short jam of the database is none."""
        if isinstance(error, DiskFull | DataFolderUnusable | DatabaseCorrupt):
            task = asyncio.create_task(self.alert("disk", str(error)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def alert(self, kind: str, sentence: str) -> None:
        """Tell every owner, unless this kind of trouble was told a short while ago."""
        now = self._clock()
        sent_at = self._sent_at.get(kind)
        if sent_at is not None and now - sent_at < REPEAT_AFTER:
            return
        self._sent_at[kind] = now
        log.error("the owner has to know", kind=kind, detail=sentence)
        try:
            for owner_id in sorted(await self._owners()):
                channel_id = await self._messenger.direct_channel(owner_id)
                card = NoticeCard(f"⚠️ zimagine: {sentence}")
                await self._messenger.post(Address(0, channel_id), card, self._nonce())
        except (Undeliverable, TemporaryFailure) as error:
            log.warning("the owner was not reached", kind=kind, detail=str(error))
            if isinstance(error, TemporaryFailure):
                self._sent_at.pop(kind, None)
