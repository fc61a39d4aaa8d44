"""Uploads of any bytes give valid pixels or a refusal with data; nothing else is kept."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from engine.png import encode_png
from engine.types import Raster, SourceChangeKind
from engine.uploads import (
    NotAPicture,
    Upload,
    canonical,
    decode,
    reopen,
)
from tests.engine.upload_files import (
    BLUE,
    GREEN,
    KINDS,
    LIMITS,
    LOSSLESS,
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
from tests.fakes import a_request, fake_recipe, gradient


@pytest.mark.parametrize(("format", "options"), LOSSLESS)
def test_pixels_come_through(format: str, options: dict[str, Any]) -> None:
    """A lossless picture has the same pixels and the same hash in every format."""
    upload = decode(saved(photo(), format, **options), LIMITS)
    assert upload == Upload.of(raster_of(photo()))
    assert upload.sha256 != decode(saved(photo(16, 24), format, **options), LIMITS).sha256


@pytest.mark.parametrize(("format", "options"), KINDS[2:])
def test_lossy_pictures_are_nearly_the_same(format: str, options: dict[str, Any]) -> None:
    """A JPEG and a lossy WebP decode to what their format preserves."""
    found = pixels(decode(saved(photo(), format, **options), LIMITS)).astype(int)
    assert np.abs(found - np.asarray(photo())).mean() < 12


def test_metadata_is_forgotten() -> None:
    """Texts, EXIF, profiles and recipes leave no trace in the result and do not change the hash."""
    request = a_request(width_px=16, height_px=16)
    painted = encode_png(gradient(request), fake_recipe(request))
    info = PngInfo()
    info.add_text("Comment", "where I live")
    exif = Image.Exif()
    exif[0x010F] = "camera"
    image = raster_of(photo())
    noisy = saved(photo(), pnginfo=info, exif=exif, dpi=(72, 72))
    assert decode(noisy, LIMITS) == Upload.of(image)
    for data in (painted, noisy):
        kept = canonical(decode(data, LIMITS))
        kinds = [kept[at + 4 : at + 8] for at in _chunks(kept)]
        assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
        assert b"zimagine" not in kept and b"camera" not in kept


def _chunks(data: bytes) -> list[int]:
    found, at = [], 8
    while at < len(data):
        found.append(at)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return found


@given(width=st.integers(1, 40), height=st.integers(1, 40), data=st.data())
def test_what_is_kept_reads_back(width: int, height: int, data: st.DataObject) -> None:
    """canonical() is deterministic, and reads back to the same pixels and hash."""
    rgb = data.draw(st.binary(min_size=3 * width * height, max_size=3 * width * height))
    upload = Upload.of(Raster(width, height, rgb))
    kept = canonical(upload)
    assert kept == canonical(upload)
    assert decode(kept, LIMITS) == upload == reopen(kept, upload.sha256)


def test_what_was_kept_and_changed_is_refused() -> None:
    """Pixels that do not match the hash are refused; a large picture may be read back."""
    upload = Upload.of(raster_of(Image.new("RGB", (900, 900))))
    assert reopen(canonical(upload), upload.sha256) == upload
    with pytest.raises(NotAPicture) as refused:
        reopen(saved(photo()), upload.sha256)
    assert upload.sha256 in refused.value.detail


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("format", "options"), LOSSLESS)
def test_pictures_are_upright(orientation: int, format: str, options: dict[str, Any]) -> None:
    """Each of the eight orientations of EXIF is undone."""
    # How a camera that is held that way stores the upright picture.
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = photo()
    if orientation in stored:
        image = image.transpose(stored[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode(saved(image, format, exif=exif, **options), LIMITS).raster == raster_of(photo())


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_senseless_orientation_is_none(orientation: int) -> None:
    """An orientation that EXIF does not define, and unreadable EXIF, are ignored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode(saved(photo(), exif=exif), LIMITS).raster == raster_of(photo())
    assert decode(saved(photo(), exif=b"Exif\0\0MM rubbish"), LIMITS).raster == raster_of(photo())


def test_a_jpeg_from_a_camera_is_upright() -> None:
    """The orientation of a JPEG counts as well: its size is that of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    raster = decode(saved(photo(24, 16), "JPEG", exif=exif), LIMITS).raster
    assert (raster.width_px, raster.height_px) == (16, 24)


@pytest.mark.parametrize("mode", ["PNG", "WEBP", "P", "RGB"])
def test_transparency_is_white(mode: str) -> None:
    """Transparent parts become white, however the format expresses transparency."""
    found = pixels(decode(transparent(mode), LIMITS))
    assert (found[:, :4] == RED).all() and (found[:, 4:] == WHITE).all()


def test_half_transparency_is_mixed() -> None:
    """Half-transparent pixels are mixed with white."""
    found = pixels(decode(saved(Image.new("RGBA", (2, 2), (255, 0, 0, 128))), LIMITS))
    assert (np.abs(found.astype(int) - (255, 127, 127)) <= 1).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Palette, grey and black-and-white pictures convert to RGB."""
    image = Image.new("RGB", (6, 4), WHITE)
    image.paste((0, 0, 0), (0, 0, 3, 4))
    found = pixels(decode(saved(image.convert(mode)), LIMITS))
    assert (found == np.asarray(image)).all()


def test_sixteen_bits_become_eight() -> None:
    """The upper eight of 16 bits are kept, in grey and in colour; transparent grey is white."""
    values = np.array([0x0000, 0x7F80, 0xFF00, 0xFFFF], ">u2")
    expected = np.array([0, 0x7F, 0xFF, 0xFF])
    grey = pixels(decode(png(4, 1, 16, 0, b"\0" + values.tobytes()), LIMITS))
    assert (grey[0] == expected[:, None]).all()
    colour = png(4, 1, 16, 2, b"\0" + np.repeat(values, 3).tobytes())
    assert (pixels(decode(colour, LIMITS))[0] == expected[:, None]).all()
    seen_through = chunk(b"tRNS", b"\x7f\x80")
    found = decode(png(4, 1, 16, 0, b"\0" + values.tobytes(), seen_through), LIMITS)
    assert pixels(found)[0, :, 0].tolist() == [0, 255, 255, 255]


def test_cmyk_becomes_rgb() -> None:
    """A CMYK JPEG has the right colours."""
    found = pixels(decode(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"), LIMITS))
    assert (np.abs(found.astype(int) - RED) < 12).all()


def grey_profile(gamma: int) -> bytes:
    """A profile for grey pictures whose values are the light to the power of 1 / gamma."""
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, gamma << 8, 0)
    tags, body = b"", b""
    for name, content in ((b"wtpt", white), (b"kTRC", curve)):
        tags += name + struct.pack(">II", 132 + 24 + len(body), len(content))
        body += content
    head = bytearray(128)
    head[:4] = struct.pack(">I", 132 + len(tags + body))
    head[8:24] = b"\2\x40\0\0mntrGRAYXYZ "
    head[36:40] = b"acsp"
    head[68:80] = white[8:]
    return bytes(head) + struct.pack(">I", 2) + tags + body


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_profiles_are_converted(mode: str) -> None:
    """A grey picture in linear light has the right brightness in sRGB."""
    image = Image.new("L", (4, 4), 55).convert(mode)
    found = pixels(decode(saved(image, icc_profile=grey_profile(1)), LIMITS)).astype(int)
    assert (np.abs(found - 128) <= 2).all()  # 55 of 255 in linear light


def test_profiles_are_converted() -> None:
    """Other primaries are converted to sRGB; sRGB's own profile changes nothing."""
    red = Image.new("RGB", (4, 4), RED)
    found = pixels(decode(saved(red, icc_profile=swapped_profile()), LIMITS)).astype(int)
    assert (np.abs(found - BLUE) <= 2).all()
    half = Image.new("RGBA", (4, 4), (*RED, 0))
    clear = pixels(decode(saved(half, icc_profile=swapped_profile()), LIMITS))
    assert (clear == WHITE).all()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = pixels(decode(saved(photo(), icc_profile=srgb), LIMITS)).astype(int)
    assert np.abs(same - np.asarray(photo())).max() <= 1


@pytest.mark.parametrize("profile", [b"rubbish", b"\0" * 300, swapped_profile()[:200]])
def test_a_broken_profile_is_as_good_as_none(profile: bytes) -> None:
    """A profile that cannot be read changes nothing and refuses nothing."""
    assert decode(saved(photo(), icc_profile=profile), LIMITS).raster == raster_of(photo())


def test_a_profile_of_another_kind_is_as_good_as_none() -> None:
    """An RGB profile on a CMYK picture, and the reverse, is ignored."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    press = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    plain = decode(saved(press, "JPEG"), LIMITS)
    assert decode(saved(press, "JPEG", icc_profile=srgb), LIMITS) == plain
    assert decode(saved(photo(), icc_profile=grey_profile(1)), LIMITS).raster == raster_of(photo())
    assert decode(saved(press, "JPEG", icc_profile=grey_profile(1)), LIMITS) == plain


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_counts(format: str) -> None:
    """An animated picture is its first frame, and says so."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in (GREEN, RED, BLUE)]
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    data = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
    found = decode(data, LIMITS)
    assert (pixels(found) == GREEN).all()
    assert [each.kind for each in found.changes] == [SourceChangeKind.FIRST_FRAME]
    assert decode(saved(frames[0], format, **options), LIMITS).changes == ()


def test_the_first_picture_of_several_in_a_jpeg_counts() -> None:
    """A JPEG with several pictures is its first one."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in (GREEN, RED)]
    data = saved(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert (np.abs(pixels(decode(data, LIMITS)).astype(int) - GREEN) < 12).all()
