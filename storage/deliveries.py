"""The way of a result to its person, written down before every step that cannot be undone."""

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from storage import rows
from storage.database import Database, Transaction
from storage.errors import IllegalTransition, UnknownRow
from storage.lifecycle import TERMINAL, check_delivery_step
from storage.rows import DELIVERY_COLUMNS, JOB_COLUMNS, PICTURE_COLUMNS, columns
from storage.timestamps import to_us
from storage.types import Clock, Delivery, DeliveryState, JobState, PendingDelivery, Route

# The word 'pending' stands in the text, not in a parameter: the partial index needs to see it.
_PENDING: Final = " ".join(
    (
        "SELECT",
        ", ".join(
            (
                columns(DELIVERY_COLUMNS, "d", "d_"),
                columns(JOB_COLUMNS, "j", "j_"),
                columns(PICTURE_COLUMNS, "p", "p_"),
                "j.channel_id AS p_channel_id, j.prompt AS p_prompt, j.private AS p_private",
            )
        ),
        "FROM deliveries AS d JOIN jobs AS j ON j.id = d.job_id",
        "LEFT JOIN pictures AS p ON p.job_id = d.job_id AND p.deleted_at IS NULL",
        "WHERE d.state = 'pending' AND j.finished_at IS NOT NULL",
    )
)


class Deliveries:
    """Deliveries from pending to their end.

    A step that the lifecycle does not allow raises IllegalTransition, a job that does not exist
    UnknownRow; both leave everything as it was. Only a finished job can be tried and settled;
    only dropping is allowed before.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def placed(self, job_id: int, message_id: int, *, reply_token: str | None = None) -> None:
        """Remember the message that shows the job while it waits and is painted.

        Of a private job that message can be changed through the token alone, which is kept:
        `reply_token`, or where there is none, the one that the job was accepted with.
        """
        async with self._db.transaction() as transaction:
            row = await _pending(transaction, job_id, "placed")
            token = (reply_token or row["reply_token"]) if row["private"] else None
            await transaction.execute(
                "UPDATE deliveries SET message_id = ?, reply_token = ? WHERE job_id = ?",
                (message_id, token, job_id),
            )

    async def attempt(self, job_id: int, road: Route, thread_id: int | None = None) -> Delivery:
        """Write down road and instant of the first try, before it; returns the road that holds.

        A road once tried stays, with its first instant, whatever is asked for later: after a
        crash nobody knows whether that try arrived, and a second road could double it. The same
        goes for thread_id, on Road.THREAD.
        """
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "attempted")
            first = thread_id is not None and row["thread_id"] is None and row["road"] == road
            if row["road"] is None or first:
                return await self._take(transaction, job_id, road, thread_id)
            return rows.delivery(row)

    async def switch(self, job_id: int, road: Route, detour: str | None = None) -> Delivery:
        """Write down another road and the instant of its first try, before it.

        For a caller that knows the earlier road to have failed. The road that holds already
        keeps its first instant. detour: why the way that its person wanted is closed; the first
        reason stays.
        """
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "switched")
            if row["road"] == road:
                return rows.delivery(row)
            await transaction.execute(
                "UPDATE deliveries SET detour = coalesce(detour, ?) WHERE job_id = ?",
                (detour, job_id),
            )
            return await self._take(transaction, job_id, road)

    async def thread_gone(self, job_id: int) -> Delivery:
        """Write down that the thread it was tried in is gone, with whatever stood in it."""
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "without its thread")
            return await self._take(transaction, job_id, Route(row["road"]))

    async def missed(self, job_id: int) -> Delivery:
        """Write down that no try on the road that holds has arrived: the next one is the first."""
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "missed")
            return await self._take(transaction, job_id, Route(row["road"]), row["thread_id"])

    async def delivered(self, job_id: int, result_message_id: int | None = None) -> Delivery:
        """Settle: its person has it, in this message where there is one."""
        return await self._settle(job_id, DeliveryState.DELIVERED, message_id=result_message_id)

    async def kept(self, job_id: int, detail: str) -> Delivery:
        """Settle: it cannot be posted, for this reason, and waits in the history."""
        return await self._settle(job_id, DeliveryState.KEPT, detail=detail)

    async def dropped(self, job_id: int) -> Delivery:
        """Settle: its person does not want it any more."""
        return await self._settle(job_id, DeliveryState.DROPPED)

    async def pending(self) -> list[PendingDelivery]:
        """Every finished job that is not settled, in the order of acceptance."""
        found = await self._db.fetch_all(f"{_PENDING} ORDER BY d.job_id, p.id")
        grouped = groupby(found, key=lambda row: row["d_job_id"])
        return [_with_pictures(list(group)) for _, group in grouped]

    async def pending_for(self, job_id: int) -> PendingDelivery | None:
        """The same for one job; None when it is settled, unfinished or unknown."""
        found = await self._db.fetch_all(f"{_PENDING} AND d.job_id = ? ORDER BY p.id", (job_id,))
        return _with_pictures(found) if found else None

    async def kept_among(self, job_ids: Sequence[int]) -> frozenset[int]:
        """Which of these jobs' results no message shows: they could not be posted."""
        marks = ", ".join("?" * len(job_ids))
        found = await self._db.fetch_all(
            f"SELECT job_id FROM deliveries WHERE state = 'kept' AND job_id IN ({marks})",  # noqa: S608 only marks
            tuple(job_ids),
        )
        return frozenset(row["job_id"] for row in found)

    async def get(self, job_id: int) -> Delivery | None:
        """The delivery of a job as last committed; None when there is no such job."""
        row = await self._db.fetch_one("SELECT * FROM deliveries WHERE job_id = ?", (job_id,))
        return None if row is None else rows.delivery(row)

    async def _take(
        self, transaction: Transaction, job_id: int, road: Route, thread_id: int | None = None
    ) -> Delivery:
        return await _update(
            transaction,
            "UPDATE deliveries SET road = ?, thread_id = ?, attempted_at = ? WHERE job_id = ? "
            "RETURNING *",
            (road, thread_id, to_us(self._clock()), job_id),
        )

    async def _settle(
        self,
        job_id: int,
        to: DeliveryState,
        *,
        message_id: int | None = None,
        detail: str | None = None,
    ) -> Delivery:
        async with self._db.transaction() as transaction:
            if to is DeliveryState.DROPPED:
                row = await _fetch(transaction, job_id)
            else:
                row = await _tryable(transaction, job_id, to)
            check_delivery_step(job_id, DeliveryState(row["state"]), to)
            return await _update(
                transaction,
                "UPDATE deliveries SET state = ?, settled_at = ?, result_message_id = ?, "
                "detail = ?, reply_token = NULL WHERE job_id = ? RETURNING *",
                (to, to_us(self._clock()), message_id, detail, job_id),
            )


async def _fetch(transaction: Transaction, job_id: int) -> sqlite3.Row:
    row = await transaction.fetch_one(
        "SELECT d.*, j.state AS job_state, j.private "
        "FROM deliveries AS d JOIN jobs AS j ON j.id = d.job_id WHERE d.job_id = ?",
        (job_id,),
    )
    if row is None:
        raise UnknownRow("delivery", job_id)
    return row


async def _pending(transaction: Transaction, job_id: int, step: str) -> sqlite3.Row:
    row = await _fetch(transaction, job_id)
    if row["state"] != DeliveryState.PENDING:
        raise IllegalTransition("delivery", job_id, row["state"], step)
    return row


async def _tryable(transaction: Transaction, job_id: int, step: str) -> sqlite3.Row:
    row = await _pending(transaction, job_id, step)
    if JobState(row["job_state"]) not in TERMINAL:
        raise IllegalTransition("delivery", job_id, f"pending ({row['job_state']} job)", step)
    return row


async def _update(transaction: Transaction, sql: str, values: tuple[object, ...]) -> Delivery:
    row = await transaction.fetch_one(sql, values)
    assert row is not None
    return rows.delivery(row)


def _with_pictures(group: list[sqlite3.Row]) -> PendingDelivery:
    return PendingDelivery(
        delivery=rows.delivery(group[0], "d_"),
        job=rows.job(group[0], "j_"),
        pictures=tuple(rows.picture(row, "p_") for row in group if row["p_id"] is not None),
    )
