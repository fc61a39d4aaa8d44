"""Reminders of members whose quota is used up, until they are sent or make no sense any more."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage import rows
from storage.database import Database
from storage.timestamps import from_us, from_us_or_none, to_us
from storage.types import Clock, Place

_BY_ID: Final = "SELECT * FROM quota_reminders WHERE id = ?"


@dataclass(frozen=True, slots=True)
class QuotaReminder:
    """A member wants to be told when `pictures`, in pictures that count, fit into their quota.

    place: where they asked; channel 0 for direct messages. locale: the language of everybody there;
    own_locale: theirs, "" = unknown. attempted_at: when it was first sent, None if it was not.
    """

    id: int
    place: Place
    pictures: int
    locale: str
    own_locale: str
    asked_at: datetime
    due_at: datetime
    attempted_at: datetime | None


class QuotaReminders:
    """At most one reminder for each member of a server."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def add(
        self, place: Place, pictures: int, due_at: datetime, *, locale: str, own_locale: str
    ) -> tuple[QuotaReminder, bool]:
        """Set a reminder; returns it and True, or the one that there is already and False."""
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "SELECT * FROM quota_reminders WHERE guild_id = ? AND user_id = ?",
                (place.guild_id, place.user_id),
            )
            if row is not None:
                return _reminder(row), False
            row = await transaction.fetch_one(
                "INSERT INTO quota_reminders (guild_id, user_id, channel_id, pictures, locale, "
                "own_locale, asked_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (
                    place.guild_id,
                    place.user_id,
                    place.channel_id,
                    pictures,
                    locale,
                    own_locale,
                    to_us(self._clock()),
                    to_us(due_at),
                ),
            )
        assert row is not None
        return _reminder(row), True

    async def get(self, reminder_id: int) -> QuotaReminder | None:
        """Return a reminder; None if it was sent or dropped."""
        row = await self._db.fetch_one(_BY_ID, (reminder_id,))
        return None if row is None else _reminder(row)

    async def due(self, after_id: int, limit: int) -> list[QuotaReminder]:
        """Return at most `limit` reminders whose time has come, by their ids, after `after_id`."""
        found = await self._db.fetch_all(
            "SELECT * FROM quota_reminders INDEXED BY quota_reminders_due "
            "WHERE due_at <= ? AND id > ? ORDER BY id LIMIT ?",
            (to_us(self._clock()), after_id, limit),
        )
        return [_reminder(row) for row in found]

    async def date_back(self) -> int:
        """Let reminders that a clock that was ahead has made be due as soon as was meant; returns
        how many there were."""
        async with self._db.transaction() as transaction:
            now_us = to_us(self._clock())
            return await transaction.execute(
                "UPDATE quota_reminders SET due_at = due_at - (asked_at - ?), asked_at = ? "
                "WHERE asked_at > ?",
                (now_us, now_us, now_us),
            )

    async def hurry(self, guild_id: int, user_id: int | None) -> int:
        """Let reminders be looked at now, because a quota was changed: of one member or, with None,
        of all of the server. Returns how many."""
        async with self._db.transaction() as transaction:
            return await transaction.execute(
                "UPDATE quota_reminders SET due_at = min(due_at, ?) "
                "WHERE guild_id = ? AND (? IS NULL OR user_id = ?)",
                (to_us(self._clock()), guild_id, user_id, user_id),
            )

    async def postpone(self, reminder_id: int, due_at: datetime) -> None:
        """Let a reminder be due at another time; nothing if it is gone."""
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "UPDATE quota_reminders SET due_at = ? WHERE id = ?", (to_us(due_at), reminder_id)
            )

    async def attempt(self, reminder_id: int) -> QuotaReminder | None:
        """Write down that a reminder is being sent; None if it is gone: then it must not be."""
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "UPDATE quota_reminders SET attempted_at = coalesce(attempted_at, ?) "
                "WHERE id = ? RETURNING *",
                (to_us(self._clock()), reminder_id),
            )
        return None if row is None else _reminder(row)

    async def remove(self, reminder_id: int) -> None:
        """Forget a reminder that was sent or makes no sense any more."""
        async with self._db.transaction() as transaction:
            await transaction.execute("DELETE FROM quota_reminders WHERE id = ?", (reminder_id,))


def _reminder(row: sqlite3.Row) -> QuotaReminder:
    return QuotaReminder(
        id=row["id"],
        place=rows.place(row),
        pictures=row["pictures"],
        locale=row["locale"],
        own_locale=row["own_locale"],
        asked_at=from_us(row["asked_at"]),
        due_at=from_us(row["due_at"]),
        attempted_at=from_us_or_none(row["attempted_at"]),
    )
