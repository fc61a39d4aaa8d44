"""Delete the bot's messages that show what was erased: one after the other, until they are gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from bot.delivery.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    Messenger,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.rounds import Rounds
from bot.retry import Sleep
from storage.erasure.messages import MessageRemoval, MessageRemovals
from storage.errors import StorageError
from storage.types import Clock

log = structlog.get_logger(__name__)

BATCH: Final = 100
WAITS_S: Final = (5.0, 15.0, 60.0, 300.0)
"""Between two rounds while Discord is in trouble. Chosen by judgement, not measured."""
ARRIVING: Final = timedelta(minutes=2)
"""How long a message that was being posted may still arrive. Chosen by hand: a request lives less
than half a minute."""
GIVE_UP_AFTER: Final = timedelta(days=7)
"""Chosen by hand: longer than any outage of Discord so far."""


class MessageRemover:
    """Deletes messages in the order in which that was asked for, one at a time.

    So everybody else's messages take precedence within Discord's rate limits, which discord.py
    waits for. What remains after a restart is in the database. A message that the bot cannot
    delete (it lacks access, or only the person sees it) is given up.
    """

    def __init__(
        self,
        messenger: Messenger,
        removals: MessageRemovals,
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._removals = removals
        self._clock = clock
        self._rounds = Rounds(self._round, waits_s=WAITS_S, sleep=sleep)

    @property
    def idle(self) -> bool:
        """Whether everything was deleted that was asked for."""
        return self._rounds.resting and not self._rounds.left

    def wake(self) -> None:
        """Look for messages that were written down since."""
        self._rounds.wake()

    async def run(self) -> None:
        """Delete until cancelled, beginning with what the last process left."""
        await self._rounds.run()

    async def _round(self) -> bool:
        """Try each message once; return whether any is left."""
        last_id, left = 0, False
        try:
            while batch := await self._removals.after(last_id, BATCH):
                for removal in batch:
                    last_id = removal.id
                    if await self._removed(removal):
                        await self._removals.done(removal.id)
                    else:
                        left = True
        except StorageError as error:
            log.warning("messages to delete not read", detail=str(error))
            return True
        return left

    async def _removed(self, removal: MessageRemoval) -> bool:
        """Delete a message; return whether nothing more is to be done about it."""
        age = abs(self._clock() - removal.asked_at)
        try:
            return await self._delete(removal, age)
        except Undeliverable as error:
            log.info("message not deleted", obstacle=error.obstacle.value)
            return True
        except TemporaryFailure as error:
            log.warning("deletion of a message delayed", detail=str(error))
            return age > GIVE_UP_AFTER

    async def _delete(self, removal: MessageRemoval, age: timedelta) -> bool:
        channel_id = removal.channel_id
        if channel_id is None:
            assert removal.user_id is not None
            channel_id = await self._messenger.direct_channel(removal.user_id)
        address = Address(removal.guild_id, channel_id, removal.message_id)
        if removal.message_id is not None:
            await self._delete_known(removal, address)
            return True
        assert removal.job_id is not None and removal.since is not None
        message_id = await self._messenger.find_post(address, removal.job_id, removal.since)
        if message_id is None:
            return age > ARRIVING
        await self._messenger.delete(Address(removal.guild_id, channel_id, message_id))
        return True

    async def _delete_known(self, removal: MessageRemoval, address: Address) -> None:
        """Delete by the interaction's token while that lives: it reaches what nothing else does."""
        token, since = removal.reply_token, removal.since
        lives = since is not None and abs(self._clock() - since) < REPLY_TOKEN_LIFE
        if token is not None and lives:
            try:
                await self._messenger.delete(replace(address, reply_token=token))
            except Undeliverable:
                log.info("the token does not reach a message any more")
            else:
                return
        await self._messenger.delete(address)
