"""Previews, numbered sheets, and pictures that have to fit an upload limit."""

from __future__ import annotations

import io
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot.delivery.attachments import (
    PREVIEW_LIMIT_BYTES,
    PREVIEW_SIDE_PX,
    SHEET_MAX_SIDE_PX,
    encode_preview,
    fit_file_to_limit,
    fit_to_limit,
    numbered_sheet,
)
from bot.delivery.messenger import Obstacle, Undeliverable
from engine.types import Raster
from tests.fakes import fake_preview

COLOURS = ((200, 40, 40), (40, 160, 60), (50, 70, 210), (210, 190, 40))
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def flat(colour: tuple[int, int, int], size: tuple[int, int]) -> bytes:
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def sheet_of(count: int, size: tuple[int, int]) -> Image.Image:
    """Return the sheet of pictures of different colours."""
    return opened(numbered_sheet([flat(colour, size) for colour in COLOURS[:count]]))


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return image.convert("RGB")


def place_of(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom of the area with this colour."""
    other = ImageChops.difference(sheet, Image.new("RGB", sheet.size, colour))
    red, green, blue = other.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    box = most.point([255] + [0] * 255).getbbox()
    assert box is not None
    return box


# Longest first; the last two are longer than any family paints.
SHAPES = [(256, 256), (272, 240), (320, 208), (208, 320), (336, 192), (384, 160), (160, 384)]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [*SHAPES, (1024, 1024), (1536, 656), (2048, 2048), (64, 64)])
def test_pictures_fill_the_sheet(count: int, size: tuple[int, int]) -> None:
    """Nothing but narrow gaps is left between the pictures: no bars, however many there are."""
    sheet = sheet_of(count, size)
    assert max(sheet.size) <= SHEET_MAX_SIDE_PX
    boxes = [place_of(sheet, colour) for colour in COLOURS[:count]]
    assert min(left for left, *_ in boxes) == min(top for _, top, *_ in boxes) == 0
    assert max(right for _, _, right, _ in boxes) == sheet.width
    assert max(bottom for *_, bottom in boxes) == sheet.height
    painted = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    gap = max(2, max(sheet.size) // 128)
    assert painted >= sheet.width * sheet.height - 3 * (gap + 1) * max(sheet.size)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(64, 400), st.integers(64, 400))
def test_no_picture_is_distorted(count: int, width: int, height: int) -> None:
    """Every picture keeps its shape, to the pixel, and none is smaller than it was."""
    sheet = sheet_of(count, (width, height))
    for colour in COLOURS[:count]:
        left, top, right, bottom = place_of(sheet, colour)
        share = (right - left) / width
        assert abs(bottom - top - share * height) <= 3 and share >= 1


@pytest.mark.parametrize(("width", "height"), SHAPES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_sheet_is_no_strip(count: int, width: int, height: int) -> None:
    """The layout is chosen so that no sheet is longer than twice its width, as far as any of the
    model's shapes allows that."""
    sheet = sheet_of(count, (width, height))
    assert max(sheet.size) <= 2.05 * min(sheet.size)


@pytest.mark.parametrize(
    ("count", "size", "rows"),
    [
        (2, (128, 128), [[0, 1]]),
        (2, (96, 160), [[0, 1]]),
        (2, (160, 96), [[0], [1]]),
        (3, (128, 128), [[0, 1], [2]]),
        (3, (96, 128), [[0, 1], [2]]),
        (3, (160, 96), [[0], [1, 2]]),
        (3, (64, 160), [[0, 1, 2]]),
        (3, (160, 64), [[0], [1], [2]]),
        (4, (160, 96), [[0, 1], [2, 3]]),
        (4, (96, 160), [[0, 1], [2, 3]]),
        (4, (240, 96), [[0], [1], [2], [3]]),
    ],
)
def test_pictures_stand_in_reading_order(
    count: int, size: tuple[int, int], rows: list[list[int]]
) -> None:
    """Pictures stand side by side or are stacked, by their number and shape, without overlap."""
    sheet = sheet_of(count, size)
    boxes = [place_of(sheet, colour) for colour in COLOURS[:count]]
    for row in rows:
        assert len({boxes[at][1] for at in row}) == 1
        for before, after in itertools.pairwise(row):
            assert boxes[before][2] < boxes[after][0]
    for above, below in itertools.pairwise(rows):
        assert boxes[above[-1]][3] < boxes[below[0]][1]


def test_the_first_of_three_is_the_largest() -> None:
    """Three squares: one large and two of half its size beside it, as clients show three files."""
    sheet = sheet_of(3, (256, 256))
    sides = [place_of(sheet, colour) for colour in COLOURS[:3]]
    assert [right - left for left, _, right, _ in sides] == [518, 256, 256]
    assert sheet.size == (518 + 6 + 256, 518)


def test_pictures_of_other_shapes_are_whole() -> None:
    """A picture that is not shaped like the first one is fitted into its place."""
    data = [flat(COLOURS[0], (128, 128)), flat(COLOURS[1], (256, 64))]
    sheet = opened(numbered_sheet(data))
    left, top, right, bottom = place_of(sheet, COLOURS[1])
    assert (right - left, bottom - top) == (128, 32)


def test_large_pictures_become_smaller() -> None:
    """A sheet of upscaled pictures is no larger than any other, and shows all of them."""
    sheet = sheet_of(4, (2048, 2048))
    assert SHEET_MAX_SIDE_PX - 48 < max(sheet.size) <= SHEET_MAX_SIDE_PX


@pytest.mark.parametrize("paper", [WHITE, BLACK, (128, 128, 128)])
@pytest.mark.parametrize("size", [(1024, 1024), (64, 64)])
def test_numbers_stand_out_from_any_picture(
    paper: tuple[int, int, int], size: tuple[int, int]
) -> None:
    """Each picture has a different badge in its corner, with dark and light parts, and large enough
    on a phone because its size is a fixed share of the sheet's."""
    sheet = opened(numbered_sheet([flat(paper, size)] * 4))
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
    """A sheet can be made again for every attempt to send it, from files or from bytes."""
    data = [flat(colour, (96, 64)) for colour in COLOURS]
    for number, each in enumerate(data):
        (tmp_path / f"{number}.png").write_bytes(each)
    files = [tmp_path / f"{number}.png" for number in range(4)]
    assert numbered_sheet(files) == numbered_sheet(data) == numbered_sheet(files)


def test_a_picture_that_is_gone_or_none_is_an_oserror(tmp_path: Path) -> None:
    """A missing or invalid picture raises OSError, and an empty sheet is a ValueError."""
    with pytest.raises(OSError, match="gone"):
        numbered_sheet([flat(WHITE, (32, 32)), tmp_path / "gone.png"])
    with pytest.raises(OSError, match="identify"):
        numbered_sheet([b"no picture", b"none either"])
    with pytest.raises(ValueError, match="at least one"):
        numbered_sheet([])


# Previews

sides_px = st.integers(16, 4096)


@given(sides_px, sides_px)
def test_a_preview_has_the_shape_of_its_picture(width_px: int, height_px: int):
    """A preview is as large as its picture, or as is allowed, and has its aspect ratio."""
    data = encode_preview(fake_preview(3), width_px, height_px)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == min(PREVIEW_SIDE_PX, max(width_px, height_px))
        share = max(image.size) / max(width_px, height_px)
        assert abs(image.width - width_px * share) < 1 and abs(image.height - height_px * share) < 1


def test_it_shows_what_was_seen():
    """Colours keep their values and places."""
    red, blue = b"\xc8\x14\x14", b"\x14\x14\xc8"
    data = encode_preview(Raster(16, 16, (red * 8 + blue * 8) * 16), 256, 256)
    with Image.open(io.BytesIO(data)) as image:
        for x, wanted in ((40, red), (216, blue)):
            seen = image.getpixel((x, 128))
            assert isinstance(seen, tuple)
            assert all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True))


def test_even_noise_is_a_small_file():
    """Noise, as in the first steps, is made to fit the limit by lower resolution."""
    noise = random.Random(5).randbytes(512 * 512 * 3)
    data = encode_preview(Raster(512, 512, noise), 1024, 1024)
    assert len(data) <= PREVIEW_LIMIT_BYTES
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == image.height < PREVIEW_SIDE_PX


def test_what_is_no_picture_is_refused():
    """Missing pixels raise ValueError."""
    with pytest.raises(ValueError, match="not enough"):
        encode_preview(Raster(16, 16, b"abc"), 64, 64)


# The upload limit


@pytest.fixture(scope="module")
def noisy_picture() -> bytes:
    """A picture that no encoding makes small without losing pixels."""
    out = io.BytesIO()
    Image.frombytes("RGB", (160, 96), random.Random(3).randbytes(160 * 96 * 3)).save(out, "PNG")
    return out.getvalue()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60_000))
def test_a_picture_that_fits_is_left_alone_and_others_become_smaller(
    noisy_picture: bytes, limit_bytes: int
):
    """The result is never over the limit, and its name has the right extension."""
    try:
        name, data = fit_to_limit(noisy_picture, "lake.png", limit_bytes)
    except Undeliverable as error:
        assert error.obstacle is Obstacle.TOO_LARGE and limit_bytes < 2000
        return
    assert len(data) <= limit_bytes
    assert (name == "lake.png") == (data == noisy_picture) == (limit_bytes >= len(noisy_picture))
    with Image.open(io.BytesIO(data)) as image:
        endings = {"PNG": "png", "WEBP": "webp", "JPEG": "jpg"}
        assert name == f"lake.{endings[image.format or '']}"
        assert image.width * 96 == image.height * 160


def test_fitting_a_file_tells_one_that_is_gone_from_one_that_is_no_picture(tmp_path: Path):
    """Both are OSErrors; data that fits is not decoded at all."""
    path = tmp_path / "lake.png"
    with pytest.raises(OSError, match="No such file"):
        fit_file_to_limit(path, "lake.png", 100)
    path.write_bytes(b"no picture")
    assert fit_file_to_limit(path, "lake.png", 100) == ("lake.png", b"no picture")
    with pytest.raises(OSError, match="identify"):
        fit_file_to_limit(path, "lake.png", 5)
