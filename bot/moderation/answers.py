"""Send what moderators wrote to those who reported a picture, by direct message, once each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from bot.delivery.cards import ReporterCard
from bot.delivery.keyed_worker import RETRY_S, KeyedWorker
from bot.delivery.messenger import Address, Messenger, TemporaryFailure, Undeliverable
from bot.delivery.posting import post_once
from bot.retry import Sleep, retry
from storage.errors import StorageError
from storage.report_messages import MessageState, ReportMessage, ReportMessages

log = structlog.get_logger(__name__)

MAX_CONCURRENT: Final = 2
"""As few as report cards: members are waiting for pictures."""


class AnswerSender:
    """Sends waiting messages until each is delivered or cannot be.

    Each is written down before it is sent, and looked for on Discord before it is sent a second
    time. settled(picture_id): called when the report's card is to show what became of one.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        messages: ReportMessages,
        settled: Callable[[int], object],
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._messages = messages
        self._settled = settled
        self._on_storage_error = on_storage_error
        self._sleep = sleep
        self._woken = asyncio.Event()
        self._woken.set()
        self._reading = False
        self._ended = asyncio.Condition()
        self._worker = KeyedWorker(
            self._send,
            name="answer",
            limit=MAX_CONCURRENT,
            retry_on=(TemporaryFailure, StorageError),
            on_retry=self._on_retry,
            on_end=self._on_end,
            sleep=sleep,
        )

    @property
    def busy(self) -> bool:
        """Whether anything is being sent or was just written."""
        return self._woken.is_set() or self._reading or self._worker.busy

    def wake(self) -> None:
        """Send what was written since."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled, beginning with what the last process left."""
        worker = asyncio.create_task(self._worker.run(), name="answers-worker")
        try:
            while True:
                await self._woken.wait()
                self._reading = True
                self._woken.clear()
                waiting = await retry(
                    self._messages.waiting,
                    on=StorageError,
                    waits_s=RETRY_S,
                    on_error=self._log_unreadable,
                    sleep=self._sleep,
                )
                for each in waiting:
                    self._worker.wake(each)
                self._reading = False
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def outcome(self, ids: Collection[int], limit_s: float) -> tuple[MessageState, ...]:
        """Wait until these messages are settled, at most `limit_s`; return their states then.

        What was erased meanwhile is left out.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + limit_s
        while True:
            # Under the lock, so that nothing ends unnoticed between the look and the wait.
            async with self._ended:
                found = [await self._messages.get(each) for each in ids]
                states = tuple(each.state for each in found if each is not None)
                left_s = until_s - loop.time()
                if MessageState.WAITING not in states or left_s <= 0:
                    return states
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await self._ended.wait()

    def _log_unreadable(self, error: StorageError, _wait_s: float | None) -> None:
        self._on_storage_error(error)
        log.warning("answers to reporters not read", detail=str(error))

    def _on_retry(self, message_id: int, error: Exception, wait_s: float | None) -> None:
        if isinstance(error, StorageError):
            self._on_storage_error(error)
        log.warning("answer delayed", message=message_id, wait_s=wait_s, detail=str(error))

    def _on_end(self, message_id: int, error: BaseException | None) -> None:
        if error is not None:
            log.error("sending an answer broke off", message=message_id, exc_info=error)

    async def _send(self, message_id: int) -> None:
        message = await self._messages.get(message_id)
        if message is None or message.state is not MessageState.WAITING:
            return
        state, shown_id = await self._sent(message)
        if state is not None:
            await self._messages.settle(message_id, state, shown_id)
            self._settled(message.picture_id)
        async with self._ended:
            self._ended.notify_all()

    async def _sent(self, message: ReportMessage) -> tuple[MessageState | None, int | None]:
        """Send a message; return what became of it, and which one shows it. None: it is gone."""
        member = await self._messenger.member(message.guild_id, message.reporter_id)
        if member is None:
            return MessageState.LEFT, None
        if not await self._messages.attempt(message.id):
            return None, None
        # So that it is the same card as that of an earlier attempt.
        card = ReporterCard(replace(message, attempted_at=None), member.server)
        try:
            channel_id = await self._messenger.direct_channel(message.reporter_id)
            address = Address(0, channel_id, locale=message.locale or "en-US")
            again = message.attempted_at is not None
            nonce = f"answer{message.id}"
            shown_id = await post_once(self._messenger, address, card, nonce, again=again)
        except Undeliverable as error:
            log.info("a reporter takes no direct messages", obstacle=error.obstacle.value)
            return MessageState.REFUSED, None
        return MessageState.DELIVERED, shown_id
