"""Alerts for the bot's owners, by direct message and in the log, at a limited rate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.delivery.alerts import OwnerAlert, RestartNeeded, SettingsRefused
from bot.delivery.cards import AlertCard
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from storage.errors import DatabaseCorrupt, DataFolderUnusable, DiskFull, StorageError
from storage.types import Clock

log = structlog.get_logger(__name__)

REPEAT_AFTER = timedelta(hours=6)
"""An alert of the same kind is sent at most once in this time."""

Owners = Callable[[], Awaitable[frozenset[int]]]
"""Returns the user ids of the bot's owners; called when there is something to send."""


class OwnerAlerts:
    """Sends alerts to all owners.

    nonce: returns a new text of at most 25 characters each time. locale: the language that they
    read, as Discord calls it.
    """

    def __init__(
        self,
        messenger: Messenger,
        owners: Owners,
        *,
        clock: Clock,
        nonce: Callable[[], str],
        locale: str = "en-US",
    ) -> None:
        self._messenger = messenger
        self._owners = owners
        self._clock = clock
        self._nonce = nonce
        self._locale = locale
        self._sent_at: dict[type[OwnerAlert] | OwnerAlert, datetime] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def storage_failed(self, error: StorageError) -> None:
        """Send an alert if the disk or the database is unusable, but not if it is merely busy."""
        if isinstance(error, DiskFull | DataFolderUnusable | DatabaseCorrupt):
            self.alert_soon(error)

    def alert_soon(self, alert: OwnerAlert) -> None:
        """Send an alert in the background, for a caller that has no time to wait."""
        task = asyncio.create_task(self.alert(alert))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def alert(self, alert: OwnerAlert) -> None:
        """Alert every owner, unless an alert of this kind was sent within REPEAT_AFTER.

        Alerts about settings answer what an owner did: only the same one is not sent again.
        """
        now, kind = self._clock(), type(alert)
        key = alert if isinstance(alert, RestartNeeded | SettingsRefused) else kind
        sent_at = self._sent_at.get(key)
        if sent_at is not None and abs(now - sent_at) < REPEAT_AFTER:  # or the clock was set back
            return
        self._sent_at[key] = now
        log.error("the owner has to know", kind=kind.__name__, detail=str(alert))
        if not await self._send(alert):
            self._sent_at.pop(key, None)

    def tell_soon(self, alert: OwnerAlert) -> None:
        """Tell every owner in the background what they waited for, however often that is."""
        log.info("the owner is told", detail=str(alert))
        task = asyncio.create_task(self._send(alert))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, alert: OwnerAlert) -> bool:
        """Return whether sending it again would be of no use."""
        try:
            for owner_id in sorted(await self._owners()):
                channel_id = await self._messenger.direct_channel(owner_id)
                place = Address(0, channel_id, locale=self._locale)
                await self._messenger.post(place, AlertCard(alert), self._nonce())
        except (Undeliverable, TemporaryFailure) as error:
            kind = type(alert).__name__
            log.warning("the owner was not reached", kind=kind, detail=str(error))
            return not isinstance(error, TemporaryFailure)
        return True
