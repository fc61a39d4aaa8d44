"""Which quota holds for a user: their own, their roles', the server's, or the bot's default."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Final

from storage.database import Reads, Transaction
from storage.quota_windows import DEFAULT_ZONE, find_zone
from storage.timestamps import to_us
from storage.types import PolicySource, QuotaPolicy

PICTURES_LIMIT: Final = 1_000_000
"""Far above any sensible quota. Chosen by hand."""
HOURS_LIMIT: Final = 8760
"""One year."""
_DAY_HOURS: Final = 24
_LONGEST_DAY_HOURS: Final = 25
"""Of a day on which clocks are set back."""

_POLICIES: Final = (
    "SELECT 'user' AS source, NULL AS role_id, pictures, hours, NULL AS zone, NULL AS weighted "
    "FROM user_quotas WHERE guild_id = ? AND user_id = ? "
    "UNION ALL SELECT 'role', role_id, pictures, hours, NULL, NULL "
    "FROM role_quotas WHERE guild_id = ? "
    "UNION ALL SELECT 'server', NULL, pictures, hours, NULL, NULL "
    "FROM server_quotas WHERE guild_id = ? "
    "UNION ALL SELECT 'settings', NULL, NULL, NULL, timezone, weighted "
    "FROM server_settings WHERE guild_id = ?"
)
_SETTINGS: Final = "settings"
_TABLES: Final = {
    PolicySource.USER: ("user_quotas", "user_id"),
    PolicySource.ROLE: ("role_quotas", "role_id"),
    PolicySource.SERVER: ("server_quotas", None),
}


@dataclass(frozen=True, slots=True)
class QuotaSubject:
    """For whom a quota is set: a user, a role, or (id 0) everybody on the server."""

    source: PolicySource
    id: int = 0


EVERYBODY: Final = QuotaSubject(PolicySource.SERVER)


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """A quota as it is stored, with who set it last."""

    subject: QuotaSubject
    policy: QuotaPolicy
    set_by: int


@dataclass(frozen=True, slots=True)
class ServerPolicies:
    """All policies of a server that can hold for one user. weighted: large pictures count more."""

    user: QuotaPolicy | None
    roles: tuple[QuotaPolicy, ...]
    server: QuotaPolicy | None
    zone: str = DEFAULT_ZONE
    weighted: bool = False

    def matching(self, role_ids: Collection[int], fallback: QuotaPolicy) -> tuple[QuotaPolicy, ...]:
        """Return the policies for a user with these roles; the first of them holds.

        The most specific comes first, of several roles the most generous.
        """
        roles = (each for each in self.roles if each.role_id in role_ids)
        found = (self.user, *sorted(roles, key=_generosity, reverse=True), self.server, fallback)
        return tuple(each for each in found if each is not None)

    def longest_hours(self, fallback: QuotaPolicy) -> int:
        """Return for how long at most a charge counts, whatever the user's roles."""
        found = (self.user, *self.roles, self.server, fallback)
        return max(each.hours or _LONGEST_DAY_HOURS for each in found if each is not None)


def _generosity(policy: QuotaPolicy) -> tuple[bool, Fraction, int, int]:
    """Compare by pictures per hour, a day being 24 of them; then by how many can come at once."""
    pictures = policy.pictures or 0
    rate = Fraction(pictures, policy.hours or _DAY_HOURS)
    return policy.pictures is None, rate, pictures, -(policy.role_id or 0)


async def policies_of(reads: Reads, guild_id: int, user_id: int) -> ServerPolicies:
    """Return the policies of a server for this user and its roles, as `reads` sees them."""
    rows = await reads.fetch_all(_POLICIES, (guild_id, user_id, guild_id, guild_id, guild_id))
    settings = next((row for row in rows if row["source"] == _SETTINGS), None)
    zone = (settings["zone"] if settings is not None else None) or DEFAULT_ZONE
    await _load_zone(zone)
    found = [
        _policy(row["pictures"], row["hours"], PolicySource(row["source"]), row["role_id"], zone)
        for row in rows
        if row["source"] != _SETTINGS
    ]

    def of(source: PolicySource) -> tuple[QuotaPolicy, ...]:
        return tuple(each for each in found if each.source is source)

    return ServerPolicies(
        next(iter(of(PolicySource.USER)), None),
        of(PolicySource.ROLE),
        next(iter(of(PolicySource.SERVER)), None),
        zone,
        settings is not None and bool(settings["weighted"]),
    )


def _policy(
    pictures: int | None, hours: int | None, source: PolicySource, role_id: int | None, zone: str
) -> QuotaPolicy:
    policy = QuotaPolicy(pictures, hours, source, role_id)
    return policy if hours is not None else replace(policy, zone=zone)


_known_zones: set[str] = {DEFAULT_ZONE}


async def _load_zone(name: str) -> None:
    """Read a zone's file on another thread, the first time that it is needed."""
    if name not in _known_zones:
        await asyncio.to_thread(find_zone, name)
        _known_zones.add(name)


async def rules_of(reads: Reads, guild_id: int) -> tuple[QuotaRule, ...]:
    """Return all quotas of a server: its own, then those of roles, then those of users."""
    rows = await reads.fetch_all(
        "SELECT 'server' AS source, 0 AS id, pictures, hours, set_by FROM server_quotas "
        "WHERE guild_id = ? "
        "UNION ALL SELECT 'role', role_id, pictures, hours, set_by FROM role_quotas "
        "WHERE guild_id = ? "
        "UNION ALL SELECT 'user', user_id, pictures, hours, set_by FROM user_quotas "
        "WHERE guild_id = ?",
        (guild_id, guild_id, guild_id),
    )
    settings = await reads.fetch_one(
        "SELECT timezone FROM server_settings WHERE guild_id = ?", (guild_id,)
    )
    zone = (None if settings is None else settings["timezone"]) or DEFAULT_ZONE
    rules: list[QuotaRule] = []
    for row in rows:
        source = PolicySource(row["source"])
        role_id = row["id"] if source is PolicySource.ROLE else None
        policy = _policy(row["pictures"], row["hours"], source, role_id, zone)
        rules.append(QuotaRule(QuotaSubject(source, row["id"]), policy, row["set_by"]))
    return tuple(rules)


async def set_policy(
    transaction: Transaction,
    guild_id: int,
    subject: QuotaSubject,
    pictures: int | None,
    hours: int | None,
    by: int,
    now: datetime,
) -> None:
    """Set a quota in place of the one that the subject had; None as in `QuotaPolicy`.

    by: the user who decided. ValueError outside 0..1,000,000 pictures and 1..8760 hours.
    """
    if pictures is not None and not 0 <= pictures <= PICTURES_LIMIT:
        raise ValueError(f"pictures must be 0..{PICTURES_LIMIT}, not {pictures}")
    if hours is not None and not 1 <= hours <= HOURS_LIMIT:
        raise ValueError(f"hours must be 1..{HOURS_LIMIT}, not {hours}")
    table, column = _TABLES[subject.source]
    keys = {"guild_id": guild_id} | ({} if column is None else {column: subject.id})
    values = {"pictures": pictures, "hours": hours, "set_by": by, "set_at": to_us(now)}
    row = keys | values
    into = (
        f"INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in values)
    )
    await transaction.execute(f"INSERT {into}", tuple(row.values()))


async def clear_policies(
    transaction: Transaction, guild_id: int, subjects: Iterable[QuotaSubject]
) -> int:
    """Remove the quotas of these subjects; returns how many there were."""
    removed = 0
    for subject in subjects:
        table, column = _TABLES[subject.source]
        where = "guild_id = ?" if column is None else f"guild_id = ? AND {column} = ?"
        values = (guild_id,) if column is None else (guild_id, subject.id)
        source = f"FROM {table} WHERE {where}"
        removed += await transaction.execute(f"DELETE {source}", values)
    return removed
