"""Migrations: splitting SQL, the order, and that a failed one changes nothing."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import DatabaseTooNew, MigrationFailed
from storage.migrate import Migration, check_numbers, load_migrations, statements

FIRST = Migration(
    1, "0001_a.sql", "CREATE TABLE a (x INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);"
)
SECOND = Migration(
    2, "0002_b.sql", "CREATE TABLE b (x REFERENCES a (x)); INSERT INTO b VALUES (1);"
)


def version_and_tables(path: Path) -> tuple[int, set[str]]:
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    connection.close()
    return version, tables


def test_statements_end_only_where_they_end() -> None:
    """Semicolons in strings, comments and trigger bodies do not split a statement."""
    sql = """
        -- a comment; with a semicolon
        CREATE TABLE t (a TEXT DEFAULT 'x;y'); /* one; more */
        CREATE TRIGGER r AFTER INSERT ON t BEGIN
            UPDATE t SET a = ';'; DELETE FROM t;
        END;
        INSERT INTO t VALUES ('''; '); -- the end;
    """
    found = list(statements(sql))
    assert len(found) == 3
    connection = sqlite3.connect(":memory:")
    for statement in found:
        connection.execute(statement)


def test_an_unfinished_statement_is_refused() -> None:
    """A file that ends in the middle of a statement raises."""
    with pytest.raises(ValueError, match="unfinished"):
        list(statements("CREATE TABLE t (a); INSERT INTO t VALUES (1)"))


def test_numbers_have_no_gap() -> None:
    """The shipped files are numbered from 1 without gaps, and a gap is refused."""
    check_numbers(load_migrations())
    with pytest.raises(ValueError, match="without gaps"):
        check_numbers([FIRST, Migration(3, "0003_c.sql", "")])


async def test_applies_what_is_missing_and_keeps_what_is_there(database_file: Path) -> None:
    """An older database gets only the missing migrations and keeps its rows."""
    await (await Database.open(database_file, migrations=[FIRST])).close()
    assert version_and_tables(database_file) == (1, {"a"})
    async with await Database.open(database_file, migrations=[FIRST, SECOND]) as db:
        assert [row["x"] for row in await db.fetch_all("SELECT x FROM b")] == [1]
    assert version_and_tables(database_file) == (2, {"a", "b"})


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TABLE c (x); INSERT INTO nowhere VALUES (1);",
        "CREATE TABLE c (x); INSERT",
        "CREATE TABLE c (x REFERENCES a (x)); INSERT INTO c VALUES (9);",
    ],
    ids=["an error", "an unfinished statement", "a row that refers to nothing"],
)
async def test_a_failure_rolls_the_whole_file_back(database_file: Path, broken: str) -> None:
    """A failed migration leaves version and tables unchanged, and can be retried once fixed."""
    bad = Migration(2, "0002_bad.sql", broken)
    with pytest.raises(MigrationFailed) as caught:
        await Database.open(database_file, migrations=[FIRST, bad])
    assert caught.value.number == 2
    assert version_and_tables(database_file) == (1, {"a"})
    await (await Database.open(database_file, migrations=[FIRST, SECOND])).close()


async def test_a_table_can_be_rebuilt(database_file: Path) -> None:
    """A migration can drop and rebuild a table that others refer to."""
    rebuild = Migration(
        3,
        "0003_rebuild.sql",
        "CREATE TABLE n (x INTEGER PRIMARY KEY, y); INSERT INTO n SELECT x, 5 FROM a; "
        "DROP TABLE a; ALTER TABLE n RENAME TO a;",
    )
    await (await Database.open(database_file, migrations=[FIRST, SECOND])).close()
    async with await Database.open(database_file, migrations=[FIRST, SECOND, rebuild]) as db:
        row = await db.fetch_one("SELECT a.y FROM b JOIN a USING (x)")
        assert row is not None and row["y"] == 5
        with pytest.raises(sqlite3.IntegrityError):
            async with db.transaction() as transaction:
                await transaction.execute("INSERT INTO b VALUES (99)")


async def test_an_older_program_refuses(database_file: Path) -> None:
    """A program with fewer migrations than the database refuses it."""
    await (await Database.open(database_file, migrations=[FIRST, SECOND])).close()
    with pytest.raises(DatabaseTooNew):
        await Database.open(database_file, migrations=[FIRST])


async def test_many_openings_at_once_migrate_once(database_file: Path) -> None:
    """Concurrent openings of a new file all succeed, and each migration runs once."""
    opened = await asyncio.gather(
        *(Database.open(database_file, migrations=[FIRST, SECOND]) for _ in range(8))
    )
    rows = await opened[0].fetch_all("SELECT x FROM b")
    assert len(rows) == 1
    for db in opened:
        await db.close()
