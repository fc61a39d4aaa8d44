"""Each user's own thread in a channel, opened when first needed and remembered."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

import structlog

from bot.delivery.messenger import Address, Messenger, Obstacle, Undeliverable
from storage.preferences import Threads
from storage.types import Place

log = structlog.get_logger(__name__)


class UserThreads:
    """Finds a user's thread, or opens it under one of their status messages.

    A message can have only one thread, so a thread that was opened just before a crash is found
    again when the next process tries to open it.
    """

    def __init__(self, threads: Threads, messenger: Messenger) -> None:
        self._threads = threads
        self._messenger = messenger
        # A lock exists as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[Place, asyncio.Lock] = WeakValueDictionary()

    async def thread_for(self, place: Place, status: Address) -> int:
        """Return the channel id of the user's thread in a channel.

        status: the user's message in that channel. Raises Undeliverable, TemporaryFailure and
        StorageError.
        """
        known = await self._remembered(place)
        if known is not None:
            return known
        if status.message_id is None:
            raise Undeliverable(Obstacle.MESSAGE_GONE, "there is no message to open a thread under")
        async with self._locks.setdefault(place, asyncio.Lock()):
            # If several pictures are ready at once, one of them opens the thread for all.
            known = await self._remembered(place)
            if known is not None:
                return known
            opened = await self._messenger.open_thread(status, place.user_id)
            log.info("thread opened", channel=place.channel_id, thread=opened)
            return await self._threads.remember_thread(
                place.guild_id, place.channel_id, place.user_id, opened
            )

    async def forget(self, thread_id: int) -> None:
        """Forget a thread that is gone; the next picture opens another one."""
        await self._threads.forget_thread(thread_id)

    async def _remembered(self, place: Place) -> int | None:
        return await self._threads.thread_of(place.guild_id, place.channel_id, place.user_id)
