"""Upgrades: a database of an earlier release keeps every row, whatever its state."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from storage import search
from storage.database import Database
from storage.errors import MigrationFailed
from storage.inputs import Inputs
from storage.migrate import load_migrations, statements
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job
from tests.storage.old_databases import (
    DELIVERIES,
    ENDS,
    LIVE,
    NEWER,
    PROMPTS,
    added,
    rows_of,
    state_of,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def upgraded(old_file: Path) -> AsyncIterator[OpenStores]:
    """An old database, opened by this release."""
    stores = await OpenStores.open(old_file)
    yield stores
    await stores.db.close()


async def upgrade(path: Path) -> None:
    await (await Database.open(path)).close()


def test_the_old_rows_are_of_every_kind(old_file: Path) -> None:
    """The old database has every state of jobs, deliveries and pictures."""
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
    """After the upgrade every row has its old values, and no reference is broken."""
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


async def test_what_is_new_is_unknown(upgraded: OpenStores) -> None:
    """Old jobs are not private; old files are on disk, of unknown size, and not favourites."""
    pictures = await upgraded.history.page(ALICE.user_id, ALICE.guild_id, None, 100)
    assert pictures
    assert not any(picture.private or picture.favourite for picture in pictures)
    assert all(picture.on_disk for picture in pictures)
    assert await upgraded.db.fetch_all("SELECT 1 FROM pictures WHERE size_bytes IS NOT NULL") == []


async def test_what_was_painted_before_is_found(upgraded: OpenStores) -> None:
    """The search finds old pictures by their words, except those erased before."""
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


async def test_life_goes_on(upgraded: OpenStores) -> None:
    """Old jobs are recovered, old results delivered, and new rows get unused ids."""
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
    """A failure in any statement of the migration leaves the database unchanged."""
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
    """An error while the search index is filled rolls everything back, and can be fixed."""
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
    """A process that dies during the migration leaves the database unchanged."""
    before = state_of(old_file)
    died = subprocess.run([sys.executable, "-c", KILLED, old_file], cwd=ROOT, check=False)
    assert died.returncode == 86
    assert state_of(old_file) == before
    asyncio.run(upgrade(old_file))
    assert state_of(old_file, {})[0] == len(load_migrations())


@pytest.fixture
async def second_file(old_file: Path) -> Path:
    """A database of version 2 with old_rows() and the rows that version added."""
    async with (
        await Database.open(old_file, migrations=load_migrations()[:2]) as db,
        db.transaction() as transaction,
    ):
        for sql in NEWER:
            assert await transaction.execute(sql) > 0, sql
    return old_file


async def test_every_row_of_the_second_version_comes_through(second_file: Path) -> None:
    """After the upgrade from version 2 every row is unchanged, and no job has an input."""
    before = rows_of(second_file)
    assert sum(map(len, before.values())) > 200
    await upgrade(second_file)
    version, _, after = state_of(second_file)
    assert version == len(load_migrations())
    # The index of the search is filled anew, with more terms.
    kept = {what: rows for what, rows in before.items() if "pictures_search" not in what}
    assert kept and rows_of(second_file, kept) == kept
    after = added(after, before)
    assert after.pop("guild_id, user_id, hour, pictures, cost FROM usage_hours")
    assert after.pop("guild_id, hour, cost FROM server_usage_hours")
    assert after.pop("job_id, position, sha256 FROM job_inputs") == []
    assert after.pop("picture_id, guild_id, channel_id FROM shown_pictures")
    assert after.pop("id, mark, jobs, pictures, proposals FROM database_mark")
    assert after and not any(after.values())
    with closing(sqlite3.connect(second_file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_old_jobs_get_along_with_new_ones(second_file: Path) -> None:
    """After the upgrade jobs can have inputs, and old ones continue without."""
    stores = await OpenStores.open(second_file)
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
    """A failure in any statement of the third migration leaves the database unchanged."""
    before = state_of(second_file)
    *earlier, third = load_migrations()[:3]
    done = list(statements(third.sql))[:applied]
    broken = replace(third, sql=" ".join((*done, "INSERT INTO nowhere VALUES (1);")))
    with pytest.raises(MigrationFailed):
        await Database.open(second_file, migrations=[*earlier, broken])
    assert state_of(second_file) == before
