"""Show reports to the moderators: one message per reported picture, kept up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from bot.delivery.keyed_worker import RETRY_S, KeyedWorker
from bot.delivery.messenger import Address, Messenger, Obstacle, TemporaryFailure, Undeliverable
from bot.moderation.cards import ReportCards
from bot.retry import Sleep, retry
from storage.errors import StorageError
from storage.preferences import Preferences
from storage.reports import Reports
from storage.types import Card, Case, Clock, Verdict

log = structlog.get_logger(__name__)

MAX_CONCURRENT = 2
"""Lower than for deliveries, because members are waiting for those."""
LOOK_BACK = timedelta(days=1)
"""Reports that changed within this time before a start are shown again, in case of a crash."""
_ALREADY_GONE: Final = frozenset({Obstacle.MESSAGE_GONE, Obstacle.CHANNEL_GONE})


class ReportNotifier:
    """Shows every reported picture, as the database has it, in its server's reports channel.

    A report is stored before anything is posted, and a verdict before its card changes, so nothing
    is lost if either fails, and the next start tries again. Before a message is posted a second
    time, Discord is asked whether the first one exists.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        reports: Reports,
        preferences: Preferences,
        cards: ReportCards,
        clock: Clock,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.cards = cards
        self._messenger = messenger
        self._reports = reports
        self._preferences = preferences
        self._clock = clock
        self._on_storage_error = on_storage_error
        self._sleep = sleep
        self._loaded = False
        # Pictures that may have a card already, although none is recorded.
        self._maybe_posted: set[int] = set()
        self._warned_channels: set[int] = set()
        self._worker = KeyedWorker(
            self._update,
            name="report",
            limit=MAX_CONCURRENT,
            retry_on=(TemporaryFailure, StorageError),
            on_retry=self._on_retry,
            on_end=self._on_end,
            rerun=True,
            sleep=sleep,
        )

    @property
    def busy(self) -> bool:
        """Whether anything is running, or the latest reports are not loaded yet."""
        return not self._loaded or self._worker.busy

    def wake(self, picture_id: int) -> None:
        """Update the card of this picture's report."""
        self._worker.wake(picture_id)

    async def run(self) -> None:
        """Update cards until cancelled, beginning with what the last process left undone."""
        await self._load_recent()
        await self._worker.run()

    async def _load_recent(self) -> None:
        recent = await retry(
            lambda: self._reports.changed_since(self._clock() - LOOK_BACK),
            on=StorageError,
            waits_s=RETRY_S[-1:],
            on_error=self._log_unreadable,
            sleep=self._sleep,
        )
        self._maybe_posted.update(recent)
        for picture_id in recent:
            self.wake(picture_id)
        self._loaded = True

    def _log_unreadable(self, error: StorageError, _wait_s: float | None) -> None:
        self._on_storage_error(error)
        log.warning("reports not read", detail=str(error))

    def _on_end(self, picture_id: int, error: BaseException | None) -> None:
        if error is not None:
            log.error("showing a report broke off", picture=picture_id, exc_info=error)

    def _on_retry(self, picture_id: int, error: Exception, wait_s: float | None) -> None:
        if isinstance(error, StorageError):
            self._on_storage_error(error)
        log.warning("report delayed", picture=picture_id, wait_s=wait_s, detail=str(error))

    async def _update(self, picture_id: int) -> None:
        case = await self._reports.last_for(picture_id)
        if case is None:
            return
        if case.verdict in (Verdict.DELETED, Verdict.BLOCKED):
            await self._delete_messages(case)
        if case.verdict is not None:
            if case.card is not None:
                await self._edit_card(case)
            return
        channel_id, card = await self._channel_of(case.guild_id), case.card
        replaced = card if card is not None and channel_id not in (None, card.channel_id) else None
        if card is not None and replaced is None and await self._edit_card(case):
            return
        posted = channel_id is not None and await self._post_card(case, channel_id)
        if replaced is not None:
            # If the new channel rejects the card, the old one should at least show the current
            # state.
            await (self._delete_card(case, replaced) if posted else self._edit_card(case))

    async def _delete_messages(self, case: Case) -> None:
        """Delete the messages that show a deleted picture, as far as permissions allow."""
        for address in await self.cards.messages(case):
            try:
                await self._messenger.delete(address)
            except Undeliverable as error:
                if error.obstacle not in _ALREADY_GONE:
                    log.warning(
                        "message of a deleted picture not deleted",
                        picture=case.picture_id,
                        message=address.message_id,
                        obstacle=error.obstacle.value,
                    )

    async def _edit_card(self, case: Case) -> bool:
        """Update the card; return False if its message cannot be edited any more."""
        assert case.card is not None
        card = await self.cards.card(case)
        address = Address(
            case.guild_id, case.card.channel_id, case.card.message_id, locale=card.locale
        )
        try:
            await self._messenger.edit(address, card)
        except Undeliverable as error:
            log.info("card not edited", picture=case.picture_id, obstacle=error.obstacle.value)
            return False
        return True

    async def _delete_card(self, case: Case, card: Card) -> None:
        """Delete a card that one in another channel has replaced, as far as permissions allow."""
        try:
            await self._messenger.delete(Address(case.guild_id, card.channel_id, card.message_id))
        except (Undeliverable, TemporaryFailure) as error:
            log.info("old card not deleted", picture=case.picture_id, detail=str(error))

    async def _post_card(self, case: Case, channel_id: int) -> bool:
        """Post the card in this channel; return False if that is impossible."""
        picture_id, card = case.picture_id, await self.cards.card(case)
        address = Address(case.guild_id, channel_id, locale=card.locale)
        message_id = None
        try:
            if picture_id in self._maybe_posted:
                message_id = await self._find_card(address, case)
            found_earlier = message_id is not None
            if message_id is None:
                self._maybe_posted.add(picture_id)  # until the database knows the message
                # In place of one that was deleted, it is another message.
                before = 0 if case.card is None else case.card.message_id
                nonce = f"case{case.id}-{len(case.reports)}-{picture_id}-{before}"
                message_id = await self._messenger.post(address, card, nonce)
        except Undeliverable as error:
            self._maybe_posted.discard(picture_id)
            self._warn_once(case, channel_id, error)
            return False
        self._warned_channels.discard(channel_id)
        recorded = await self._reports.posted(case.reports[0].id, channel_id, message_id)
        self._maybe_posted.discard(picture_id)
        if (
            found_earlier
            or recorded.verdict is not None
            or len(recorded.reports) != len(case.reports)
        ):
            self.wake(picture_id)
        return True

    async def _find_card(self, address: Address, case: Case) -> int | None:
        """Return the card that an earlier attempt posted, or None.

        Also None if the history cannot be read: two cards do less harm than none.
        """
        try:
            return await self._messenger.find_case(address, case.picture_id, case.opened_at)
        except Undeliverable as error:
            if error.obstacle is not Obstacle.UNREADABLE:
                raise
            return None

    def _warn_once(self, case: Case, channel_id: int, error: Undeliverable) -> None:
        """Log a warning once per channel until it works again; the reports stay open meanwhile."""
        if channel_id not in self._warned_channels:
            self._warned_channels.add(channel_id)
            log.warning(
                "reports cannot be shown to the moderators",
                guild=case.guild_id,
                channel=channel_id,
                detail=str(error),
            )

    async def _channel_of(self, guild_id: int) -> int | None:
        settings = await self._preferences.server(guild_id)
        return None if settings is None else settings.reports_channel_id
