"""Stars that users give each other's pictures; the owner's own mark is `History.favour`."""

from storage.database import Database
from storage.timestamps import to_us
from storage.types import Clock


class Stars:
    """Who starred which picture, each once. A trigger removes the stars of what is erased."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def toggle(self, picture_id: int, user_id: int) -> bool:
        """Give a picture this user's star, or take it back; return whether it has it now.

        An erased picture, and the user's own, never have one.
        """
        async with self._db.transaction() as transaction:
            removed = await transaction.execute(
                "DELETE FROM stars WHERE picture_id = ? AND user_id = ?", (picture_id, user_id)
            )
            if removed:
                return False
            added = await transaction.execute(
                "INSERT INTO stars (picture_id, user_id, starred_at) "
                "SELECT id, ?, ? FROM pictures "
                "WHERE id = ? AND user_id <> ? AND deleted_at IS NULL",
                (user_id, to_us(self._clock()), picture_id, user_id),
            )
            return added > 0

    async def count(self, picture_id: int) -> int:
        """Count a picture's stars, its owner's mark among them; 0 for an erased one."""
        row = await self._db.fetch_one(
            "SELECT (SELECT count(*) FROM stars WHERE picture_id = p.id) "
            "+ (p.favourite_at IS NOT NULL) AS stars "
            "FROM pictures AS p WHERE p.id = ? AND p.deleted_at IS NULL",
            (picture_id,),
        )
        return 0 if row is None else row["stars"]
