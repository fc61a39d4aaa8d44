"""Proposals: requests that wait for an answer; a batch is accepted at most once."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from storage import rows
from storage.database import Database, Transaction
from storage.errors import IllegalTransition, UnknownRow
from storage.timestamps import from_us, to_us
from storage.types import Clock, Place

PROPOSAL_LIFE: Final = timedelta(hours=1)
"""How long a proposal can be answered; it is removed some time later. Chosen by hand.

One that is as far in the future was asked by a wrong clock: nobody knows how old it is, and it
counts as too old.
"""

_BY_ID: Final = "SELECT * FROM proposals WHERE id = ?"


class ProposalState(StrEnum):
    """The outcome of a proposal. EXPIRED is an open one after its lifetime."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as stored; `place` says who may answer it. `batch` is JSON."""

    id: int
    place: Place
    batch: str
    state: ProposalState
    asked_at: datetime


class Proposals:
    """Proposals from being asked until accepted, declined or expired.

    Jobs.accept_all() accepts one in the transaction that queues its jobs. A step that is no longer
    possible raises IllegalTransition, an unknown or removed id UnknownRow; both change nothing.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def ask(self, place: Place, batch: str) -> Proposal:
        """Store a request before its confirmation is shown."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            now = self._clock()
            row = await transaction.fetch_one(
                "INSERT INTO proposals (guild_id, channel_id, user_id, wish, asked_at) "
                "VALUES (?, ?, ?, ?, ?) RETURNING *",
                (place.guild_id, place.channel_id, place.user_id, batch, to_us(now)),
            )
        assert row is not None
        return _proposal(row, now)

    async def get(self, proposal_id: int) -> Proposal | None:
        """Return the proposal as last committed; None if it was removed or never existed."""
        row = await self._db.fetch_one(_BY_ID, (proposal_id,))
        return None if row is None else _proposal(row, self._clock())

    async def decline(self, proposal_id: int) -> None:
        """Close an open proposal without accepting it."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            now = self._clock()
            await check_open(transaction, proposal_id, now, ProposalState.DECLINED)
            await settle(transaction, proposal_id, now, ProposalState.DECLINED)

    async def sweep(self) -> int:
        """Remove every proposal that is too old to be answered; returns how many."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            now = self._clock()
            return await transaction.execute(
                "DELETE FROM proposals WHERE asked_at <= ? OR asked_at >= ?",
                (to_us(now - PROPOSAL_LIFE), to_us(now + PROPOSAL_LIFE)),
            )


async def check_open(
    transaction: Transaction, proposal_id: int, now: datetime, to: ProposalState
) -> None:
    """Raise UnknownRow or IllegalTransition unless the proposal can still be answered."""
    row = await transaction.fetch_one(_BY_ID, (proposal_id,))
    if row is None:
        raise UnknownRow("proposal", proposal_id)
    state = _proposal(row, now).state
    if state is not ProposalState.OPEN:
        raise IllegalTransition("proposal", proposal_id, state, to)


async def settle(
    transaction: Transaction, proposal_id: int, now: datetime, to: ProposalState
) -> None:
    """Close a proposal that check_open() found open in the same transaction."""
    await transaction.execute(
        "UPDATE proposals SET state = ?, settled_at = ? WHERE id = ?",
        (to, to_us(now), proposal_id),
    )


async def reopen(transaction: Transaction, proposal_id: int) -> None:
    """Undo settle() because its jobs were not accepted after all."""
    await transaction.execute(
        "UPDATE proposals SET state = 'open', settled_at = NULL WHERE id = ?", (proposal_id,)
    )


def _proposal(row: sqlite3.Row, now: datetime) -> Proposal:
    state, asked_at = ProposalState(row["state"]), from_us(row["asked_at"])
    if state is ProposalState.OPEN and abs(now - asked_at) >= PROPOSAL_LIFE:
        state = ProposalState.EXPIRED
    return Proposal(row["id"], rows.place(row), row["wish"], state, asked_at)
