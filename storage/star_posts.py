"""Pictures that gathered enough stars: where a server shows them, and which are there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage import rows
from storage.database import Database
from storage.history import PICTURES
from storage.timestamps import from_us, to_us
from storage.types import Clock, StoredPicture

_ENOUGH: Final = (
    "(SELECT count(*) FROM stars WHERE picture_id = p.id) + (p.favourite_at IS NOT NULL) >= c.stars"
)
# Shown: delivered there, not private, and not erased. A picture that moderators are to look at
# waits; and the channel that it was made for has it already.
_READY: Final = (
    "SELECT p.id, s.channel_id AS shown_in, c.channel_id, c.locale "  # noqa: S608
    "FROM pictures AS p JOIN shown_pictures AS s ON s.picture_id = p.id "
    "JOIN star_channels AS c ON c.guild_id = p.guild_id "
    "WHERE p.id = ? AND p.deleted_at IS NULL AND s.channel_id <> c.channel_id "
    f"AND {_ENOUGH} AND NOT EXISTS "
    "(SELECT 1 FROM cases WHERE cases.picture_id = p.id AND cases.verdict IS NULL)"
)
_BEGUN: Final = (
    "SELECT t.channel_id, t.begun_at, t.message_id, s.channel_id AS shown_in, "
    "coalesce(c.locale, 'en-US') AS locale "
    "FROM star_posts AS t JOIN shown_pictures AS s ON s.picture_id = t.picture_id "
    "LEFT JOIN star_channels AS c ON c.guild_id = t.guild_id WHERE t.picture_id = ?"
)
_STARTED: Final = "SELECT picture_id FROM star_posts WHERE message_id IS NULL"
_NEWLY_STARRED: Final = (
    "SELECT s.picture_id FROM stars AS s "  # noqa: S608
    "JOIN pictures AS p ON p.id = s.picture_id "
    "JOIN star_channels AS c ON c.guild_id = p.guild_id "
    f"WHERE s.starred_at >= max(c.set_at, :since) AND {_ENOUGH} "
    "AND NOT EXISTS (SELECT 1 FROM star_posts AS t WHERE t.picture_id = p.id)"
)
_NEWLY_FAVOURED: Final = (
    "SELECT p.id AS picture_id FROM star_channels AS c "  # noqa: S608
    "CROSS JOIN pictures AS p ON p.guild_id = c.guild_id "
    f"WHERE p.favourite_at >= max(c.set_at, :since) AND {_ENOUGH} "
    "AND NOT EXISTS (SELECT 1 FROM star_posts AS t WHERE t.picture_id = p.id)"
)


@dataclass(frozen=True, slots=True)
class StarChannel:
    """Where a server shows what gathered so many stars."""

    channel_id: int
    stars: int


@dataclass(frozen=True, slots=True)
class DueStarPost:
    """A picture to be shown in channel_id. shown_in: the channel or thread that it was made for.
    locale: the server's language, as Discord said it. begun_at: since when its message may be
    there; None if it was not begun."""

    picture: StoredPicture
    channel_id: int
    shown_in: int
    locale: str
    begun_at: datetime | None


class StarChannels:
    """The channels that admins chose."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int) -> StarChannel | None:
        """Return the channel of a server; None if nothing is shown."""
        row = await self._db.fetch_one(
            "SELECT channel_id, stars FROM star_channels WHERE guild_id = ?", (guild_id,)
        )
        return None if row is None else StarChannel(**row)

    async def choose(
        self, guild_id: int, chosen: StarChannel | None, *, by: int, locale: str
    ) -> None:
        """Show pictures there from now on; None: nowhere. What was shown stays where it is."""
        async with self._db.transaction() as transaction:
            if chosen is None:
                await transaction.execute(
                    "DELETE FROM star_channels WHERE guild_id = ?", (guild_id,)
                )
                return
            await transaction.execute(
                "INSERT OR REPLACE INTO star_channels "
                "(guild_id, channel_id, stars, locale, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?)",
                (guild_id, chosen.channel_id, chosen.stars, locale, by, to_us(self._clock())),
            )


class StarPosts:
    """Which pictures are shown there, each once.

    A post is written down before it is sent. One that may have arrived is never begun again.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def due(self, picture_id: int) -> DueStarPost | None:
        """Return what to post of a picture; None if it is shown, or is not to be."""
        begun = await self._db.fetch_one(_BEGUN, (picture_id,))
        if begun is not None and begun["message_id"] is not None:
            return None
        row = begun or await self._db.fetch_one(_READY, (picture_id,))
        found = await self._db.fetch_one(f"{PICTURES} AND p.id = ?", (picture_id,))
        if row is None or found is None:
            return None
        return DueStarPost(
            picture=rows.picture(found),
            channel_id=row["channel_id"],
            shown_in=row["shown_in"],
            locale=row["locale"],
            begun_at=None if begun is None else from_us(begun["begun_at"]),
        )

    async def begin(self, picture_id: int) -> bool:
        """Write down that a picture is being posted; False if it is not to be any more."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            ready = await transaction.fetch_one(_READY, (picture_id,))
            if ready is None:
                return False
            added = await transaction.execute(
                "INSERT OR IGNORE INTO star_posts (picture_id, guild_id, channel_id, begun_at) "
                "SELECT id, guild_id, ?, ? FROM pictures WHERE id = ?",
                (ready["channel_id"], to_us(self._clock()), picture_id),
            )
        return added > 0

    async def posted(self, picture_id: int, message_id: int) -> None:
        """Write down the message that shows a picture.

        Nothing if the picture was erased in the meantime: the message is removed then.
        """
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "UPDATE star_posts SET message_id = ? WHERE picture_id = ?",
                (message_id, picture_id),
            )

    async def failed(self, picture_id: int) -> None:
        """Forget a post that Discord refused: the next star tries again."""
        async with self._db.transaction(bookkeeping=True) as transaction:
            await transaction.execute(
                "DELETE FROM star_posts WHERE picture_id = ? AND message_id IS NULL", (picture_id,)
            )

    async def unfinished(self, within: timedelta) -> list[int]:
        """Return the pictures whose post was begun, and those that got enough stars within this
        time, since the channel was chosen, and were not posted."""
        found = await self._db.fetch_all(
            f"{_STARTED} UNION {_NEWLY_STARRED} UNION {_NEWLY_FAVOURED}",
            {"since": to_us(self._clock() - within)},
        )
        return [row["picture_id"] for row in found]
