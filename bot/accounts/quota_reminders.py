"""Offer a member whose quota is used up a reminder, and set it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.accounts.cost_check import quota_refusal
from bot.accounts.permissions import Actor
from bot.request.outcomes import ProposalClosed, QuotaSpent, Refused
from bot.request.reasons.limits import ServerQuotaSpent
from storage.errors import StorageError
from storage.proposals import Proposals, ProposalState
from storage.quota_reminders import QuotaReminders
from storage.quotas import Quotas
from storage.types import Place, QuotaPolicy

log = structlog.get_logger(__name__)

_OFFER: Final = "remind"
"""The key in a question that holds how many pictures did not fit."""


@dataclass(frozen=True, slots=True)
class ReminderSet:
    """The member will be told.

    due_at: when, as far as that is known now. known: it was set before, and nothing was changed.
    direct: by direct message, if they take any. channel_id: where they are mentioned otherwise, 0
    for nowhere.
    """

    due_at: datetime
    known: bool = False
    direct: bool = True
    channel_id: int = 0


@dataclass(frozen=True, slots=True)
class QuotaBack:
    """The quota has already returned, so there is nothing to be reminded of."""


class ReminderService:
    """Sets reminders of quotas; `bot.delivery.quota_reminders` sends them."""

    def __init__(
        self,
        reminders: QuotaReminders,
        proposals: Proposals,
        quotas: Quotas,
        fallback: Callable[[], QuotaPolicy],
        *,
        direct_messages: Callable[[], bool],
    ) -> None:
        """direct_messages: returns whether the bot's owner lets it send any."""
        self._reminders = reminders
        self._proposals = proposals
        self._quotas = quotas
        self._fallback = fallback
        self._direct_messages = direct_messages

    async def offer(self, actor: Actor, refused: Refused) -> int | None:
        """Return the id of an offer to be reminded; None where a refusal gives no reason for one.

        Also None if it cannot be stored: the refusal is answered without it then.
        """
        reason = refused.reason
        if refused.retry_at is None or not isinstance(reason, QuotaSpent | ServerQuotaSpent):
            return None
        if actor.direct and not self._direct_messages():
            return None
        try:
            offer = await self._proposals.ask(
                _place(actor), json.dumps({_OFFER: max(1, reason.requested)})
            )
        except StorageError as error:
            log.warning("no reminder was offered", detail=str(error))
            return None
        return offer.id

    async def set(self, actor: Actor, offer_id: int) -> ReminderSet | QuotaBack | Refused:
        """Set a reminder as it was offered to this member. Raises StorageError.

        Refused if the offer is too old, or if the request would not fit at any time any more.
        """
        offer = await self._proposals.get(offer_id)
        own = offer is not None and (
            (offer.place.user_id, offer.place.guild_id) == (actor.user_id, actor.guild_id)
        )
        asked = json.loads(offer.batch) if offer is not None and own else None
        pictures = asked.get(_OFFER) if isinstance(asked, dict) else None
        if offer is None or offer.state is not ProposalState.OPEN or not isinstance(pictures, int):
            return Refused(ProposalClosed(answered=False))
        exceeded = await self._quotas.refusal(
            _place(actor), self._fallback(), pictures, actor.role_ids
        )
        if exceeded is None:
            return QuotaBack()
        if exceeded.retry_at is None:
            return quota_refusal(exceeded)
        reminder, new = await self._reminders.add(
            _place(actor),
            pictures,
            exceeded.retry_at,
            locale=actor.locale,
            own_locale=actor.own_locale,
        )
        return ReminderSet(
            reminder.due_at,
            known=not new,
            direct=self._direct_messages(),
            channel_id=reminder.place.channel_id,
        )


def _place(actor: Actor) -> Place:
    """Return where the actor is; in direct messages nobody else could be told there."""
    return Place(actor.guild_id, 0 if actor.direct else actor.channel_id, actor.user_id)
