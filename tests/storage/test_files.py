"""Picture files are complete or absent, and never outside their folder."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from storage import folders
from storage.errors import DataFolderUnusable, DiskFull, PictureMissing, UnsafePath
from storage.files import PictureFiles
from storage.lock import DataFolderLock
from tests.fakes import FakeClock
from tests.storage.fakes import START


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def pictures(data_dir: Path) -> PictureFiles:
    return PictureFiles(data_dir, clock=FakeClock(START))


def names(data_dir: Path) -> set[str]:
    return {each.name for each in data_dir.rglob("*") if each.is_file()}


def test_write_read_remove(pictures: PictureFiles, data_dir: Path) -> None:
    """A picture is stored by year and month with its hash, read back, and removed."""
    written = pictures.write("1-7.png", b"pixels")
    assert written.file == "pictures/2026/03/1-7.png"
    assert written.sha256 == hashlib.sha256(b"pixels").hexdigest()
    assert pictures.path(written.file) == data_dir / "pictures" / "2026" / "03" / "1-7.png"
    assert pictures.path(written.file).read_bytes() == b"pixels"
    assert (written.size_bytes, pictures.size(written.file)) == (6, 6)
    assert pictures.find("1-7.png") == written.file and pictures.find("1-8.png") is None
    pictures.write("1-7.png", b"again")
    assert pictures.path(written.file).read_bytes() == b"again"
    assert names(data_dir) == {"1-7.png"}
    pictures.remove(written.file)
    pictures.remove(written.file)
    assert names(data_dir) == set()
    with pytest.raises(PictureMissing):
        pictures.size(written.file)


def test_only_a_file_that_is_there_exists(pictures: PictureFiles) -> None:
    """Removed files and folders do not count as files, and paths that lead out are refused."""
    file = pictures.write("1-7.png", b"pixels").file
    assert pictures.existing(file) == pictures.path(file)
    assert pictures.existing("pictures/2026") is None
    pictures.remove(file)
    assert pictures.existing(file) is None
    with pytest.raises(UnsafePath):
        pictures.existing("../secret.png")


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_folders_are_private(pictures: PictureFiles, data_dir: Path) -> None:
    """Every folder that is created is private."""
    folder = pictures.path(pictures.write("a.png", b"x").file).parent
    while folder != data_dir.parent:
        assert folder.stat().st_mode & 0o777 == 0o700
        folder = folder.parent


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a/b", "a\\b", "/etc/passwd", "a\0b", "a\nb", "C:x", "x" * 201],
)
def test_names_never_become_paths(pictures: PictureFiles, data_dir: Path, name: str) -> None:
    """A name that is not a plain file name is refused and nothing is written."""
    with pytest.raises(UnsafePath):
        pictures.write(name, b"x")
    assert not data_dir.exists()


@pytest.mark.parametrize(
    "file",
    [
        "",
        ".",
        "pictures",
        "pictures/..",
        "pictures/../zimagine.db",
        "/etc/passwd",
        "zimagine.db",
        "../x",
        "pictures\\..\\x",
        "pictures/a\0b",
    ],
)
def test_paths_do_not_lead_out(pictures: PictureFiles, file: str) -> None:
    """A path that leaves the pictures folder is refused by every method."""
    for method in (pictures.path, pictures.size, pictures.remove):
        with pytest.raises(UnsafePath):
            method(file)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_links_do_not_lead_out(pictures: PictureFiles, data_dir: Path, tmp_path: Path) -> None:
    """A symlink that points outside the folder is not followed."""
    (tmp_path / "secret").write_text("secret")
    folder = pictures.path(pictures.write("a.png", b"x").file).parent
    (folder / "b.png").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafePath):
        pictures.path("pictures/2026/03/b.png")
    assert pictures.find("b.png") is None
    assert "pictures/2026/03/b.png" not in pictures.sizes()


@pytest.mark.parametrize("step", [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"])
def test_an_interrupted_write_leaves_nothing(
    pictures: PictureFiles, data_dir: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str]
) -> None:
    """A failed write keeps the old file, leaves no other, and says what is wrong."""
    pictures.write("a.png", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*step, full)
    with pytest.raises(DiskFull):
        pictures.write("a.png", b"new")
    assert pictures.path("pictures/2026/03/a.png").read_bytes() == b"old"
    assert names(data_dir) == {"a.png"}


def test_an_unusable_folder_is_reported(data_dir: Path) -> None:
    """A file in place of the pictures folder is reported as an unusable folder."""
    data_dir.mkdir()
    (data_dir / "pictures").write_text("I am a file")
    with pytest.raises(DataFolderUnusable):
        PictureFiles(data_dir).write("a.png", b"x")


def test_sweep_removes_old_leftovers_only(pictures: PictureFiles, data_dir: Path) -> None:
    """Leftovers of a crash are removed; pictures and writes in progress are not."""
    folder = pictures.path(pictures.write("a.png", b"x").file).parent
    now = FakeClock(START).now.timestamp()
    for name, age_s in [(".old.part", 4000), (".young.part", 10), ("b.part", 4000)]:
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (now - age_s, now - age_s))
    assert pictures.sweep() == 1
    assert names(data_dir) == {"a.png", ".young.part", "b.part"}
    assert pictures.sweep(min_age_s=0) == 1


def test_sweep_of_nothing(pictures: PictureFiles) -> None:
    """A data folder without pictures has nothing to sweep."""
    assert pictures.sweep() == 0


def put(data_dir: Path, *files: str) -> None:
    for file in files:
        (data_dir / file).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / file).write_bytes(b"x")


def test_find_takes_the_newest_of_exactly_this_name(pictures: PictureFiles, data_dir: Path) -> None:
    """A file is found by its full name in any month, newest first, and no other file is."""
    assert pictures.find("a.png") is None
    put(
        data_dir,
        "pictures/2025/12/a.png",
        "pictures/2026/01/a.png",
        "pictures/2026/02/aa.png",
        "pictures/2026/02/.a.png.part",
        "pictures/zz/zz/a.png",
        "pictures/a.png",
        "pictures/2027",
    )
    (data_dir / "pictures/2026/03/a.png").mkdir(parents=True)
    assert pictures.find("a.png") == "pictures/2026/01/a.png"
    assert pictures.find("A.png ") is None and pictures.find("[a].png") is None
    with pytest.raises(UnsafePath):
        pictures.find("../zimagine.db")


def test_find_looks_once_per_month(
    pictures: PictureFiles, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pictures a month has, its folder is not listed to find one."""
    put(data_dir, *(f"pictures/2026/03/{number}.png" for number in range(50)))
    listed: list[Path] = []
    original = Path.iterdir

    def spy(self: Path) -> Any:
        listed.append(self)
        return original(self)

    monkeypatch.setattr(Path, "iterdir", spy)
    assert pictures.find("7.png") == "pictures/2026/03/7.png"
    assert data_dir / "pictures/2026/03" not in listed


def test_sizes_lists_finished_files(pictures: PictureFiles, data_dir: Path) -> None:
    """Every finished file is listed with its size; unfinished and hidden ones are not."""
    assert pictures.sizes() == {}
    put(data_dir, "pictures/2026/03/a.png", "pictures/2026/03/.b.part", "pictures/.removing")
    assert pictures.sizes() == {"pictures/2026/03/a.png": 1}


def test_a_plan_of_removal_outlives_the_process(pictures: PictureFiles, data_dir: Path) -> None:
    """A plan can be read until it is cleared; a half-written one never raises."""
    assert pictures.planned_removal() == []
    pictures.plan_removal([3, 14])
    assert PictureFiles(data_dir).planned_removal() == [3, 14]
    (data_dir / "pictures" / ".removing").write_bytes(b"3 1\xff \0 -4 " + b"9" * 30)
    assert pictures.planned_removal() == [3]
    pictures.plan_removal([])
    pictures.plan_removal([])
    assert pictures.planned_removal() == [] and names(data_dir) == set()


def test_removing_many_passes_over_what_is_not_ours(pictures: PictureFiles, data_dir: Path) -> None:
    """Files of several months are removed; missing and foreign paths are skipped."""
    put(data_dir, "pictures/2026/01/a.png", "pictures/2026/02/b.png", "zimagine.db")
    pictures.remove_all(["pictures/2026/01/a.png", "../x", "zimagine.db", "pictures/9/9/c.png"])
    assert names(data_dir) == {"b.png", "zimagine.db"}


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o755, 0o775, 0o2770, 0o1777, 0o750, 0o700])
def test_an_existing_folder_keeps_its_mode(data_dir: Path, mode: int) -> None:
    """A folder that the bot did not create stays open to whomever it was open to."""
    data_dir.mkdir()
    data_dir.chmod(mode)
    pictures = PictureFiles(data_dir, clock=FakeClock(START))
    with DataFolderLock(data_dir):
        written = pictures.write("a.png", b"x")
    assert data_dir.stat().st_mode & 0o7777 == mode
    assert pictures.path(written.file).stat().st_mode & 0o777 == 0o600
    assert (data_dir / "pictures").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_only_the_last_folder_of_a_new_path_is_private(data_dir: Path) -> None:
    """Folders on the way to a missing data folder are created as any program would."""
    before = os.umask(0o022)
    try:
        folders.ensure(data_dir / "deeper" / "deepest")
    finally:
        os.umask(before)
    modes = [each.stat().st_mode & 0o777 for each in (data_dir, data_dir / "deeper" / "deepest")]
    assert modes == [0o755, 0o700]


def test_a_thumbnail_goes_with_its_picture(pictures: PictureFiles, data_dir: Path) -> None:
    """A thumbnail is kept beside its picture, and removed with it, in whatever way."""
    files = [pictures.write(f"1-{number}.png", b"pixels").file for number in range(3)]
    for file in files:
        assert pictures.read_thumbnail(file) is None and pictures.thumbnail_size(file) == 0
        pictures.write_thumbnail(file, b"small")
    assert pictures.thumbnail_path(files[0]) == data_dir / "thumbnails/2026/03/1-0.png.jpg"
    assert [pictures.read_thumbnail(file) for file in files] == [b"small"] * 3
    assert pictures.thumbnail_sizes() == dict.fromkeys(files, 5)
    assert set(pictures.sizes()) == set(files)
    pictures.remove(files[0])
    pictures.remove_all(files[1:2])
    assert pictures.thumbnail_sizes() == {files[2]: 5}
    pictures.write("1-2.png", b"other pixels")
    assert pictures.read_thumbnail(files[2]) is None and names(data_dir) == {"1-2.png"}


def test_there_is_no_thumbnail_without_a_picture(pictures: PictureFiles, data_dir: Path) -> None:
    """One that is written while its picture is removed is not kept, and none is read without it."""
    file = pictures.write("1-7.png", b"pixels").file
    pictures.write_thumbnail(file, b"small")
    pictures.path(file).unlink()
    assert pictures.read_thumbnail(file) is None
    pictures.write_thumbnail(file, b"small")
    assert names(data_dir) == set()


def test_what_interrupted_thumbnails_left_is_swept(pictures: PictureFiles, data_dir: Path) -> None:
    """Unfinished thumbnails are swept as unfinished pictures are."""
    file = pictures.write("1-7.png", b"pixels").file
    pictures.write_thumbnail(file, b"small")
    part = pictures.thumbnail_path(file).with_name(".x.part")
    part.write_bytes(b"sm")
    old_s = START.timestamp() - 7200
    os.utime(part, (old_s, old_s))
    assert pictures.sweep() == 1 and names(data_dir) == {"1-7.png", "1-7.png.jpg"}


@pytest.mark.parametrize("file", ["../secret.png", "inputs/1.png", "pictures", "", "/etc/passwd"])
def test_no_thumbnail_leaves_its_folder(pictures: PictureFiles, file: str) -> None:
    """Paths that are not those of pictures are refused."""
    with pytest.raises(UnsafePath):
        pictures.thumbnail_path(file)
    assert pictures.thumbnail_size(file) == 0


def test_a_full_disk_keeps_no_half_thumbnail(
    pictures: PictureFiles, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is reported, and leaves the picture alone and no part of the thumbnail."""
    file = pictures.write("1-7.png", b"pixels").file

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        pictures.write_thumbnail(file, b"small")
    assert names(data_dir) == {"1-7.png"}
