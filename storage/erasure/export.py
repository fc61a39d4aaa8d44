"""Everything that is stored of one person, as it is stored."""

from collections.abc import AsyncIterator
from typing import Any, Final

from storage.database import Database
from storage.erasure.rules import RULES

_BATCH: Final = 200
"""Rows that are read at a time."""
_SECRET: Final = frozenset({"reply_token"})


class PersonalData:
    """Reads the rows that erasing would delete or empty, table by table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def counts(self, user_id: int, guild_id: int | None = None) -> dict[str, int]:
        """Return how many rows of a person each table has, on one server or, with None, on all."""
        counted = {}
        for table, rule in RULES.items():
            if rule.whose:
                row = await self._db.fetch_one(
                    f"SELECT count(*) AS n FROM {table} WHERE {rule.shown or rule.whose}",
                    {"user": user_id, "guild": guild_id},
                )
                assert row is not None
                counted[table] = row["n"]
        return counted

    async def rows(
        self, user_id: int, guild_id: int | None = None
    ) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
        """Yield the rows of each table in batches, without tokens that would let others act."""
        for table, rule in RULES.items():
            if not rule.whose:
                continue
            names = ", ".join(name for name in rule.columns if name not in _SECRET)
            offset = 0
            while found := await self._db.fetch_all(
                f"SELECT {names} FROM {table} WHERE ({rule.shown or rule.whose}) ORDER BY 1, 2 "
                "LIMIT :limit OFFSET :offset",
                {"user": user_id, "guild": guild_id, "limit": _BATCH, "offset": offset},
            ):
                yield table, [dict(row) for row in found]
                offset += len(found)
