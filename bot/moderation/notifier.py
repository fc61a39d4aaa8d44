"""Show reports to the moderators: one message per reported picture, kept up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from bot.delivery.durable_notifier import DurableNotifier
from bot.delivery.messenger import Address, Messenger, Obstacle, TemporaryFailure, Undeliverable
from bot.moderation.cards import ReportCards
from bot.retry import Sleep
from storage.errors import StorageError
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import LogEvent
from storage.reports import Reports
from storage.types import Card, Case, Clock, Verdict

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=1)
"""Reports that changed within this time before a start are shown again, in case of a crash."""
_ALREADY_GONE: Final = frozenset({Obstacle.MESSAGE_GONE, Obstacle.CHANNEL_GONE})


class ReportNotifier(DurableNotifier):
    """Shows every reported picture, as the database has it, in its server's reports channel.

    Its keys are pictures. A report is stored before anything is posted, and a verdict before its
    card changes. Before a message is posted a second time, Discord is asked whether the first one
    exists. Where the channel cannot be posted in, that is stored and shown to admins.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        reports: Reports,
        channels: LogChannels,
        cards: ReportCards,
        clock: Clock,
        on_storage_error: Callable[[StorageError], object] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__("report", on_storage_error=on_storage_error, sleep=sleep)
        self.cards = cards
        self._messenger = messenger
        self._reports = reports
        self._channels = channels
        self._clock = clock
        # Pictures that may have a card already, although none is recorded.
        self._maybe_posted: set[int] = set()

    async def _left(self) -> list[int]:
        recent = await self._reports.changed_since(self._clock() - LOOK_BACK)
        self._maybe_posted.update(recent)
        return recent

    async def _post(self, key: int) -> None:
        case = await self._reports.last_for(key)
        if case is None:
            return
        if case.verdict in (Verdict.DELETED, Verdict.BLOCKED):
            await self._delete_messages(case)
        if case.verdict is not None:
            if case.card is not None:
                await self._edit_card(case)
            return
        channel, card = await self._channels.of(case.guild_id, LogEvent.REPORTS), case.card
        replaced = None
        if card is not None and channel is not None and card.channel_id != channel.channel_id:
            replaced = card
        if card is not None and replaced is None and await self._edit_card(case):
            return
        posted = channel is not None and await self._post_card(case, channel)
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

    async def _post_card(self, case: Case, channel: LogChannel) -> bool:
        """Post the card in this channel; return False if that is impossible."""
        picture_id, card = case.picture_id, await self.cards.card(case)
        address = Address(case.guild_id, channel.channel_id, locale=card.locale)
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
            await self._note_problem(case, channel, error)
            return False
        if channel.problem is not None:
            await self._channels.set_problem(case.guild_id, channel, None)
        recorded = await self._reports.posted(case.reports[0].id, channel.channel_id, message_id)
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

    async def _note_problem(self, case: Case, channel: LogChannel, error: Undeliverable) -> None:
        """Let admins see that nothing can be posted; the reports stay open meanwhile."""
        if await self._channels.set_problem(case.guild_id, channel, error.obstacle):
            log.warning(
                "reports cannot be shown to the moderators",
                guild=case.guild_id,
                channel=channel.channel_id,
                detail=str(error),
            )
