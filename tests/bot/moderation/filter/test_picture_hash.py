"""A picture is known again after it was saved anew, and others are not taken for it."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from bot.moderation.filter.picture_hash import MAX_DISTANCE, PictureHash, hash_of_file

SEEDS = range(24)


def a_scene(seed: int) -> Image.Image:
    """Return soft patches of colour, different for each seed."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((384, 256), Image.Resampling.BICUBIC)


def saved(picture: Image.Image, form: str = "PNG", **options: int) -> bytes:
    """Return the bytes of a file."""
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def distance(one: PictureHash, other: PictureHash) -> int:
    """Return in how many bits two perceptual hashes differ."""
    assert one.perceptual is not None and other.perceptual is not None
    return (one.perceptual ^ other.perceptual).bit_count()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_is_known(seed: int) -> None:
    """Saved as JPEG or WebP of low quality, at half and at one and a half times its size, it is
    like the original, with some of the allowed difference to spare."""
    scene = a_scene(seed)
    original = hash_of_file(saved(scene))
    small, large = scene.resize((192, 128)), scene.resize((576, 384))
    for copy in (
        saved(scene, "JPEG", quality=40),
        saved(scene, "WEBP", quality=30),
        saved(small, "JPEG", quality=70),
        saved(large),
    ):
        assert original.is_like(hash_of_file(copy))
        assert distance(original, hash_of_file(copy)) <= MAX_DISTANCE - 2


def test_other_pictures_are_others() -> None:
    """Of many pictures, no two are nearly as alike as would be allowed."""
    hashes = [hash_of_file(saved(a_scene(seed))) for seed in SEEDS]
    nearest = min(distance(*pair) for pair in itertools.combinations(hashes, 2))
    assert nearest > MAX_DISTANCE * 1.5


def test_the_same_pixels_are_the_same_picture() -> None:
    """Another file with the same pixels has the same hash, also where nothing is to be seen."""
    plain = Image.new("RGB", (64, 64), (200, 10, 10))
    first, second = (hash_of_file(saved(plain, compress_level=each)) for each in (0, 9))
    assert first == second and first.perceptual is None and first.is_like(second)


def test_flat_pictures_are_not_alike() -> None:
    """Two pictures that show nothing are different where their pixels are: a white one on the list
    does not forbid every white mask."""
    white, grey = (hash_of_file(saved(Image.new("L", (64, 64), each))) for each in (255, 128))
    assert not white.is_like(grey)
