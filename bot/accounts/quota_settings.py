"""Read and change quotas, with permission checks; `storage/quotas.py` counts and refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from bot.accounts.permissions import Action, Actor, Permissions
from bot.request.outcomes import NotADay, NotAllowed, OutOfRange, Refused
from bot.request.reasons.quotas import ExpiryPassed, NoAmount, OptionsExclude, TooManyGrants
from bot.request.values.days import read_days
from storage.preferences import Preferences
from storage.quota_grants import GRANTS_LIMIT
from storage.quota_policies import EVERYBODY, QuotaRule, QuotaSubject
from storage.quota_windows import day_of, day_start, zone_of
from storage.quotas import Quotas, UserUsage
from storage.types import Clock, Place, PolicySource, QuotaExceeded, QuotaPolicy, QuotaStatus

MAX_PICTURES = 1_000_000
"""The largest quota that can be set. Chosen by hand."""
MAX_HOURS = 8760
"""The longest window that can be set: a year."""
MAX_GRANT_DAYS = 3660
"""How far ahead the last day of a grant may lie: ten years. Chosen by hand."""

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
class QuotaGranted:
    """Pictures that were granted, and the member's quota now. expires_at: None for never."""

    pictures: int
    expires_at: datetime | None
    status: QuotaStatus


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """Who painted how much within the last hours, whoever painted most first."""

    hours: int
    users: tuple[UserUsage, ...]

    @property
    def total(self) -> int:
        """What all of them painted."""
        return sum(each.cost for each in self.users)


@dataclass(frozen=True, slots=True)
class QuotaListing:
    """All policies that were set for a server. removed: those of roles that were deleted."""

    rules: tuple[QuotaRule, ...]
    fallback: QuotaPolicy
    removed: int = 0


QuotaChanged = Callable[[int, int | None], Awaitable[object]]
"""Called with the server and the member whose quota was changed, None for more than one."""


class QuotaService:
    """Reads and sets quotas for actors who may; changes apply from the next picture on."""

    def __init__(
        self,
        quotas: Quotas,
        permissions: Permissions,
        fallback: Callable[[], QuotaPolicy],
        clock: Clock,
        preferences: Preferences,
        *,
        changed: QuotaChanged | None = None,
    ) -> None:
        """changed: told of every change, once it is stored."""
        self._changed = changed
        self._quotas = quotas
        self._permissions = permissions
        self._fallback = fallback
        self._clock = clock
        self._preferences = preferences

    async def own(self, actor: Actor) -> QuotaStatus:
        """Return the actor's own quota and its use on this server."""
        return await self._status(actor.guild_id, Member(actor.user_id, actor.role_ids))

    async def refusal(self, actor: Actor, pictures: int) -> QuotaExceeded | None:
        """Return why the actor could not be charged for so many pictures now, or None."""
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        return await self._quotas.refusal(
            place, self._fallback(), pictures, actor.role_ids, answers=True
        )

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
        matching = policies.matching(member.role_ids, self._fallback())
        return QuotaReasons(await self._status(actor.guild_id, member), matching)

    def set_refusal(self, actor: Actor) -> Refused | None:
        """Return why the actor may not set quotas; None if they may."""
        allowed = self._permissions.allows(actor, Action.SET_QUOTA)
        return None if allowed else Refused(NotAllowed(Action.SET_QUOTA))

    async def set(
        self, actor: Actor, subject: QuotaSubject, typed: TypedQuota
    ) -> QuotaSet | Refused:
        """Set the quota of a member, of a role, or of everybody on this server."""
        policy = self._checked_policy(actor, typed, subject)
        if isinstance(policy, Refused):
            return policy
        guild_id = actor.guild_id
        await self._quotas.set(guild_id, subject, policy.pictures, policy.hours, actor.user_id)
        await self._tell(guild_id, subject)
        stored = await self._stored(guild_id, subject, policy)
        return QuotaSet(subject, stored, await self._status_of(guild_id, subject))

    async def clear(
        self, actor: Actor, subject: QuotaSubject, role_ids: frozenset[int] = frozenset()
    ) -> QuotaCleared | Refused:
        """Remove a quota, so that a less specific one applies. role_ids: those of a member."""
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        existed = await self._quotas.clear(actor.guild_id, subject) > 0
        await self._tell(actor.guild_id, subject)
        status = await self._status_of(actor.guild_id, subject, role_ids)
        return QuotaCleared(subject, existed, status)

    async def grant(
        self, actor: Actor, member: Member, pictures: int, last_day: str | None
    ) -> QuotaGranted | Refused:
        """Give a member pictures on top of their quota, until they are used or a day is over.

        last_day: as it is typed, in the server's time zone; None for as long as they last.
        """
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        if not 1 <= pictures <= MAX_PICTURES:
            return Refused(OutOfRange("pictures", pictures, 1, MAX_PICTURES))
        expires_at = None
        if last_day is not None:
            expires_at = await self._end_of(actor, last_day)
        if isinstance(expires_at, Refused):
            return expires_at
        guild_id, by = actor.guild_id, actor.user_id
        if not await self._quotas.grant(guild_id, member.user_id, pictures, expires_at, by):
            return Refused(TooManyGrants(GRANTS_LIMIT))
        await self._tell(guild_id, _subject_of(member))
        return QuotaGranted(pictures, expires_at, await self._status(guild_id, member))

    async def today(self, actor: Actor) -> date:
        """Return the day that it is in the server's time zone."""
        return day_of(self._clock(), await self._zone(actor))

    async def reset(self, actor: Actor, member: Member) -> QuotaStatus | Refused:
        """Let nothing that a member has painted or cancelled so far count any more."""
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        await self._quotas.reset(actor.guild_id, member.user_id)
        await self._tell(actor.guild_id, _subject_of(member))
        return await self._status(actor.guild_id, member)

    async def weights(self, actor: Actor, weighted: bool | None) -> bool | Refused:
        """Let large pictures count as more than one, or not; None changes nothing.

        Returns whether they do now.
        """
        if not self._permissions.allows(actor, Action.SET_QUOTA):
            return Refused(NotAllowed(Action.SET_QUOTA))
        if weighted is not None:
            await self._preferences.set_server(actor.guild_id, by=actor.user_id, weighted=weighted)
            await self._tell(actor.guild_id, EVERYBODY)
        return await self._quotas.weighs(actor.guild_id)

    async def usage(self, actor: Actor, hours: int) -> ServerUsage | Refused:
        """Return who painted how much on this server within the last hours."""
        if not self._permissions.allows(actor, Action.SEE_ANY_QUOTA):
            return Refused(NotAllowed(Action.SEE_ANY_QUOTA))
        if not 1 <= hours <= MAX_HOURS:
            return Refused(OutOfRange("hours", hours, 1, MAX_HOURS))
        return ServerUsage(hours, await self._quotas.used_by(actor.guild_id, hours))

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
        return QuotaListing(kept, self._fallback(), removed)

    async def _end_of(self, actor: Actor, typed: str) -> datetime | Refused:
        """Return the instant at which a day that was typed is over on this server."""
        today, days = await self.today(actor), read_days(typed)
        latest = today + timedelta(days=MAX_GRANT_DAYS)
        if days is None or days[1] > latest:
            return Refused(NotADay(typed, today, latest))
        if days[1] < today:
            return Refused(ExpiryPassed(days[1]))
        return day_start(days[1] + timedelta(days=1), await self._zone(actor))

    async def _tell(self, guild_id: int, subject: QuotaSubject) -> None:
        if self._changed is not None:
            one = subject.source is PolicySource.USER
            await self._changed(guild_id, subject.id if one else None)

    async def _zone(self, actor: Actor) -> tzinfo:
        policies = await self._quotas.policies(actor.guild_id, actor.user_id)
        return zone_of(policies.zone)

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
            None if typed.daily else self._fallback().hours if typed.hours is None else typed.hours
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
        return await self._quotas.status(
            guild_id, member.user_id, self._fallback(), member.role_ids
        )


def _subject_of(member: Member) -> QuotaSubject:
    return QuotaSubject(PolicySource.USER, member.user_id)


__all__ = [
    "EVERYBODY",
    "MAX_HOURS",
    "MAX_PICTURES",
    "Member",
    "QuotaCleared",
    "QuotaGranted",
    "QuotaListing",
    "QuotaReasons",
    "QuotaService",
    "QuotaSet",
    "QuotaSubject",
    "ServerUsage",
    "TypedQuota",
]
