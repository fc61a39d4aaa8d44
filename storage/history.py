"""Finished pictures, by the users they belong to."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from storage import rows, search
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.inputs import Inputs
from storage.search import PictureQuery
from storage.timestamps import to_us
from storage.types import Clock, Job, StoredPicture

PICTURES: Final = (
    "SELECT p.*, j.channel_id, j.prompt, j.private, j.spoiler "
    "FROM pictures AS p JOIN jobs AS j ON j.id = p.job_id "
    "WHERE p.deleted_at IS NULL"
)
_FOUND: Final = (
    # CROSS JOIN: the index goes first, newest first, so reading stops once the page is full.
    "SELECT p.*, j.channel_id, j.prompt, j.private, j.spoiler FROM pictures_search AS s "
    "CROSS JOIN pictures AS p ON p.id = s.rowid CROSS JOIN jobs AS j ON j.id = p.job_id "
    "WHERE s.pictures_search MATCH ? AND s.rowid < ? "
    "AND p.deleted_at IS NULL AND p.guild_id = ? AND p.user_id = ? "
    "ORDER BY s.rowid DESC LIMIT ?"
)
_FAVOURITES: Final = (
    # INDEXED BY: few rows for most users may be many for one, and SQLite only knows averages.
    "SELECT p.*, j.channel_id, j.prompt, j.private, j.spoiler "
    "FROM pictures AS p INDEXED BY pictures_favourite CROSS JOIN jobs AS j ON j.id = p.job_id "
    "WHERE p.favourite_at IS NOT NULL AND p.deleted_at IS NULL "
    "AND p.guild_id = ? AND p.user_id = ? AND p.id < ? ORDER BY p.id DESC LIMIT ?"
)
_FOUND_FROM: Final = _FOUND.replace("s.rowid < ?", "s.rowid >= ?").replace(
    "s.rowid DESC", "s.rowid"
)
_FAVOURITES_FROM: Final = _FAVOURITES.replace(
    "p.id < ? ORDER BY p.id DESC", "p.id >= ? ORDER BY p.id"
)
_CANDIDATES_LIMIT: Final = 500
"""Upper bound for one batch of search candidates. Chosen by hand."""
_AFTER_ALL: Final = 2**63 - 1
"""Greater than every row id."""


class History:
    """Finished pictures; erased ones never appear in any result."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._inputs = Inputs(db, clock)

    async def page(
        self, user_id: int, guild_id: int, before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` pictures of one user in one server, newest first.

        `before_id` is the last id of the previous page, None for the first: a page costs the same
        however deep it is. ValueError for a limit below 1.
        """
        check_limit(limit)
        found = await self._db.fetch_all(
            f"{PICTURES} AND p.guild_id = ? AND p.user_id = ? AND p.id < ? "
            "ORDER BY p.id DESC LIMIT ?",
            (guild_id, user_id, _AFTER_ALL if before_id is None else before_id, limit),
        )
        return [rows.picture(row) for row in found]

    async def find(
        self, user_id: int, guild_id: int, wanted: PictureQuery, before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return a page, as page() does, of the pictures that are everything that is wanted.

        Words match in the prompt and in the note, in any order, also within longer words, and
        regardless of case, character width and how accents are encoded (search.fold). There are no
        operators: input is always matched literally. A query without anything matches every
        picture. Other users' pictures cost nothing. A million pictures of one user can cost tens of
        milliseconds, if the words are common but rarely occur together, or if prompts contain all
        the letters of a word but not the word itself.
        """
        if not wanted.indexed:
            everything = self.favourites if wanted.favourites else self.page
            return await everything(user_id, guild_id, before_id, limit)
        before_id = _AFTER_ALL if before_id is None else before_id
        return await self._found(_FOUND, user_id, guild_id, wanted, before_id, limit)

    async def find_after(
        self, user_id: int, guild_id: int, wanted: PictureQuery, from_id: int, limit: int
    ) -> list[StoredPicture]:
        """Page back through what is found, as after() does through all pictures."""
        if not wanted.indexed:
            everything = self.favourites_after if wanted.favourites else self.after
            return await everything(user_id, guild_id, from_id, limit)
        return await self._found(_FOUND_FROM, user_id, guild_id, wanted, from_id, limit)

    async def search(
        self, user_id: int, guild_id: int, text: str, before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return a page of the pictures that find() finds by words alone."""
        return await self.find(user_id, guild_id, PictureQuery(text), before_id, limit)

    async def _found(
        self,
        sql: str,
        user_id: int,
        guild_id: int,
        wanted: PictureQuery,
        cursor_id: int,
        limit: int,
    ) -> list[StoredPicture]:
        check_limit(limit)
        words, match = wanted.words, search.match(guild_id, user_id, wanted)
        return await candidates(
            lambda cursor, count: self._db.fetch_all(
                sql, (match, cursor, guild_id, user_id, count)
            ),
            lambda picture: search.holds(_text(picture), words),
            cursor_id,
            limit,
            upwards=sql is _FOUND_FROM,
        )

    async def after(
        self, user_id: int, guild_id: int, from_id: int, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` pictures with ids from `from_id` up, oldest first."""
        check_limit(limit)
        found = await self._db.fetch_all(
            f"{PICTURES} AND p.guild_id = ? AND p.user_id = ? AND p.id >= ? ORDER BY p.id LIMIT ?",
            (guild_id, user_id, from_id, limit),
        )
        return [rows.picture(row) for row in found]

    async def favourites(
        self, user_id: int, guild_id: int, before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return a page, as page() does, of the pictures the user marked as favourites."""
        check_limit(limit)
        before_id = _AFTER_ALL if before_id is None else before_id
        found = await self._db.fetch_all(_FAVOURITES, (guild_id, user_id, before_id, limit))
        return [rows.picture(row) for row in found]

    async def favourites_after(
        self, user_id: int, guild_id: int, from_id: int, limit: int
    ) -> list[StoredPicture]:
        """Page back through favourites, as after() does through all pictures."""
        check_limit(limit)
        found = await self._db.fetch_all(_FAVOURITES_FROM, (guild_id, user_id, from_id, limit))
        return [rows.picture(row) for row in found]

    async def count_favourites(self, user_id: int, guild_id: int) -> int:
        """Count a user's favourites in a server."""
        row = await self._db.fetch_one(
            "SELECT count(*) AS pictures FROM pictures INDEXED BY pictures_favourite "
            "WHERE guild_id = ? AND user_id = ? "
            "AND favourite_at IS NOT NULL AND deleted_at IS NULL",
            (guild_id, user_id),
        )
        assert row is not None
        return row["pictures"]

    async def favour(self, picture_id: int, user_id: int) -> StoredPicture | None:
        """Mark a picture as its owner's favourite; None if it is erased or someone else's.

        Retention leaves the file of a favourite alone from now on. A file that was removed earlier
        stays removed: `on_disk` tells. Marking it again changes nothing.
        """
        return await self._mark(picture_id, user_id, to_us(self._clock()))

    async def unfavour(self, picture_id: int, user_id: int) -> StoredPicture | None:
        """Remove the mark; retention may remove the file the next time, if it is old enough."""
        return await self._mark(picture_id, user_id, None)

    async def write_note(
        self, picture_id: int, user_id: int, note: str | None
    ) -> StoredPicture | None:
        """Put the owner's note on a picture, or remove it; None if it is erased or someone else's.

        note: 1 to 500 characters. It is found by its words.
        """
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "UPDATE pictures SET note = ? WHERE id = ? AND user_id = ? AND deleted_at IS NULL",
                (note, picture_id, user_id),
            )
            return await _own(transaction, picture_id, user_id)

    async def recent(self, user_id: int, guild_id: int, limit: int) -> list[StoredPicture]:
        """Return the newest pictures of one user in one server, newest first."""
        return await self.page(user_id, guild_id, None, limit)

    async def newest(self, limit: int) -> list[StoredPicture]:
        """Return the newest pictures of all users, newest first."""
        found = await self._db.fetch_all(f"{PICTURES} ORDER BY p.id DESC LIMIT ?", (limit,))
        return [rows.picture(row) for row in found]

    async def latest(self, user_id: int, guild_id: int) -> StoredPicture | None:
        """Return the newest picture of one user in one server."""
        return next(iter(await self.page(user_id, guild_id, None, 1)), None)

    async def count(self, user_id: int, guild_id: int) -> int:
        """Count a user's pictures in a server."""
        row = await self._db.fetch_one(
            "SELECT count(*) AS pictures FROM pictures "
            "WHERE guild_id = ? AND user_id = ? AND deleted_at IS NULL",
            (guild_id, user_id),
        )
        assert row is not None
        return row["pictures"]

    async def get(self, picture_id: int) -> StoredPicture | None:
        """Return one picture; None if it was erased or never existed."""
        row = await self._db.fetch_one(f"{PICTURES} AND p.id = ?", (picture_id,))
        return None if row is None else rows.picture(row)

    async def of_job(self, job_id: int) -> tuple[StoredPicture, ...]:
        """Return the pictures of one job in the order in which they were finished."""
        found = await self._db.fetch_all(f"{PICTURES} AND p.job_id = ? ORDER BY p.id", (job_id,))
        return tuple(rows.picture(row) for row in found)

    async def erased_job(self, picture_id: int) -> Job | None:
        """Return the job of a picture that was erased with all others of that job, else None."""
        row = await self._db.fetch_one(
            "SELECT j.* FROM pictures AS p JOIN jobs AS j ON j.id = p.job_id WHERE p.id = ? "
            "AND NOT EXISTS (SELECT 1 FROM pictures AS other "
            "WHERE other.job_id = p.job_id AND other.deleted_at IS NULL)",
            (picture_id,),
        )
        return None if row is None else rows.job(row)

    async def erase(self, picture_id: int) -> StoredPicture | None:
        """Hide a picture from every result; None if it was already erased.

        It is not refunded. Erasing the last picture of a job drops its delivery if that is still
        pending. The caller removes the file; the input images are removed here, unless something
        else still needs them.
        """
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(f"{PICTURES} AND p.id = ?", (picture_id,))
            if row is None:
                return None
            erased = rows.picture(row)
            now_us = to_us(self._clock())
            await transaction.execute(
                "UPDATE pictures SET deleted_at = ? WHERE id = ?", (now_us, picture_id)
            )
            # After: what the search index is told to forget contains the note.
            await transaction.execute(
                "UPDATE pictures SET note = NULL, favourite_at = NULL "
                "WHERE id = ? AND (note IS NOT NULL OR favourite_at IS NOT NULL)",
                (picture_id,),
            )
            await _drop_empty_delivery(transaction, erased.job_id, now_us)
        # The picture is erased, whatever the disk says; retention tries again within the hour.
        with suppress(StorageError):
            if await self._inputs.of_job(erased.job_id):
                await self._inputs.release([erased.job_id])
        return erased

    async def _mark(
        self, picture_id: int, user_id: int, favourite_us: int | None
    ) -> StoredPicture | None:
        async with self._db.transaction() as transaction:
            # A favourite keeps the time it was first marked.
            await transaction.execute(
                "UPDATE pictures SET favourite_at = ? WHERE id = ? AND user_id = ? "
                "AND deleted_at IS NULL AND (favourite_at IS NULL) = (? IS NOT NULL)",
                (favourite_us, picture_id, user_id, favourite_us),
            )
            return await _own(transaction, picture_id, user_id)


async def candidates(
    fetch: Callable[[int, int], Awaitable[Sequence[sqlite3.Row]]],
    is_wanted: Callable[[StoredPicture], bool],
    cursor_id: int,
    limit: int,
    *,
    upwards: bool,
) -> list[StoredPicture]:
    """Return the first `limit` pictures of an index of letters that really are what is wanted.

    fetch: returns at most so many rows on from an id. upwards: towards higher ids, including the
    first one.
    """
    step = 1 if upwards else 0  # what was read last is not read again
    found, count = list[StoredPicture](), limit
    while True:
        read = await fetch(cursor_id, count)
        found += [each for each in map(rows.picture, read) if is_wanted(each)]
        if len(found) >= limit or len(read) < count:
            return found[:limit]
        # The letters matched but not the word: fetch more at a time until the page is full.
        cursor_id, count = read[-1]["id"] + step, min(2 * count, _CANDIDATES_LIMIT)


def check_limit(limit: int) -> None:
    """Raise ValueError unless a page has room for a picture."""
    if limit < 1:
        raise ValueError(f"a page must have at least one picture, not {limit}")


def _text(picture: StoredPicture) -> str:
    return search.searched(picture.prompt, picture.note)


async def _own(transaction: Transaction, picture_id: int, user_id: int) -> StoredPicture | None:
    row = await transaction.fetch_one(
        f"{PICTURES} AND p.id = ? AND p.user_id = ?", (picture_id, user_id)
    )
    return None if row is None else rows.picture(row)


async def _drop_empty_delivery(transaction: Transaction, job_id: int, now_us: int) -> None:
    await transaction.execute(
        "UPDATE deliveries SET state = 'dropped', settled_at = ?, reply_token = NULL "
        "WHERE job_id = ? AND state = 'pending' AND NOT EXISTS "
        "(SELECT 1 FROM pictures WHERE pictures.job_id = deliveries.job_id AND deleted_at IS NULL)",
        (now_us, job_id),
    )
