"""What moderators and the reporters of a picture write each other, and what became of it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from storage import log_entries
from storage.database import Database, Reads, Transaction
from storage.errors import IllegalTransition, UnknownRow
from storage.log_entries import LogEvent, Value
from storage.timestamps import from_us, from_us_or_none, to_us
from storage.types import Clock, Verdict

MESSAGE_LIMIT_CHARS: Final = 1000
"""The longest message either way. Chosen by hand: several of them fit on the report's card."""
REPLIES_LIMIT: Final = 5
"""Replies of one reporter since the moderators last wrote. Chosen by hand."""

_PARTS: Final = (
    "FROM report_messages AS m JOIN reports AS r ON r.id = m.report_id "
    "JOIN cases AS c ON c.id = r.case_id JOIN pictures AS p ON p.id = c.picture_id"
)
_SELECT: Final = (
    "SELECT m.*, r.locale, c.picture_id, c.verdict, p.deleted_at IS NOT NULL AS picture_erased "
    f"{_PARTS}"
)
_BY_ID: Final = f"{_SELECT} WHERE m.id = ?"
_WRITE: Final = (
    "INSERT INTO report_messages "
    "(report_id, guild_id, kind, user_id, moderator_id, text, state, written_at) "
    "SELECT id, guild_id, ?, user_id, ?, ?, 'waiting', ? FROM reports "
)
_REPORT_OF: Final = (
    "SELECT r.id, r.guild_id, c.id AS case_id, c.verdict, c.channel_id, c.message_id "
    "FROM cases AS c "
    "JOIN reports AS r ON r.case_id = c.id WHERE c.picture_id = ? AND r.user_id = ? "
    "ORDER BY r.id DESC LIMIT 1"
)


class MessageKind(StrEnum):
    """A moderator's message to a reporter, the same with the verdict, or a reporter's reply."""

    ANSWER = "answer"
    VERDICT = "verdict"
    REPLY = "reply"


class MessageState(StrEnum):
    """What became of a message. REFUSED: the reporter takes no direct messages. LEFT: they are not
    on the server any more. A reply is delivered from the start."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class ReportMessage:
    """One message. moderator_id: who wrote it, None for a reply. locale: what the reporter reads,
    None if unknown. verdict: of the case as it is now. attempted_at: when it was first sent."""

    id: int
    report_id: int
    picture_id: int
    guild_id: int
    kind: MessageKind
    reporter_id: int
    moderator_id: int | None
    text: str
    locale: str | None
    state: MessageState
    written_at: datetime
    attempted_at: datetime | None
    picture_erased: bool
    verdict: Verdict | None


class TooManyReplies(Exception):
    """The reporter has written often enough since the moderators last wrote."""


class ReportMessages:
    """Messages about reports. Texts have 1 to MESSAGE_LIMIT_CHARS characters.

    A message about a case that was decided raises IllegalTransition, one about a report that does
    not exist UnknownRow; both change nothing.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def answer(
        self, picture_id: int, by: int, text: str, report_id: int | None = None
    ) -> tuple[int, ...]:
        """Write to everybody who reported a picture, or to one of them; return the messages' ids.

        Empty if there is nobody: the filter reported it, or who did erased their data.
        """
        async with self._db.transaction() as transaction:
            case = await transaction.fetch_one(
                "SELECT id, verdict FROM cases WHERE picture_id = ? ORDER BY id DESC LIMIT 1",
                (picture_id,),
            )
            if case is None:
                raise UnknownRow("report of picture", picture_id)
            if case["verdict"] is not None:
                raise IllegalTransition("case", case["id"], case["verdict"], MessageKind.ANSWER)
            return await write_to_all(
                transaction, case["id"], MessageKind.ANSWER, by, text, self._clock(), report_id
            )

    async def reply(self, picture_id: int, user_id: int, text: str) -> None:
        """Write to the moderators, who wrote first. Raises TooManyReplies."""
        async with self._db.transaction() as transaction:
            report = await self._open_report(transaction, picture_id, user_id)
            rows = await transaction.fetch_all(
                "SELECT kind FROM report_messages WHERE report_id = ? ORDER BY id DESC LIMIT ?",
                (report["id"], REPLIES_LIMIT),
            )
            kinds = [MessageKind(row["kind"]) for row in rows]
            if len(kinds) == REPLIES_LIMIT and set(kinds) == {MessageKind.REPLY}:
                raise TooManyReplies
            now = self._clock()
            await transaction.execute(
                "INSERT INTO report_messages (report_id, guild_id, kind, user_id, text, state, "
                "written_at, settled_at) VALUES (?, ?, 'reply', ?, ?, 'delivered', ?, ?)",
                (report["id"], report["guild_id"], user_id, text, to_us(now), to_us(now)),
            )
            await log_entries.note(
                transaction,
                report["guild_id"],
                LogEvent.REPORTS,
                "report reply",
                now,
                actor_id=user_id,
                data=_about(report, picture_id),
            )

    async def check_reply(self, picture_id: int, user_id: int) -> None:
        """Raise what reply() would because of the report itself."""
        await self._open_report(self._db, picture_id, user_id)

    async def of_case(self, case_id: int) -> tuple[ReportMessage, ...]:
        """Return all messages about a case, oldest first."""
        rows = await self._db.fetch_all(f"{_SELECT} WHERE r.case_id = ? ORDER BY m.id", (case_id,))
        return tuple(map(_message, rows))

    async def get(self, message_id: int) -> ReportMessage | None:
        """Return a message; None if it was erased."""
        row = await self._db.fetch_one(_BY_ID, (message_id,))
        return None if row is None else _message(row)

    async def waiting(self) -> list[int]:
        """Return the ids of the messages that are still to be sent, in order."""
        rows = await self._db.fetch_all(
            "SELECT id FROM report_messages WHERE state = 'waiting' ORDER BY id"
        )
        return [row["id"] for row in rows]

    async def attempt(self, message_id: int) -> bool:
        """Write down that a message is being sent; False if it is gone or settled: then it must not
        be."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "UPDATE report_messages SET attempted_at = coalesce(attempted_at, ?) "
                "WHERE id = ? AND state = 'waiting'",
                (to_us(self._clock()), message_id),
            )
        return changed > 0

    async def settle(
        self, message_id: int, state: MessageState, shown_id: int | None = None
    ) -> None:
        """Write down what became of a message. shown_id: of the direct message that shows it."""
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "UPDATE report_messages SET state = ?, settled_at = ?, message_id = ? "
                "WHERE id = ? AND state = 'waiting'",
                (state, to_us(self._clock()), shown_id, message_id),
            )

    async def _open_report(self, reads: Reads, picture_id: int, user_id: int) -> sqlite3.Row:
        """Return the newest report of a picture by a user to whom the moderators have written."""
        report = await reads.fetch_one(_REPORT_OF, (picture_id, user_id))
        if report is None:
            raise UnknownRow("report of picture", picture_id)
        if report["verdict"] is not None:
            raise IllegalTransition("case", report["case_id"], report["verdict"], MessageKind.REPLY)
        written = await reads.fetch_one(
            "SELECT 1 FROM report_messages WHERE report_id = ? AND moderator_id IS NOT NULL",
            (report["id"],),
        )
        if written is None:
            raise UnknownRow("answer to report", report["id"])
        return report


async def write_to_all(
    transaction: Transaction,
    case_id: int,
    kind: MessageKind,
    by: int,
    text: str,
    now: datetime,
    report_id: int | None = None,
) -> tuple[int, ...]:
    """Write to all reporters of a case, or to one of them; return the messages' ids."""
    rows = await transaction.fetch_all(
        f"{_WRITE} WHERE case_id = ? AND user_id > 0 AND (? IS NULL OR id = ?) RETURNING id",
        (kind, by, text, to_us(now), case_id, report_id, report_id),
    )
    return tuple(sorted(row["id"] for row in rows))


def _about(report: sqlite3.Row, picture_id: int) -> dict[str, Value]:
    """Return what the log says of a reply: the picture, and the card where it stands."""
    if report["message_id"] is None:
        return {"picture": picture_id}
    names = ("guild_id", "channel_id", "message_id")
    return {
        "picture": picture_id,
        "message": {each.removesuffix("_id"): report[each] for each in names},
    }


def _message(row: sqlite3.Row) -> ReportMessage:
    return ReportMessage(
        id=row["id"],
        report_id=row["report_id"],
        picture_id=row["picture_id"],
        guild_id=row["guild_id"],
        kind=MessageKind(row["kind"]),
        reporter_id=row["user_id"],
        moderator_id=row["moderator_id"],
        text=row["text"],
        locale=row["locale"],
        state=MessageState(row["state"]),
        written_at=from_us(row["written_at"]),
        attempted_at=from_us_or_none(row["attempted_at"]),
        picture_erased=bool(row["picture_erased"]),
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
    )
