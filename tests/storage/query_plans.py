"""SQLite's query plans for the queries of storage."""

import re
from typing import Any

import pytest

from tests.storage.fakes import OpenStores

BY_WORDS = re.compile(r"VIRTUAL TABLE INDEX \d+:M")
"""How a plan shows a search index being queried for words rather than scanned."""
BY_WORDS_NEWEST_FIRST = "VIRTUAL TABLE INDEX 192:M"  # 64: sorted by id, and 128: descending


async def plans_of(stores: OpenStores, monkeypatch: pytest.MonkeyPatch, work: Any) -> list[str]:
    """Return the query plan of every statement that the work ran, one string per statement."""
    asked: dict[str, tuple[Any, Any]] = {}
    for connection in (stores.db._reader, stores.db._writer):
        for name in ("execute", "execute_fetchall"):
            original = getattr(connection, name)

            def spy(
                sql: str, parameters: Any = (), original: Any = original, on: Any = connection
            ) -> Any:
                asked.setdefault(sql, (on, parameters))
                return original(sql, parameters)

            monkeypatch.setattr(connection, name, spy)
    await work
    monkeypatch.undo()
    plans = []
    for sql, (connection, parameters) in asked.items():
        if re.match(r"SELECT|UPDATE|DELETE", sql):
            # On the same connection: only the writer has the functions that triggers call.
            rows = await connection.execute_fetchall(f"EXPLAIN QUERY PLAN {sql}", parameters)
            plans.append("; ".join(row["detail"] for row in rows))
    return plans


def reads_all(plan: str) -> bool:
    """Return whether the plan scans a whole table."""
    return any(
        step.startswith("SCAN") and "USING" not in step and not BY_WORDS.search(step)
        for step in plan.split("; ")
    )
