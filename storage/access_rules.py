"""What admins decide about who may paint where and with what, and which roles may be admins.

Values are JSON that storage never reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from storage.database import Database, Reads, Transaction
from storage.timestamps import to_us
from storage.types import Clock


class RuleScope(StrEnum):
    """For whom or where a rule holds, the most specific first."""

    USER = "user"
    CHANNEL = "channel"
    ROLE = "role"
    SERVER = "server"


class RuleKind(StrEnum):
    """What a rule decides. The values never change: rows and exported files hold them."""

    PAINT = "paint"
    MODELS = "models"
    LORAS = "loras"
    SIZE = "size"
    STEPS = "steps"
    SPEED = "speed"
    COUNT = "count"
    PENDING = "pending"
    COOLDOWN = "cooldown"
    PRIVATE = "private"
    SPOILER = "spoiler"


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """A user, a channel or category, a role, or (id 0) the whole server."""

    scope: RuleScope
    id: int = 0


WHOLE_SERVER: Final = RuleSubject(RuleScope.SERVER)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it is stored. kind: perhaps one that only a newer version knows."""

    subject: RuleSubject
    kind: str
    value: str
    set_by: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """All rules of a server in their order, and the roles that may use /admin there."""

    rules: tuple[StoredRule, ...] = ()
    admin_roles: frozenset[int] = frozenset()


class AccessRules:
    """The rules of servers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int) -> ServerAccess:
        """Return all that is decided on a server."""
        return await _access_of(self._db, guild_id)

    async def set(self, guild_id: int, rule: StoredRule, by: int) -> None:
        """Store a rule in place of its subject's one of that kind, if there is one."""
        async with self._db.transaction() as transaction:
            await self._write(transaction, guild_id, rule, by)

    async def remove(self, guild_id: int, rules: Iterable[tuple[RuleSubject, str]]) -> int:
        """Forget these rules, all or none; returns how many there were."""
        removed = 0
        async with self._db.transaction() as transaction:
            for subject, kind in rules:
                removed += await transaction.execute(
                    "DELETE FROM access_rules "
                    "WHERE guild_id = ? AND scope = ? AND subject_id = ? AND kind = ?",
                    (guild_id, subject.scope, subject.id, kind),
                )
        return removed

    async def replace(
        self, guild_id: int, before: ServerAccess, after: ServerAccess, by: int
    ) -> bool:
        """Put everything of `after` in place of `before`, all or nothing.

        False if the server does not have what is in `before` any more; then nothing changes. Rules
        that stay as they are keep who set them.
        """
        async with self._db.transaction() as transaction:
            found = await _access_of(transaction, guild_id)
            if found != before:
                return False
            for rule in set(found.rules) - set(after.rules):
                await transaction.execute(
                    "DELETE FROM access_rules "
                    "WHERE guild_id = ? AND scope = ? AND subject_id = ? AND kind = ?",
                    (guild_id, rule.subject.scope, rule.subject.id, rule.kind),
                )
            for rule in after.rules:
                if rule not in found.rules:
                    await self._write(transaction, guild_id, rule, by)
            for role_id in found.admin_roles - after.admin_roles:
                await _remove_role(transaction, guild_id, role_id)
            for role_id in after.admin_roles - found.admin_roles:
                await self._add_role(transaction, guild_id, role_id, by)
        return True

    async def admin_roles(self) -> dict[int, frozenset[int]]:
        """Return the roles that may use /admin, by server."""
        found: dict[int, set[int]] = {}
        for row in await self._db.fetch_all("SELECT guild_id, role_id FROM admin_roles"):
            found.setdefault(row["guild_id"], set()).add(row["role_id"])
        return {guild_id: frozenset(roles) for guild_id, roles in found.items()}

    async def add_admin_role(self, guild_id: int, role_id: int, by: int) -> None:
        """Let a role use /admin."""
        async with self._db.transaction() as transaction:
            await self._add_role(transaction, guild_id, role_id, by)

    async def remove_admin_roles(self, guild_id: int, role_ids: Iterable[int]) -> int:
        """Take /admin from these roles; returns how many had it."""
        async with self._db.transaction() as transaction:
            return sum([await _remove_role(transaction, guild_id, each) for each in role_ids])

    async def _write(
        self, transaction: Transaction, guild_id: int, rule: StoredRule, by: int
    ) -> None:
        await transaction.execute(
            "INSERT INTO access_rules (guild_id, scope, subject_id, kind, value, set_by, set_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (guild_id, scope, subject_id, kind) "
            "DO UPDATE SET value = excluded.value, set_by = excluded.set_by, "
            "set_at = excluded.set_at",
            (
                *(guild_id, rule.subject.scope, rule.subject.id, rule.kind, rule.value),
                *(by, to_us(self._clock())),
            ),
        )

    async def _add_role(
        self, transaction: Transaction, guild_id: int, role_id: int, by: int
    ) -> None:
        await transaction.execute(
            "INSERT INTO admin_roles (guild_id, role_id, set_by, set_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (guild_id, role_id) DO NOTHING",
            (guild_id, role_id, by, to_us(self._clock())),
        )


async def _remove_role(transaction: Transaction, guild_id: int, role_id: int) -> int:
    return await transaction.execute(
        "DELETE FROM admin_roles WHERE guild_id = ? AND role_id = ?", (guild_id, role_id)
    )


async def _access_of(reads: Reads, guild_id: int) -> ServerAccess:
    rows = await reads.fetch_all("SELECT * FROM access_rules WHERE guild_id = ?", (guild_id,))
    roles = await reads.fetch_all("SELECT role_id FROM admin_roles WHERE guild_id = ?", (guild_id,))
    rules = sorted(map(_rule, rows), key=in_order)
    return ServerAccess(tuple(rules), frozenset(row["role_id"] for row in roles))


def in_order(rule: StoredRule) -> tuple[int, int, str]:
    """Sort rules by their subjects, the most specific first."""
    return tuple(RuleScope).index(rule.subject.scope), rule.subject.id, rule.kind


def _rule(row: sqlite3.Row) -> StoredRule:
    subject = RuleSubject(RuleScope(row["scope"]), row["subject_id"])
    return StoredRule(subject, row["kind"], row["value"], row["set_by"])
