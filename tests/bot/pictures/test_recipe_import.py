"""Any file gives its recipe, or one reason why there is none."""

from __future__ import annotations

import dataclasses
import io
import json
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.recipe_import import MAX_PIXELS, UnreadableReason, UnreadableRecipe, read_recipe
from engine.file_formats import FileKind
from engine.png import RECIPE_KEY, encode_png, pixels_sha256
from engine.types import Raster, Recipe
from engine.uploads import TooManyPixels
from tests.bot.pictures.foreign.files import USER_COMMENT, exif, jpeg, user_comment, webp
from tests.fakes import a_request, fake_recipe, gradient

REQUEST = a_request()
RASTER = gradient(REQUEST)
PNG = encode_png(RASTER, fake_recipe(REQUEST))


def written(form: str = "PNG", raster: Raster = RASTER, /, **texts: str) -> bytes:
    """Encode these pixels as another program does."""
    image = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
    out, info = io.BytesIO(), PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    image.save(out, form, **({"pnginfo": info} if form == "PNG" else {}))
    return out.getvalue()


def forged(recipe: Recipe) -> bytes:
    """Encode a file with a forged recipe and the correct hash of its pixels."""
    own = {"recipe": json.loads(recipe.to_json()), "pixels_sha256": pixels_sha256(RASTER)}
    return written(**{RECIPE_KEY: json.dumps(own)})


def chunk(kind: bytes, data: bytes) -> bytes:
    """Encode a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_our_own_file_has_its_recipe():
    """The recipe of a generated picture is read back unchanged."""
    assert read_recipe(PNG) == fake_recipe(REQUEST)


@pytest.mark.parametrize(
    ("data", "why", "form"),
    [
        (b"", UnreadableReason.NO_PICTURE, ""),
        (b"a poem", UnreadableReason.NO_PICTURE, ""),
        (written("JPEG"), UnreadableReason.OTHER_FORMAT, "JPEG"),
        (written("WEBP"), UnreadableReason.OTHER_FORMAT, "WebP"),
        (written("GIF"), UnreadableReason.OTHER_FORMAT, "GIF"),
        (written(), UnreadableReason.BARE, ""),
        (written(Software="GIMP"), UnreadableReason.BARE, ""),
        (written(**{RECIPE_KEY: "{"}), UnreadableReason.DAMAGED, ""),
        (PNG[:-200], UnreadableReason.DAMAGED, ""),
    ],
)
def test_each_other_file_has_its_reason(data: bytes, why: UnreadableReason, form: str):
    """Files without a picture, PNG format or recipe, foreign and damaged ones are told apart."""
    assert read_recipe(data) == UnreadableRecipe(why, form)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_another_programs_recipe_is_found(form: str):
    """What another program wrote is read from a picture of any format, however large it is."""
    text = "a cat\nSteps: 20, Seed: 5, Size: 64x96"
    metadata = exif({USER_COMMENT: user_comment(text, b"UNICODE", "utf-16-be")})
    files = {"PNG": written(parameters=text), "JPEG": jpeg(metadata), "WEBP": webp(metadata)}
    assert read_recipe(files[form]) == ForeignRecipe(
        "A1111", "a cat", "", 5, (64, 96), settings=("Steps",)
    )


def test_our_own_recipe_comes_first():
    """A file with both texts is one of ours, and stays so if its recipe is damaged."""
    assert read_recipe(PNG) == fake_recipe(REQUEST)
    broken = written(**{RECIPE_KEY: "{", "parameters": "a cat\nSteps: 20"})
    assert read_recipe(broken) == UnreadableRecipe(UnreadableReason.DAMAGED)


def test_our_own_text_is_read_where_the_recipe_is_lost():
    """A picture of ours that another program saved with only the text for others is known."""
    image = Image.open(io.BytesIO(PNG))
    found = read_recipe(written(parameters=str(image.info["parameters"])))
    assert isinstance(found, ForeignRecipe) and found.program == "zimagine"
    assert (found.prompt, found.seed) == (REQUEST.effective_prompt, REQUEST.seed)


def test_films_and_pages_are_named():
    """Files that are no picture are named with what they hold."""
    film = b"\0\0\0\x18ftypisom\0\0\0\0isom"
    assert read_recipe(film) == UnreadableRecipe(
        UnreadableReason.OTHER_FORMAT, "MP4", FileKind.VIDEO
    )
    assert read_recipe(written(workflow="{}")) == UnreadableRecipe(
        UnreadableReason.FOREIGN, program="ComfyUI"
    )


def test_changed_pixels_are_noticed():
    """A recipe is rejected if the pixels were modified."""
    other = dataclasses.replace(REQUEST, seed=REQUEST.seed + 1)
    image = Image.open(io.BytesIO(PNG))
    assert isinstance(image.info[RECIPE_KEY], str)
    moved = written("PNG", gradient(other), **{RECIPE_KEY: image.info[RECIPE_KEY]})
    assert read_recipe(moved) == UnreadableRecipe(UnreadableReason.CHANGED)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "x" * 10_000},
        {"effective_prompt": "x" * 10_000},
        {"negative_prompt": "x" * 10_000},
        {"width_px": 10**400},
        {"steps": 10**9},
        {"guidance": -1e300},
    ],
)
def test_a_forged_recipe_beyond_all_bounds_is_damaged(changes: dict[str, object]):
    """Excessive texts and numbers are rejected even if the file is consistent."""
    request = dataclasses.replace(REQUEST, **changes)  # pyright: ignore[reportArgumentType]
    assert read_recipe(forged(fake_recipe(REQUEST))) == fake_recipe(REQUEST)
    assert read_recipe(forged(fake_recipe(request))) == UnreadableRecipe(UnreadableReason.DAMAGED)


def test_a_bomb_is_refused_by_its_header():
    """A small file whose header claims gigapixels is not decoded."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    refused = read_recipe(
        PNG[:8] + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )
    assert isinstance(refused, TooManyPixels) and refused.limit_pixels == MAX_PIXELS


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PNG) - 1), st.integers(0, 255), st.integers(0, len(PNG)))
def test_no_damage_is_a_crash(at: int, value: int, end: int):
    """A file with a changed byte or a truncated end still gives a recipe or a reason."""
    read_recipe((PNG[:at] + bytes([value]) + PNG[at + 1 :])[:end])
