"""A console that lacks characters, as on Windows, is never a reason to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import FILE_NAME
from tests.databases import place_new_database

ROOT = Path(__file__).parents[3]
CHINESE = "夜晚雪中一座红色的房子 🎲"
QUICK = ("--steps", "2", "--size", "128x128", "--seed", "5")
COMMANDS = {
    "imagine": ("imagine", CHINESE, *QUICK),
    "a grid with a name, as json": (
        *("imagine", CHINESE, *QUICK),
        *("--grid", "guidance=1,2", "--out", "格子", "--json"),
    ),
    "a file that is missing": ("imagine", CHINESE, "--image", "没有.png"),
    "a bad flag": ("imagine", f"{CHINESE} --风格 无"),
    "explain": ("explain", CHINESE),
    "inspect": ("inspect", "house.png"),
    "inspect nothing": ("inspect", "没有.png"),
    "a wrong option": ("imagine", "--图片"),
    "a wrong command": ("画",),
    "a config that is missing": ("run", "--config", "设置.toml"),
    "db": ("db", "check"),
    "db backup": ("db", "backup", "备份.db"),
    "stop": ("stop",),
    "help": ("imagine", "--help"),
}


def run(folder: Path, encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line with a console of this encoding."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
        | {"ZIMAGINE_STORAGE__DATA_DIR": str(folder / "数据")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture of a Chinese prompt, and a database."""
    found = tmp_path_factory.mktemp("console")
    (found / "数据").mkdir()
    place_new_database(found / "数据" / FILE_NAME)
    done = run(found, "utf-8", "imagine", CHINESE, *QUICK, "--out", "house.png")
    assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_no_command_fails_for_want_of_a_character(folder: Path, arguments: tuple[str, ...]) -> None:
    """With Windows-1252 each command ends as with UTF-8, and what it prints fits the console."""
    done = run(folder, "cp1252", *arguments)
    printed = done.stdout + done.stderr
    assert b"Traceback" not in printed and b"UnicodeEncodeError" not in printed, printed
    printed.decode("cp1252")
    assert printed


@pytest.mark.parametrize("encoding", ["cp1252:strict", "cp437", "latin-1", "ascii"])
def test_other_consoles(folder: Path, encoding: str) -> None:
    """A prompt that the console cannot show is printed as escapes."""
    done = run(folder, encoding, "inspect", "house.png")
    # Where a locale says ASCII, click takes it for a mistake and prints UTF-8.
    shown = "红".encode() if encoding == "ascii" else b"\\u7ea2"
    assert done.returncode == 0 and shown in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
@pytest.mark.parametrize(
    "arguments",
    [("inspect", "house.png"), ("inspect", "house.png", "--json"), ("explain", "a red house")],
)
def test_a_full_disk_behind_the_output_is_a_sentence(folder: Path, arguments: tuple[str, ...]):
    """What is printed into a file may not fit on the disk: no traceback, and no second one at the
    end of the process."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "zimagine: The output cannot be used: No space left on device.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("imagine", "a red house", "--out", "{}.png"),
        ("explain", "a red house", "--model", "{}"),
        ("db", "backup", "{}"),
        ("inspect", "{}.png"),
    ],
)
def test_a_name_that_is_too_long_is_a_sentence(folder: Path, arguments: tuple[str, ...]):
    """A path that no file can have is named, whichever command gets it."""
    done = run(folder, "utf-8", *(each.format("a" * 300) for each in arguments))
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode in (1, 2)
    assert line.startswith("zimagine: ") and line.endswith(": File name too long.")
