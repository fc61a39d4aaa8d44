"""Pictures that everybody in a channel saw: delivered there, not private, and not erased.

Triggers keep the table (migrations/0014) and its index of words (0024). Who may read which channel
now is the caller's to say.
"""

import json
from collections.abc import Collection
from typing import Final

from storage import rows, search
from storage.database import Database
from storage.history import PICTURES, candidates, check_limit
from storage.search import PictureQuery
from storage.types import StoredPicture

_CHANNELS: Final = (
    # From one channel to the next, however many pictures each has.
    "WITH RECURSIVE channels (id) AS ("
    "SELECT min(channel_id) FROM shown_pictures WHERE guild_id = ? "
    "UNION ALL SELECT (SELECT min(channel_id) FROM shown_pictures "
    "WHERE guild_id = ? AND channel_id > channels.id) FROM channels WHERE channels.id IS NOT NULL) "
    "SELECT id FROM channels WHERE id IS NOT NULL"
)
_OLDER: Final = (
    "SELECT picture_id FROM shown_pictures WHERE guild_id = ? AND channel_id = ? "
    "AND picture_id < ? ORDER BY picture_id DESC LIMIT ?"
)
_NEWER: Final = (
    "SELECT picture_id FROM shown_pictures WHERE guild_id = ? AND channel_id = ? "
    "AND picture_id >= ? ORDER BY picture_id LIMIT ?"
)
_BY_IDS: Final = f"{PICTURES} AND p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id DESC"  # noqa: S608
_FOUND: Final = (
    # CROSS JOIN: the index goes first, newest first, so reading stops once the page is full.
    "SELECT p.*, j.channel_id, j.prompt, j.private, j.spoiler FROM shown_search AS s "
    "CROSS JOIN shown_pictures AS w ON w.picture_id = s.rowid "
    "CROSS JOIN pictures AS p ON p.id = s.rowid CROSS JOIN jobs AS j ON j.id = p.job_id "
    "WHERE s.shown_search MATCH ? AND s.rowid < ? AND p.deleted_at IS NULL "
    "AND w.channel_id IN (SELECT value FROM json_each(?)) "
    "ORDER BY s.rowid DESC LIMIT ?"
)
_FOUND_FROM: Final = _FOUND.replace("s.rowid < ?", "s.rowid >= ?").replace(
    "s.rowid DESC", "s.rowid"
)
_SHOWN_IN: Final = (
    "SELECT picture_id, channel_id FROM shown_pictures "
    "WHERE picture_id IN (SELECT value FROM json_each(?))"
)
_MANY_CHANNELS: Final = 200
"""The index is asked for each of so many channels; of more, each picture that is found is looked
up, since a member can read most of them. Chosen by hand."""
_AFTER_ALL: Final = 2**63 - 1
"""Greater than every row id."""


class ShownPictures:
    """Reads what was shown in the channels and threads of a server."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def channels(self, guild_id: int) -> list[int]:
        """Return the channels and threads of a server in which any picture was shown."""
        found = await self._db.fetch_all(_CHANNELS, (guild_id, guild_id))
        return [row["id"] for row in found]

    async def channel_of(self, picture_id: int) -> int | None:
        """Return where a picture was shown; None if nowhere, or if it is erased."""
        row = await self._db.fetch_one(
            "SELECT channel_id FROM shown_pictures WHERE picture_id = ?", (picture_id,)
        )
        return None if row is None else row["channel_id"]

    async def channels_of(self, picture_ids: Collection[int]) -> dict[int, int]:
        """Return where each of these pictures was shown, without those that were shown nowhere."""
        found = await self._db.fetch_all(_SHOWN_IN, (json.dumps(list(picture_ids)),))
        return {row["picture_id"]: row["channel_id"] for row in found}

    async def find(
        self,
        guild_id: int,
        channel_ids: Collection[int],
        wanted: PictureQuery,
        before_id: int | None,
        limit: int,
    ) -> list[StoredPicture]:
        """Return a page, as page() does, of the pictures that are everything that is wanted.

        As History.find() finds a member's own, but for notes and favourites: these count for
        nothing. What other servers and channels have costs nothing.
        """
        if not wanted.indexed:
            return await self.page(guild_id, channel_ids, before_id, limit)
        before_id = _AFTER_ALL if before_id is None else before_id
        return await self._found(_FOUND, guild_id, channel_ids, wanted, before_id, limit)

    async def find_after(
        self,
        guild_id: int,
        channel_ids: Collection[int],
        wanted: PictureQuery,
        from_id: int,
        limit: int,
    ) -> list[StoredPicture]:
        """Page back through what is found, as after() does through all pictures."""
        if not wanted.indexed:
            return await self.after(guild_id, channel_ids, from_id, limit)
        return await self._found(_FOUND_FROM, guild_id, channel_ids, wanted, from_id, limit)

    async def _found(
        self,
        sql: str,
        guild_id: int,
        channel_ids: Collection[int],
        wanted: PictureQuery,
        cursor_id: int,
        limit: int,
    ) -> list[StoredPicture]:
        check_limit(limit)
        if not channel_ids:
            return []
        few = channel_ids if len(channel_ids) <= _MANY_CHANNELS else ()
        match, words = search.match_shown(guild_id, few, wanted), wanted.words
        channels = json.dumps(list(channel_ids))
        return await candidates(
            lambda from_id, count: self._db.fetch_all(sql, (match, from_id, channels, count)),
            lambda picture: search.holds(picture.prompt, words),
            cursor_id,
            limit,
            upwards=sql is _FOUND_FROM,
        )

    async def page(
        self, guild_id: int, channel_ids: Collection[int], before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` pictures that were shown in these channels, newest first.

        before_id: the last id of the previous page, None for the first. Costs one read of an index
        for each channel, however many pictures it has.
        """
        before_id = _AFTER_ALL if before_id is None else before_id
        ids = await self._ids(_OLDER, guild_id, channel_ids, before_id, limit)
        return await self._pictures(sorted(ids, reverse=True)[:limit])

    async def after(
        self, guild_id: int, channel_ids: Collection[int], from_id: int, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` of them with ids from `from_id` up, oldest first."""
        ids = await self._ids(_NEWER, guild_id, channel_ids, from_id, limit)
        return (await self._pictures(sorted(ids)[:limit]))[::-1]

    async def _ids(
        self, sql: str, guild_id: int, channel_ids: Collection[int], cursor_id: int, limit: int
    ) -> list[int]:
        check_limit(limit)
        found: list[int] = []
        for channel_id in channel_ids:
            page = await self._db.fetch_all(sql, (guild_id, channel_id, cursor_id, limit))
            found += [row["picture_id"] for row in page]
        return found

    async def _pictures(self, ids: list[int]) -> list[StoredPicture]:
        """Return these pictures, newest first, without those erased in the meantime."""
        found = await self._db.fetch_all(_BY_IDS, (json.dumps(ids),))
        return [rows.picture(row) for row in found]
