"""Post what the database has and Discord does not show yet: what all notifiers have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from bot.delivery.keyed_worker import RETRY_S, KeyedWorker
from bot.delivery.messenger import TemporaryFailure
from bot.retry import Sleep, retry
from storage.errors import StorageError

log = structlog.get_logger(__name__)

MAX_CONCURRENT: Final = 2
"""Lower than for deliveries, because members are waiting for those."""


class DurableNotifier(ABC):
    """Posts for one key after another what is stored and not posted yet.

    What is to be posted was stored before, so nothing is lost if posting fails or the process ends:
    the next start begins with what the last one left. A key whose messages cannot be posted at the
    moment is tried again until they can be; no key waits for another. name: in the log.
    """

    def __init__(
        self,
        name: str,
        *,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._name = name
        self._on_storage_error = on_storage_error
        self._sleep = sleep
        self._loaded = False
        self._worker = KeyedWorker(
            self._post,
            name=name,
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

    def wake(self, key: int) -> None:
        """Post what is not posted yet for this key."""
        self._worker.wake(key)

    async def run(self) -> None:
        """Post until cancelled, beginning with what the last process left."""
        left = await retry(
            self._left,
            on=StorageError,
            waits_s=RETRY_S[-1:],
            on_error=self._log_unreadable,
            sleep=self._sleep,
        )
        for key in left:
            self.wake(key)
        self._loaded = True
        await self._worker.run()

    @abstractmethod
    async def _left(self) -> Iterable[int]:
        """Return the keys for which the last process may have left something."""

    @abstractmethod
    async def _post(self, key: int) -> None:
        """Post what is not posted yet for a key. TemporaryFailure and StorageError: try again."""

    def _log_unreadable(self, error: StorageError, _wait_s: float | None) -> None:
        self._on_storage_error(error)
        log.warning("what to post was not read", notifier=self._name, detail=str(error))

    def _on_retry(self, key: int, error: Exception, wait_s: float | None) -> None:
        if isinstance(error, StorageError):
            self._on_storage_error(error)
        log.warning("post delayed", notifier=self._name, key=key, wait_s=wait_s, detail=str(error))

    def _on_end(self, key: int, error: BaseException | None) -> None:
        if error is not None:
            log.error("posting broke off", notifier=self._name, key=key, exc_info=error)
