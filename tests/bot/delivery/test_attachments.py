"""Contact sheets: every picture in its place, numbered, in a shape that no client crops."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot.delivery.attachments import MAX_RATIO, MAX_SIDE_PX, contact_sheet

COLOURS = ((200, 40, 40), (40, 160, 60), (50, 70, 210), (210, 190, 40))
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def flat(colour: tuple[int, int, int], size: tuple[int, int]) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def sheet_of(count: int, size: tuple[int, int]) -> Image.Image:
    """The sheet of pictures of different colours."""
    return opened(contact_sheet([flat(colour, size) for colour in COLOURS[:count]]))


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return image.convert("RGB")


def place_of(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what has this colour."""
    other = ImageChops.difference(sheet, Image.new("RGB", sheet.size, colour))
    red, green, blue = other.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    box = most.point([255] + [0] * 255).getbbox()
    assert box is not None
    return box


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(16, 400), st.integers(16, 400))
def test_no_client_crops_it(count: int, width: int, height: int) -> None:
    """Whatever shape the pictures have, the sheet is at most 1.6 times as long as it is short."""
    sheet = sheet_of(count, (width, height))
    assert max(sheet.size) <= MAX_RATIO * min(sheet.size)
    assert max(sheet.size) <= MAX_SIDE_PX


@pytest.mark.parametrize(
    ("count", "size", "rows"),
    [
        (2, (128, 128), [[0, 1]]),
        (2, (96, 160), [[0, 1]]),
        (2, (160, 96), [[0], [1]]),
        (3, (128, 128), [[0, 1], [2]]),
        (4, (160, 96), [[0, 1], [2, 3]]),
        (4, (96, 160), [[0, 1], [2, 3]]),
    ],
)
def test_pictures_stand_in_reading_order(
    count: int, size: tuple[int, int], rows: list[list[int]]
) -> None:
    """Side by side, or above each other where they are wide; whole, and none over another."""
    sheet = sheet_of(count, size)
    boxes = [place_of(sheet, colour) for colour in COLOURS[:count]]
    for left, top, right, bottom in boxes:
        assert (right - left, bottom - top) == size
    for row in rows:
        assert len({boxes[at][1] for at in row}) == 1
        for before, after in itertools.pairwise(row):
            assert boxes[before][2] < boxes[after][0]
    for above, below in itertools.pairwise(rows):
        assert boxes[above[0]][3] < boxes[below[0]][1]


def test_large_pictures_become_smaller() -> None:
    """A sheet of enlarged pictures is no larger than any other, and shows all of them."""
    sheet = sheet_of(4, (2048, 2048))
    assert MAX_SIDE_PX - 32 < max(sheet.size) <= MAX_SIDE_PX


@pytest.mark.parametrize("paper", [WHITE, BLACK, (128, 128, 128)])
@pytest.mark.parametrize("size", [(1024, 1024), (64, 64)])
def test_numbers_stand_out_from_any_picture(
    paper: tuple[int, int, int], size: tuple[int, int]
) -> None:
    """In the corner of each is a badge with dark and light in it, no two of them alike, and large
    enough on a phone: a part of the sheet's width that does not shrink."""
    sheet = opened(contact_sheet([flat(paper, size)] * 4))
    badge_px = max(18, max(sheet.size) // 14)
    wide = (sheet.width - size[0] * 2) if size[0] < 1000 else 0
    corners = []
    for at in range(4):
        left = at % 2 * ((sheet.width + wide) // 2)
        top = at // 2 * ((sheet.height + wide) // 2)
        corner = sheet.crop((left, top, left + badge_px * 3 // 2, top + badge_px * 3 // 2))
        low, high = corner.convert("L").getextrema()
        assert isinstance(low, int) and isinstance(high, int)
        assert low < 30 and high > 225
        corners.append(corner.tobytes())
    assert len(set(corners)) == 4
    middle = sheet.getpixel((size[0] // 2 if size[0] < 1000 else 512, size[1] // 2))
    assert middle == paper


def test_the_same_pictures_make_the_same_sheet(tmp_path: Path) -> None:
    """From files or from bytes: it can be made again for every try to send it."""
    data = [flat(colour, (96, 64)) for colour in COLOURS]
    for number, each in enumerate(data):
        (tmp_path / f"{number}.png").write_bytes(each)
    files = [tmp_path / f"{number}.png" for number in range(4)]
    assert contact_sheet(files) == contact_sheet(data) == contact_sheet(files)


def test_a_picture_that_is_gone_or_none_is_an_oserror(tmp_path: Path) -> None:
    """Who sends it knows what to do then; a sheet of nothing is a mistake of the caller."""
    with pytest.raises(OSError, match="gone"):
        contact_sheet([flat(WHITE, (32, 32)), tmp_path / "gone.png"])
    with pytest.raises(OSError, match="identify"):
        contact_sheet([b"no picture", b"none either"])
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
