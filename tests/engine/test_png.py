"""A PNG carries its recipe, for this program and for others; damage gives one plain sentence."""

import hashlib
import io
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import png
from engine.png import (
    PARAMETERS_KEY,
    RECIPE_KEY,
    EmbeddedRecipe,
    RecipeUnreadable,
    embedded_recipe,
    encode_png,
    parameters_text,
    pixels_sha256,
    read_png,
)
from engine.types import ImageRequest, Raster, Recipe
from tests.fakes import a_request, fake_recipe, gradient

SMALL: dict[str, Any] = {"width_px": 16, "height_px": 16}
A1111_FIELD = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def a_png(request: ImageRequest | None = None) -> bytes:
    request = request or a_request(**SMALL)
    return encode_png(gradient(request), fake_recipe(request))


def inscribed(text: str | None, image: Image.Image | None = None, **options: Any) -> bytes:
    """Return the bytes of a picture with a text in the place of the recipe."""
    info = PngInfo()
    if text is not None:
        info.add_itxt(RECIPE_KEY, text)
    out = io.BytesIO()
    (image or Image.new("RGB", (4, 4))).save(out, "PNG", pnginfo=info, **options)
    return out.getvalue()


def own_text(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return str(image.info[RECIPE_KEY])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def plain(error: RecipeUnreadable) -> bool:
    """Whether the error can be shown to a user: one line of text."""
    text = str(error)
    return bool(text) and "\n" not in text and "Traceback" not in text and len(text) < 300


@given(
    st.builds(
        a_request,
        prompt=st.text(),
        negative_prompt=st.text(),
        seed=st.integers(0, 2**32 - 1),
        width_px=st.integers(1, 20),
        height_px=st.integers(1, 20),
        guidance=st.floats(1, 5),
    )
)
def test_any_recipe_comes_back(request_: ImageRequest) -> None:
    """Recipe and pixels are read back from the PNG unchanged, whatever the prompts contain."""
    raster, recipe = gradient(request_), fake_recipe(request_)
    found = embedded_recipe(encode_png(raster, recipe))
    assert found == EmbeddedRecipe(recipe, pixels_sha256(raster), untouched=True)


@pytest.mark.parametrize(
    "prompt",
    ["晨曦中的山湖，薄雾", "👨‍👩‍👧‍👦 at sea", "one\ntwo\r\nthree", 'Seed: 1, "x"', "Ünï\x85\xa0"],
)
def test_prompts_of_every_kind(prompt: str, tmp_path: Path) -> None:
    """Chinese, emoji and line breaks survive the file, and its name does not matter."""
    file = tmp_path / "a picture"
    file.write_bytes(a_png(a_request(prompt, **SMALL)))
    assert read_png(file).recipe.request.prompt == prompt


def test_the_pixels_are_the_pixels() -> None:
    """The PNG holds the painted pixels bit for bit; the same input gives the same file."""
    request = a_request(**SMALL)
    with Image.open(io.BytesIO(a_png())) as image:
        assert image.mode == "RGB"
        assert image.tobytes() == gradient(request).rgb
    assert a_png() == a_png()


def test_the_fingerprint_knows_the_shape() -> None:
    """The same bytes as a wide and as a tall picture have different fingerprints."""
    rgb = bytes(range(24))
    assert pixels_sha256(Raster(4, 2, rgb)) != pixels_sha256(Raster(2, 4, rgb))
    assert pixels_sha256(Raster(4, 2, rgb)) == hashlib.sha256(b"4x2:" + rgb).hexdigest()


@given(
    st.text(), st.text(), st.sampled_from(["sketch", "a/b", "my, own: model", 'say "x"', "两个"])
)
def test_other_programs_read_the_parameters(prompt: str, negative: str, model: str) -> None:
    """The `parameters` text has the lines and fields that web UIs parse, even with line breaks in
    prompts and separators in the model's name."""
    request = a_request(prompt, negative_prompt=negative, guidance=1.5, seed=99, steps=8)
    recipe = fake_recipe(request)
    recipe = Recipe(model, "abc123", "sketch", request, recipe.conditions)
    head, *middle, last = parameters_text(recipe).split("\n")
    assert head == " ".join(prompt.split())
    shown = " ".join(negative.split())
    assert middle == ([f"Negative prompt: {shown}"] if negative else [])
    fields = dict(A1111_FIELD.findall(last))
    quoted = fields.pop("Model")
    assert (json.loads(quoted) if quoted.startswith('"') else quoted) == model
    assert fields == {
        "Steps": "8",
        "Sampler": "Euler",
        "CFG scale": "1.5",
        "Seed": "99",
        "Size": "64x64",
        "Model hash": "abc123",
        "Version": "zimagine",
    }


@pytest.mark.parametrize(
    ("prompt", "kind"), [("a boat", b"tEXt"), ("Café, 20°C", b"iTXt"), ("一条船", b"iTXt")]
)
def test_parameters_use_the_chunk_others_expect(prompt: str, kind: bytes) -> None:
    """ASCII goes into a tEXt chunk, which everything reads; all else into iTXt, which is UTF-8 by
    its standard, whereas tEXt is read as Latin-1 by some programs and as UTF-8 by others."""
    data = a_png(a_request(prompt, **SMALL))
    assert kind + PARAMETERS_KEY.encode() + b"\0" in data
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert str(image.info[PARAMETERS_KEY]).startswith(prompt)


@pytest.mark.parametrize(
    "prompt",
    ["Negative prompt: fog", "a form with the field Negative prompt: fog", "negative prompt:x"],
)
@pytest.mark.parametrize("negative", ["", "mist", "Negative prompt: mist"])
def test_no_prompt_is_taken_for_a_negative_one(prompt: str, negative: str) -> None:
    """Readers that look for "Negative prompt:" anywhere find only the line that begins with it."""
    request = a_request(prompt, negative_prompt=negative, **SMALL)
    text = parameters_text(fake_recipe(request))
    parts = text.lower().split("negative prompt:")
    assert len(parts) == (2 if negative else 1)
    words = parts[0].replace(" :", ":").strip()
    assert words.startswith(prompt.lower())


def test_every_truncation_is_explained() -> None:
    """A file cut off anywhere gives RecipeUnreadable with one sentence, or is still readable."""
    data = a_png()
    for length in range(len(data)):
        try:
            found = embedded_recipe(data[:length])
        except RecipeUnreadable as error:
            assert plain(error)
        else:
            assert found.untouched


@given(st.data())
def test_every_damage_is_explained(data: st.DataObject) -> None:
    """Flipped bytes anywhere give RecipeUnreadable or a recipe; no other exception is raised."""
    damaged = bytearray(a_png())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        embedded_recipe(bytes(damaged))
    except RecipeUnreadable as error:
        assert plain(error)


def test_a_broken_chunk_behind_the_pixels_is_explained() -> None:
    """A chunk on which the PNG library fails is treated like any other damage."""
    data = a_png()
    with pytest.raises(RecipeUnreadable, match="damaged"):
        embedded_recipe(data[:-12] + chunk(b"iCCP", b"") + data[-12:])


@given(st.binary(max_size=64))
def test_no_other_bytes_are_a_picture(data: bytes) -> None:
    """Any other bytes, even after a PNG's signature, give RecipeUnreadable."""
    for each in (data, b"\x89PNG\r\n\x1a\n" + data):
        with pytest.raises(RecipeUnreadable):
            embedded_recipe(each)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP"])
def test_other_formats(kind: str) -> None:
    """A picture in another format is refused as not being a PNG."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, kind)
    with pytest.raises(RecipeUnreadable, match="not a PNG"):
        embedded_recipe(out.getvalue())


def test_a_foreign_png() -> None:
    """A PNG of another program has no recipe of this program."""
    with pytest.raises(RecipeUnreadable, match="carries no zimagine recipe"):
        embedded_recipe(inscribed(None))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "not json",
        "[" * 50_000,
        '{"recipe": {}, "pixels_sha256": ""}',
        '{"recipe": NaN, "pixels_sha256": ""}',
        '{"recipe": {"version": 1e999}, "pixels_sha256": ""}',
    ],
    ids=lambda text: text[:12] or "empty",
)
def test_a_manipulated_recipe(text: str) -> None:
    """A recipe that was manipulated is refused with one sentence."""
    with pytest.raises(RecipeUnreadable, match="recipe in the picture is damaged") as caught:
        embedded_recipe(inscribed(text))
    assert plain(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [("seed", -1), ("seed", 2**32), ("guidance", float("nan")), ("steps", 0)]
)
def test_a_recipe_nobody_can_paint(field: str, value: float) -> None:
    """Numbers outside the bounds of a request are refused when the file is read."""
    own = json.loads(own_text(a_png()))
    own["recipe"]["request"][field] = value
    with pytest.raises(RecipeUnreadable, match=field if field != "steps" else "above 0"):
        embedded_recipe(inscribed(json.dumps(own)))


def test_edited_pixels_are_noticed() -> None:
    """One changed pixel, a crop or transparency makes a picture with its recipe touched."""
    data = a_png()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        original = image.copy()
    text = own_text(data)
    assert embedded_recipe(inscribed(text, original)).untouched
    dotted = original.copy()
    dotted.putpixel((3, 3), (1, 2, 3))
    clear = original.copy()
    clear.putalpha(0)
    for edited in (dotted, original.crop((0, 0, 16, 15)), clear):
        found = embedded_recipe(inscribed(text, edited))
        assert not found.untouched
        assert found.recipe == fake_recipe(a_request(**SMALL))


def test_resaved_pixels_are_untouched() -> None:
    """Recompressing the file leaves the pixels untouched."""
    with Image.open(io.BytesIO(a_png())) as image:
        image.load()
        assert embedded_recipe(inscribed(own_text(a_png()), image, compress_level=0)).untouched


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over the limit is refused, and an endless one does not fill the memory."""
    monkeypatch.setattr(png, "MAX_FILE_BYTES", 1000)
    file = tmp_path / "huge.png"
    file.write_bytes(b"\0" * 1001)
    with pytest.raises(RecipeUnreadable, match="too large"):
        read_png(file)
    endless = Path("/dev/zero")
    if endless.exists():
        with pytest.raises(RecipeUnreadable, match="too large"):
            read_png(endless)


@pytest.mark.parametrize("side", [8193, 20_000, 2**31 - 1])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_not_unpacked(side: int) -> None:
    """A small file that claims a huge picture is refused before it is decompressed."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    with pytest.raises(RecipeUnreadable):
        embedded_recipe(bomb + chunk(b"IEND", b""))


def test_a_text_bomb_is_not_unpacked() -> None:
    """A compressed text that would fill the memory is refused."""
    body = RECIPE_KEY.encode() + b"\0\1\0\0\0" + zlib.compress(b"9" * 50_000_000)
    data = inscribed(None)
    with pytest.raises(RecipeUnreadable) as caught:
        embedded_recipe(data[:33] + chunk(b"iTXt", body) + data[33:])
    assert plain(caught.value)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A missing file, or a folder in its place, raises the operating system's error."""
    for path in (tmp_path / "nothing.png", tmp_path):
        with pytest.raises(OSError, match=r"nothing|Is a directory|denied"):
            read_png(path)
