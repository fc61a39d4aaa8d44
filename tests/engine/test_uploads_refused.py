"""Files that are not pictures or too large are refused; pictures can be fitted to a size."""

import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngImageFile

from engine import uploads
from engine.uploads import (
    BadFormat,
    NotAPicture,
    TooManyPixels,
    UploadLimits,
    UploadRefused,
    UploadTooLarge,
    decode,
    fit,
    mask_of,
)
from tests.engine.upload_files import (
    BLUE,
    GREEN,
    KINDS,
    LIMITS,
    RED,
    WHITE,
    chunk,
    photo,
    pixels,
    png,
    raster_of,
    saved,
    swapped_profile,
    transparent,
)


def test_too_many_bytes() -> None:
    """One byte more than the limit is refused with both numbers, without parsing the file."""
    data = saved(photo())
    assert decode(data, UploadLimits(bytes=len(data))).raster == raster_of(photo())
    with pytest.raises(UploadTooLarge) as refused:
        decode(data, UploadLimits(bytes=len(data) - 1))
    assert refused.value.data == {"size_bytes": len(data), "limit_bytes": len(data) - 1}


@pytest.mark.parametrize(("format", "options"), KINDS)
def test_too_many_pixels(format: str, options: dict[str, Any]) -> None:
    """One pixel more than the limit is refused with both numbers, in each format."""
    data = saved(photo(24, 16), format, **options)
    assert decode(data, UploadLimits(pixels=24 * 16)).raster.width_px == 24
    with pytest.raises(TooManyPixels) as refused:
        decode(data, UploadLimits(pixels=24 * 16 - 1))
    assert refused.value.data == {"width_px": 24, "height_px": 16, "limit_pixels": 383}


def huge_webp(kind: bytes) -> bytes:
    data = bytearray(
        saved(
            Image.new(
                "RGBA" if kind == b"VP8X" else "RGB", (8, 8), BLUE + (9,) * (kind == b"VP8X")
            ),
            "WEBP",
            lossless=kind == b"VP8L",
        )
    )
    assert data[12:16] == kind
    if kind == b"VP8X":
        data[24:30] = b"\xfe\x3f\0\xfe\x3f\0"
    elif kind == b"VP8L":
        data[21:25] = (0x3FFE | 0x3FFE << 14).to_bytes(4, "little")
    else:
        data[26:30] = b"\xff\x3f\xff\x3f"
    return bytes(data)


def huge_jpeg() -> bytes:
    data = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    return bytes(data)


BOMBS = {
    "png": png(60000, 60000, 8, 2, b"\0" * 2**20),
    "the largest png": png(2**31 - 1, 2**31 - 1, 8, 2, b""),
    "jpeg": huge_jpeg(),
    **{f"webp {kind.decode()}": huge_webp(kind) for kind in (b"VP8 ", b"VP8L", b"VP8X")},
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name: str) -> None:
    """Gigabytes of pixels are refused before any of them takes memory."""
    tracemalloc.start()
    try:
        with pytest.raises(TooManyPixels) as refused:
            decode(BOMBS[name], LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    assert refused.value.width_px * refused.value.height_px > LIMITS.pixels


def test_a_bomb_of_text_is_refused() -> None:
    """A picture whose texts decompress to hundreds of megabytes is refused."""
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 2**27))
    with pytest.raises(NotAPicture):
        decode(png(1, 1, 8, 2, b"\0\1\2\3", bomb), LIMITS)


def test_a_jpeg_of_a_thousand_scans_is_refused() -> None:
    """An ordinary progressive JPEG is read, one with a thousand scans is refused."""
    data = saved(photo(), "JPEG", progressive=True)
    assert decode(data, LIMITS).raster.width_px == 24
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(NotAPicture, match="scans"):
        decode(data[:-2] + 1000 * last + data[-2:], LIMITS)


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "ICO", "AVIF"])
def test_other_formats_are_named(format: str) -> None:
    """A picture in another format is refused by its name, recognised by content alone."""
    if format == "AVIF":
        data = b"\0\0\0\x1cftypavif" + b"\0" * 40
    else:
        data = saved(photo(16, 16), format)
    with pytest.raises(BadFormat) as refused:
        decode(data, LIMITS)
    assert refused.value.data == {"format": format}
    assert format in str(refused.value)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"MZ" * 99]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Bytes that are not a picture, or only begin like one, are refused with a sentence."""
    with pytest.raises(NotAPicture) as refused:
        decode(data, LIMITS)
    assert refused.value.data["detail"]
    assert refused.value.code == "upload_not_a_picture"


def test_want_of_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """When memory runs out, the picture is not reported as damaged."""

    def load(_: PngImageFile) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImageFile, "load", load)
    with pytest.raises(MemoryError):
        decode(saved(photo()), LIMITS)


@pytest.mark.parametrize(("format", "options"), KINDS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_half_a_picture_is_refused(format: str, options: dict[str, Any], part: float) -> None:
    """A file that ends too early is refused, wherever it ends."""
    noise = np.random.default_rng(7).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise), format, **options)
    with pytest.raises(NotAPicture):
        decode(data[: int(len(data) * part)], LIMITS)


SAMPLES = [saved(photo(), format, **options) for format, options in KINDS] + [
    transparent("P"),
    transparent("WEBP"),
    saved(photo(), icc_profile=swapped_profile(), exif=b"Exif\0\0MM\0*"),
    saved(Image.new("CMYK", (16, 16)), "JPEG"),
]


@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    end=st.floats(0, 1),
)
@example(sample=SAMPLES[0], changes=[], end=1.0)
def test_damage_is_refused_or_harmless(
    sample: bytes, changes: list[tuple[float, int]], end: float
) -> None:
    """Whatever bytes are changed or missing, there are complete pixels or a refusal with data."""
    data = bytearray(sample[: int(len(sample) * end)])
    for where, value in changes:
        if data:
            data[int(where * len(data))] = value
    try:
        raster = decode(bytes(data), UploadLimits(pixels=10_000)).raster
    except UploadRefused as refused:
        assert refused.data and str(refused)
    else:
        assert len(raster.rgb) == 3 * raster.width_px * raster.height_px <= 30_000


@given(
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    wanted=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_what_is_fitted_has_exactly_that_size(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    """Fitting gives exactly the size; one colour stays one colour, and a mask keeps its value."""
    image = Image.new("RGB", size, (200, 100, 50))
    raster = fit(raster_of(image), *wanted)
    assert (raster.width_px, raster.height_px) == wanted
    assert (pixels(raster) == (200, 100, 50)).all()
    assert mask_of(raster_of(Image.new("RGB", size, WHITE)), *wanted) == b"\xff" * (
        wanted[0] * wanted[1]
    )


def test_what_fits_already_stays() -> None:
    """A picture of the requested size keeps every pixel."""
    assert fit(raster_of(photo()), 24, 16) == raster_of(photo())


def test_the_middle_is_kept() -> None:
    """Excess is cropped equally on both sides."""
    image = Image.new("RGB", (300, 100), RED)
    image.paste(GREEN, (100, 0, 200, 100))
    for turned in (image, image.transpose(Image.Transpose.ROTATE_90)):
        found = pixels(fit(raster_of(turned), 50, 50))
        assert (found[3:-3, 3:-3] == GREEN).all()  # at the very edge red is mixed in
        assert (found == found[::-1, ::-1]).all()


def test_a_mask_is_where_it_is_white() -> None:
    """White is repainted, black kept, grey by its luminance, without ringing at edges."""
    image = Image.new("RGB", (90, 30), (0, 0, 0))
    ImageDraw.Draw(image).rectangle((30, 0, 59, 29), fill=WHITE)
    image.paste((128, 128, 128), (60, 0, 90, 30))
    mask = np.frombuffer(mask_of(raster_of(image), 30, 10), np.uint8).reshape(10, 30)
    assert (mask[:, :9] == 0).all()
    assert (mask[:, 11:19] == 255).all()
    assert (mask[:, 21:] == 128).all()
    exact = np.frombuffer(mask_of(raster_of(image), 90, 30), np.uint8).reshape(30, 90)
    assert set(exact.flatten().tolist()) == {0, 128, 255}


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_no_size_is_an_error(size: tuple[int, int]) -> None:
    """A size below one raises ValueError."""
    with pytest.raises(ValueError, match="no size"):
        fit(raster_of(photo()), *size)
    with pytest.raises(ValueError, match="no size"):
        mask_of(raster_of(photo()), *size)


def test_every_refusal_has_its_own_code() -> None:
    """The front end tells refusals apart by their codes."""
    codes = [
        kind.code for kind in (UploadRefused, UploadTooLarge, TooManyPixels, BadFormat, NotAPicture)
    ]
    assert len(set(codes)) == len(codes)
    assert uploads.FORMATS == ("PNG", "JPEG", "WebP")
