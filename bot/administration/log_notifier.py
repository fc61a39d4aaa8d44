"""Post each server's events in the channels that its admins chose for them, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import AuditCard
from bot.delivery.durable_notifier import DurableNotifier
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from bot.delivery.posting import post_once
from bot.retry import Sleep
from storage.errors import StorageError
from storage.log_channels import LogChannels
from storage.log_entries import LogEvent

log = structlog.get_logger(__name__)

ENTRIES: Final = 10
"""Of one message, so that a backlog is posted in few. Chosen by hand."""


class LogNotifier(DurableNotifier):
    """Posts entries oldest first, each once; its keys are servers.

    Where a channel cannot be posted in, that is stored and shown to admins, and its entries wait
    for the next entry, the next start or another channel; other channels do not wait for it.
    """

    def __init__(
        self,
        messenger: Messenger,
        channels: LogChannels,
        languages: ServerLanguages,
        *,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__("log", on_storage_error=on_storage_error, sleep=sleep)
        self._messenger = messenger
        self._channels = channels
        self._languages = languages

    async def _left(self) -> list[int]:
        return await self._channels.behind()

    async def _post(self, key: int) -> None:
        delayed: TemporaryFailure | None = None
        for channel in await self._channels.all_of(key):
            try:
                await self._post_event(key, channel.event)
            except TemporaryFailure as error:
                delayed = error
        if delayed is not None:
            raise delayed

    async def _post_event(self, guild_id: int, event: LogEvent) -> None:
        while (channel := await self._channels.of(guild_id, event)) is not None:
            entries = await self._channels.next_message(guild_id, channel, ENTRIES)
            if not entries:
                return
            first_id, last_id = entries[0].id, entries[-1].id
            locale = self._languages.of(guild_id, channel.locale)
            address = Address(guild_id, channel.channel_id, locale=locale)
            nonce = f"{event}{guild_id}-{first_id}-{last_id}"
            again = last_id <= channel.sending_id
            try:
                card = AuditCard(tuple(entries))
                await post_once(self._messenger, address, card, nonce, again=again)
            except Undeliverable as error:
                if await self._channels.set_problem(guild_id, channel, error.obstacle):
                    log.warning(
                        "events cannot be posted",
                        guild=guild_id,
                        event_kind=event.value,
                        channel=channel.channel_id,
                        detail=str(error),
                    )
                return
            await self._channels.posted(guild_id, channel, last_id)
