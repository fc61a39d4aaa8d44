"""What admins filter out of their server's prompts, and what was decided about a job by it.

Patterns are texts that storage never reads.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from storage.database import Database, Transaction
from storage.timestamps import to_us
from storage.types import Clock


class FilterAction(StrEnum):
    """What becomes of a request in which a rule finds something."""

    REFUSE = "refuse"
    SPOILER = "spoiler"
    REPORT = "report"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class FilterRule:
    """Patterns of a server with one action.

    id: 0 until it is stored. lookup: the name as it is looked up. everywhere: also in channels that
    Discord marks as age-restricted. allowed: words in which the others find nothing. roles,
    channels: whom and where it does not concern.
    """

    id: int
    name: str
    lookup: str
    action: FilterAction = FilterAction.REFUSE
    everywhere: bool = True
    words: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    roles: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()

    @property
    def patterns(self) -> int:
        """How many patterns it has."""
        return len(self.words) + len(self.regexes) + len(self.allowed)


@dataclass(frozen=True, slots=True)
class ServerFilter:
    """All rules of a server, by name. tells: whether a refused member is told the pattern."""

    rules: tuple[FilterRule, ...] = ()
    tells: bool = False

    @property
    def patterns(self) -> int:
        """How many patterns all rules have together."""
        return sum(each.patterns for each in self.rules)


class Filters:
    """The rules of servers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int) -> ServerFilter:
        """Return what a server filters."""
        rows = await self._db.fetch_all(
            "SELECT * FROM filter_rules WHERE guild_id = ? ORDER BY lookup", (guild_id,)
        )
        row = await self._db.fetch_one(
            "SELECT tells FROM filter_settings WHERE guild_id = ?", (guild_id,)
        )
        return ServerFilter(tuple(map(_rule, rows)), row is not None and bool(row["tells"]))

    async def save(self, guild_id: int, rule: FilterRule, by: int) -> FilterRule:
        """Store a rule in place of the one of its `lookup`, if there is one."""
        async with self._db.transaction() as transaction:
            return await self._saved(transaction, guild_id, rule, by)

    async def remove(self, guild_id: int, rule_id: int) -> bool:
        """Forget a rule; False if there is none."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM filter_rules WHERE guild_id = ? AND id = ?", (guild_id, rule_id)
            )
        return changed > 0

    async def replace(self, guild_id: int, rules: Iterable[FilterRule], by: int) -> None:
        """Store these rules in place of all that the server has."""
        async with self._db.transaction() as transaction:
            await transaction.execute("DELETE FROM filter_rules WHERE guild_id = ?", (guild_id,))
            for each in rules:
                await self._saved(transaction, guild_id, each, by)

    async def tell(self, guild_id: int, tells: bool, by: int) -> None:
        """Decide whether refused members are told the pattern."""
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO filter_settings (guild_id, tells, set_by, set_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (guild_id) DO UPDATE SET tells = excluded.tells, "
                "set_by = excluded.set_by, set_at = excluded.set_at",
                (guild_id, tells, by, to_us(self._clock())),
            )

    async def _saved(
        self, transaction: Transaction, guild_id: int, rule: FilterRule, by: int
    ) -> FilterRule:
        row = await transaction.fetch_one(
            "INSERT INTO filter_rules (guild_id, name, lookup, action, everywhere, words, regexes, "
            "allowed, roles, channels, set_by, set_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (guild_id, lookup) DO UPDATE SET name = excluded.name, "
            "action = excluded.action, everywhere = excluded.everywhere, words = excluded.words, "
            "regexes = excluded.regexes, allowed = excluded.allowed, roles = excluded.roles, "
            "channels = excluded.channels, set_by = excluded.set_by, set_at = excluded.set_at "
            "RETURNING id",
            (
                guild_id,
                rule.name,
                rule.lookup,
                rule.action,
                rule.everywhere,
                *(_json(each) for each in (rule.words, rule.regexes, rule.allowed)),
                *(_json(each) for each in (rule.roles, rule.channels)),
                by,
                to_us(self._clock()),
            ),
        )
        assert row is not None
        return replace(rule, id=row["id"])


def _json(values: tuple[str, ...] | tuple[int, ...]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _rule(row: sqlite3.Row) -> FilterRule:
    return FilterRule(
        id=row["id"],
        name=row["name"],
        lookup=row["lookup"],
        action=FilterAction(row["action"]),
        everywhere=bool(row["everywhere"]),
        words=tuple(json.loads(row["words"])),
        regexes=tuple(json.loads(row["regexes"])),
        allowed=tuple(json.loads(row["allowed"])),
        roles=tuple(json.loads(row["roles"])),
        channels=tuple(json.loads(row["channels"])),
    )
