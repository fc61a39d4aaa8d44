"""What admins and moderators changed on their servers, and the channels where that is posted.

Entries are written by `Database.transaction()`, together with the change that they are about.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.audit_draft import Value
from storage.database import Database
from storage.timestamps import from_us, to_us
from storage.types import Clock

_PAGE: Final = (
    "SELECT * FROM audit_log WHERE guild_id = :guild "
    "AND (:member IS NULL OR actor_id = :member OR target_id = :member) "
    "ORDER BY id DESC LIMIT :n OFFSET :skip"
)
_UNPOSTED: Final = (
    "SELECT a.* FROM audit_channels AS c CROSS JOIN audit_log AS a ON a.guild_id = c.guild_id "
    "AND a.id > c.posted_id WHERE c.guild_id = ? ORDER BY a.id LIMIT ?"
)
_NEWEST: Final = "SELECT coalesce(max(id), 0) AS id FROM audit_log WHERE guild_id = ?"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrative action. actor_id: 0 for somebody who was erased. target_id: the member
    that it is about, if any. data: what was chosen, by name."""

    id: int
    guild_id: int
    actor_id: int
    action: str
    target_id: int | None
    data: Mapping[str, Value]
    done_at: datetime


@dataclass(frozen=True, slots=True)
class AuditChannel:
    """Where a server's entries are posted. locale: the server's language, as Discord said it.
    problem: why the newest could not be posted, None if it was."""

    channel_id: int
    posted_id: int
    sending_id: int
    locale: str
    problem: str | None = None


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
        return tuple(map(_entry, await self._db.fetch_all(_PAGE, values)))

    async def members(self, guild_id: int) -> list[int]:
        """Return everybody whom the entries of a server name."""
        found = await self._db.fetch_all(
            "SELECT actor_id AS id FROM audit_log WHERE guild_id = ? UNION "
            "SELECT target_id FROM audit_log WHERE guild_id = ? AND target_id IS NOT NULL",
            (guild_id, guild_id),
        )
        return [row["id"] for row in found]

    async def forget(self, keep_days: int) -> int:
        """Delete entries that are older; returns how many."""
        before_us = to_us(self._clock() - timedelta(days=keep_days))
        async with self._db.transaction(bookkeeping=True) as transaction:
            return await transaction.execute(
                "DELETE FROM audit_log WHERE done_at < ?", (before_us,)
            )


class AuditChannels:
    """How far the channel of each server has been told.

    A message is noted before it is posted, so that a post that is tried again after a crash has the
    same entries, and Discord can tell that it is the same one.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int) -> AuditChannel | None:
        """Return the channel of a server; None if entries are not posted."""
        row = await self._db.fetch_one(
            "SELECT channel_id, posted_id, sending_id, locale, problem FROM audit_channels "
            "WHERE guild_id = ?",
            (guild_id,),
        )
        return None if row is None else AuditChannel(**row)

    async def choose(self, guild_id: int, channel_id: int | None, by: int, locale: str) -> None:
        """Post in this channel from now on, beginning with this choice; None: nowhere.

        What an earlier channel could not be told goes to the new one.
        """
        async with self._db.transaction() as transaction:
            if channel_id is None:
                await transaction.execute(
                    "DELETE FROM audit_channels WHERE guild_id = ?", (guild_id,)
                )
                return
            newest = await transaction.fetch_one(_NEWEST, (guild_id,))
            assert newest is not None
            await transaction.execute(
                "INSERT INTO audit_channels "
                "(guild_id, channel_id, posted_id, sending_id, locale, set_by, set_at) "
                "VALUES (:guild, :channel, :newest, :newest, :locale, :by, :now) "
                "ON CONFLICT (guild_id) DO UPDATE SET channel_id = excluded.channel_id, "
                "sending_id = posted_id, locale = excluded.locale, problem = NULL, "
                "set_by = excluded.set_by, set_at = excluded.set_at",
                {
                    "guild": guild_id,
                    "channel": channel_id,
                    "newest": newest["id"],
                    "locale": locale,
                    "by": by,
                    "now": to_us(self._clock()),
                },
            )

    async def behind(self) -> list[int]:
        """Return the servers whose channel has not been told everything."""
        found = await self._db.fetch_all(
            "SELECT guild_id FROM audit_channels AS c WHERE EXISTS "
            "(SELECT 1 FROM audit_log AS a WHERE a.guild_id = c.guild_id AND a.id > c.posted_id)"
        )
        return [row["guild_id"] for row in found]

    async def next_message(self, guild_id: int, limit: int) -> tuple[AuditEntry, ...]:
        """Return the oldest entries that were not posted, and note that they are being posted.

        Those of a message that may have arrived are returned as they were then.
        """
        channel = await self.of(guild_id)
        if channel is None:
            return ()
        entries = tuple(map(_entry, await self._db.fetch_all(_UNPOSTED, (guild_id, limit))))
        begun = tuple(each for each in entries if each.id <= channel.sending_id)
        if begun or not entries:
            return begun
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE audit_channels SET sending_id = max(posted_id, ?) WHERE guild_id = ?",
                (entries[-1].id, guild_id),
            )
        return entries

    async def posted(self, guild_id: int, channel_id: int, last_id: int) -> None:
        """Store that everything up to this entry is posted in this channel."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE audit_channels SET posted_id = max(posted_id, ?), "
                "sending_id = max(sending_id, ?), problem = NULL "
                "WHERE guild_id = ? AND channel_id = ?",
                (last_id, last_id, guild_id, channel_id),
            )

    async def failed(self, guild_id: int, channel_id: int, problem: str) -> None:
        """Store why nothing can be posted in this channel. Nothing counts as posted."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE audit_channels SET problem = ? WHERE guild_id = ? AND channel_id = ?",
                (problem, guild_id, channel_id),
            )


def _entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        guild_id=row["guild_id"],
        actor_id=row["actor_id"],
        action=row["action"],
        target_id=row["target_id"],
        data=json.loads(row["data"]),
        done_at=from_us(row["done_at"]),
    )
