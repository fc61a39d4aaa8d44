"""Erase everything of a person, or of a server, in one transaction."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from storage import cancelled_painting, log_entries, rows
from storage.cancelled_painting import BegunPainting, FreeCancelling
from storage.database import Database, Transaction
from storage.erasure import persons, rules
from storage.inputs import InputFiles
from storage.log_entries import LogEvent
from storage.quota_policies import policies_of
from storage.timestamps import to_us
from storage.types import Clock, Job

_HOUR_US: Final = 3_600_000_000
_OWN: Final = "user_id = :user AND (:guild IS NULL OR guild_id = :guild)"
_OWN_JOBS: Final = "j.user_id = :user AND (:guild IS NULL OR j.guild_id = :guild)"
_SERVER_JOBS: Final = "j.guild_id = :guild"
_LIVE: Final = f"SELECT * FROM jobs WHERE {_OWN} AND finished_at IS NULL ORDER BY id"
_GUILDS: Final = f"SELECT DISTINCT guild_id FROM jobs WHERE {_OWN} ORDER BY guild_id"

_NEW_MESSAGE: Final = (
    "INSERT INTO message_removals "
    "(guild_id, channel_id, message_id, user_id, job_id, since, reply_token, asked_at) "
)
_MESSAGES: Final = tuple(
    f"{_NEW_MESSAGE} {sql}"
    for sql in (
        # The results.
        "SELECT iif(d.road = 'direct', 0, j.guild_id), "
        "iif(d.road = 'direct', NULL, coalesce(d.thread_id, d.channel_id)), d.result_message_id, "
        "iif(d.road = 'direct', j.user_id, NULL), NULL, NULL, NULL, :now "
        "FROM jobs AS j JOIN deliveries AS d ON d.job_id = j.id "
        "WHERE {jobs} AND d.result_message_id IS NOT NULL",
        # What showed each job while it waited and was painted.
        "SELECT j.guild_id, d.channel_id, d.message_id, NULL, NULL, "
        "iif(d.reply_token IS NULL, NULL, j.accepted_at), d.reply_token, :now "
        "FROM jobs AS j JOIN deliveries AS d ON d.job_id = j.id "
        "WHERE {jobs} AND d.message_id IS NOT NULL "
        "AND (d.message_id IS NOT d.result_message_id OR d.road = 'direct')",
        # What may have been posted a moment ago.
        "SELECT iif(d.road = 'direct', 0, j.guild_id), "
        "iif(d.road = 'direct', NULL, coalesce(d.thread_id, d.channel_id)), NULL, "
        "iif(d.road = 'direct', j.user_id, NULL), j.id, d.attempted_at, NULL, :now "
        "FROM jobs AS j JOIN deliveries AS d ON d.job_id = j.id "
        "WHERE {jobs} AND d.state = 'pending' AND d.attempted_at IS NOT NULL "
        "AND (d.road IN ('post', 'direct') OR d.thread_id IS NOT NULL)",
        # Where pictures with many stars are shown once more.
        "SELECT s.guild_id, s.channel_id, s.message_id, NULL, "
        "iif(s.message_id IS NULL, j.id, NULL), iif(s.message_id IS NULL, s.begun_at, NULL), "
        "NULL, :now FROM jobs AS j JOIN pictures AS p ON p.job_id = j.id "
        "JOIN star_posts AS s ON s.picture_id = p.id WHERE {jobs}",
        # Cards of reports, with the picture.
        "SELECT guild_id, channel_id, message_id, NULL, NULL, NULL, NULL, :now "
        f"FROM cases WHERE {_OWN} AND message_id IS NOT NULL",
    )
)
_FILES: Final = (
    "INSERT OR IGNORE INTO file_removals (file, asked_at) SELECT p.file, :now "
    "FROM jobs AS j JOIN pictures AS p ON p.job_id = j.id "
    "WHERE {jobs} AND p.file <> '' AND p.file_removed_at IS NULL"
)
_INPUTS: Final = (
    "SELECT DISTINCT i.sha256 FROM job_inputs AS i JOIN jobs AS j ON j.id = i.job_id WHERE {jobs} "
    "UNION SELECT i.sha256 FROM jobs AS j JOIN pictures AS p ON p.job_id = j.id "
    "JOIN jobs AS made ON made.parent_picture_id = p.id "
    "JOIN job_inputs AS i ON i.job_id = made.id WHERE {jobs}"
)
_PICTURES: Final = (
    "SELECT p.file, j.guild_id FROM jobs AS j JOIN pictures AS p ON p.job_id = j.id "
    "WHERE {jobs} AND p.deleted_at IS NULL"
)
_ANSWERS: Final = (
    f"{_NEW_MESSAGE} SELECT 0, NULL, message_id, user_id, NULL, NULL, NULL, :now "
    f"FROM report_messages WHERE {_OWN} AND message_id IS NOT NULL"
)
"""What moderators wrote to the person."""
_DROP: Final = (
    "UPDATE deliveries SET state = 'dropped', settled_at = :now, reply_token = NULL "
    f"WHERE state = 'pending' AND job_id IN (SELECT id FROM jobs WHERE {_OWN})"
)
_REPORTED: Final = (
    "SELECT DISTINCT c.picture_id FROM reports AS r JOIN cases AS c ON c.id = r.case_id "
    "WHERE r.user_id = :user AND (:guild IS NULL OR r.guild_id = :guild) "
    "AND c.user_id <> :user AND c.message_id IS NOT NULL"
)
_KEEP_USAGE: Final = (
    "INSERT OR REPLACE INTO erased_usage (job_id, guild_id, person, until) "
    "SELECT job_id, guild_id, :person, charged_at + :window FROM ledger "
    "WHERE guild_id = :here AND user_id = :user AND refunded_at IS NULL "
    "AND charged_at > :now - :window"
)
_KEEP_CANCELLED: Final = (
    "INSERT OR IGNORE INTO erased_usage (job_id, guild_id, person, until) "
    "SELECT job_id, guild_id, :person, cancelled_at + :window FROM cancelled_painting "
    "WHERE guild_id = :here AND user_id = :user AND charged = 0 "
    "AND cancelled_at > :now - :window"
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased. jobs: those that were cancelled, to be stopped in the engine. reported:
    pictures of others whose cards showed words of the person. guild_ids: the servers where there
    was anything."""

    pictures: int
    jobs: tuple[Job, ...] = ()
    guild_ids: tuple[int, ...] = ()
    reported: tuple[int, ...] = ()
    messages: int = 0


class Erasing:
    """Erases persons and servers: all of it in one transaction, or nothing.

    purge.py does the rest, now or after a crash. free: returns what is free to cancel, and the
    quota where no other was set: a picture that is being painted is charged as if its person had
    cancelled it.
    """

    def __init__(self, db: Database, clock: Clock, free: Callable[[], FreeCancelling]) -> None:
        self._db = db
        self._clock = clock
        self._free = free

    async def person(
        self,
        user_id: int,
        guild_id: int | None = None,
        *,
        begun: Mapping[int, BegunPainting] = MappingProxyType({}),
    ) -> Erased:
        """Erase everything of a person, on one server or, with None, on all.

        begun: what had been painted of the jobs that are being painted, by their ids. ValueError
        for user 0, who is nobody. Raises StorageError; nothing was erased then.
        """
        if user_id <= 0:
            raise ValueError("nobody cannot be erased")
        await asyncio.to_thread(persons.make_key, self._db.path.parent)
        person = await asyncio.to_thread(persons.person_hash, self._db.path.parent, user_id)
        async with self._db.transaction() as transaction:
            now = self._clock()
            scope: dict[str, Any] = {
                "user": user_id,
                "guild": guild_id,
                "person": person,
                "now": to_us(now),
            }
            return await self._person(transaction, scope, begun, now)

    async def server(self, guild_id: int) -> Erased:
        """Erase everything of a server, also what its admins chose. Raises StorageError."""
        async with self._db.transaction() as transaction:
            scope = {"guild": guild_id, "now": to_us(self._clock())}
            live = [
                rows.job(row)
                for row in await transaction.fetch_all(
                    "SELECT * FROM jobs WHERE guild_id = :guild AND finished_at IS NULL", scope
                )
            ]
            files = await transaction.fetch_all(_PICTURES.format(jobs=_SERVER_JOBS), scope)
            await _remember_files(transaction, scope, _SERVER_JOBS)
            for sql in rules.server_statements():
                await transaction.execute(sql, scope)
            await _record(transaction, scope, None, 0, live)
        return Erased(len(files), tuple(live), (guild_id,))

    async def _person(
        self,
        transaction: Transaction,
        scope: dict[str, Any],
        begun: Mapping[int, BegunPainting],
        now: datetime,
    ) -> Erased:
        messages = 0
        for sql in _MESSAGES:
            messages += await transaction.execute(sql.format(jobs=_OWN_JOBS), scope)
        free = self._free()
        messages += await transaction.execute(_ANSWERS, scope)
        live = [
            await cancelled_painting.cancel(transaction, job, begun.get(job.id), free, now)
            for job in map(rows.job, await transaction.fetch_all(_LIVE, scope))
        ]
        await transaction.execute(_DROP, scope)
        found = await transaction.fetch_all(_PICTURES.format(jobs=_OWN_JOBS), scope)
        reported = await transaction.fetch_all(_REPORTED, scope)
        await _remember_files(transaction, scope, _OWN_JOBS)
        guilds = [row["guild_id"] for row in await transaction.fetch_all(_GUILDS, scope)]
        hours = [await self._keep_usage(transaction, scope, guild_id) for guild_id in guilds]
        for sql in rules.person_statements():
            await transaction.execute(sql, scope)
        for each in guilds:  # of whom, nobody learns
            await log_entries.note(transaction, each, LogEvent.ERASURES, "member erased", now)
        jobs = [each.job for each in live]
        await _record(transaction, scope, scope["person"], max(hours, default=0), jobs)
        return Erased(
            len(found),
            tuple(jobs),
            tuple(guilds),
            tuple(row["picture_id"] for row in reported),
            messages,
        )

    async def _keep_usage(
        self, transaction: Transaction, scope: dict[str, Any], guild_id: int
    ) -> int:
        """Keep what counts against the quota on a server; return its window in hours."""
        policies = await policies_of(transaction, guild_id, scope["user"])
        hours = policies.longest_hours(self._free().fallback)
        values = scope | {"here": guild_id, "window": hours * _HOUR_US}
        for sql in (_KEEP_USAGE, _KEEP_CANCELLED):
            await transaction.execute(sql, values)
        return hours


async def _remember_files(transaction: Transaction, scope: Mapping[str, Any], jobs: str) -> None:
    """Write down which files are to be removed; inputs only if nobody else needs them by then."""
    await transaction.execute(_FILES.format(jobs=jobs), scope)
    inputs = await transaction.fetch_all(_INPUTS.format(jobs=jobs), scope)
    for row in inputs:
        await transaction.execute(
            "INSERT OR IGNORE INTO file_removals (file, asked_at) VALUES (?, ?)",
            (InputFiles.file(row["sha256"]), scope["now"]),
        )


async def _record(
    transaction: Transaction,
    scope: Mapping[str, Any],
    person: str | None,
    hours: int,
    jobs: list[Job],
) -> None:
    await transaction.execute(
        "INSERT INTO erasures (id, person, guild_id, hours, unrecorded, erased_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            secrets.token_hex(16),
            person,
            scope["guild"],
            hours,
            json.dumps([job.id for job in jobs]),
            scope["now"],
        ),
    )
