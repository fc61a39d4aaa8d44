"""Previews are small files in the shape of the picture that they become."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.delivery.previews import LIMIT_BYTES, SIDE_PX, encode_preview
from engine.types import Raster
from tests.fakes import fake_preview

sides_px = st.integers(16, 4096)


@given(sides_px, sides_px)
def test_a_preview_has_the_shape_of_its_picture(width_px: int, height_px: int):
    """It is as large as the picture, or as is allowed, and no pixel longer."""
    data = encode_preview(fake_preview(3), width_px, height_px)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == min(SIDE_PX, max(width_px, height_px))
        share = max(image.size) / max(width_px, height_px)
        assert abs(image.width - width_px * share) < 1 and abs(image.height - height_px * share) < 1


def test_it_shows_what_was_seen():
    """Colours stay what they are, each in its place."""
    red, blue = b"\xc8\x14\x14", b"\x14\x14\xc8"
    data = encode_preview(Raster(16, 16, (red * 8 + blue * 8) * 16), 256, 256)
    with Image.open(io.BytesIO(data)) as image:
        for x, wanted in ((40, red), (216, blue)):
            seen = image.getpixel((x, 128))
            assert isinstance(seen, tuple)
            assert all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True))


def test_even_noise_is_a_small_file():
    """The first steps are noise, which no form makes small at full size and quality."""
    noise = random.Random(5).randbytes(512 * 512 * 3)
    data = encode_preview(Raster(512, 512, noise), 1024, 1024)
    assert len(data) <= LIMIT_BYTES
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == image.height < SIDE_PX


def test_what_is_no_picture_is_refused():
    """Pixels that are missing raise ValueError: whoever asks shows text instead."""
    with pytest.raises(ValueError, match="not enough"):
        encode_preview(Raster(16, 16, b"abc"), 64, 64)
