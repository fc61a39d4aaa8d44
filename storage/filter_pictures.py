"""Pictures that nothing is painted from on a server, known by their hashes alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.database import Database
from storage.timestamps import to_us
from storage.types import Clock

MAX_FILTER_PICTURES: Final = 1000
"""Of one server; comparing with all of them takes less than a millisecond. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class FilterPicture:
    """A picture of the list.

    sha256: of its pixels. perceptual: 16 hexadecimal digits, None where it shows too little.
    picture_id: the bot's own picture that it was, None if it was none.
    """

    sha256: str
    perceptual: str | None
    picture_id: int | None = None


class TooManyPictures(Exception):
    """The server has as many pictures on its list as it can."""


class FilterPictures:
    """The lists of servers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int) -> tuple[FilterPicture, ...]:
        """Return the list of a server, oldest first."""
        rows = await self._db.fetch_all(
            "SELECT sha256, perceptual, picture_id FROM filter_pictures WHERE guild_id = ? "
            "ORDER BY id",
            (guild_id,),
        )
        return tuple(FilterPicture(*row) for row in rows)

    async def add(self, guild_id: int, picture: FilterPicture, by: int) -> bool:
        """Put a picture on the list; False if it is there already. Raises TooManyPictures."""
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "SELECT count(*) AS total, count(*) FILTER (WHERE sha256 = ?) AS same "
                "FROM filter_pictures WHERE guild_id = ?",
                (picture.sha256, guild_id),
            )
            assert row is not None
            if row["same"]:
                return False
            if row["total"] >= MAX_FILTER_PICTURES:
                raise TooManyPictures
            await transaction.execute(
                "INSERT INTO filter_pictures (guild_id, sha256, perceptual, picture_id, set_by, "
                "set_at) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    guild_id,
                    picture.sha256,
                    picture.perceptual,
                    picture.picture_id,
                    by,
                    to_us(self._clock()),
                ),
            )
        return True

    async def remove(self, guild_id: int, hashes: Iterable[str]) -> int:
        """Take pictures off the list, by the hashes of their pixels; return how many it were."""
        removed = 0
        async with self._db.transaction() as transaction:
            for each in hashes:
                removed += await transaction.execute(
                    "DELETE FROM filter_pictures WHERE guild_id = ? AND sha256 = ?",
                    (guild_id, each),
                )
        return removed
