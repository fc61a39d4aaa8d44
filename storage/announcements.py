"""Owners' announcements that are being posted, where `log_channels` says."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, Transaction
from storage.timestamps import to_us
from storage.types import Clock


class PostState(StrEnum):
    """What became of an announcement on one server.

    ATTEMPTED: it was begun, and is not known to have arrived.
    """

    WAITING = "waiting"
    ATTEMPTED = "attempted"
    POSTED = "posted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AnnouncementPost:
    """One announcement on one server."""

    announcement_id: int
    guild_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement that is being posted."""

    id: int
    text: str


class Announcements:
    """Each announcement until it is on all servers that want it, or refused there."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def channels(self) -> dict[int, int]:
        """Return the channel of each server that chose one."""
        rows = await self._db.fetch_all(
            "SELECT guild_id, channel_id FROM log_channels WHERE event = 'announcements' "
            "ORDER BY guild_id"
        )
        return {row["guild_id"]: row["channel_id"] for row in rows}

    async def begin(self, text: str, guild_ids: Collection[int], by: int) -> Announcement:
        """Write down an announcement for those of these servers that have a channel now."""
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "INSERT INTO announcements (text, sent_by, begun_at) VALUES (?, ?, ?) RETURNING id",
                (text, by, to_us(self._clock())),
            )
            assert row is not None
            for guild_id in guild_ids:
                await transaction.execute(
                    "INSERT INTO announcement_posts (announcement_id, guild_id, channel_id, state) "
                    "SELECT ?, guild_id, channel_id, 'waiting' FROM log_channels "
                    "WHERE guild_id = ? AND event = 'announcements'",
                    (row["id"], guild_id),
                )
        return Announcement(row["id"], text)

    async def unfinished(self) -> list[Announcement]:
        """Return those that are still being posted, the first first."""
        rows = await self._db.fetch_all("SELECT id, text FROM announcements ORDER BY id")
        return [Announcement(row["id"], row["text"]) for row in rows]

    async def attempt(self, announcement_id: int) -> AnnouncementPost | None:
        """Return the next post, which counts as attempted from now on; None if none waits."""
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "SELECT * FROM announcement_posts WHERE announcement_id = ? "
                "AND state = 'waiting' ORDER BY guild_id LIMIT 1",
                (announcement_id,),
            )
            if row is None:
                return None
            post = AnnouncementPost(announcement_id, row["guild_id"], row["channel_id"])
            await self._put(transaction, post, PostState.ATTEMPTED)
        return post

    async def settle(self, post: AnnouncementPost, state: PostState) -> None:
        """Write down what became of a post."""
        async with self._db.transaction() as transaction:
            await self._put(transaction, post, state)

    async def counts(self, announcement_id: int) -> dict[PostState, int]:
        """Return on how many servers a post has each state."""
        rows = await self._db.fetch_all(
            "SELECT state, count(*) AS posts FROM announcement_posts "
            "WHERE announcement_id = ? GROUP BY state",
            (announcement_id,),
        )
        found = {PostState(row["state"]): row["posts"] for row in rows}
        return {state: found.get(state, 0) for state in PostState}

    async def finish(self, announcement_id: int) -> None:
        """Forget an announcement: nothing of it is needed any more."""
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "DELETE FROM announcement_posts WHERE announcement_id = ?", (announcement_id,)
            )
            await transaction.execute("DELETE FROM announcements WHERE id = ?", (announcement_id,))

    async def _put(
        self, transaction: Transaction, post: AnnouncementPost, state: PostState
    ) -> None:
        await transaction.execute(
            "UPDATE announcement_posts SET state = ? WHERE announcement_id = ? AND guild_id = ?",
            (state, post.announcement_id, post.guild_id),
        )
