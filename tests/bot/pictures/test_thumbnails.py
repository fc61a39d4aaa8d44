"""Thumbnails: small, of whatever can be read, made once, and gone with their pictures."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from bot.pictures import thumbnails
from bot.pictures.thumbnails import (
    THUMBNAIL_SIDE_PX,
    Thumbnails,
    keep_thumbnail,
    make_thumbnail,
)
from engine.types import Raster
from storage.errors import DiskFull
from storage.files import PictureFiles
from storage.types import Place, StoredPicture
from tests.bot.sample_pictures import a_huge_header, a_picture
from tests.fakes import EPOCH

PLAIN = StoredPicture(
    id=1,
    job_id=1,
    place=Place(1, 2, 3),
    file="",
    sha256="0" * 64,
    recipe="{}",
    prompt="a lake",
    seed=1,
    width_px=48,
    height_px=32,
    duration_s=1.0,
    painted_at=EPOCH,
)


class Folder:
    """Pictures in a data folder, and the thumbnails of them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.files = PictureFiles(data_dir)
        self.thumbnails = Thumbnails(self.files)

    def add(self, picture_id: int, data: bytes | None = None) -> StoredPicture:
        """Write a picture; `data` in place of a valid file."""
        written = self.files.write(f"{picture_id}.png", a_picture() if data is None else data)
        return dataclasses.replace(PLAIN, id=picture_id, file=written.file)

    async def made_for(self, *pictures: StoredPicture) -> list[int]:
        """Return the ids of those that have a thumbnail."""
        return sorted(await self.thumbnails.of(pictures))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty data folder."""
    return Folder(tmp_path)


@pytest.mark.parametrize(
    ("size", "small"),
    [((2048, 1024), (256, 128)), ((512, 2048), (64, 256)), ((48, 32), (48, 32)), ((1, 1), (1, 1))],
)
def test_a_thumbnail_is_small(size: tuple[int, int], small: tuple[int, int]):
    """It has the shape of the picture, is never larger than it, and is a JPEG of few bytes."""
    data = make_thumbnail(a_picture(*size))
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.size, image.mode) == ("JPEG", small, "RGB")
    assert max(small) <= THUMBNAIL_SIDE_PX and len(data) < 40_000


def test_noise_is_small_too():
    """What compresses worst stays far below every limit of uploads."""
    noise = Image.effect_noise((1024, 1024), 100).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    assert len(make_thumbnail(out.getvalue())) < 60_000


async def test_whatever_cannot_be_read_has_none(folder: Folder):
    """Missing, removed, damaged and foreign files have no thumbnail, and cost no other one."""
    whole = a_picture(300, 200)
    damaged = [whole[: len(whole) // 2], b"", b"\x89PNG\r\n\x1a\n", a_huge_header(), whole[:-60]]
    damaged += [a_picture(form="JPEG"), whole.replace(b"IDAT", b"IDAX"), b"a poem"]
    broken = [folder.add(10 + number, data) for number, data in enumerate(damaged)]
    missing = dataclasses.replace(PLAIN, id=2, file="pictures/2026/01/none.png")
    outside = dataclasses.replace(PLAIN, id=3, file="../../etc/passwd")
    removed = dataclasses.replace(folder.add(4), on_disk=False)
    good = [folder.add(5), folder.add(6)]
    pictures = [good[0], missing, outside, removed, *broken, good[1]]
    assert await folder.made_for(*pictures) == [5, 6]


async def test_one_that_was_painted_has_its_thumbnail(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
):
    """A thumbnail that was made when its picture was painted is read and never made again."""
    picture = folder.add(1)
    keep_thumbnail(folder.files, picture.file, Raster(600, 300, bytes(600 * 300 * 3)))
    monkeypatch.setattr(thumbnails, "make_thumbnail", _never)
    (data,) = (await folder.thumbnails.of([picture])).values()
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (256, 128))


async def test_an_older_picture_gets_one_at_the_first_look(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
):
    """One that is missing is made once and kept for the next process too."""
    picture = folder.add(1)
    first = await folder.thumbnails.of([picture])
    assert folder.files.thumbnail_sizes() == {picture.file: len(first[1])}
    monkeypatch.setattr(thumbnails, "make_thumbnail", _never)
    assert await Thumbnails(folder.files).of([picture]) == first


@pytest.mark.parametrize("damaged", [b"", b"\xff\xd8 the rest is missing", b"a poem"])
async def test_a_damaged_one_is_made_anew(folder: Folder, damaged: bytes):
    """A thumbnail that is not a whole JPEG is replaced."""
    picture = folder.add(1)
    first = await folder.thumbnails.of([picture])
    folder.files.write_thumbnail(picture.file, damaged)
    assert await folder.thumbnails.of([picture]) == first
    assert folder.files.read_thumbnail(picture.file) == first[1]


async def test_deleted_ones_are_gone(folder: Folder):
    """After a deletion nothing of the picture is shown or on the disk."""
    picture = folder.add(1)
    assert await folder.made_for(picture) == [1]
    folder.files.remove(picture.file)
    assert await folder.made_for(picture) == [] and folder.files.thumbnail_sizes() == {}


async def test_one_that_is_deleted_meanwhile_is_not_kept(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
):
    """A thumbnail that is being made while its picture is deleted is shown, but not kept."""
    picture, began, go_on = folder.add(1), threading.Event(), threading.Event()
    whole = thumbnails.make_thumbnail

    def slow(data: bytes) -> bytes:
        began.set()
        assert go_on.wait(10)
        return whole(data)

    monkeypatch.setattr(thumbnails, "make_thumbnail", slow)
    making = asyncio.ensure_future(folder.thumbnails.of([picture]))
    assert await asyncio.to_thread(began.wait, 10)
    folder.files.remove(picture.file)
    go_on.set()
    assert sorted(await making) == [1]
    assert await folder.made_for(picture) == [] and folder.files.thumbnail_sizes() == {}


async def test_where_none_can_be_kept_they_are_shown(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
):
    """On a full disk a thumbnail is shown all the same, and painting goes on without one."""

    def full(_file: str, _data: bytes) -> None:
        raise DiskFull(folder.data_dir, "no space is left")

    picture = folder.add(1)
    monkeypatch.setattr(folder.files, "write_thumbnail", full)
    keep_thumbnail(folder.files, picture.file, Raster(1, 1, b"rgb"))
    assert await folder.made_for(picture) == [1] and folder.files.thumbnail_sizes() == {}


def test_one_that_cannot_be_made_costs_no_picture(folder: Folder):
    """Pixels that nothing can be made of leave no thumbnail, and raise nothing."""
    keep_thumbnail(folder.files, folder.add(1).file, Raster(10, 10, b"too few"))
    assert folder.files.thumbnail_sizes() == {}


def _never(_data: bytes) -> bytes:
    raise AssertionError("it was made again")
