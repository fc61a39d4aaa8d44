"""Post the audit log of each server in the channel that its admins chose, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import AuditCard
from bot.delivery.keyed_worker import RETRY_S, KeyedWorker
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from bot.retry import Sleep, retry
from storage.audit import AuditChannels
from storage.errors import StorageError

log = structlog.get_logger(__name__)

ENTRIES: Final = 10
"""Of one message, so that a backlog is posted in few. Chosen by hand."""
MAX_CONCURRENT: Final = 2
"""Lower than for deliveries, because members are waiting for those."""


class AuditNotifier:
    """Posts entries oldest first, each once, and goes on where the last process stopped.

    Where a channel cannot be posted in, that is stored and shown to admins, and its entries wait
    for the next entry, the next start or another channel.
    """

    def __init__(
        self,
        messenger: Messenger,
        channels: AuditChannels,
        languages: ServerLanguages,
        *,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._channels = channels
        self._languages = languages
        self._on_storage_error = on_storage_error
        self._sleep = sleep
        self._loaded = False
        self._worker = KeyedWorker(
            self._post,
            name="audit",
            limit=MAX_CONCURRENT,
            retry_on=(TemporaryFailure, StorageError),
            on_retry=self._on_retry,
            on_end=self._on_end,
            rerun=True,
            sleep=sleep,
        )

    @property
    def busy(self) -> bool:
        """Whether anything is being posted, or what was left is not loaded yet."""
        return not self._loaded or self._worker.busy

    def wake(self, guild_id: int) -> None:
        """Post what a server's channel has not been told yet."""
        self._worker.wake(guild_id)

    async def run(self) -> None:
        """Post until cancelled, beginning with what the last process left."""
        behind = await retry(
            self._channels.behind,
            on=StorageError,
            waits_s=RETRY_S[-1:],
            on_error=lambda error, _: self._on_storage_error(error),
            sleep=self._sleep,
        )
        for guild_id in behind:
            self.wake(guild_id)
        self._loaded = True
        await self._worker.run()

    async def _post(self, guild_id: int) -> None:
        while (channel := await self._channels.of(guild_id)) is not None:
            entries = await self._channels.next_message(guild_id, ENTRIES)
            if not entries:
                return
            locale = self._languages.of(guild_id, channel.locale)
            address = Address(guild_id, channel.channel_id, locale=locale)
            nonce = f"audit{guild_id}-{entries[0].id}-{entries[-1].id}"
            try:
                await self._messenger.post(address, AuditCard(entries), nonce)
            except Undeliverable as error:
                await self._channels.failed(guild_id, channel.channel_id, error.obstacle)
                log.warning(
                    "the audit log cannot be posted",
                    guild=guild_id,
                    channel=channel.channel_id,
                    detail=str(error),
                )
                return
            await self._channels.posted(guild_id, channel.channel_id, entries[-1].id)

    def _on_retry(self, guild_id: int, error: Exception, wait_s: float | None) -> None:
        if isinstance(error, StorageError):
            self._on_storage_error(error)
        log.warning("audit log delayed", guild=guild_id, wait_s=wait_s, detail=str(error))

    def _on_end(self, guild_id: int, error: BaseException | None) -> None:
        if error is not None:
            log.error("posting an audit log broke off", guild=guild_id, exc_info=error)
