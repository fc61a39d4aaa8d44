"""`zimagine db`: its output, its changes, and its exit codes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import group
from bot.cli.db import WORDING
from storage import backup
from storage.consistency import FindingKind
from storage.database import Database
from storage.lock import DataFolderLock
from storage.types import utc_now
from tests.storage.fakes import OpenStores


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a data folder with a painted and a queued job, where `zimagine` looks for it."""
    monkeypatch.chdir(tmp_path)

    async def live() -> None:
        shelf = await OpenStores.open(tmp_path / "data" / "zimagine.db")
        (picture,) = await shelf.painted()
        await shelf.deliveries.delivered(picture.job_id)
        await shelf.accept()
        await shelf.db.close()

    asyncio.run(live())
    picture = tmp_path / "data" / "pictures" / "2026" / "03" / "7.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"x")
    return tmp_path / "data"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, ["db", *map(str, arguments)], catch_exceptions=False)


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-6000])


def jobs_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    (jobs,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    connection.close()
    return jobs


def test_all_is_well(data_dir: Path):
    """A sound folder is reported in one line with code 0; only --hash notices changed content."""
    done = call("check")
    assert (done.exit_code, done.stdout) == (0, "All is well: 1 picture, 1 file.\n")
    done = call("check", "--hash")
    assert done.exit_code == 1 and "different content" in done.stdout


def test_it_speaks_the_language_of_the_terminal(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """What is found and what is not is said in Chinese there, names of files as they are."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert call("check").stdout == "一切正常：1 张图片、1 个文件。\n"
    (data_dir / "pictures" / "2026" / "03" / "mine.png").write_bytes(b"x")
    assert "注意：此文件不属于任何图片：pictures/2026/03/mine.png\n" in call("check").stdout


def test_what_is_wrong_is_one_line_each_and_code_1(data_dir: Path):
    """Each finding is a line that names its subject; notes alone do not fail."""
    stranger = data_dir / "pictures" / "2026" / "03" / "mine.png"
    stranger.write_bytes(b"x")
    done = call("check")
    assert done.exit_code == 0
    assert (
        done.stdout.splitlines()[0]
        == "note: this file belongs to no picture: pictures/2026/03/mine.png"
    )
    (stranger.parent / "7.png").unlink()
    done = call("check")
    assert done.exit_code == 1
    assert "wrong: a picture's file is missing: pictures/2026/03/7.png\n" in done.stdout
    assert done.stdout.endswith("Found 1 problem; checked 1 picture, 1 file.\n")


def test_many_of_a_kind_are_counted(data_dir: Path):
    """Of a hundred orphaned files, twenty are named and the rest are counted."""
    for number in range(100):
        (data_dir / "pictures" / "2026" / "03" / f"x{number}.png").write_bytes(b"x")
    lines = call("check").stdout.splitlines()
    assert len(lines) == 22 and lines[20] == "  … and 80 more like this, 100 in all"


def test_fix_removes_what_is_safe_and_nothing_else(data_dir: Path):
    """Only --fix removes files: those of erased pictures and old unfinished ones."""
    connection = sqlite3.connect(data_dir / "zimagine.db")
    connection.execute("UPDATE pictures SET file_removed_at = 1")
    connection.commit()
    connection.close()
    folder = data_dir / "pictures" / "2026" / "03"
    for name in ("mine.png", ".half.part"):
        (folder / name).write_bytes(b"x")
    os.utime(folder / ".half.part", (1, 1))
    assert call("check").exit_code == 1
    assert len(list(folder.iterdir())) == 3
    done = call("check", "--fix")
    assert done.exit_code == 0 and "Removed 2 files." in done.stdout
    assert "removed: the file of an erased" in done.stdout
    assert [each.name for each in folder.iterdir()] == ["mine.png"]


def test_a_damaged_database_is_a_finding(data_dir: Path):
    """Damage is reported in one line with code 1."""
    spoil(data_dir / "zimagine.db")
    done = call("check")
    assert done.exit_code == 1 and "wrong: the database is damaged: " in done.stdout


def test_there_has_to_be_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a database, check and backup say so, with code 69, and create nothing."""
    monkeypatch.chdir(tmp_path)
    for arguments in (["check"], ["backup", "x.db"]):
        done = call(*arguments)
        assert done.exit_code == 69 and "no database in data" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_and_backup_work_beside_a_running_bot(data_dir: Path, tmp_path: Path):
    """A bot that holds the data folder and writes does not get in the way."""

    async def beside() -> None:
        async with await Database.open(data_dir / "zimagine.db"):
            for arguments in (["check"], ["backup", "copy.db"]):
                done = await asyncio.to_thread(call, *arguments)
                assert done.exit_code == 0, done.output

    with DataFolderLock(data_dir):
        asyncio.run(beside())
    assert jobs_in(tmp_path / "copy.db") == 2


def test_a_backup_is_made_where_it_was_wanted(data_dir: Path, tmp_path: Path):
    """A backup goes to a file or, with a timestamp in its name, into a folder; it overwrites a file
    only with --replace."""
    done = call("backup", "copy.db")
    size_bytes = (tmp_path / "copy.db").stat().st_size
    assert (done.exit_code, done.stdout) == (0, f"copy.db: 1 picture, {size_bytes} bytes.\n")
    done = call("backup", "copy.db")
    assert done.exit_code == 2 and "copy.db" in done.stderr and "--replace" in done.stderr
    assert call("backup", "copy.db", "--replace").exit_code == 0
    (tmp_path / "folder").mkdir()
    assert call("backup", "folder").exit_code == 0
    (made,) = (tmp_path / "folder").iterdir()
    assert made.name.startswith("zimagine-2") and jobs_in(made) == 2
    done = call("backup", "nowhere/copy.db")
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1


def test_a_restore_says_what_it_did(data_dir: Path):
    """A restore prints what was restored, its date, the jobs that were given up, and where the
    replaced database is."""
    call("backup", "copy.db")
    done = call("restore", "copy.db")
    assert done.exit_code == 0, done.output
    first, second, third = done.stdout.splitlines()
    assert first == "Restored 1 picture, up to 2026-03-01 12:00 UTC."
    assert second == "1 unfinished job given up and refunded."
    aside = Path(third.removeprefix("The previous database is now ").rstrip("."))
    assert jobs_in(aside) == 2
    assert call("check").exit_code == 0


def test_a_restore_names_the_bot_that_runs(data_dir: Path):
    """While a bot is running nothing is restored; the sentence has its pid, and the code is 69."""
    call("backup", "copy.db")
    before = (data_dir / "zimagine.db").read_bytes()
    with DataFolderLock(data_dir):
        done = subprocess.run(
            [sys.executable, "-m", "bot", "db", "restore", "copy.db"],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 69 and f"process {os.getpid()}" in done.stderr
    assert (data_dir / "zimagine.db").read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"text" * 500], ids=["missing", "empty", "text"])
def test_a_bad_backup_changes_nothing(data_dir: Path, tmp_path: Path, content: bytes | None):
    """A file that cannot be restored is named in one sentence with code 2."""
    if content is not None:
        (tmp_path / "bad.db").write_bytes(content)
    before = (data_dir / "zimagine.db").read_bytes()
    done = call("restore", "bad.db")
    assert done.exit_code == 2 and "bad.db" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (data_dir / "zimagine.db").read_bytes() == before


def test_a_database_itself_is_refused(data_dir: Path):
    """Restoring the database from itself is bad input."""
    done = call("restore", data_dir / "zimagine.db")
    assert done.exit_code == 2 and "the database itself" in done.stderr


def test_an_unfinished_restore_is_explained(data_dir: Path):
    """After an interrupted restore every command says to run it again, which completes it."""
    call("backup", "copy.db")
    (data_dir / "zimagine.db").rename(data_dir / "zimagine.db.restoring")
    for arguments in (["check"], ["backup", "x.db"]):
        done = call(*arguments)
        assert done.exit_code == 78 and "run zimagine db restore again" in done.stderr
    assert call("restore", "copy.db").exit_code == 0
    assert call("check").exit_code == 0


def run_bot(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[3]), "DISCORD_TOKEN": "MTIz.GaBcDe.x"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_damaged_database_leads_to_the_newest_backup(data_dir: Path, tmp_path: Path):
    """The bot does not start on a damaged database, and prints the command that restores the newest
    backup."""
    made = [backup.nightly_path(data_dir, utc_now().replace(year=year)) for year in (2025, 2024)]
    asyncio.run(backup.back_up(data_dir / "zimagine.db", made[0]))
    asyncio.run(backup.back_up(data_dir / "zimagine.db", made[1]))
    spoil(data_dir / "zimagine.db")
    before = (data_dir / "zimagine.db").read_bytes()
    done = run_bot(tmp_path)
    assert done.returncode == 78
    assert (
        "Nothing was changed." in done.stderr and (data_dir / "zimagine.db").read_bytes() == before
    )
    command = done.stderr.strip().partition("Restore the newest backup with: zimagine ")[2]
    assert command == f"db restore {made[0]}"
    assert call(*command.split()[1:]).exit_code == 0
    assert call("check").exit_code == 0


def test_a_damaged_database_without_a_backup(data_dir: Path, tmp_path: Path):
    """Without a backup the sentence says how to recover the data, and how to start over."""
    spoil(data_dir / "zimagine.db")
    done = call("backup", "copy.db")
    assert done.exit_code == 78 and not (tmp_path / "copy.db").exists()
    assert ".recover" in done.stderr and "another data_dir" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_advice_goes_with_the_configuration(data_dir: Path, tmp_path: Path):
    """The suggested command has the same --config as the one that failed."""
    (tmp_path / "my config.toml").write_text('[storage]\ndata_dir = "data"\n')
    asyncio.run(backup.back_up(data_dir / "zimagine.db", backup.nightly_path(data_dir, utc_now())))
    spoil(data_dir / "zimagine.db")
    done = call("backup", "copy.db", "--config", "my config.toml")
    assert done.stderr.rstrip().endswith("Z.db --config 'my config.toml'")


def test_every_kind_is_told_in_words():
    """There is a sentence for each kind of finding, with a placeholder for its subject."""
    assert set(WORDING) == set(FindingKind)
    assert all(sentence.count("{example}") == 1 for sentence in WORDING.values())


def test_erasing_a_person(data_dir: Path):
    """The owner erases a person while the bot is stopped; twice does no harm."""
    done = call("erase", "--user", "30", "--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "Erased 1 picture."
    assert not any(b"mountain lake" in each.read_bytes() for each in data_dir.glob("zimagine.db*"))
    assert not (data_dir / "pictures" / "2026" / "03" / "7.png").exists()
    assert call("check").exit_code == 0
    assert call("erase", "--user", "30", "--yes").stdout == "Erased 0 pictures.\n"


def test_erasing_asks_back(data_dir: Path):
    """Without --yes it asks, and anything but yes changes nothing."""
    done = CliRunner().invoke(group, ["db", "erase", "--user", "30"], input="n\n")
    assert done.exit_code == 1 and "for good?" in done.output
    assert jobs_in(data_dir / "zimagine.db") == 2
    done = CliRunner().invoke(group, ["db", "erase", "--server", "10"], input="y\n")
    assert done.exit_code == 0
    assert jobs_in(data_dir / "zimagine.db") == 0


def test_erasing_is_refused_while_the_bot_runs(data_dir: Path):
    """One sentence names the process; nothing is erased. Nor is it without anybody to erase."""
    with DataFolderLock(data_dir):
        done = call("erase", "--user", "30", "--yes")
    assert done.exit_code == 69 and str(os.getpid()) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = call("erase", "--yes")
    assert done.exit_code == 2 and "--user" in done.stderr
    for bad in ("0", "-1", "x", str(2**63)):
        assert call("erase", "--user", bad, "--yes").exit_code == 2
    assert jobs_in(data_dir / "zimagine.db") == 2
