"""Settings of requests: presets that members keep by name, and defaults of members and channels.

Settings are a line of words and flags as a prompt has them; storage keeps it as it is.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.database import Database
from storage.timestamps import from_us, to_us
from storage.types import Clock

MAX_PRESETS: Final = 50
"""Presets that one member can keep: two pages of Discord's choices. Chosen by hand."""

_NOBODY: Final = 0
_WHOLE_SERVER: Final = 0
# Three lookups by the whole key: a server may have ten thousand members with defaults.
_DEFAULTS: Final = " UNION ALL ".join(
    f"SELECT line FROM request_defaults WHERE guild_id = ? AND {scope}"  # noqa: S608
    for scope in (
        "channel_id = 0 AND user_id = ?",
        "channel_id = ? AND user_id = 0",
        "channel_id = 0 AND user_id = 0",
    )
)


@dataclass(frozen=True, slots=True)
class StoredPreset:
    """A preset as stored. code: with it anybody can copy the preset."""

    name: str
    code: str
    line: str
    saved_at: datetime


class TooManyPresets(Exception):
    """The member has as many presets as one can keep."""


class Presets:
    """Presets of members, on all servers. lookup: the name as it is looked up, by the caller."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def save(
        self, user_id: int, name: str, lookup: str, line: str, code: str
    ) -> tuple[StoredPreset, bool]:
        """Keep settings by a name, and return them and whether they replace others of that name.

        code: of a new one; a replaced one keeps its own. Raises TooManyPresets.
        """
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "SELECT count(*) AS total, count(*) FILTER (WHERE lookup = ?) AS same "
                "FROM presets WHERE user_id = ?",
                (lookup, user_id),
            )
            assert row is not None
            if row["total"] >= MAX_PRESETS and not row["same"]:
                raise TooManyPresets
            saved = await transaction.fetch_one(
                "INSERT INTO presets (user_id, name, lookup, code, line, saved_at) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, lookup) DO UPDATE SET "
                "name = excluded.name, line = excluded.line, saved_at = excluded.saved_at "
                "RETURNING *",
                (user_id, name, lookup, code, line, to_us(self._clock())),
            )
        assert saved is not None
        return _preset(saved), bool(row["same"])

    async def of(self, user_id: int) -> tuple[StoredPreset, ...]:
        """Return all presets of a member, by name."""
        rows = await self._db.fetch_all(
            "SELECT * FROM presets WHERE user_id = ? ORDER BY lookup", (user_id,)
        )
        return tuple(map(_preset, rows))

    async def get(self, user_id: int, lookup: str) -> StoredPreset | None:
        """Return one preset of a member; None if there is none of this name."""
        row = await self._db.fetch_one(
            "SELECT * FROM presets WHERE user_id = ? AND lookup = ?", (user_id, lookup)
        )
        return None if row is None else _preset(row)

    async def by_code(self, code: str) -> StoredPreset | None:
        """Return anybody's preset by its code; None if there is none."""
        row = await self._db.fetch_one("SELECT * FROM presets WHERE code = ?", (code,))
        return None if row is None else _preset(row)

    async def delete(self, user_id: int, lookup: str) -> bool:
        """Forget a preset; False if there is none of this name."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM presets WHERE user_id = ? AND lookup = ?", (user_id, lookup)
            )
        return changed > 0


class RequestDefaults:
    """What requests use where they leave a setting open: a member's, a channel's, a server's."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, guild_id: int, channel_id: int, user_id: int) -> tuple[str, ...]:
        """Return what applies to this member in this channel, the first to decide first."""
        rows = await self._db.fetch_all(
            _DEFAULTS, (guild_id, user_id, guild_id, channel_id, guild_id)
        )
        return tuple(row["line"] for row in rows)

    async def get(
        self, guild_id: int, *, channel_id: int | None = None, user_id: int | None = None
    ) -> str | None:
        """Return the defaults of a member, of a channel, or of a server; None if there are none."""
        row = await self._db.fetch_one(
            "SELECT line FROM request_defaults "
            "WHERE guild_id = ? AND channel_id = ? AND user_id = ?",
            (guild_id, channel_id or _WHOLE_SERVER, user_id or _NOBODY),
        )
        return None if row is None else row["line"]

    async def set(
        self,
        guild_id: int,
        line: str | None,
        *,
        by: int,
        channel_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        """Replace the defaults of a member, of a channel, or of a server; None forgets them."""
        key = (guild_id, channel_id or _WHOLE_SERVER, user_id or _NOBODY)
        async with self._db.transaction() as transaction:
            if line is None:
                await transaction.execute(
                    "DELETE FROM request_defaults "
                    "WHERE guild_id = ? AND channel_id = ? AND user_id = ?",
                    key,
                )
                return
            await transaction.execute(
                "INSERT INTO request_defaults "
                "(guild_id, channel_id, user_id, line, set_by, set_at) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (guild_id, channel_id, user_id) "
                "DO UPDATE SET line = excluded.line, set_by = excluded.set_by, "
                "set_at = excluded.set_at",
                (*key, line, by, to_us(self._clock())),
            )


def _preset(row: sqlite3.Row) -> StoredPreset:
    return StoredPreset(row["name"], row["code"], row["line"], from_us(row["saved_at"]))
