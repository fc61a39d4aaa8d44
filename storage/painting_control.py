"""What the bot's owners decided about painting as a whole."""

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database
from storage.timestamps import from_us, to_us
from storage.types import Clock


@dataclass(frozen=True, slots=True)
class ControlState:
    """painting: whether jobs are begun. accepting: whether requests are accepted.

    told: whether the owners know that all that waited is painted, while nothing is accepted.
    resumed_at: when painting went on after the last pause, None if there was none.
    """

    painting: bool = True
    accepting: bool = True
    told: bool = False
    resumed_at: datetime | None = None


class PaintingControls:
    """The one state, which outlives the process."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def read(self) -> ControlState:
        """Return what was stored last; everything as usual if nothing was."""
        row = await self._db.fetch_one("SELECT * FROM painting_control")
        if row is None:
            return ControlState()
        resumed_us = row["resumed_at"]
        return ControlState(
            bool(row["painting"]),
            bool(row["accepting"]),
            bool(row["told"]),
            None if resumed_us is None else from_us(resumed_us),
        )

    async def write(self, state: ControlState, by: int) -> None:
        """Store a state in place of the last one. by: the owner who decided it."""
        resumed_us = None if state.resumed_at is None else to_us(state.resumed_at)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT OR REPLACE INTO painting_control "
                "(id, painting, accepting, told, resumed_at, set_by, set_at) "
                "VALUES (1, ?, ?, ?, ?, ?, ?)",
                (
                    state.painting,
                    state.accepting,
                    state.told,
                    resumed_us,
                    by,
                    to_us(self._clock()),
                ),
            )

    async def tell(self) -> bool:
        """Write down that the owners are told now; False if they were, or need not be."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "UPDATE painting_control SET told = 1 "
                "WHERE accepting = 0 AND painting = 1 AND told = 0"
            )
        return changed > 0
