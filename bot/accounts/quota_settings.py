"""Read and change quotas, with permission checks; `storage/quotas.py` counts and refuses."""

from __future__ import annotations

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, OutOfRange, Refused
from storage.quotas import Quotas
from storage.types import PolicySource, QuotaPolicy, QuotaStatus

MAX_PICTURES = 1_000_000
"""The largest quota that can be set. Chosen by hand."""
MAX_HOURS = 8760
"""The longest window that can be set: a year."""


class QuotaService:
    """Reads and sets quotas for actors who may; changes apply from the next picture on."""

    def __init__(self, quotas: Quotas, permissions: Permissions, fallback: QuotaPolicy) -> None:
        self._quotas = quotas
        self._permissions = permissions
        self._fallback = fallback

    async def own(self, actor: Actor) -> QuotaStatus:
        """Return the actor's own quota and its use on this server."""
        return await self._status(actor.guild_id, actor.user_id)

    async def show(self, actor: Actor, user_id: int) -> QuotaStatus | Refused:
        """Return any member's quota and its use, for admins."""
        if not self._permissions.allows(actor, Action.SEE_ANY_QUOTA):
            return Refused(NotAllowed(Action.SEE_ANY_QUOTA))
        return await self._status(actor.guild_id, user_id)

    async def set(
        self, actor: Actor, user_id: int, pictures: int, hours: int | None
    ) -> QuotaStatus | Refused:
        """Set one user's quota. hours: the window, None = that of the bot's own default."""
        policy = self._checked_policy(actor, pictures, hours, PolicySource.USER)
        if isinstance(policy, Refused):
            return policy
        by = actor.user_id
        await self._quotas.set_user(actor.guild_id, user_id, pictures, policy.hours, by)
        return await self._status(actor.guild_id, user_id)

    async def set_default(
        self, actor: Actor, pictures: int, hours: int | None
    ) -> QuotaPolicy | Refused:
        """Set the quota of every member of this server who has none of their own."""
        policy = self._checked_policy(actor, pictures, hours, PolicySource.SERVER)
        if isinstance(policy, Refused):
            return policy
        await self._quotas.set_default(actor.guild_id, pictures, policy.hours, actor.user_id)
        return policy

    async def clear(self, actor: Actor, user_id: int) -> QuotaStatus | Refused:
        """Remove a user's own quota, so that the server's default applies again."""
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        await self._quotas.clear_user(actor.guild_id, user_id)
        return await self._status(actor.guild_id, user_id)

    def _checked_policy(
        self, actor: Actor, pictures: int, hours: int | None, source: PolicySource
    ) -> QuotaPolicy | Refused:
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        window = self._fallback.hours if hours is None else hours
        if not 0 <= pictures <= MAX_PICTURES:
            return Refused(OutOfRange("pictures", pictures, 0, MAX_PICTURES))
        if not 1 <= window <= MAX_HOURS:
            return Refused(OutOfRange("hours", window, 1, MAX_HOURS))
        return QuotaPolicy(pictures, window, source)

    async def _status(self, guild_id: int, user_id: int) -> QuotaStatus:
        return await self._quotas.status(guild_id, user_id, self._fallback)
