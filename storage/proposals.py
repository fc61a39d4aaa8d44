"""Questions that wait for an answer: what somebody wants to be painted is taken once, or never."""

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
"""So long a question can be answered; it is forgotten some time after."""

_BY_ID: Final = "SELECT * FROM proposals WHERE id = ?"


class ProposalState(StrEnum):
    """What became of a question. EXPIRED is what an open one is after its life."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question as it stands; `place` says who may answer it. `wish` is JSON."""

    id: int
    place: Place
    batch: str
    state: ProposalState
    asked_at: datetime


class Proposals:
    """Questions from being asked to being taken, declined, or too old.

    Jobs.accept_all() takes one, in the transaction that accepts what it asked for. A step that is
    not possible any more raises IllegalTransition, an id that is not known (any more) UnknownRow;
    both leave everything as it was.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def ask(self, place: Place, wish: str) -> Proposal:
        """Write down what is asked for, before the question is shown."""
        async with self._db.transaction() as transaction:
            now = self._clock()
            row = await transaction.fetch_one(
                "INSERT INTO proposals (guild_id, channel_id, user_id, wish, asked_at) "
                "VALUES (?, ?, ?, ?, ?) RETURNING *",
                (place.guild_id, place.channel_id, place.user_id, wish, to_us(now)),
            )
        assert row is not None
        return _proposal(row, now)

    async def get(self, proposal_id: int) -> Proposal | None:
        """The question as last committed; None when it is forgotten or was never asked."""
        row = await self._db.fetch_one(_BY_ID, (proposal_id,))
        return None if row is None else _proposal(row, self._clock())

    async def decline(self, proposal_id: int) -> None:
        """Close an open question: nothing comes of it."""
        async with self._db.transaction() as transaction:
            now = self._clock()
            await check_open(transaction, proposal_id, now, ProposalState.DECLINED)
            await settle(transaction, proposal_id, now, ProposalState.DECLINED)

    async def sweep(self) -> int:
        """Forget every question that is too old to be answered, and how many those were."""
        async with self._db.transaction() as transaction:
            return await transaction.execute(
                "DELETE FROM proposals WHERE asked_at <= ?", (to_us(self._clock() - PROPOSAL_LIFE),)
            )


async def check_open(
    transaction: Transaction, proposal_id: int, now: datetime, to: ProposalState
) -> None:
    """Raise UnknownRow or IllegalTransition unless the question can still be answered."""
    row = await transaction.fetch_one(_BY_ID, (proposal_id,))
    if row is None:
        raise UnknownRow("proposal", proposal_id)
    state = _proposal(row, now).state
    if state is not ProposalState.OPEN:
        raise IllegalTransition("proposal", proposal_id, state, to)


async def settle(
    transaction: Transaction, proposal_id: int, now: datetime, to: ProposalState
) -> None:
    """Close a question that check_open() has found open in the same transaction."""
    await transaction.execute(
        "UPDATE proposals SET state = ?, settled_at = ? WHERE id = ?",
        (to, to_us(now), proposal_id),
    )


async def reopen(transaction: Transaction, proposal_id: int) -> None:
    """Undo settle(), where nothing came of it after all."""
    await transaction.execute(
        "UPDATE proposals SET state = 'open', settled_at = NULL WHERE id = ?", (proposal_id,)
    )


def _proposal(row: sqlite3.Row, now: datetime) -> Proposal:
    state, asked_at = ProposalState(row["state"]), from_us(row["asked_at"])
    if state is ProposalState.OPEN and now >= asked_at + PROPOSAL_LIFE:
        state = ProposalState.EXPIRED
    return Proposal(row["id"], rows.place(row), row["wish"], state, asked_at)
