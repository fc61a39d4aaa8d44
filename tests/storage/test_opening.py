"""Opening a database: what is created, what is refused, and that a refusal changes nothing."""

import asyncio
import os
import pickle
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from storage import errors, opening
from storage.database import Database
from storage.errors import (
    DatabaseCorrupt,
    DatabaseTooNew,
    DataFolderUnusable,
    SqliteTooOld,
)
from storage.migrate import load_migrations

SUPPORTED = len(load_migrations())
NEWER = SUPPORTED + 1


def contents(path: Path) -> dict[str, bytes]:
    """Return the bytes of the database and its journal by name; the -shm file is irrelevant."""
    return {
        each.name: each.read_bytes() for each in path.parent.glob("*") if "-shm" not in each.name
    }


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()] if folder.exists() else []


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def make_closed(path: Path) -> None:
    await (await Database.open(path)).close()


async def test_creates_a_private_folder_and_a_marked_database(database_file: Path) -> None:
    """A missing folder is created privately, with a marked database in WAL mode."""
    async with await Database.open(database_file) as db:
        row = await db.fetch_one("PRAGMA journal_mode")
        assert row is not None and row[0] == "wal"
        row = await db.fetch_one("PRAGMA application_id")
        assert row is not None and row[0] == opening.APPLICATION_ID
    if os.name == "posix":
        assert database_file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
async def test_the_files_of_a_database_in_a_shared_folder_are_private(tmp_path: Path) -> None:
    """Beside other people's files, only the owner of the database can read it or its journal."""
    tmp_path.chmod(0o777)
    (tmp_path / "holiday.txt").write_text("somebody else's")
    before = os.umask(0o000)
    try:
        async with await Database.open(tmp_path / "zimagine.db"):
            modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    finally:
        os.umask(before)
    del modes["holiday.txt"]
    assert {"zimagine.db", "zimagine.db-wal"} <= set(modes) and set(modes.values()) == {0o600}
    assert tmp_path.stat().st_mode & 0o777 == 0o777


async def test_writes_survive_a_power_cut(database_file: Path) -> None:
    """The writer uses durable commits and enforces foreign keys."""
    async with await Database.open(database_file) as db, db.transaction() as transaction:
        for name, value in [("synchronous", 1), ("foreign_keys", 1)]:
            row = await transaction.fetch_one(f"PRAGMA {name}")
            assert row is not None and row[0] == value


async def test_a_closed_database_leaves_one_file(database_file: Path) -> None:
    """After close() everything is in the database file itself."""
    await make_closed(database_file)
    assert names(database_file.parent) == ["zimagine.db"]


async def test_opens_an_empty_file(database_file: Path) -> None:
    """An empty file, left by a crash during creation, becomes a database."""
    put(database_file, b"")
    await make_closed(database_file)
    assert len(contents(database_file)["zimagine.db"]) > 0


async def test_odd_names_are_only_names(tmp_path: Path) -> None:
    """Characters with a meaning in URIs or SQL have none in a path."""
    path = tmp_path / "a?mode=ro#x %41 'b" / "zimagine.db"
    await make_closed(path)
    assert names(path.parent) == ["zimagine.db"]


async def test_refuses_a_file_in_the_path(tmp_path: Path) -> None:
    """A path that leads through a file is reported as such."""
    put(tmp_path / "data", b"I am a file")
    for path in (tmp_path / "data" / "zimagine.db", tmp_path / "data" / "deeper" / "zimagine.db"):
        with pytest.raises(DataFolderUnusable, match="part of the path is a file"):
            await Database.open(path)


async def test_refuses_a_folder_in_place_of_the_file(database_file: Path) -> None:
    """A folder with the name of the database is reported as such."""
    put(database_file / "something", b"in a folder")
    with pytest.raises(DataFolderUnusable, match="a folder is in the place"):
        await Database.open(database_file)


@pytest.mark.parametrize(
    "content",
    [b"hello", b"\0" * 4096, b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 8000],
    ids=["text", "zeros", "cut off", "nonsense after the magic"],
)
async def test_refuses_what_is_no_database(database_file: Path, content: bytes) -> None:
    """A file that is not a database is refused and stays unchanged, byte for byte."""
    put(database_file, content)
    with pytest.raises(DatabaseCorrupt):
        await Database.open(database_file)
    assert contents(database_file) == {"zimagine.db": content}


@pytest.mark.parametrize("keep_bytes", [5000, 4096 * 3, 120], ids=["torn", "short", "tiny"])
async def test_refuses_a_truncated_database(database_file: Path, keep_bytes: int) -> None:
    """A truncated database is refused and stays unchanged, byte for byte."""
    await make_closed(database_file)
    content = contents(database_file)["zimagine.db"][:keep_bytes]
    put(database_file, content)
    with pytest.raises(DatabaseCorrupt):
        await Database.open(database_file)
    assert contents(database_file) == {"zimagine.db": content}


async def test_refuses_a_newer_database(database_file: Path) -> None:
    """A closed database of a newer version is refused with both versions, unchanged."""
    await make_closed(database_file)
    connection = sqlite3.connect(database_file)
    connection.execute(f"PRAGMA user_version = {NEWER}")
    connection.close()
    before = contents(database_file)
    with pytest.raises(DatabaseTooNew) as caught:
        await Database.open(database_file)
    assert (caught.value.found, caught.value.supported) == (NEWER, SUPPORTED)
    assert contents(database_file) == before


async def test_refuses_a_newer_database_left_by_a_crash(database_file: Path) -> None:
    """A newer version that is only in the journal is noticed, and neither file is changed."""
    await make_closed(database_file)
    crashed = database_file.parent.parent / "crashed" / "zimagine.db"
    crashed.parent.mkdir()
    connection = sqlite3.connect(database_file, isolation_level=None)
    connection.execute(f"PRAGMA user_version = {NEWER}")
    for suffix in ("", "-wal"):
        source = database_file.with_name(database_file.name + suffix)
        crashed.with_name(crashed.name + suffix).write_bytes(source.read_bytes())
    connection.close()
    before = contents(crashed)
    assert len(before) == 2

    with pytest.raises(DatabaseTooNew):
        await Database.open(crashed)
    assert contents(crashed) == before


@pytest.mark.parametrize("sign", ["application_id = 5", "user_version = 0"])
async def test_refuses_another_programs_database(database_file: Path, sign: str) -> None:
    """Another program's database is refused and stays unchanged, byte for byte."""
    database_file.parent.mkdir()
    connection = sqlite3.connect(database_file)
    connection.execute("CREATE TABLE theirs (a)")
    connection.execute(f"PRAGMA {sign}")
    connection.commit()
    connection.close()
    before = contents(database_file)
    with pytest.raises(DataFolderUnusable, match="another program"):
        await Database.open(database_file)
    assert contents(database_file) == before


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("existing", [False, True], ids=["no database yet", "a database in it"])
def test_refuses_a_read_only_folder(existing: bool) -> None:
    """A folder that cannot be written is refused, with or without a database in it."""
    # In a separate process: the tests may run as root, for whom nothing is read-only.
    script = (
        "import asyncio, concurrent.futures.thread, os, sys, pathlib\n"
        "from storage.database import Database\n"
        "from storage.errors import DataFolderUnusable\n"
        "from storage.migrate import load_migrations\n"
        "steps = load_migrations()\n"
        "if os.geteuid() == 0:\n"
        "    os.setuid(65534)\n"
        "try:\n"
        "    asyncio.run(Database.open(pathlib.Path(sys.argv[1]), migrations=steps))\n"
        "except DataFolderUnusable as error:\n"
        "    print(error.detail)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zimagine.db"
        if existing:
            asyncio.run(make_closed(path))
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        Path(folder).chmod(0o755)
    assert done.stdout.strip() == "the folder is not writable", done.stderr


async def test_refuses_an_sqlite_without_strict_tables(
    database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SQLite that is too old is reported, and no file is created."""
    monkeypatch.setattr(opening.sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(SqliteTooOld):
        await Database.open(database_file)
    assert names(database_file.parent) == []


async def test_a_refusal_leaves_no_thread_behind(database_file: Path) -> None:
    """After a refusal, the same file can be opened once it is fixed."""
    put(database_file, b"hello")
    with pytest.raises(DatabaseCorrupt):
        await Database.open(database_file)
    put(database_file, b"")
    await make_closed(database_file)


async def fill(path: Path, journal: bool = False) -> None:
    """Write enough rows for many pages; `journal`: leave the newest as kill -9 would."""
    db = await Database.open(path)
    async with db.transaction() as transaction:
        for guild_id in range(500):
            await transaction.execute(
                "INSERT INTO server_quotas VALUES (?, 1, 1, 1, 1)", (guild_id,)
            )
    await db.close()
    if journal:
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("UPDATE server_quotas SET pictures = 2")
        left = contents(path)
        writer.close()
        for name, content in left.items():
            (path.parent / name).write_bytes(content)


def root_page(path: Path) -> int:
    connection = sqlite3.connect(path)
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'server_quotas'"
    ((page,),) = connection.execute(sql)
    connection.close()
    return page


def damage(path: Path, page: int) -> None:
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)


async def test_damage_anywhere_is_found_at_start(database_file: Path) -> None:
    """With the check, damage in a page that was never read is found, and nothing is changed."""
    await fill(database_file)
    damage(database_file, root_page(database_file))
    before = contents(database_file)
    await (await Database.open(database_file)).close()  # goes unnoticed
    assert contents(database_file) == before
    with pytest.raises(DatabaseCorrupt) as caught:
        await Database.open(database_file, check=True)
    assert "\n" not in str(caught.value) and caught.value.path == database_file
    assert contents(database_file) == before
    assert names(database_file.parent) == ["zimagine.db"]


@pytest.mark.parametrize("journal", [False, True], ids=["closed", "killed"])
async def test_the_check_of_a_sound_database_changes_nothing(
    database_file: Path, journal: bool
) -> None:
    """An intact file passes, also beside a killed process's journal, which is kept and used."""
    await fill(database_file, journal=journal)
    before = contents(database_file)
    assert len(before) == 1 + journal
    opening.check_sound(database_file)
    assert contents(database_file) == before
    async with await Database.open(database_file, check=True) as db:
        row = await db.fetch_one("SELECT min(pictures) FROM server_quotas")
        assert row is not None and row[0] == 1 + journal


async def test_pages_that_the_journal_makes_good_are_no_damage(database_file: Path) -> None:
    """A file torn while its journal was being written back counts as intact."""
    await fill(database_file, journal=True)
    journal = database_file.with_name("zimagine.db-wal").read_bytes()
    damage(database_file, int.from_bytes(journal[32:36]))  # the page of its first frame
    opening.check_sound(database_file)
    database_file.with_name("zimagine.db-wal").unlink()
    with pytest.raises(DatabaseCorrupt):
        opening.check_sound(database_file)


async def test_the_check_of_a_new_database(database_file: Path) -> None:
    """A missing or empty file passes the check."""
    await (await Database.open(database_file, check=True)).close()
    put(database_file, b"")
    await (await Database.open(database_file, check=True)).close()


async def test_looking_changes_nothing_beside_a_writer(database_file: Path) -> None:
    """A read-only look cannot write, and sees what others commit."""
    async with await Database.open(database_file) as db:
        connection = opening.look(database_file)
        async with db.transaction() as transaction:
            await transaction.execute("INSERT INTO server_quotas VALUES (1, 1, 1, 1, 1)")
        assert connection.execute("SELECT count(*) FROM server_quotas").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM server_quotas")
        connection.close()


def test_every_error_is_one_sentence_and_survives_a_copy() -> None:
    """Each error's text is one plain sentence, and errors can be pickled."""
    samples = [
        errors.DataFolderUnusable(Path("/data"), "the folder is not writable"),
        errors.DataFolderLocked(Path("/data"), None),
        errors.DataFolderLocked(Path("/data"), 42),
        errors.DatabaseTooNew(Path("/data/zimagine.db"), 7, 1),
        errors.DatabaseCorrupt(Path("/data/zimagine.db"), "file is not a database"),
        errors.RestoreUnfinished(Path("/data/zimagine.db")),
        errors.DatabaseBusy(Path("/data/zimagine.db"), "database is locked"),
        errors.DatabaseClosed(Path("/data/zimagine.db")),
        errors.MigrationFailed(Path("/data/zimagine.db"), 2, "no such table"),
        errors.SqliteTooOld("3.36.0", "3.37.0"),
        errors.DiskFull(Path("/data/zimagine.db"), "database or disk is full"),
        errors.IllegalTransition("job", 1, "painted", "queued"),
        errors.UnknownRow("job", 1),
        errors.PictureMissing("pictures/1.png"),
        errors.UnsafePath("../x", "it is not a plain relative path"),
    ]
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert {type(sample) for sample in samples} == {
        kind for kind in kinds if issubclass(kind, errors.StorageError)
    } - {errors.StorageError}
    for sample in samples:
        copy = pickle.loads(pickle.dumps(sample))
        assert (type(copy), vars(copy), str(copy)) == (type(sample), vars(sample), str(sample))
        assert str(sample).endswith(".") and "\n" not in str(sample)
