"""Settings of servers, channels and users, and the threads of users."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypedDict, Unpack

from storage.database import Database
from storage.quota_windows import find_zone
from storage.timestamps import from_us, to_us
from storage.types import Clock, DeliveryMode, SettingsLevels, StoredSettings

_SETTINGS: Final = (*("delivery", "spoiler", "quiet", "locale", "timezone", "weighted"),)
_LOCALE: Final = re.compile(r"[a-z]{2}(-[A-Za-z0-9]{2,4})?")
"""As Discord writes them: "en-US", "zh-CN", "es-419", "de"."""


class ServerChanges(TypedDict, total=False):
    """Settings of a server that can be changed; None unsets one."""

    delivery: DeliveryMode | None
    spoiler: bool | None
    quiet: bool | None
    locale: str | None
    timezone: str | None
    weighted: bool | None


class ChannelChanges(TypedDict, total=False):
    """Settings of a channel that can be changed; None unsets one."""

    delivery: DeliveryMode | None
    spoiler: bool | None
    quiet: bool | None


class UserChanges(TypedDict, total=False):
    """Settings that users can change for themselves in a server; None unsets one."""

    delivery: DeliveryMode | None
    spoiler: bool | None
    quiet: bool | None


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_mode(value: object) -> bool:
    return isinstance(value, DeliveryMode)


def _is_locale(value: object) -> bool:
    return isinstance(value, str) and _LOCALE.fullmatch(value) is not None


def _is_timezone(value: object) -> bool:
    return isinstance(value, str) and find_zone(value) is not None


@dataclass(frozen=True, slots=True)
class _Level:
    """One scope of settings: its table, key columns, and the accepted values of each setting."""

    table: str
    keys: tuple[str, ...]
    checks: Mapping[str, Callable[[object], bool]]

    def select(self) -> str:
        """SQL for the row with this key, with NULL for settings that this scope does not have."""
        columns = (name if name in self.checks else f"NULL AS {name}" for name in _SETTINGS)
        return f"{', '.join(columns)}, set_by, set_at FROM {self.table} WHERE {self.where()}"

    def upsert(self, names: Iterable[str]) -> str:
        """SQL that sets these settings; parameters: the key, the values, by whom and when."""
        changed = (*names, "set_by", "set_at")
        columns = (*self.keys, *changed)
        return (
            f"INTO {self.table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in changed)
        )

    def clear(self) -> str:
        """SQL that unsets all settings of a row, if any; parameters: by whom, when, the key."""
        return (
            f"{self.table} SET {', '.join(f'{name} = NULL' for name in self.checks)}, "
            f"set_by = ?, set_at = ? WHERE {self.where()} "
            f"AND coalesce({', '.join(self.checks)}) IS NOT NULL"
        )

    def where(self) -> str:
        return " AND ".join(f"{key} = ?" for key in self.keys)


_SERVER: Final = _Level(
    "server_settings",
    ("guild_id",),
    MappingProxyType(
        {
            "delivery": _is_mode,
            "spoiler": _is_bool,
            "quiet": _is_bool,
            "locale": _is_locale,
            "timezone": _is_timezone,
            "weighted": _is_bool,
        }
    ),
)
_CHANNEL: Final = _Level(
    "channel_settings",
    ("guild_id", "channel_id"),
    MappingProxyType({"delivery": _is_mode, "spoiler": _is_bool, "quiet": _is_bool}),
)
_USER: Final = _Level(
    "user_settings",
    ("guild_id", "user_id"),
    MappingProxyType({"delivery": _is_mode, "spoiler": _is_bool, "quiet": _is_bool}),
)
_LEVELS: Final = " UNION ALL ".join(
    f"SELECT '{name}' AS level, {level.select()}"
    for name, level in (("server", _SERVER), ("channel", _CHANNEL), ("user", _USER))
)


class Preferences:
    """Settings of servers, channels and users, each with who changed it last and when.

    An unknown name raises TypeError; an invalid value, or no change at all, ValueError. Both change
    nothing.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def levels(self, guild_id: int, channel_id: int, user_id: int) -> SettingsLevels:
        """Return the settings of all three scopes for this user in this channel, in one query."""
        found = await self._db.fetch_all(
            _LEVELS, (guild_id, guild_id, channel_id, guild_id, user_id)
        )
        return SettingsLevels(**{row["level"]: _chosen(row) for row in found})

    async def server(self, guild_id: int) -> StoredSettings | None:
        """Return the settings of a server itself; None if nothing was ever set."""
        return await self._get(_SERVER, (guild_id,))

    async def languages(self) -> Mapping[int, str]:
        """Return the language of each server that has one set, by the server's id."""
        found = await self._db.fetch_all(
            "SELECT guild_id, locale FROM server_settings WHERE locale IS NOT NULL", ()
        )
        return {row["guild_id"]: row["locale"] for row in found}

    async def channel(self, guild_id: int, channel_id: int) -> StoredSettings | None:
        """Return the settings of a channel itself; None if nothing was ever set."""
        return await self._get(_CHANNEL, (guild_id, channel_id))

    async def user(self, guild_id: int, user_id: int) -> StoredSettings | None:
        """Return a user's own settings in a server; None if nothing was ever set."""
        return await self._get(_USER, (guild_id, user_id))

    async def set_server(
        self, guild_id: int, *, by: int, **changes: Unpack[ServerChanges]
    ) -> StoredSettings:
        """Change these settings of a server, leave the others, and return all of them."""
        return await self._set(_SERVER, (guild_id,), by, changes)

    async def set_channel(
        self, guild_id: int, channel_id: int, *, by: int, **changes: Unpack[ChannelChanges]
    ) -> StoredSettings:
        """Change settings of a channel as set_server() does."""
        return await self._set(_CHANNEL, (guild_id, channel_id), by, changes)

    async def set_user(
        self, guild_id: int, user_id: int, *, by: int, **changes: Unpack[UserChanges]
    ) -> StoredSettings:
        """Change a user's settings in a server as set_server() does."""
        return await self._set(_USER, (guild_id, user_id), by, changes)

    async def clear_server(self, guild_id: int, *, by: int) -> bool:
        """Unset every setting of a server; False if there was none."""
        return await self._clear(_SERVER, (guild_id,), by)

    async def clear_channel(self, guild_id: int, channel_id: int, *, by: int) -> bool:
        """Unset every setting of a channel; False if there was none."""
        return await self._clear(_CHANNEL, (guild_id, channel_id), by)

    async def clear_user(self, guild_id: int, user_id: int, *, by: int) -> bool:
        """Unset every setting of a user in a server; False if there was none."""
        return await self._clear(_USER, (guild_id, user_id), by)

    async def _get(self, level: _Level, key: tuple[int, ...]) -> StoredSettings | None:
        row = await self._db.fetch_one(f"SELECT {level.select()}", key)
        return None if row is None else _chosen(row)

    async def _set(
        self, level: _Level, key: tuple[int, ...], by: int, changes: Mapping[str, object]
    ) -> StoredSettings:
        _check(level, changes)
        values = (*key, *changes.values(), by, to_us(self._clock()))
        async with self._db.transaction() as transaction:
            # Every name has been checked against the scope's own names by now.
            await transaction.execute(f"INSERT {level.upsert(changes)}", values)
            row = await transaction.fetch_one(f"SELECT {level.select()}", key)
        assert row is not None
        return _chosen(row)

    async def _clear(self, level: _Level, key: tuple[int, ...], by: int) -> bool:
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                f"UPDATE {level.clear()}", (by, to_us(self._clock()), *key)
            )
        return changed > 0


class Threads:
    """Which thread belongs to which user: at most one per user and channel."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def thread_of(self, guild_id: int, channel_id: int, user_id: int) -> int | None:
        """Return a user's thread in a channel; None if none is stored."""
        row = await self._db.fetch_one(
            "SELECT thread_id FROM threads WHERE guild_id = ? AND channel_id = ? AND user_id = ?",
            (guild_id, channel_id, user_id),
        )
        return None if row is None else row["thread_id"]

    async def remember_thread(
        self, guild_id: int, channel_id: int, user_id: int, thread_id: int
    ) -> int:
        """Store a user's thread in a channel; returns the effective one.

        An earlier thread stays until it is forgotten: if two were created at once, the first
        counts. ValueError for a thread that belongs to somebody else.
        """
        place = (guild_id, channel_id, user_id)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO threads (guild_id, channel_id, user_id, thread_id, remembered_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*place, thread_id, to_us(self._clock())),
            )
            row = await transaction.fetch_one(
                "SELECT thread_id FROM threads "
                "WHERE guild_id = ? AND channel_id = ? AND user_id = ?",
                place,
            )
        if row is None:
            raise ValueError(f"thread {thread_id} belongs to somebody else")
        return row["thread_id"]

    async def forget_thread(self, thread_id: int) -> bool:
        """Remove a thread that no longer exists, whoever's it was; False if it was not stored."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM threads WHERE thread_id = ?", (thread_id,)
            )
        return changed > 0


def _check(level: _Level, changes: Mapping[str, object]) -> None:
    if unknown := sorted(changes.keys() - level.checks.keys()):
        raise TypeError(f"{level.table} has no {', '.join(unknown)}")
    if not changes:
        raise ValueError("nothing to set")
    for name, value in changes.items():
        if value is not None and not level.checks[name](value):
            raise ValueError(f"{name} of {level.table} cannot be {value!r}")


def _chosen(row: sqlite3.Row) -> StoredSettings:
    return StoredSettings(
        delivery=None if row["delivery"] is None else DeliveryMode(row["delivery"]),
        spoiler=_bool(row["spoiler"]),
        quiet=_bool(row["quiet"]),
        locale=row["locale"],
        timezone=row["timezone"],
        weighted=_bool(row["weighted"]),
        set_by=row["set_by"],
        set_at=from_us(row["set_at"]),
    )


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)
