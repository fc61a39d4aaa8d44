"""The database beside a running bot: sound, damaged, too new, and whose it is."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.diagnosis.database import check_database, running_bot
from bot.diagnosis.findings import Code, Finding, Level
from storage import backup
from storage.database import Database
from storage.lock import DataFolderLock
from storage.opening import restoring_file
from tests.bot.diagnosis.reading import levels, said

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database."""
    file = tmp_path_factory.mktemp("new") / "zimagine.db"

    async def make() -> None:
        await (await Database.open(file)).close()

    asyncio.run(make())
    return file


@pytest.fixture
def data_dir(empty: Path, tmp_path: Path) -> Path:
    """A data folder with a new database."""
    shutil.copy(empty, tmp_path)
    return tmp_path


def check(folder: Path, *, bot: int | None = None) -> list[Finding]:
    """Check a folder whose settings keep backups."""
    return check_database(folder, now=NOW, keeps_backups=True, bot=bot)


def execute(data_dir: Path, sql: str) -> None:
    """Change the database as no program of ours does."""
    connection = sqlite3.connect(data_dir / "zimagine.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, with its bytes."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def test_a_sound_database_is_left_as_it_was(data_dir: Path) -> None:
    """Version and size are told, a missing backup is noted, and not one byte is changed."""
    before = contents(data_dir)
    assert levels(check(data_dir)) == {Code.DATABASE: Level.OK, Code.NO_BACKUP: Level.NOTE}
    assert contents(data_dir) == before
    found = check_database(data_dir, now=NOW, keeps_backups=False, bot=None)
    assert levels(found) == {Code.DATABASE: Level.OK}


def test_there_need_be_none(tmp_path: Path) -> None:
    """A new folder has no database, which is no fault; none is made."""
    assert levels(check(tmp_path / "data")) == {Code.NO_DATABASE: Level.OK}
    assert list(tmp_path.iterdir()) == []


def test_damage_leads_to_the_newest_backup(data_dir: Path) -> None:
    """A damaged database is broken; the command restores the newest backup, if there is one."""
    file = data_dir / "zimagine.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    found = check(data_dir)
    assert levels(found) == {Code.DAMAGED: Level.BROKEN} and ".recover" in said(found)
    file.write_bytes(whole)
    made = backup.nightly_path(data_dir, NOW)
    asyncio.run(backup.back_up(file, made))
    file.write_bytes(whole[: len(whole) // 2])
    assert f"zimagine db restore {made}" in said(check(data_dir))
    config = Path("my config.toml")
    found = check_database(data_dir, now=NOW, keeps_backups=True, bot=None, config=config)
    assert f"{made.name} --config 'my config.toml'" in said(found)


@pytest.mark.parametrize(
    ("sql", "code", "level"),
    [
        ("PRAGMA user_version = 999", Code.TOO_NEW, Level.BROKEN),
        ("PRAGMA user_version = 1", Code.OLD_SCHEMA, Level.NOTE),
        ("PRAGMA application_id = 7", Code.DATABASE_UNUSABLE, Level.BROKEN),
    ],
)
def test_other_versions(data_dir: Path, sql: str, code: Code, level: Level) -> None:
    """A newer schema and another program's file are broken; an older schema is updated later."""
    execute(data_dir, sql)
    assert levels(check(data_dir))[code] is level


def test_an_unfinished_restore(data_dir: Path) -> None:
    """An interrupted restore is broken, and has to be run again."""
    restoring_file(data_dir / "zimagine.db").write_bytes(b"")
    assert levels(check(data_dir)) == {Code.RESTORE_UNFINISHED: Level.BROKEN}


@pytest.mark.parametrize(("days", "code"), [(0, Code.BACKUP), (9, Code.BACKUP_OLD)])
def test_backups(data_dir: Path, days: int, code: Code) -> None:
    """The newest backup is told; one of many days ago is worth a note."""
    made = backup.nightly_path(data_dir, NOW - timedelta(days=days))
    asyncio.run(backup.back_up(data_dir / "zimagine.db", made))
    assert code in levels(check(data_dir))


def test_a_job_from_the_future(data_dir: Path) -> None:
    """A record that lies ahead of the clock says that the clock is, or was, wrong."""
    ahead_us = (NOW + timedelta(days=2) - datetime(1970, 1, 1, tzinfo=UTC)) // MICRO
    columns = "guild_id, channel_id, user_id, state, request, prompt, seed, pictures, locale, "
    columns += "accepted_at"
    values = f"1, 1, 0, 'queued', '{{}}', 'x', 1, 1, 'en', {ahead_us}"
    execute(data_dir, f"INSERT INTO jobs ({columns}) VALUES ({values})")
    found = check(data_dir)
    assert levels(found)[Code.CLOCK_BEHIND_DATABASE] is Level.NOTE
    assert "2026-03-03 12:00 UTC" in said(found)


def test_a_bot_that_runs_is_found_without_its_lock(data_dir: Path) -> None:
    """Whoever holds the folder is named and keeps the lock; a killed one is not taken for it."""
    assert running_bot(data_dir) is None
    with DataFolderLock(data_dir):
        process = running_bot(data_dir)
        assert process is not None
        assert levels(check(data_dir, bot=process))[Code.BOT_RUNS] is Level.OK
    (data_dir / "zimagine.pid").write_text("999999999\n")
    assert running_bot(data_dir) is None


def test_a_reused_number_is_not_the_bot(data_dir: Path) -> None:
    """A process that began after the file was written is another one with the same number."""
    file = data_dir / "zimagine.pid"
    file.write_text(f"{os.getpid()}\n")
    os.utime(file, (1, 1))
    assert running_bot(data_dir) is None


def test_a_database_in_use(data_dir: Path) -> None:
    """A bot that has the database open does not get in the way, nor the check in its."""

    async def beside() -> None:
        async with await Database.open(data_dir / "zimagine.db"):
            found = await asyncio.to_thread(check, data_dir)
            assert levels(found)[Code.DATABASE] is Level.OK

    asyncio.run(beside())
