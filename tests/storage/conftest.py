"""Fixtures for the tests of storage."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import load_migrations
from tests.storage.fakes import OpenStores
from tests.storage.old_databases import (
    old_rows,
)


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "zimagine.db"


@pytest.fixture
async def stores(database_file: Path) -> AsyncIterator[OpenStores]:
    opened = await OpenStores.open(database_file)
    yield opened
    await opened.db.close()


@pytest.fixture
async def filled(database_file: Path) -> AsyncIterator[OpenStores]:
    """A database with thousands of finished jobs that are as old as the clock's start."""
    stores = await OpenStores.open(database_file)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    async with stores.db.transaction() as transaction:
        for sql in (
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at, finished_at) "
            "SELECT 10, 20, i % 50, 'painted', '{}', 'a lake', i, 1, 'en-US', i, i FROM n",
            "INSERT INTO ledger (job_id, guild_id, user_id, pictures, charged_at) "
            "SELECT i, 10, i % 50, 1, i FROM n",
            "INSERT INTO deliveries (job_id, state, channel_id, nonce, settled_at) "
            "SELECT i, 'delivered', 20, 'old-' || i, i FROM n",
            "INSERT INTO pictures (job_id, guild_id, user_id, file, sha256, recipe, seed, "
            "width_px, height_px, duration_s, painted_at) "
            "SELECT i, 10, i % 50, 'pictures/x.png', 'x', '{}', i, 64, 64, 1.0, i FROM n",
        ):
            await transaction.execute(numbers + sql)
    yield stores
    await stores.db.close()


@pytest.fixture
async def old_file(database_file: Path) -> Path:
    """A database of version 1 filled with old_rows()."""
    await (await Database.open(database_file, migrations=load_migrations()[:1])).close()
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for sql, values in old_rows():
            connection.execute(sql, values)
        connection.commit()
    return database_file
