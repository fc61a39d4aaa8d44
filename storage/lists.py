"""Pages of lists that users were shown: what they looked for, and where each page begins.

Buttons carry a page's id, so that a list can be turned after a restart, and a year later.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from storage.database import Database
from storage.search import PictureQuery
from storage.timestamps import to_us
from storage.types import Clock

PAGE_LIFE: Final = timedelta(days=730)
"""How long a page is kept after it was last used. Chosen by hand: longer than a year.

One that was used as far in the future was used while the clock was wrong: nobody knows how old it
is, and it goes too.
"""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a user's list on one server. before_id: only lower ids are on it; 0 = the first."""

    id: int
    guild_id: int
    user_id: int
    query: PictureQuery
    before_id: int


class Lists:
    """Pages by their ids; the same page of the same list always has the same id."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def keep(
        self, user_id: int, guild_id: int, query: PictureQuery, before_ids: list[int]
    ) -> list[int]:
        """Keep pages of one list for as long as PAGE_LIFE from now, and return their ids."""
        async with self._db.transaction() as transaction:
            kept = [
                await transaction.fetch_one(
                    "INSERT INTO list_pages (guild_id, user_id, query, before_id, used_at) "
                    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (guild_id, user_id, query, before_id) "
                    "DO UPDATE SET used_at = excluded.used_at RETURNING id",
                    (guild_id, user_id, query.to_json(), before_id, to_us(self._clock())),
                )
                for before_id in before_ids
            ]
        return [row["id"] for row in kept if row is not None]

    async def neighbours(
        self,
        user_id: int,
        guild_id: int,
        query: PictureQuery,
        newer: int | None,
        older: int | None,
    ) -> tuple[int | None, int | None]:
        """Keep the pages before and after one that is shown, and return their ids.

        newer, older: where they begin; None where there is no such page.
        """
        cursors = [each for each in (newer, older) if each is not None]
        if not cursors:
            return None, None
        ids = dict(zip(cursors, await self.keep(user_id, guild_id, query, cursors), strict=True))
        return (
            None if newer is None else ids[newer],
            None if older is None else ids[older],
        )

    async def get(self, page_id: int) -> ListPage | None:
        """Return a page; None if it was not used for too long, or never existed."""
        row = await self._db.fetch_one("SELECT * FROM list_pages WHERE id = ?", (page_id,))
        if row is None:
            return None
        query = PictureQuery.from_json(row["query"])
        return ListPage(row["id"], row["guild_id"], row["user_id"], query, row["before_id"])

    async def sweep(self) -> int:
        """Remove every page that was not used for PAGE_LIFE; returns how many."""
        async with self._db.transaction() as transaction:
            now = self._clock()
            return await transaction.execute(
                "DELETE FROM list_pages WHERE used_at <= ? OR used_at >= ?",
                (to_us(now - PAGE_LIFE), to_us(now + PAGE_LIFE)),
            )
