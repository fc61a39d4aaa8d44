"""The state of each delivery, written down before every step that cannot be undone."""

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

# The word 'pending' is in the SQL text rather than a parameter: the partial index needs it.
_PENDING: Final = " ".join(
    (
        "SELECT",
        ", ".join(
            (
                columns(DELIVERY_COLUMNS, "d", "d_"),
                columns(JOB_COLUMNS, "j", "j_"),
                columns(PICTURE_COLUMNS, "p", "p_"),
                "j.channel_id AS p_channel_id, j.prompt AS p_prompt, j.private AS p_private",
                "j.spoiler AS p_spoiler",
            )
        ),
        "FROM deliveries AS d JOIN jobs AS j ON j.id = d.job_id",
        "LEFT JOIN pictures AS p ON p.job_id = d.job_id AND p.deleted_at IS NULL",
        "WHERE d.state = 'pending' AND j.finished_at IS NOT NULL",
    )
)


class Deliveries:
    """Deliveries from pending to their final state.

    A transition that the lifecycle does not allow raises IllegalTransition, an unknown job
    UnknownRow; both change nothing. Only deliveries of finished jobs can be attempted and
    completed; dropping is the one transition allowed earlier.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def placed(self, job_id: int, message_id: int, *, reply_token: str | None = None) -> None:
        """Store the message that shows the job while it is queued and in progress.

        reply_token: the interaction token by which it can be changed; by default the one the job
        was accepted with.
        """
        async with self._db.transaction() as transaction:
            await _pending(transaction, job_id, "placed")
            await transaction.execute(
                "UPDATE deliveries SET message_id = ?, reply_token = coalesce(?, reply_token) "
                "WHERE job_id = ?",
                (message_id, reply_token, job_id),
            )

    async def attempt(self, job_id: int, route: Route, thread_id: int | None = None) -> Delivery:
        """Store the route and time of the first attempt, before it; returns the current route.

        Once attempted, a route stays in effect with its first time, whatever is requested later:
        after a crash nobody knows whether that attempt arrived, and a second route could duplicate
        it. The same goes for thread_id, on Route.THREAD.
        """
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "attempted")
            first = thread_id is not None and row["thread_id"] is None and row["road"] == route
            if row["road"] is None or first:
                return await self._take(transaction, job_id, route, thread_id)
            return rows.delivery(row)

    async def switch(
        self, job_id: int, route: Route, fallback_reason: str | None = None
    ) -> Delivery:
        """Store another route and the time of its first attempt, before it is made.

        For a caller that knows the earlier route has failed. A route that is already in effect
        keeps its first time. fallback_reason: why the route the requester wanted was unavailable;
        the first reason is kept.
        """
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "switched")
            if row["road"] == route:
                return rows.delivery(row)
            await transaction.execute(
                "UPDATE deliveries SET detour = coalesce(detour, ?) WHERE job_id = ?",
                (fallback_reason, job_id),
            )
            return await self._take(transaction, job_id, route)

    async def thread_gone(self, job_id: int) -> Delivery:
        """Record that the thread used for the attempt is gone, with everything posted in it."""
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "without its thread")
            return await self._take(transaction, job_id, Route(row["road"]))

    async def missed(self, job_id: int) -> Delivery:
        """Record that nothing sent on the current route arrived: the next attempt is the first."""
        async with self._db.transaction() as transaction:
            row = await _tryable(transaction, job_id, "missed")
            return await self._take(transaction, job_id, Route(row["road"]), row["thread_id"])

    async def delivered(self, job_id: int, result_message_id: int | None = None) -> Delivery:
        """Complete: the requester has the result, in this message if there is one."""
        return await self._settle(job_id, DeliveryState.DELIVERED, message_id=result_message_id)

    async def kept(self, job_id: int, detail: str) -> Delivery:
        """Complete: the result cannot be posted, for this reason, and stays in the history."""
        return await self._settle(job_id, DeliveryState.KEPT, detail=detail)

    async def dropped(self, job_id: int) -> Delivery:
        """Complete: the requester no longer wants the result."""
        return await self._settle(job_id, DeliveryState.DROPPED)

    async def pending(self) -> list[PendingDelivery]:
        """Return every finished job whose delivery is still pending, in the order of acceptance."""
        found = await self._db.fetch_all(f"{_PENDING} ORDER BY d.job_id, p.id")
        grouped = groupby(found, key=lambda row: row["d_job_id"])
        return [_with_pictures(list(group)) for _, group in grouped]

    async def pending_for(self, job_id: int) -> PendingDelivery | None:
        """Return the pending delivery of one job; None if completed, unfinished or unknown."""
        found = await self._db.fetch_all(f"{_PENDING} AND d.job_id = ? ORDER BY p.id", (job_id,))
        return _with_pictures(found) if found else None

    async def kept_among(self, job_ids: Sequence[int]) -> frozenset[int]:
        """Return which of these jobs have no message with their result: it could not be posted."""
        marks = ", ".join("?" * len(job_ids))
        found = await self._db.fetch_all(
            f"SELECT job_id FROM deliveries WHERE state = 'kept' AND job_id IN ({marks})",  # noqa: S608 only marks
            tuple(job_ids),
        )
        return frozenset(row["job_id"] for row in found)

    async def get(self, job_id: int) -> Delivery | None:
        """Return the delivery of a job as last committed; None if there is no such job."""
        row = await self._db.fetch_one("SELECT * FROM deliveries WHERE job_id = ?", (job_id,))
        return None if row is None else rows.delivery(row)

    async def _take(
        self, transaction: Transaction, job_id: int, route: Route, thread_id: int | None = None
    ) -> Delivery:
        return await _update(
            transaction,
            "UPDATE deliveries SET road = ?, thread_id = ?, attempted_at = ? WHERE job_id = ? "
            "RETURNING *",
            (route, thread_id, to_us(self._clock()), job_id),
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
        "SELECT d.*, j.state AS job_state "
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
