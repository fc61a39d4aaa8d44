"""Used quota that outlives its person: nobody's until they ask again or its window ends.

The charges of an erased person stay in the ledger as nobody's. As long as one counts against a
quota, `erased_usage` has a keyed hash of whose it was.
"""

from pathlib import Path
from typing import Final

from storage.database import Database, Reads, Transaction
from storage.erasure.persons import person_hash
from storage.timestamps import to_us
from storage.types import Clock

_ANY: Final = "SELECT 1 FROM erased_usage WHERE guild_id = ? LIMIT 1"
_HELD: Final = "SELECT job_id FROM erased_usage WHERE guild_id = ? AND person = ?"
_GIVE_BACK: Final = tuple(
    f"UPDATE {table} SET user_id = ? WHERE {key} = ? AND user_id = 0"
    for table, key in (("jobs", "id"), ("ledger", "job_id"), ("cancelled_painting", "job_id"))
)


async def is_held(reads: Reads, data_dir: Path, guild_id: int, user_id: int) -> bool:
    """Return whether anything that this person used is nobody's now."""
    if await reads.fetch_one(_ANY, (guild_id,)) is None:
        return False
    person = person_hash(data_dir, user_id)
    return await reads.fetch_one(_HELD, (guild_id, person)) is not None


async def give_back(transaction: Transaction, guild_id: int, user_id: int) -> None:
    """Let what a person used before they were erased count against their quota again."""
    if not await is_held(transaction, transaction.data_dir, guild_id, user_id):
        return
    person = person_hash(transaction.data_dir, user_id)
    for row in await transaction.fetch_all(_HELD, (guild_id, person)):
        for sql in _GIVE_BACK:
            await transaction.execute(sql, (user_id, row["job_id"]))
    await transaction.execute(
        "DELETE FROM erased_usage WHERE guild_id = ? AND person = ?", (guild_id, person)
    )


class ErasedUsage:
    """Forgets whose the charges of erased persons were, once their window has ended."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def sweep(self) -> int:
        """Forget what no longer counts; returns how many charges."""
        async with self._db.transaction() as transaction:
            return await transaction.execute(
                "DELETE FROM erased_usage WHERE until <= ?", (to_us(self._clock()),)
            )
