"""Upgrades: a database that an earlier release wrote keeps every row, whatever its state."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage import search
from storage.database import Database
from storage.errors import MigrationFailed
from storage.inputs import Inputs
from storage.migrate import load_migrations, statements
from tests.storage.fakes import ALICE, BOB, Stores, new_job

Rows = dict[str, list[tuple[Any, ...]]]

ROOT = Path(__file__).parents[2]
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
    """SQL and values for rows of every kind and state that the first release could write."""
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


@pytest.fixture
async def old_file(database_file: Path) -> Path:
    """A database of version 1 with old_rows()."""
    await (await Database.open(database_file, migrations=load_migrations()[:1])).close()
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for sql, values in old_rows():
            connection.execute(sql, values)
        connection.commit()
    return database_file


@pytest.fixture
async def upgraded(old_file: Path) -> AsyncIterator[Stores]:
    """The same, opened by this release."""
    stores = await Stores.open(old_file)
    yield stores
    await stores.db.close()


async def upgrade(path: Path) -> None:
    await (await Database.open(path)).close()


def rows_of(path: Path, like: Rows | None = None) -> Rows:
    """Every row of every table, by "columns FROM table"; only what `like` has, if given."""
    with closing(sqlite3.connect(path)) as connection:
        if like is None:
            tables = connection.execute(
                "SELECT name, (SELECT group_concat(name, ', ') FROM pragma_table_info(t.name)) "
                "FROM sqlite_schema AS t WHERE type = 'table'"
            )
            like = {f"{columns} FROM {table}": [] for table, columns in tables.fetchall()}
        return {
            what: sorted(connection.execute(f"SELECT {what}").fetchall(), key=repr) for what in like
        }


def added(after: Rows, before: Rows) -> Rows:
    """The rows of the tables that were not there before."""
    tables = {what.partition(" FROM ")[2] for what in before}
    return {what: rows for what, rows in after.items() if what.partition(" FROM ")[2] not in tables}


def state_of(path: Path, like: Rows | None = None) -> tuple[int, list[tuple[Any, ...]], Rows]:
    """Version, schema and rows."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        schema = connection.execute("SELECT * FROM sqlite_schema ORDER BY name").fetchall()
    return version, schema, rows_of(path, like)


def test_the_old_rows_are_of_every_kind(old_file: Path) -> None:
    """The database that is upgraded here has every state of jobs, deliveries and pictures."""
    with closing(sqlite3.connect(old_file)) as connection:

        def different(what: str, table: str) -> int:
            return connection.execute(f"SELECT count(DISTINCT {what}) FROM {table}").fetchone()[0]

        assert different("state", "jobs") == len((*LIVE, *ENDS))
        assert different("prompt", "jobs") == len(PROMPTS)
        assert different("parent_picture_id", "jobs") > 0
        assert different("state || coalesce(road, '')", "deliveries") == len(DELIVERIES) - 1
        assert different("deleted_at IS NULL", "pictures") == 2
        assert different("refunded_at IS NULL", "ledger") == 2


async def test_every_row_comes_through(old_file: Path) -> None:
    """After the upgrade every row has the values it had, and nothing refers to nothing."""
    before = rows_of(old_file)
    await upgrade(old_file)
    assert rows_of(old_file, before) == before
    with closing(sqlite3.connect(old_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(load_migrations()),)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute(
            "INSERT INTO pictures_search (pictures_search) VALUES ('integrity-check')"
        )


async def test_what_is_new_is_unknown(upgraded: Stores) -> None:
    """Old jobs are not private, old files are on the disk, in no size and nobody's favourite."""
    pictures = await upgraded.history.page(ALICE.user_id, ALICE.guild_id, None, 100)
    assert pictures
    assert not any(picture.private or picture.favourite for picture in pictures)
    assert all(picture.on_disk for picture in pictures)
    assert await upgraded.db.fetch_all("SELECT 1 FROM pictures WHERE size_bytes IS NOT NULL") == []


async def test_what_was_painted_before_is_found(upgraded: Stores) -> None:
    """The search finds old pictures by their words, and none that were erased before."""
    found_by = dict.fromkeys(("日落", "山", "LAKE dawn", "neon", "été", "🎨", 'quotes"'), 0)
    for place in (ALICE, BOB):
        person = (place.user_id, place.guild_id)
        everything = await upgraded.history.page(*person, None, 100)
        for text in found_by:
            words = search.words_of(text)
            found = await upgraded.history.search(*person, text, None, 100)
            assert found == [each for each in everything if search.holds(each.prompt, words)]
            found_by[text] += len(found)
    assert all(found_by.values()), found_by
    indexed = await upgraded.db.fetch_all("SELECT id FROM pictures_search_docsize ORDER BY id")
    living = await upgraded.db.fetch_all(
        "SELECT id FROM pictures WHERE deleted_at IS NULL ORDER BY id"
    )
    assert list(map(tuple, indexed)) == list(map(tuple, living))


async def test_life_goes_on(upgraded: Stores) -> None:
    """Old jobs are recovered, old results delivered, and new rows get ids that none ever had."""
    recovery = await upgraded.jobs.recover()
    assert len(recovery.queued) + len(recovery.ended) == len(LIVE) * 2 * len(DELIVERIES)
    pending = await upgraded.deliveries.pending()
    assert len(pending) >= len(ENDS) * 2 * 4
    for each in pending:
        await upgraded.deliveries.delivered(each.job.id, 99)
    (last,) = await upgraded.db.fetch_all("SELECT seq FROM sqlite_sequence WHERE name = 'pictures'")
    (picture,) = await upgraded.painted(new_job(BOB))
    assert picture.id == last["seq"] + 1
    await upgraded.history.erase(picture.id)
    assert await upgraded.history.get(picture.id) is None


@pytest.mark.parametrize("applied", range(len(list(statements(load_migrations()[1].sql))) + 1))
async def test_a_failure_anywhere_leaves_the_old_version(old_file: Path, applied: int) -> None:
    """Whatever statement of the upgrade is the last that works, the database is as it was."""
    before = state_of(old_file)
    first, second, *_ = load_migrations()
    done = list(statements(second.sql))[:applied]
    broken = replace(second, sql=" ".join((*done, "INSERT INTO nowhere VALUES (1);")))
    with pytest.raises(MigrationFailed):
        await Database.open(old_file, migrations=[first, broken])
    assert state_of(old_file) == before


async def test_a_prompt_that_cannot_be_read_leaves_the_old_version(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while the search index is filled rolls everything back, and can be mended."""
    before = state_of(old_file)
    with monkeypatch.context() as patch:
        patch.setattr(search, "tokens", lambda *_: 1 / 0)
        with pytest.raises(MigrationFailed):
            await Database.open(old_file)
    assert state_of(old_file) == before
    await upgrade(old_file)


KILLED = """
import asyncio, itertools, os, sys
from pathlib import Path
from storage import search
from storage.database import Database

calls = itertools.count()
made = search.tokens
def tokens(*values):
    if next(calls) == 5:
        os._exit(86)
    return made(*values)
search.tokens = tokens
asyncio.run(Database.open(Path(sys.argv[1])))
"""


def test_a_killed_upgrade_leaves_the_old_version(old_file: Path) -> None:
    """A process that dies in the middle of the upgrade leaves the database as it was."""
    before = state_of(old_file)
    died = subprocess.run([sys.executable, "-c", KILLED, old_file], cwd=ROOT, check=False)
    assert died.returncode == 86
    assert state_of(old_file) == before
    asyncio.run(upgrade(old_file))
    assert state_of(old_file, {})[0] == len(load_migrations())


NEWER = (
    "UPDATE jobs SET private = 1 WHERE id % 3 = 0",
    "UPDATE deliveries SET road = 'reply', upload_limit_bytes = 25000000 "
    "WHERE road = 'edit' AND job_id % 2",
    "UPDATE deliveries SET road = 'direct' WHERE road = 'post' AND job_id % 2",
    "UPDATE pictures SET size_bytes = 100 * id WHERE id % 2",
    "UPDATE pictures SET favourite_at = 9 WHERE id % 3 = 0",
    "UPDATE pictures SET file_removed_at = 9 WHERE id % 5 = 0",
)
"""What the second release could write, and the first could not."""


@pytest.fixture
async def second_file(old_file: Path) -> Path:
    """A database of version 2 with old_rows(), and what is new in it."""
    async with (
        await Database.open(old_file, migrations=load_migrations()[:2]) as db,
        db.transaction() as transaction,
    ):
        for sql in NEWER:
            assert await transaction.execute(sql) > 0, sql
    return old_file


async def test_every_row_of_the_second_version_comes_through(second_file: Path) -> None:
    """After the upgrade from version 2 every row is as it was, and no job has an input."""
    before = rows_of(second_file)
    assert sum(map(len, before.values())) > 200
    await upgrade(second_file)
    version, _, after = state_of(second_file)
    assert version == len(load_migrations())
    assert rows_of(second_file, before) == before
    after = added(after, before)
    assert after.pop("guild_id, user_id, hour, pictures FROM usage_hours")
    assert after.pop("job_id, position, sha256 FROM job_inputs") == []
    assert after and not any(after.values())
    with closing(sqlite3.connect(second_file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_old_jobs_get_along_with_new_ones(second_file: Path) -> None:
    """After the upgrade a job can start from a picture, and old ones go on without any."""
    stores = await Stores.open(second_file)
    recovery = await stores.jobs.recover()
    inputs = Inputs(stores.db, stores.clock)
    assert recovery.queued and await inputs.of_job(recovery.queued[0].id) == ()
    await inputs.write(b"input", "ab" * 32)
    (picture,) = await stores.painted(new_job(BOB, inputs=("ab" * 32,), parent_picture_id=1))
    assert await inputs.of_job(picture.job_id) == ("ab" * 32,)
    assert await stores.history.erase(1) is not None
    assert await inputs.read("ab" * 32) == b"input"
    await stores.db.close()


@pytest.mark.parametrize("applied", range(len(list(statements(load_migrations()[2].sql))) + 1))
async def test_a_failure_anywhere_leaves_the_second_version(
    second_file: Path, applied: int
) -> None:
    """Whatever statement of the third version is the last that works, nothing is changed."""
    before = state_of(second_file)
    *earlier, third = load_migrations()[:3]
    done = list(statements(third.sql))[:applied]
    broken = replace(third, sql=" ".join((*done, "INSERT INTO nowhere VALUES (1);")))
    with pytest.raises(MigrationFailed):
        await Database.open(second_file, migrations=[*earlier, broken])
    assert state_of(second_file) == before
