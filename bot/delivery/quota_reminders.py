"""Tell members that their quota has returned, once each, when it really has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import ReminderCard
from bot.delivery.messenger import (
    Address,
    Messenger,
    ServerMember,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.posting import post_once
from bot.delivery.rounds import Rounds
from storage.blocks import Blocks
from storage.errors import StorageError
from storage.quota_reminders import QuotaReminder, QuotaReminders
from storage.quotas import Quotas
from storage.types import QuotaPolicy

log = structlog.get_logger(__name__)

POLL_S: Final = 30.0
"""How often reminders are looked for whose time has come. Chosen by hand: a quota returns after
hours."""
WAITS_S: Final = (5.0, 15.0, 60.0, 300.0)
"""Between two rounds while Discord or the disk is in trouble. Chosen by judgement, not measured."""
BATCH: Final = 100


class ReminderSender:
    """Sends reminders one after the other, so that results take precedence at Discord.

    Before one is sent, the quota is looked at again: it may have been used or changed meanwhile.
    Each is written down before it is sent, and is looked for on Discord before it is sent a second
    time. Who left, was blocked or can never paint so much any more is not reminded.

    serves: whether the bot works on a server. direct_messages: returns whether the bot's owner lets
    it send any. poll_s: how long to wait between two rounds.
    """

    def __init__(
        self,
        messenger: Messenger,
        reminders: QuotaReminders,
        quotas: Quotas,
        blocks: Blocks,
        languages: ServerLanguages,
        fallback: Callable[[], QuotaPolicy],
        *,
        serves: Callable[[int], bool],
        direct_messages: Callable[[], bool],
        poll_s: float = POLL_S,
    ) -> None:
        self._messenger = messenger
        self._reminders = reminders
        self._quotas = quotas
        self._blocks = blocks
        self._languages = languages
        self._fallback = fallback
        self._serves = serves
        self._direct_messages = direct_messages
        self._rounds = Rounds(self._round, waits_s=WAITS_S, poll_s=poll_s)

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent and no round was asked for."""
        return self._rounds.resting

    def wake(self) -> None:
        """Look for reminders now."""
        self._rounds.wake()

    async def quota_changed(self, guild_id: int, user_id: int | None) -> None:
        """Look again at the reminders of a member or, with None, of a server; never raises.

        A reminder that this misses is sent at its time.
        """
        try:
            hurried = await self._reminders.hurry(guild_id, user_id)
        except StorageError as error:
            log.warning("reminders not looked at again", detail=str(error))
            return
        if hurried:
            self.wake()

    async def run(self) -> None:
        """Send what is due until cancelled, beginning with what the last process left."""
        await self._rounds.run()

    async def _round(self) -> bool:
        """Try each reminder that is due once; return whether any could not be sent yet."""
        last_id, left = 0, False
        try:
            if await self._reminders.date_back():
                log.warning("the clock was ahead: reminders dated back")
            while batch := await self._reminders.due(last_id, BATCH):
                for each in batch:
                    last_id = each.id
                    left = not await self._settled(each) or left
        except StorageError as error:
            log.warning("reminders not read", detail=str(error))
            return True
        return left

    async def _settled(self, reminder: QuotaReminder) -> bool:
        """Send, postpone or drop a reminder; return whether nothing more is to be done now."""
        try:
            server = await self._wanted(reminder)
            if server is not None:
                await self._send(reminder, server)
        except TemporaryFailure as error:
            log.warning("reminder delayed", detail=str(error))
            return False
        return True

    async def _wanted(self, reminder: QuotaReminder) -> ServerMember | None:
        """Return whom to tell now; None if the reminder was postponed or dropped."""
        place = reminder.place
        member = None
        if self._serves(place.guild_id):
            member = await self._messenger.member(place.guild_id, place.user_id)
        if member is None or await self._blocks.is_blocked(place.guild_id, place.user_id):
            await self._drop(reminder, "not to be told any more")
            return None
        if reminder.attempted_at is not None:  # it may have arrived: what was begun is ended
            return member
        exceeded = await self._quotas.refusal(
            place, self._fallback(), reminder.pictures, member.role_ids
        )
        if exceeded is None:
            return member
        if exceeded.retry_at is None:
            await self._drop(reminder, "it would never fit")
        else:
            await self._reminders.postpone(reminder.id, exceeded.retry_at)
        return None

    async def _send(self, reminder: QuotaReminder, member: ServerMember) -> None:
        again = reminder.attempted_at is not None
        attempted = await self._reminders.attempt(reminder.id)
        if attempted is None:  # the member erased their data
            return
        if self._direct_messages() and await self._sent_directly(attempted, member, again=again):
            pass
        elif not await self._sent_in_channel(attempted, member, again=again):
            log.info("a member could not be reminded", guild=reminder.place.guild_id)
        await self._reminders.remove(reminder.id)

    async def _sent_directly(
        self, reminder: QuotaReminder, member: ServerMember, *, again: bool
    ) -> bool:
        """Send a direct message; False if the member takes none."""
        locale = reminder.own_locale or reminder.locale
        try:
            channel_id = await self._messenger.direct_channel(reminder.place.user_id)
            await self._post(reminder, Address(0, channel_id, locale=locale), member, again=again)
        except Undeliverable as error:
            log.info("no direct message for a reminder", obstacle=error.obstacle.value)
            return False
        return True

    async def _sent_in_channel(
        self, reminder: QuotaReminder, member: ServerMember, *, again: bool
    ) -> bool:
        """Mention the member where they asked; False if that is not possible."""
        place = reminder.place
        if not place.channel_id:
            return False
        locale = self._languages.of(place.guild_id, reminder.locale)
        address = Address(place.guild_id, place.channel_id, locale=locale)
        try:
            await self._post(reminder, address, member, again=again)
        except Undeliverable as error:
            log.info("no message for a reminder", obstacle=error.obstacle.value)
            return False
        return True

    async def _post(
        self, reminder: QuotaReminder, address: Address, member: ServerMember, *, again: bool
    ) -> None:
        """Post the reminder, unless an earlier attempt arrived. Raises Undeliverable."""
        card = ReminderCard(
            reminder.place.user_id, member.server, reminder.asked_at, direct=address.guild_id == 0
        )
        nonce = f"remind{reminder.id}"
        await post_once(self._messenger, address, card, nonce, again=again)

    async def _drop(self, reminder: QuotaReminder, why: str) -> None:
        log.info("reminder dropped", guild=reminder.place.guild_id, why=why)
        await self._reminders.remove(reminder.id)
