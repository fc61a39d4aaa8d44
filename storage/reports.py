"""Reported pictures: one case per picture until moderators resolve it."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Final, NoReturn

from storage import report_messages
from storage.blocks import checked_reason
from storage.cases import open_case
from storage.database import Database, Reads
from storage.errors import IllegalTransition, UnknownRow
from storage.report_messages import MessageKind
from storage.timestamps import from_us, from_us_or_none, to_us
from storage.types import (
    AlreadyReported,
    Card,
    Case,
    Clock,
    Report,
    Verdict,
)

_PARTS: Final = (
    # CROSS JOIN: the cases go first, then each one's picture and reports are looked up.
    "CROSS JOIN pictures AS p ON p.id = c.picture_id CROSS JOIN reports AS r ON r.case_id = c.id"
)
_SELECT: Final = (
    "SELECT c.*, p.deleted_at IS NOT NULL AS picture_erased, "
    "r.id AS r_id, r.user_id AS r_user_id, r.reason AS r_reason, r.filed_at AS r_filed_at FROM"
)
_BY_ID: Final = f"{_SELECT} cases AS c {_PARTS} WHERE c.id = ? ORDER BY r.id"
_OPEN_FOR: Final = (
    f"{_SELECT} cases AS c {_PARTS} WHERE c.picture_id = ? AND c.resolved_at IS NULL ORDER BY r.id"
)
_LAST: Final = "(SELECT max(id) FROM cases WHERE picture_id = ?)"
_LAST_OF: Final = f"{_SELECT} cases AS c {_PARTS} WHERE c.id = {_LAST} ORDER BY r.id"
_STIRRED: Final = (
    "SELECT picture_id FROM cases WHERE resolved_at IS NULL AND message_id IS NULL "
    "UNION SELECT picture_id FROM cases WHERE resolved_at BETWEEN ? AND ? "
    "UNION SELECT c.picture_id FROM reports AS r CROSS JOIN cases AS c ON c.id = r.case_id "
    "WHERE r.filed_at BETWEEN ? AND ? "
    "UNION SELECT c.picture_id FROM report_messages AS m JOIN reports AS r ON r.id = m.report_id "
    "JOIN cases AS c ON c.id = r.case_id "
    "WHERE m.written_at BETWEEN ? AND ? OR m.settled_at BETWEEN ? AND ?"
)
_OLDEST: Final = (
    "(SELECT * FROM cases WHERE guild_id = ? AND resolved_at IS NULL ORDER BY id LIMIT ?)"
)
_OPEN: Final = f"{_SELECT} {_OLDEST} AS c {_PARTS} ORDER BY c.id, r.id"


class Reports:
    """Reports from being filed to their verdict.

    All reports of a picture join its open case, which has one card and one verdict; a report after
    the verdict opens another case. A second verdict raises IllegalTransition, an unknown id
    UnknownRow; both change nothing.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def file(
        self, picture_id: int, by: int, reason: str | None, locale: str | None = None
    ) -> Report | AlreadyReported:
        """Report a picture to its server's moderators, once per user while its case is open.

        open_for() returns the case, with its card if there is one. The reason is stored as given;
        an empty one becomes None. locale: what the user reads, None if unknown. UnknownRow for a
        picture that was erased or never existed, ValueError for more than 500 characters.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            case_id = await open_case(transaction, picture_id, to_us(self._clock()))
            earlier = await transaction.fetch_one(
                "SELECT * FROM reports WHERE case_id = ? AND user_id = ?", (case_id, by)
            )
            if earlier is not None:
                return AlreadyReported(_report(earlier, picture_id))
            row = await transaction.fetch_one(
                "INSERT INTO reports (case_id, guild_id, user_id, reason, filed_at, locale) "
                "SELECT id, guild_id, ?, ?, ?, ? FROM cases WHERE id = ? RETURNING *",
                (by, reason, to_us(self._clock()), locale or None, case_id),
            )
        assert row is not None
        return _report(row, picture_id)

    async def posted(self, report_id: int, channel_id: int, message_id: int) -> Case:
        """Store the card that shows the report's case; a later card replaces it.

        Also after a verdict, which may have come while the card was being posted: the returned case
        tells.
        """
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "UPDATE cases SET channel_id = ?, message_id = ? "
                "WHERE id = (SELECT case_id FROM reports WHERE id = ?) RETURNING id",
                (channel_id, message_id, report_id),
            )
            if row is None:
                raise UnknownRow("report", report_id)
            return await _case(transaction, row["id"])

    async def resolve(
        self, picture_id: int, by: int, verdict: Verdict, told: str | None = None
    ) -> Case:
        """Close the open case of a picture; `by` is the moderator who decided.

        told: the reason, which is to be sent to everybody who reported it; None sends nothing.

        Does nothing else: the caller deletes or blocks first, so that a crash in between leaves the
        case open. ValueError for an unknown verdict.
        """
        verdict = Verdict(verdict)
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "UPDATE cases SET verdict = ?, resolved_by = ?, resolved_at = ? "
                "WHERE picture_id = ? AND resolved_at IS NULL RETURNING id",
                (verdict, by, to_us(self._clock()), picture_id),
            )
            if row is None:
                await _refuse(transaction, picture_id, verdict)
            if told is not None:
                await report_messages.write_to_all(
                    transaction, row["id"], MessageKind.VERDICT, by, told, self._clock()
                )
            return await _case(transaction, row["id"])

    async def open_for(self, picture_id: int) -> Case | None:
        """Return the open case of a picture, or None."""
        found = await self._db.fetch_all(_OPEN_FOR, (picture_id,))
        return next(iter(_cases(found)), None)

    async def last_for(self, picture_id: int) -> Case | None:
        """Return the newest case of a picture, open or not; None if it was never reported."""
        found = await self._db.fetch_all(_LAST_OF, (picture_id,))
        return next(iter(_cases(found)), None)

    async def changed_since(self, since: datetime) -> list[int]:
        """Return the pictures whose moderator message may be missing or outdated, in order.

        That is every open case without one, and what was reported, written or decided since, but
        nothing that is further in the future than `since` is in the past: a clock that was set
        back would make every case a recent one. Reads every case, so it is meant for startup only.
        """
        now = self._clock()
        span = (to_us(since), to_us(now + (now - since)))
        found = await self._db.fetch_all(_STIRRED, span * 4)
        return sorted(row["picture_id"] for row in found)

    async def job_of(self, picture_id: int) -> int | None:
        """Return the job of a picture, erased or not; None if the picture never existed."""
        row = await self._db.fetch_one("SELECT job_id FROM pictures WHERE id = ?", (picture_id,))
        return None if row is None else row["job_id"]

    async def open(self, guild_id: int, limit: int) -> list[Case]:
        """Return at most `limit` open cases of a server, oldest first.

        ValueError for a limit below 1.
        """
        if limit < 1:
            raise ValueError(f"a list must have at least one case, not {limit}")
        found = await self._db.fetch_all(_OPEN, (guild_id, limit))
        return _cases(found)


async def _refuse(reads: Reads, picture_id: int, verdict: Verdict) -> NoReturn:
    last = await reads.fetch_one(
        "SELECT id, verdict FROM cases WHERE picture_id = ? ORDER BY id DESC LIMIT 1",
        (picture_id,),
    )
    if last is None:
        raise UnknownRow("report of picture", picture_id)
    raise IllegalTransition("case", last["id"], last["verdict"], verdict)


async def _case(reads: Reads, case_id: int) -> Case:
    (case,) = _cases(await reads.fetch_all(_BY_ID, (case_id,)))
    return case


def _cases(found: Iterable[sqlite3.Row]) -> list[Case]:
    """Group rows into cases; a case's rows are adjacent and hold one report each."""
    cases: list[Case] = []
    for _, rows in groupby(found, key=lambda row: row["id"]):
        each = list(rows)
        row = each[0]
        posted = row["message_id"] is not None
        cases.append(
            Case(
                id=row["id"],
                picture_id=row["picture_id"],
                guild_id=row["guild_id"],
                user_id=row["user_id"],
                opened_at=from_us(row["opened_at"]),
                picture_erased=bool(row["picture_erased"]),
                card=Card(row["channel_id"], row["message_id"]) if posted else None,
                verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
                resolved_by=row["resolved_by"],
                resolved_at=from_us_or_none(row["resolved_at"]),
                reports=tuple(_report(one, row["picture_id"], "r_") for one in each),
            )
        )
    return cases


def _report(row: sqlite3.Row, picture_id: int, prefix: str = "") -> Report:
    return Report(
        id=row[f"{prefix}id"],
        picture_id=picture_id,
        guild_id=row["guild_id"],
        by=row[f"{prefix}user_id"],
        reason=row[f"{prefix}reason"],
        filed_at=from_us(row[f"{prefix}filed_at"]),
    )
