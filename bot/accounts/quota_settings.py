"""Read and change quotas, with permission checks; `storage/quotas.py` counts and refuses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotAllowed, OutOfRange, Refused
from bot.request.reasons.quotas import NoAmount, OptionsExclude
from storage.quota_policies import EVERYBODY, QuotaRule, QuotaSubject
from storage.quotas import Quotas
from storage.types import Place, PolicySource, QuotaExceeded, QuotaPolicy, QuotaStatus

MAX_PICTURES = 1_000_000
"""The largest quota that can be set. Chosen by hand."""
MAX_HOURS = 8760
"""The longest window that can be set: a year."""

Limit = Literal["unlimited", "none"]


@dataclass(frozen=True, slots=True)
class TypedQuota:
    """A quota as it is typed. hours: of the window, None = that of the bot's own default.

    limit: in place of a number. daily: per calendar day, in place of hours.
    """

    pictures: int | None = None
    limit: Limit | None = None
    hours: int | None = None
    daily: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member whose quota is asked for, with their roles as far as Discord tells them."""

    user_id: int
    role_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class QuotaReasons:
    """A quota and every policy that matches its member; the first of them holds."""

    status: QuotaStatus
    policies: tuple[QuotaPolicy, ...]


@dataclass(frozen=True, slots=True)
class QuotaSet:
    """A policy that was set for a subject, with the member's quota now where it is one."""

    subject: QuotaSubject
    policy: QuotaPolicy
    status: QuotaStatus | None = None


@dataclass(frozen=True, slots=True)
class QuotaCleared:
    """A policy that was removed. existed: there was one. status: as in `QuotaSet`."""

    subject: QuotaSubject
    existed: bool
    status: QuotaStatus | None = None


@dataclass(frozen=True, slots=True)
class QuotaListing:
    """All policies that were set for a server. removed: those of roles that were deleted."""

    rules: tuple[QuotaRule, ...]
    fallback: QuotaPolicy
    removed: int = 0


class QuotaService:
    """Reads and sets quotas for actors who may; changes apply from the next picture on."""

    def __init__(self, quotas: Quotas, permissions: Permissions, fallback: QuotaPolicy) -> None:
        self._quotas = quotas
        self._permissions = permissions
        self._fallback = fallback

    async def own(self, actor: Actor) -> QuotaStatus:
        """Return the actor's own quota and its use on this server."""
        return await self._status(actor.guild_id, Member(actor.user_id, actor.role_ids))

    async def refusal(self, actor: Actor, pictures: int) -> QuotaExceeded | None:
        """Return why the actor could not be charged for so many pictures now, or None."""
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        return await self._quotas.refusal(place, self._fallback, pictures, actor.role_ids)

    async def show(self, actor: Actor, member: Member) -> QuotaStatus | Refused:
        """Return any member's quota and its use, for admins."""
        if not self._permissions.allows(actor, Action.SEE_ANY_QUOTA):
            return Refused(NotAllowed(Action.SEE_ANY_QUOTA))
        return await self._status(actor.guild_id, member)

    async def why(self, actor: Actor, member: Member) -> QuotaReasons | Refused:
        """Return any member's quota, and all policies that could hold for them."""
        if not self._permissions.allows(actor, Action.SEE_ANY_QUOTA):
            return Refused(NotAllowed(Action.SEE_ANY_QUOTA))
        policies = await self._quotas.policies(actor.guild_id, member.user_id)
        matching = policies.matching(member.role_ids, self._fallback)
        return QuotaReasons(await self._status(actor.guild_id, member), matching)

    async def set(
        self, actor: Actor, subject: QuotaSubject, typed: TypedQuota
    ) -> QuotaSet | Refused:
        """Set the quota of a member, of a role, or of everybody on this server."""
        policy = self._checked_policy(actor, typed, subject)
        if isinstance(policy, Refused):
            return policy
        guild_id = actor.guild_id
        await self._quotas.set(guild_id, subject, policy.pictures, policy.hours, actor.user_id)
        stored = await self._stored(guild_id, subject, policy)
        return QuotaSet(subject, stored, await self._status_of(guild_id, subject))

    async def clear(
        self, actor: Actor, subject: QuotaSubject, role_ids: frozenset[int] = frozenset()
    ) -> QuotaCleared | Refused:
        """Remove a quota, so that a less specific one applies. role_ids: those of a member."""
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        existed = await self._quotas.clear(actor.guild_id, subject) > 0
        status = await self._status_of(actor.guild_id, subject, role_ids)
        return QuotaCleared(subject, existed, status)

    async def listing(
        self, actor: Actor, existing_roles: Collection[int] | None
    ) -> QuotaListing | Refused:
        """Return every policy of this server. existing_roles: None if Discord does not say.

        Those of roles that were deleted can never hold again: they are removed, and counted.
        """
        if not self._permissions.allows(actor, Action.SEE_ANY_QUOTA):
            return Refused(NotAllowed(Action.SEE_ANY_QUOTA))
        rules = await self._quotas.rules(actor.guild_id)
        gone = [
            each.subject
            for each in rules
            if each.subject.source is PolicySource.ROLE
            and existing_roles is not None
            and each.subject.id not in existing_roles
        ]
        removed = await self._quotas.clear(actor.guild_id, *gone) if gone else 0
        kept = tuple(each for each in rules if each.subject not in gone)
        return QuotaListing(kept, self._fallback, removed)

    def _checked_policy(
        self, actor: Actor, typed: TypedQuota, subject: QuotaSubject
    ) -> QuotaPolicy | Refused:
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        if typed.pictures is not None and typed.limit is not None:
            return Refused(OptionsExclude("pictures", "limit"))
        if typed.hours is not None and typed.daily:
            return Refused(OptionsExclude("hours", "per"))
        if typed.pictures is None and typed.limit is None:
            return Refused(NoAmount())
        pictures = 0 if typed.limit == "none" else typed.pictures
        hours = (
            None if typed.daily else self._fallback.hours if typed.hours is None else typed.hours
        )
        if pictures is not None and not 0 <= pictures <= MAX_PICTURES:
            return Refused(OutOfRange("pictures", pictures, 0, MAX_PICTURES))
        if hours is not None and not 1 <= hours <= MAX_HOURS:
            return Refused(OutOfRange("hours", hours, 1, MAX_HOURS))
        return QuotaPolicy(pictures, hours, subject.source)

    async def _stored(
        self, guild_id: int, subject: QuotaSubject, policy: QuotaPolicy
    ) -> QuotaPolicy:
        """Return a policy that was just set, with the server's time zone."""
        rules = await self._quotas.rules(guild_id)
        return next((each.policy for each in rules if each.subject == subject), policy)

    async def _status_of(
        self, guild_id: int, subject: QuotaSubject, role_ids: frozenset[int] = frozenset()
    ) -> QuotaStatus | None:
        if subject.source is not PolicySource.USER:
            return None
        return await self._status(guild_id, Member(subject.id, role_ids))

    async def _status(self, guild_id: int, member: Member) -> QuotaStatus:
        return await self._quotas.status(guild_id, member.user_id, self._fallback, member.role_ids)


__all__ = [
    "EVERYBODY",
    "MAX_HOURS",
    "MAX_PICTURES",
    "Member",
    "QuotaCleared",
    "QuotaListing",
    "QuotaReasons",
    "QuotaService",
    "QuotaSet",
    "QuotaSubject",
    "TypedQuota",
]
