"""Rows written by earlier releases, and snapshots of a database to compare."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.storage.fakes import ALICE, BOB

Rows = dict[str, list[tuple[Any, ...]]]
LIVE = ("accepted", "queued", "painting")
ENDS = ("painted", "cancelled", "failed", "expired")
PROMPTS = (
    "a mountain lake at dawn",
    "山间日落",
    "湖, ＮＥＯＮ and 'quotes\"",
    "",
    "two\nlines 🎨",
    "e\u0301té",
)
DELIVERIES = (
    # state, message_id, road, reply_token, attempted_at, settled_at, result_message_id, detail
    ("pending", None, None, "token", None, None, None, None),
    ("pending", 70, None, None, None, None, None, None),
    ("pending", 71, "edit", None, 8, None, None, None),
    ("pending", None, "post", "token", 8, None, None, None),
    ("delivered", 72, "edit", None, 8, 9, 72, None),
    ("delivered", None, "post", None, 8, 9, 73, None),
    ("kept", None, "post", None, 8, 9, None, "may not post there"),
    ("dropped", None, None, None, None, 9, None, None),
)


def old_rows() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield SQL and values for rows of every kind and state that the first release wrote."""
    marks = {size: ", ".join("?" * size) for size in range(20)}
    job_id = picture_id = 0
    for state in (*LIVE, *ENDS):
        for place in (ALICE, BOB):
            for number, delivery in enumerate(DELIVERIES):
                job_id += 1
                over = state in ENDS
                error = ("crashed", "twice") if state == "failed" else (None, None)
                parent_id = picture_id - 1 if picture_id > 1 and job_id % 3 == 0 else None
                prompt = PROMPTS[job_id % len(PROMPTS)]
                own = (place.guild_id, place.channel_id, place.user_id)
                asked = ('{"steps": 8}', prompt, 2**32 - job_id, 1 + number % 2, number % 3)
                times = (1000 + job_id, None if state == "queued" else 6, 7 if over else None)
                yield (
                    f"INSERT INTO jobs VALUES ({marks[17]})",
                    (job_id, *own, state, *asked, parent_id, "zh-CN", *times, *error),
                )
                message_id, road, token, *rest = delivery[1:]
                told = (delivery[0], place.channel_id, message_id, road, f"n-{job_id}", token)
                yield f"INSERT INTO deliveries VALUES ({marks[11]})", (job_id, *told, *rest)
                refunded = 9 if over and state != "painted" else None
                charge = (job_id, place.guild_id, place.user_id, 1 + number % 2, 5, refunded)
                yield f"INSERT INTO ledger VALUES ({marks[6]})", charge
                for row in range(1 + number % 2 if state == "painted" else 0):
                    picture_id += 1
                    file = (f"pictures/{picture_id}.png", "ab" * 32, '{"model": "sketch"}')
                    sizes = (row, 256, 192, 1.5, 7, 8 if picture_id % 4 == 0 else None)
                    values = (picture_id, job_id, place.guild_id, place.user_id, *file, *sizes)
                    yield f"INSERT INTO pictures VALUES ({marks[13]})", values
    yield "INSERT INTO user_quotas VALUES (10, 30, 0, 1, 1, 1), (10, 31, 1000000, 8760, 1, 2)", ()
    yield "INSERT INTO server_quotas VALUES (10, 5, 24, 1, 3)", ()
    yield "DELETE FROM pictures WHERE id = (SELECT max(id) FROM pictures)", ()


def rows_of(path: Path, like: Rows | None = None) -> Rows:
    """Return all rows by "columns FROM table"; only the keys of `like`, if given.

    Without the search indexes, which are made from them, and made anew where they find more, and
    without a column that a table of its own has replaced.
    """
    with closing(sqlite3.connect(path)) as connection:
        if like is None:
            tables = connection.execute(
                "SELECT name, (SELECT group_concat(name, ', ') FROM pragma_table_info(t.name) "
                "WHERE name <> 'reports_channel_id') "
                "FROM sqlite_schema AS t WHERE type = 'table' "
                "AND name NOT LIKE 'pictures_search%' AND name NOT LIKE 'shown_search%'"
            )
            like = {f"{columns} FROM {table}": [] for table, columns in tables.fetchall()}
        return {
            what: sorted(connection.execute(f"SELECT {what}").fetchall(), key=repr) for what in like
        }


def added(after: Rows, before: Rows) -> Rows:
    """Return the rows of tables that did not exist before."""
    tables = {what.partition(" FROM ")[2] for what in before}
    return {what: rows for what, rows in after.items() if what.partition(" FROM ")[2] not in tables}


def state_of(path: Path, like: Rows | None = None) -> tuple[int, list[tuple[Any, ...]], Rows]:
    """Return version, schema and rows."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        schema = connection.execute("SELECT * FROM sqlite_schema ORDER BY name").fetchall()
    return version, schema, rows_of(path, like)


NEWER = (
    "UPDATE jobs SET private = 1 WHERE id % 3 = 0",
    "UPDATE deliveries SET road = 'reply', upload_limit_bytes = 25000000 "
    "WHERE road = 'edit' AND job_id % 2",
    "UPDATE deliveries SET road = 'direct' WHERE road = 'post' AND job_id % 2",
    "UPDATE pictures SET size_bytes = 100 * id WHERE id % 2",
    "UPDATE pictures SET favourite_at = 9 WHERE id % 3 = 0",
    "UPDATE pictures SET file_removed_at = 9 WHERE id % 5 = 0",
)
"""Statements that use what the second release added."""
