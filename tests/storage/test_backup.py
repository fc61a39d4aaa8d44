"""Backups are complete or absent, consistent, and made while others write."""

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import backup, folders
from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DataFolderUnusable,
    DiskFull,
    RestoreUnfinished,
)
from tests.storage.dying import die
from tests.storage.fakes import OpenStores

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def jobs_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    (jobs,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    connection.close()
    return jobs


async def test_a_backup_is_one_private_sound_file(stores: OpenStores, tmp_path: Path) -> None:
    """A copy contains the last commit in one private file, and reports what it contains."""
    await stores.painted()
    await stores.accept()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    made = await backup.back_up(stores.db.path, folder / "copy.db")
    assert names(folder) == ["copy.db"]
    assert (made.pictures, made.path) == (1, folder / "copy.db")
    assert made.size_bytes == made.path.stat().st_size
    assert jobs_in(made.path) == 2
    assert names(folder) == ["copy.db"]
    if os.name == "posix":
        assert made.path.stat().st_mode & 0o777 == 0o600


async def test_writers_go_on_during_a_backup(
    stores: OpenStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers are not blocked while a copy is made, and the copy shows a single instant."""
    for _ in range(30):
        await stores.accept()
    checking, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    original = backup.opening.damage

    def slow(connection: sqlite3.Connection, pragma: str) -> str | None:
        loop.call_soon_threadsafe(checking.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return original(connection, pragma)

    monkeypatch.setattr(backup.opening, "damage", slow)
    copying = asyncio.create_task(backup.back_up(stores.db.path, tmp_path / "copy.db"))
    await checking.wait()
    for _ in range(30):
        await asyncio.wait_for(stores.accept(), 5)
    go_on.set()
    assert jobs_in((await copying).path) == 30


async def test_what_a_killed_process_left_in_its_journal_is_copied(
    stores: OpenStores, tmp_path: Path
) -> None:
    """Copying a killed process's database includes its journal, and changes neither file."""
    await stores.accept()
    left = tmp_path / "left"
    left.mkdir()
    for ending in ("", "-wal"):
        file = stores.db.path.with_name(stores.db.path.name + ending)
        (left / file.name).write_bytes(file.read_bytes())
    before = {name: (left / name).read_bytes() for name in names(left)}
    made = await backup.back_up(left / "zimagine.db", tmp_path / "copy.db")
    assert jobs_in(made.path) == 1
    assert {name: (left / name).read_bytes() for name in before} == before


async def test_an_existing_file_is_replaced_only_when_told(
    stores: OpenStores, tmp_path: Path
) -> None:
    """An existing file is kept unless it is to be replaced; the source is never replaced."""
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(DataFolderUnusable, match="already"):
        await backup.back_up(stores.db.path, target)
    assert target.read_text() == "mine" and names(tmp_path) == ["copy.db", "data"]
    await backup.back_up(stores.db.path, target, replace=True)
    assert jobs_in(target) == 0
    for taken in (stores.db.path, tmp_path):
        with pytest.raises(DataFolderUnusable):
            await backup.back_up(stores.db.path, taken, replace=True)


async def test_a_file_that_comes_meanwhile_is_not_replaced(
    stores: OpenStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file created while the copy is made is left alone, with and without hard links."""
    target = tmp_path / "copy.db"

    def appear(_: Path) -> None:
        target.write_text("mine")

    def no_links(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(backup, "flush", appear)
    for _ in range(2):
        with pytest.raises(DataFolderUnusable, match="already"):
            await backup.back_up(stores.db.path, target)
        assert target.read_text() == "mine" and names(tmp_path) == ["copy.db", "data"]
        target.unlink()
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(backup, "flush", lambda _: None)
    assert jobs_in((await backup.back_up(stores.db.path, target)).path) == 0


@pytest.mark.parametrize("target", ["missing/copy.db", "file/copy.db"])
async def test_a_target_that_cannot_be_written(
    stores: OpenStores, tmp_path: Path, target: str
) -> None:
    """A missing folder, or a file in its place, is refused by name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataFolderUnusable) as caught:
        await backup.back_up(stores.db.path, tmp_path / target)
    assert caught.value.path == tmp_path / target


async def test_a_damaged_source_makes_no_backup(stores: OpenStores, tmp_path: Path) -> None:
    """A damaged database is not backed up: the error names it, and no file is created."""
    for _ in range(200):
        await stores.accept()
    await stores.db.close()
    content = bytearray(stores.db.path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xff" * 4096
    stores.db.path.write_bytes(content)
    with pytest.raises(DatabaseCorrupt) as caught:
        await backup.back_up(stores.db.path, tmp_path / "copy.db")
    assert caught.value.path == stores.db.path
    assert names(tmp_path) == ["data"]


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "missing"])
async def test_only_a_database_of_ours_is_backed_up(tmp_path: Path, content: bytes | None) -> None:
    """Anything but the bot's own database is refused, and no file is created."""
    source = tmp_path / "zimagine.db"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises((DatabaseCorrupt, DataFolderUnusable)):
        await backup.back_up(source, tmp_path / "copy.db")
    assert names(tmp_path) == ([] if content is None else ["zimagine.db"])


async def test_an_unfinished_restore_is_not_backed_up(stores: OpenStores, tmp_path: Path) -> None:
    """While a restore is unfinished, there is nothing to copy."""
    (stores.db.path.parent / "zimagine.db.restoring").touch()
    with pytest.raises(RestoreUnfinished):
        await backup.back_up(stores.db.path, tmp_path / "copy.db")


async def test_a_source_that_stays_locked_is_given_up(
    stores: OpenStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy does not wait forever for a process that keeps the whole database locked."""
    await stores.db.close()
    holder = sqlite3.connect(stores.db.path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: real(*a, **(k | {"timeout": 0.1})))
    with pytest.raises(DatabaseBusy):
        await backup.back_up(stores.db.path, tmp_path / "copy.db")
    holder.close()
    assert names(tmp_path) == ["data"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("room_bytes", [0, 1, 40_000, 150_000, 190_000])
async def test_a_full_disk_leaves_no_half_backup(
    stores: OpenStores, small_disk: Path, room_bytes: int
) -> None:
    """Whenever the disk becomes full, the error says so and no file is left."""
    for _ in range(150):
        await stores.accept()
    async with stores.db.transaction() as transaction:
        await transaction.execute("UPDATE jobs SET error_detail = hex(randomblob(500))")
    rest = small_disk / "rest"
    rest.write_bytes(b"x" * (256 * 1024 - room_bytes))
    with pytest.raises(DiskFull):
        await backup.back_up(stores.db.path, small_disk / "copy.db")
    assert names(small_disk) == ["rest"]


async def test_a_disk_that_fails_at_the_end(
    stores: OpenStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk refuses the finished copy, that is an error and no file is left."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        await backup.back_up(stores.db.path, tmp_path / "copy.db")
    assert names(tmp_path) == ["data"]


BACKING_UP = """
import asyncio, pathlib
from storage.backup import back_up
begin()
asyncio.run(back_up(*map(pathlib.Path, sys.argv[2:])))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
async def test_kill_9_leaves_a_whole_backup_or_none(stores: OpenStores, tmp_path: Path) -> None:
    """Killed at any point, a backup is complete or absent, and leftovers are removed later."""
    await stores.accept()
    data_dir = stores.db.path.parent
    ended: list[bool] = []
    last = 0
    while not ended or ended[-1]:
        target = backup.nightly_path(data_dir, NOW + timedelta(seconds=last))
        code = await die(BACKING_UP, last, str(stores.db.path), str(target))
        assert code in (0, -signal.SIGKILL)
        if target.exists():
            assert jobs_in(target) == 1
        else:
            assert code != 0
        ended.append(code != 0)
        last += 1
    assert len(ended) > 10
    later = datetime.now(UTC) + timedelta(hours=2)
    backup.prune(data_dir, 1000, later)
    assert all(name.endswith("Z.db") for name in names(data_dir / "backups"))


def make(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).write_text("x")


def test_prune_keeps_the_newest_and_whatever_is_not_ours(tmp_path: Path) -> None:
    """All but the newest nightly copies are removed; every other file in the folder stays."""
    folder = tmp_path / "backups"
    ours = [f"zimagine-202611{day}T030000Z.db" for day in (10, 11, 12, 20)]
    foreign = ["mine.db", "zimagine-20261101T030000Z.db.gz", "zimagine-20269999T030000Z.db", ".x"]
    make(folder, *ours, *foreign)
    (folder / "zimagine-20261102T030000Z.db").mkdir()
    assert [each.path.name for each in backup.nightlies(tmp_path)] == ours[::-1]
    assert backup.nightlies(tmp_path)[0].made_at == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert [each.name for each in backup.prune(tmp_path, 2, NOW)] == ours[1::-1]
    assert names(folder) == sorted([*ours[2:], *foreign, "zimagine-20261102T030000Z.db"])
    with pytest.raises(ValueError, match="at least one"):
        backup.prune(tmp_path, 0, NOW)


def test_prune_trusts_no_backup_from_the_future(tmp_path: Path) -> None:
    """A copy dated in the future by a wrong clock does not outlive the correct ones."""
    make(tmp_path / "backups", "zimagine-20990101T030000Z.db", "zimagine-20261121T030000Z.db")
    backup.prune(tmp_path, 1, NOW)
    assert names(tmp_path / "backups") == ["zimagine-20261121T030000Z.db"]


def test_prune_spares_what_is_under_way(tmp_path: Path) -> None:
    """An unfinished copy is removed after an hour; a younger one may be in progress."""
    folder = tmp_path / "backups"
    make(
        folder, ".zimagine-x.db.old.part", ".zimagine-x.db.old.part-wal", ".zimagine-x.db.new.part"
    )
    for name, age_s in [("old.part", 4000), ("old.part-wal", 4000), ("new.part", 10)]:
        at = NOW.timestamp() - age_s
        os.utime(folder / f".zimagine-x.db.{name}", (at, at))
    backup.prune(tmp_path, 1, NOW)
    assert names(folder) == [".zimagine-x.db.new.part"]


def test_a_data_folder_without_backups(tmp_path: Path) -> None:
    """Without backups the list is empty, and there is nothing to prune."""
    assert backup.nightlies(tmp_path) == [] == backup.prune(tmp_path, 1, NOW)


def test_nightly_names(tmp_path: Path) -> None:
    """A nightly copy is named after its time in UTC, in a private folder."""
    path = backup.nightly_path(tmp_path, NOW)
    assert path == tmp_path / "backups" / "zimagine-20261121T030000Z.db"
    if os.name == "posix":
        assert path.parent.stat().st_mode & 0o777 == folders.PRIVATE_MODE


def test_prune_says_what_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that cannot be removed raises an error that names it."""
    make(tmp_path / "backups", "zimagine-20261120T030000Z.db", "zimagine-20261121T030000Z.db")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(DataFolderUnusable, match="20261120"):
        backup.prune(tmp_path, 1, NOW)
