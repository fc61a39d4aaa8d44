"""The log of each server: what admins and moderators changed, and other events while a channel of
theirs has not been told.

What was changed is written by `Database.transaction()`, together with the change; other events by
`log_entries.note`, where they happen.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage import log_entries
from storage.database import Database
from storage.log_entries import LogEvent, Value
from storage.timestamps import from_us, to_us
from storage.types import Clock

_PAGE: Final = (
    "SELECT * FROM audit_log WHERE guild_id = :guild AND event = 'audit' "
    "AND (:member IS NULL OR actor_id = :member OR target_id = :member) "
    "ORDER BY id DESC LIMIT :n OFFSET :skip"
)
EVENTS_KEPT: Final = timedelta(days=1)
"""How long an event that no admin made is kept once it is posted, so that a repeated one is known.
Chosen by hand."""
_POSTED: Final = (
    "DELETE FROM audit_log WHERE event <> 'audit' AND done_at < ? AND NOT EXISTS "
    "(SELECT 1 FROM log_channels AS c WHERE c.guild_id = audit_log.guild_id "
    "AND c.event = audit_log.event AND c.posted_id < audit_log.id)"
)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrative action, or an event that happened to a member. actor_id: 0 for nobody, or
    somebody who was erased. target_id: the member that it is about, if any. data: what was chosen,
    by name."""

    id: int
    guild_id: int
    actor_id: int
    action: str
    target_id: int | None
    data: Mapping[str, Value]
    done_at: datetime


class AuditLog:
    """The entries of all servers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def page(
        self, guild_id: int, limit: int, skip: int = 0, member_id: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Return entries of a server, the newest first, without so many that come before.

        member_id: only those that this member made or that are about them.
        """
        values = {"guild": guild_id, "member": member_id, "n": limit, "skip": skip}
        return tuple(map(entry_of, await self._db.fetch_all(_PAGE, values)))

    async def members(self, guild_id: int) -> list[int]:
        """Return everybody whom the entries of a server name."""
        found = await self._db.fetch_all(
            "SELECT actor_id AS id FROM audit_log WHERE guild_id = ? AND event = 'audit' UNION "
            "SELECT target_id FROM audit_log WHERE guild_id = ? AND target_id IS NOT NULL",
            (guild_id, guild_id),
        )
        return [row["id"] for row in found]

    async def record(
        self,
        guild_id: int,
        event: LogEvent,
        action: str,
        actor_id: int,
        data: Mapping[str, Value],
    ) -> None:
        """Write an event that no change comes with, as `log_entries.note` does; once."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            await log_entries.note(
                transaction,
                guild_id,
                event,
                action,
                self._clock(),
                actor_id=actor_id,
                data=data,
                once=True,
            )

    async def forget(self, keep_days: int) -> int:
        """Delete entries that are older, and events that are posted; returns how many."""
        now = self._clock()
        async with self._db.transaction(bookkeeping=True) as transaction:
            old = await transaction.execute(
                "DELETE FROM audit_log WHERE done_at < ?", (to_us(now - timedelta(days=keep_days)),)
            )
            return old + await transaction.execute(_POSTED, (to_us(now - EVENTS_KEPT),))


def entry_of(row: sqlite3.Row) -> AuditEntry:
    """Return the entry of a row of audit_log."""
    return AuditEntry(
        id=row["id"],
        guild_id=row["guild_id"],
        actor_id=row["actor_id"],
        action=row["action"],
        target_id=row["target_id"],
        data=json.loads(row["data"]),
        done_at=from_us(row["done_at"]),
    )
