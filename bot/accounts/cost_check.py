"""Says what a request costs before it is charged more than its pictures, and asks once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from bot.accounts.permissions import Actor
from bot.request.outcomes import QuotaSpent, Refused
from bot.request.reasons.limits import CostsMore, ServerQuotaSpent
from storage.quotas import Quotas
from storage.types import Cost, Place, QuotaExceeded, QuotaPolicy

SHOWN_S: Final = 300.0
"""How long somebody can say yes to a cost by asking again. Chosen by hand."""
SHOWN_LIMIT: Final = 1000
"""How many shown costs are remembered; the oldest go first. Chosen by hand."""

_Key = tuple[int, int, int, tuple[str, ...]]


class CostCheck:
    """Remembers in memory which costs were shown to whom: after a restart, each is shown again.

    monotonic: a clock in seconds that nobody sets.
    """

    def __init__(
        self,
        quotas: Quotas,
        fallback: Callable[[], QuotaPolicy],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quotas = quotas
        self._fallback = fallback
        self._monotonic = monotonic
        self._shown: dict[_Key, float] = {}

    async def refusal(
        self, actor: Actor, costs: Sequence[Cost], prompts: Sequence[str]
    ) -> Refused | None:
        """Return what a request costs, if that is more than its pictures and was not shown yet.

        The same request, asked for again within five minutes, is let through. A request that the
        quota does not allow is refused at once. Raises StorageError.
        """
        pictures = sum(each.pictures for each in costs)
        cost = sum(each.pictures * each.weight for each in costs)
        if cost == pictures or not await self._quotas.weighs(actor.guild_id):
            return None
        now = self._monotonic()
        key = (actor.guild_id, actor.user_id, cost, tuple(prompts))
        shown_at = self._shown.pop(key, None)
        if shown_at is not None and now - shown_at < SHOWN_S:
            return None
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        exceeded = await self._quotas.refusal(
            place, self._fallback(), costs, actor.role_ids, answers=True
        )
        if exceeded is not None:
            return quota_refusal(exceeded)
        self._shown[key] = now
        while len(self._shown) > SHOWN_LIMIT:
            self._shown.pop(next(iter(self._shown)))
        status = await self._quotas.status(
            actor.guild_id, actor.user_id, self._fallback(), actor.role_ids
        )
        return Refused(CostsMore(pictures, cost, status.available))


def quota_refusal(exceeded: QuotaExceeded) -> Refused:
    """Return the ledger's refusal as an answer."""
    if exceeded.ceiling is not None:
        whole = exceeded.ceiling
        return Refused(
            ServerQuotaSpent(exceeded.server_used, whole.pictures, whole.hours, exceeded.requested),
            exceeded.retry_at,
        )
    status, policy = exceeded.status, exceeded.status.policy
    assert policy.pictures is not None
    reason = QuotaSpent(
        status.used, policy.pictures, policy.hours, exceeded.requested, status.granted
    )
    return Refused(reason, exceeded.retry_at)
