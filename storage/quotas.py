"""Quotas: how much of them is used, what a request costs, and whether it may be charged."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage import log_entries, quota_grants
from storage.database import Database, Reads, Transaction
from storage.erasure import usage as erased_usage
from storage.log_entries import LogEvent
from storage.quota_grants import Grant
from storage.quota_policies import (
    EVERYBODY,
    HOURS_LIMIT,
    PICTURES_LIMIT,
    QuotaRule,
    QuotaSubject,
    ServerPolicies,
    clear_policies,
    policies_of,
    rules_of,
    set_policy,
)
from storage.quota_usage import (
    CHARGED,
    HOUR_US,
    WHOSE,
    ceiling_reached,
    retry_at,
    usage_in_window,
)
from storage.timestamps import to_us
from storage.types import (
    Ceiling,
    Clock,
    Cost,
    Place,
    PolicySource,
    QuotaExceeded,
    QuotaPolicy,
    QuotaStatus,
)

__all__ = ["HOURS_LIMIT", "PICTURES_LIMIT", "Charges", "Quotas", "UserUsage"]

Roles = Collection[int]
_NO_ROLES: Final[Roles] = ()
_FORGIVEN: Final = f"ledger SET waived = pictures * weight {WHOSE}"


class _OnlyLooked(Exception):
    """Takes back what a transaction has written."""


def no_ceiling(guild_id: int) -> None:
    """No server has a ceiling."""


@dataclass(frozen=True, slots=True)
class UserUsage:
    """How much a user has painted, in pictures that count or would."""

    user_id: int
    cost: int


class Quotas:
    """Quotas of servers, roles and users, and how much of them is left.

    roles: those of the user on that server. fallback: the policy where nothing else holds.
    ceilings: returns what a whole server may be charged, None for no ceiling.
    """

    def __init__(
        self, db: Database, clock: Clock, ceilings: Callable[[int], Ceiling | None] = no_ceiling
    ) -> None:
        self._db = db
        self._clock = clock
        self._ceilings = ceilings

    async def set(
        self, guild_id: int, subject: QuotaSubject, pictures: int | None, hours: int | None, by: int
    ) -> None:
        """Set a quota, effective until it is cleared; as `quota_policies.set_policy`."""
        async with self._db.transaction() as transaction:
            await set_policy(transaction, guild_id, subject, pictures, hours, by, self._clock())

    async def set_user(
        self, guild_id: int, user_id: int, pictures: int, hours: int, by: int
    ) -> None:
        """Give a user of a server a policy of their own; as set()."""
        await self.set(guild_id, QuotaSubject(PolicySource.USER, user_id), pictures, hours, by)

    async def set_default(self, guild_id: int, pictures: int, hours: int, by: int) -> None:
        """Give a server a policy for everyone without their own; as set()."""
        await self.set(guild_id, EVERYBODY, pictures, hours, by)

    async def clear(self, guild_id: int, *subjects: QuotaSubject) -> int:
        """Remove the policies of these subjects, all or none; returns how many there were."""
        async with self._db.transaction() as transaction:
            return await clear_policies(transaction, guild_id, subjects)

    async def clear_user(self, guild_id: int, user_id: int) -> bool:
        """Remove a user's own policy; False if there was none."""
        return await self.clear(guild_id, QuotaSubject(PolicySource.USER, user_id)) > 0

    async def rules(self, guild_id: int) -> tuple[QuotaRule, ...]:
        """Return all policies that were set for a server."""
        return await rules_of(self._db, guild_id)

    async def policies(self, guild_id: int, user_id: int) -> ServerPolicies:
        """Return the policies of a server that can hold for this user."""
        return await policies_of(self._db, guild_id, user_id)

    async def policy(
        self, guild_id: int, user_id: int, fallback: QuotaPolicy, roles: Roles = _NO_ROLES
    ) -> QuotaPolicy:
        """Return the effective policy, the most specific one."""
        return await effective_policy(self._db, guild_id, user_id, fallback, roles)

    async def status(
        self, guild_id: int, user_id: int, fallback: QuotaPolicy, roles: Roles = _NO_ROLES
    ) -> QuotaStatus:
        """Return what is used and left now under the effective policy.

        Nothing is stored anew of somebody who was erased, whoever looks.
        """
        place, now = Place(guild_id, 0, user_id), self._clock()
        held = await erased_usage.is_held(self._db, self._db.path.parent, guild_id, user_id)
        if not held and await _ahead(self._db, guild_id, user_id, now) is None:
            return await _status(self._db, place, fallback, roles, now)
        async with self._looking(place) as (reads, now):
            return await _status(reads, place, fallback, roles, now)

    async def refusal(
        self,
        place: Place,
        fallback: QuotaPolicy,
        requested: int | Sequence[Cost],
        roles: Roles = _NO_ROLES,
        *,
        answers: bool = False,
    ) -> QuotaExceeded | None:
        """Return why that many pictures would be refused now, or None. Charges nothing.

        answers: the user has asked for them and is refused, which belongs in the server's log.
        Nothing else is stored anew of somebody who was erased, as of status().
        """
        costs = [Cost(requested)] if isinstance(requested, int) else requested
        ceiling = self._ceilings(place.guild_id)
        async with self._looking(place) as (reads, now):
            found = await decide(
                reads, place, fallback, costs, now=now, roles=roles, ceiling=ceiling
            )
        if not isinstance(found, QuotaExceeded):
            return None
        if answers:
            async with self._db.transaction() as transaction:
                await note_refusal(transaction, place, found, now)
        return found

    @asynccontextmanager
    async def _looking(self, place: Place) -> AsyncIterator[tuple[Reads, datetime]]:
        """Read everything as of one instant, with a user's charges in order.

        That is bookkeeping: whoever looks has decided nothing. Of somebody who was erased it is
        taken back afterwards, so that what they used is nobody's again.
        """
        whose = (place.guild_id, place.user_id)
        with suppress(_OnlyLooked):
            async with self._db.transaction(bookkeeping=True) as transaction:
                now = self._clock()
                held = await erased_usage.is_held(transaction, transaction.data_dir, *whose)
                await date_back(transaction, *whose, now)
                yield transaction, now
                if held:
                    raise _OnlyLooked

    async def weighs(self, guild_id: int) -> bool:
        """Return whether large pictures count as more than one on this server."""
        return (await policies_of(self._db, guild_id, 0)).weighted

    async def grant(
        self, guild_id: int, user_id: int, pictures: int, expires_at: datetime | None, by: int
    ) -> bool:
        """Give a user pictures on top of the quota; False if they have too many grants already.

        ValueError outside 1..1,000,000.
        """
        if not 1 <= pictures <= PICTURES_LIMIT:
            raise ValueError(f"pictures must be 1..{PICTURES_LIMIT}, not {pictures}")
        async with self._db.transaction() as transaction:
            return await quota_grants.add_grant(
                transaction, guild_id, user_id, pictures, expires_at, by, self._clock()
            )

    async def reset(self, guild_id: int, user_id: int) -> None:
        """Let nothing that the user has painted or cancelled so far count any more."""
        async with self._db.transaction() as transaction:
            now = self._clock()
            await date_back(transaction, guild_id, user_id, now)
            longest_us = to_us(now - timedelta(hours=HOURS_LIMIT))
            await transaction.execute(
                f"UPDATE {_FORGIVEN}",
                (guild_id, user_id, longest_us),
            )
            await transaction.execute(
                "DELETE FROM cancelled_painting "
                "WHERE guild_id = ? AND user_id = ? AND charged = 0 AND cancelled_at > ?",
                (guild_id, user_id, longest_us),
            )

    async def used_by(self, guild_id: int, hours: int) -> tuple[UserUsage, ...]:
        """Return who painted how much within these hours, and the one that has begun; most first.

        What was granted or forgiven is in it.
        """
        since = to_us(self._clock() - timedelta(hours=hours)) // HOUR_US
        rows = await self._db.fetch_all(
            "SELECT user_id, sum(cost) AS cost FROM usage_hours INDEXED BY usage_hours_of_server "
            "WHERE guild_id = ? AND hour >= ? GROUP BY user_id ORDER BY cost DESC, user_id",
            (guild_id, since),
        )
        return tuple(UserUsage(row["user_id"], row["cost"]) for row in rows)

    async def date_back_all(self) -> int:
        """Date back every user's charges from the future, as date_back() does.

        Returns how many users had any. Charges less than an hour ahead are left to their user's
        next request. Reads the hourly sums of all users.
        """
        now_us = to_us(self._clock())
        found = await self._db.fetch_all(
            "SELECT DISTINCT guild_id, user_id FROM usage_hours WHERE hour > ?",
            (now_us // HOUR_US,),
        )
        for row in found:
            async with self._db.transaction() as transaction:
                await date_back(transaction, row["guild_id"], row["user_id"], self._clock())
        return len(found)


async def _status(
    reads: Reads, place: Place, fallback: QuotaPolicy, roles: Roles, now: datetime
) -> QuotaStatus:
    policy = await effective_policy(reads, place.guild_id, place.user_id, fallback, roles)
    usage = await usage_in_window(reads, place, policy, now)
    grants = await quota_grants.grants_left(reads, place.guild_id, place.user_id, now)
    return usage.status(policy, grants)


async def effective_policy(
    reads: Reads, guild_id: int, user_id: int, fallback: QuotaPolicy, roles: Roles = _NO_ROLES
) -> QuotaPolicy:
    """Return the effective policy for this user, as `reads` sees it."""
    policies = await policies_of(reads, guild_id, user_id)
    return policies.matching(roles, fallback)[0]


async def date_back(transaction: Transaction, guild_id: int, user_id: int, now: datetime) -> None:
    """Take the future out of a user's charges, so that a clock that was ahead costs no quota.

    No charge can be from the future: the clock was ahead when it was made, or is behind now. The
    newest one is dated now and the others keep their distance from it, as if the clock that made
    them had gone on. So they count for one window at most from the moment this is noticed: with the
    user's next request or look at the quota, at the start of the bot, or by date_back_all(). What
    the user used before they were erased counts again first.
    """
    await erased_usage.give_back(transaction, guild_id, user_id)
    ahead = await _ahead(transaction, guild_id, user_id, now)
    if ahead is None:
        return
    if ahead.grants:
        await quota_grants.date_back_grants(transaction, guild_id, user_id, now)
    if ahead.newest_us is None:
        return
    now_us = to_us(now)
    await transaction.execute(
        "UPDATE ledger SET charged_at = charged_at - ? "
        "WHERE guild_id = ? AND user_id = ? AND charged_at > ? AND refunded_at IS NULL",
        (ahead.newest_us - now_us, guild_id, user_id, now_us),
    )


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What a clock that was ahead wrote: the newest charge, and whether there are such grants."""

    newest_us: int | None
    grants: bool


async def _ahead(reads: Reads, guild_id: int, user_id: int, now: datetime) -> _Ahead | None:
    """Return what is from the future; None if nothing is."""
    whose = (guild_id, user_id, to_us(now))
    rows = await reads.fetch_all(
        f"SELECT max(charged_at) AS newest {CHARGED} "
        f"UNION ALL SELECT max(granted_at) {quota_grants.AHEAD}",
        (*whose, *whose),
    )
    newest_us, granted_us = (row["newest"] for row in rows)
    if newest_us is None and granted_us is None:
        return None
    return _Ahead(newest_us, granted_us is not None)


@dataclass(frozen=True, slots=True)
class Charges:
    """What jobs are charged, each in the order in which they were asked for.

    weights: how many pictures each of a job's counts as. waived: how much of its cost does not
    count against the quota, because it is taken from `grants`.
    """

    weights: tuple[int, ...]
    waived: tuple[int, ...]
    grants: tuple[Grant, ...]


async def note_refusal(
    transaction: Transaction, place: Place, exceeded: QuotaExceeded, now: datetime
) -> None:
    """Write in the log of a server that a user's request was refused."""
    ceiling = exceeded.ceiling
    limit = exceeded.status.policy.pictures if ceiling is None else ceiling.pictures
    await log_entries.note(
        transaction,
        place.guild_id,
        LogEvent.QUOTA,
        "quota spent" if ceiling is None else "server quota spent",
        now,
        actor_id=place.user_id,
        data={"limit": limit or 0},
        once=True,
    )


async def check(
    reads: Reads,
    place: Place,
    fallback: QuotaPolicy,
    *,
    requested: int,
    now: datetime,
    roles: Roles = _NO_ROLES,
) -> QuotaExceeded | None:
    """Decide whether that many pictures may be charged now; None if they may."""
    found = await decide(reads, place, fallback, [Cost(requested)], now=now, roles=roles)
    return found if isinstance(found, QuotaExceeded) else None


async def decide(
    reads: Reads,
    place: Place,
    fallback: QuotaPolicy,
    costs: Sequence[Cost],
    *,
    now: datetime,
    roles: Roles = _NO_ROLES,
    ceiling: Ceiling | None = None,
) -> Charges | QuotaExceeded:
    """Decide whether jobs may be charged together now, and how. ceiling: of the whole server."""
    policies = await policies_of(reads, place.guild_id, place.user_id)
    policy = policies.matching(roles, fallback)[0]
    weights = tuple(each.weight if policies.weighted else 1 for each in costs)
    each_cost = [each.pictures * weight for each, weight in zip(costs, weights, strict=True)]
    requested = sum(each_cost)
    usage = await usage_in_window(reads, place, policy, now)
    grants = await quota_grants.grants_left(reads, place.guild_id, place.user_id, now)
    status = usage.status(policy, grants)
    if status.available is not None and requested > status.available:
        fits_at = await retry_at(reads, place, policy, usage, grants, requested=requested)
        return QuotaExceeded(status=status, requested=requested, retry_at=fits_at)
    if ceiling is not None:
        over = await ceiling_reached(reads, place.guild_id, ceiling, requested=requested, now=now)
        if over is not None:
            return QuotaExceeded(status, requested, over.retry_at, ceiling, over.used)
    return Charges(weights, _waived(each_cost, status.remaining), grants)


def _waived(costs: Sequence[int], remaining: int | None) -> tuple[int, ...]:
    """Return how much of each cost is beyond what remains of the quota."""
    if remaining is None:
        return (0,) * len(costs)
    waived: list[int] = []
    for cost in costs:
        counted = min(cost, remaining)
        remaining -= counted
        waived.append(cost - counted)
    return tuple(waived)
