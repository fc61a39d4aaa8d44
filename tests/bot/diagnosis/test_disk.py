"""Room on disks, and folders that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.diagnosis.disk import Room, check_place, read_room
from bot.diagnosis.findings import Code, Level, Place
from tests.bot.diagnosis.reading import levels, said

MIB = 2**20


@pytest.mark.parametrize(
    ("room", "code", "level"),
    [
        (Room(50 * 1024 * MIB, 10**6), Code.FREE, Level.OK),
        (Room(50 * 1024 * MIB, None), Code.FREE, Level.OK),
        (Room(500 * MIB, 10**6), Code.LOW, Level.NOTE),
        (Room(0, 10**6), Code.FULL, Level.BROKEN),
        (Room(50 * 1024 * MIB, 3), Code.NO_INODES, Level.BROKEN),
    ],
    ids=["room", "no inodes counted", "little", "full", "out of inodes"],
)
@pytest.mark.parametrize("place", Place)
def test_room(tmp_path: Path, place: Place, room: Room, code: Code, level: Level) -> None:
    """A full disk is broken, a nearly full one is noted, for each folder by its name."""
    assert levels(check_place(place, tmp_path, lambda _: room)) == {code: level}


def test_this_machines_disk_is_read(tmp_path: Path) -> None:
    """The reading is what the system says this user may write."""
    found = os.statvfs(tmp_path)
    assert abs(read_room(tmp_path).free_bytes - found.f_bavail * found.f_frsize) < 1024 * MIB


def test_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    """The disk is that of the nearest folder above, and nothing is created."""
    seen: list[Path] = []

    def read(folder: Path) -> Room:
        seen.append(folder)
        return Room(10**12)

    found = check_place(Place.DATA, tmp_path / "a" / "b", read)
    assert levels(found) == {Code.NEW_FOLDER: Level.OK, Code.FREE: Level.OK}
    assert seen == [tmp_path] and list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    """A file where a folder has to be is broken, and named for the data folder only."""
    (tmp_path / "data").write_text("x")
    found = check_place(Place.DATA, tmp_path / "data" / "deeper")
    assert levels(found) == {Code.NOT_A_FOLDER: Level.BROKEN} and str(tmp_path) in said(found)
    assert str(tmp_path) not in said(check_place(Place.MODELS, tmp_path / "data"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    """A folder that this user may not write is broken."""
    tmp_path.chmod(0o500)
    assert levels(check_place(Place.DATA, tmp_path)) == {Code.NOT_WRITABLE: Level.BROKEN}
    tmp_path.chmod(0o700)


def test_a_disk_that_does_not_answer(tmp_path: Path) -> None:
    """A network folder that fails is noted with the system's reason."""

    def fails(_: Path) -> Room:
        raise OSError(5, "Input/output error")

    found = check_place(Place.TEMPORARY, tmp_path, fails)
    assert levels(found) == {Code.UNREADABLE: Level.NOTE} and "Input/output error" in said(found)
