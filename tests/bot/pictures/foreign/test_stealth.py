"""Texts that are hidden in the pixels are read, within limits, and from lossless files only."""

from __future__ import annotations

import gzip
import io
import json
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.pictures.foreign.programs import read_foreign
from bot.pictures.foreign.stealth import MAX_PIXELS, stealth_texts
from tests.bot.pictures.foreign.files import A1111, png_with, z_image_graph
from tests.bot.pictures.foreign.workflows import plain

SIGNATURES = ("stealth_pngcomp", "stealth_pnginfo", "stealth_rgbcomp", "stealth_rgbinfo")
COMMENT = {
    "prompt": "a red house, 雪地", "uc": "night, snow", "seed": 12345, "width": 512, "height": 768,
}  # fmt: skip
NOVELAI = json.dumps(
    {"Description": "a red house, 雪地", "Software": "NovelAI", "Source": "NovelAI Diffusion V4",
     "Comment": json.dumps(COMMENT)}
)  # fmt: skip
RED = ("a red house, 雪地", "night, snow", 12345, (512, 768))


def hidden(
    text: str | bytes,
    signature: str = "stealth_pngcomp",
    *,
    bits: int | None = None,
    size: tuple[int, int] = (96, 64),
    **save: Any,
) -> bytes:
    """Return a file with a text in its lowest bits. bits: the length that it claims."""
    raw = text.encode() if isinstance(text, str) else text
    raw = gzip.compress(raw) if signature.endswith("comp") and isinstance(text, str) else raw
    length = 8 * len(raw) if bits is None else bits
    body = signature.encode() + length.to_bytes(4, "big") + raw
    rng = np.random.default_rng(0)
    width, height = size
    pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
    in_alpha = signature.startswith("stealth_png")
    pixels[..., 3] = 255
    channels = pixels[..., 3:] if in_alpha else pixels[..., :3]
    flat = channels.transpose(1, 0, 2).reshape(-1)
    written = np.unpackbits(np.frombuffer(body, np.uint8))[: len(flat)]
    flat[: len(written)] = (flat[: len(written)] & 0xFE) | written
    depth = channels.shape[2]
    channels[...] = flat.reshape(width, height, depth).transpose(1, 0, 2)
    image = Image.fromarray(pixels if in_alpha else pixels[..., :3])
    out = io.BytesIO()
    image.save(out, **{"format": "PNG", **save})
    return out.getvalue()


def parts(data: bytes) -> tuple[object, ...] | None:
    found = read_foreign(data)
    return None if found is None else (found.prompt, found.negative, found.seed, found.size)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_signature(signature: str):
    """NovelAI's object and a web UI's text are read, packed or not, from either place."""
    assert parts(hidden(NOVELAI, signature, size=(90, 120))) == RED
    assert parts(hidden(A1111, signature, size=(90, 120))) == RED
    found = read_foreign(hidden(NOVELAI, signature, size=(90, 120)))
    assert found is not None and found.program == "NovelAI"


def test_what_others_hide():
    """ComfyUI's two graphs, a program's own object and a lossless WebP are read as well."""
    graph = json.dumps(z_image_graph())
    both = json.dumps({"prompt": graph, "workflow": json.dumps(plain())})
    assert parts(hidden(both, size=(300, 200))) == (
        "a red house, 雪地",
        "",
        47447417949230,
        (1024, 768),
    )
    drawn = json.dumps({"workflow": json.dumps(plain())})
    assert parts(hidden(drawn, size=(300, 200))) == (
        "a red house", "fog", 5, (512, 768),
    )  # fmt: skip
    assert parts(hidden(json.dumps(COMMENT))) == RED
    assert parts(hidden(NOVELAI, format="WEBP", lossless=True, exact=True)) == RED
    swarm = {"sui_image_params": {"prompt": "a cat", "seed": 3, "width": 64, "height": 96}}
    assert parts(hidden(json.dumps(swarm))) == ("a cat", "", 3, (64, 96))


def test_what_is_written_beside_the_pixels_counts_first():
    """The text of a file is not overruled by one that an earlier program left in its pixels."""
    data = hidden(NOVELAI)
    at = data.index(b"IDAT") - 4
    chunk = png_with(parameters="a cat\nSteps: 8, Seed: 3")
    text = chunk[chunk.index(b"iTXt") - 4 : chunk.index(b"IDAT") - 4]
    found = read_foreign(data[:at] + text + data[at:])
    assert found is not None and found.prompt == "a cat"


@pytest.mark.parametrize(
    "data",
    [
        hidden(NOVELAI, bits=0),
        hidden(NOVELAI, bits=7),
        hidden(NOVELAI, bits=2**32 - 1),
        hidden(NOVELAI, bits=96 * 64),
        hidden(NOVELAI, "stealth_rgbcomp", bits=2**31),
        hidden(b"no gzip at all"),
        hidden(gzip.compress(b"{")[:-9]),
        hidden(b"\xff\xfe\xfa", "stealth_pnginfo"),
        hidden("", "stealth_pnginfo"),
        hidden(NOVELAI, "stealth_pngtext"),
        hidden(NOVELAI, size=(4, 4)),
        hidden(NOVELAI, size=(1, 151)),
        hidden(NOVELAI, size=(700, 1)),
        hidden(NOVELAI)[:900],
    ],
    ids=[
        "no length", "less than a byte", "the longest length", "beyond the end", "beyond, in RGB",
        "not packed", "cut off", "no text", "empty", "another signature", "too small for it",
        "too narrow", "one row", "a damaged file",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_nothing(data: bytes):
    """A wrong length, a broken text or a picture too small for it is as good as none."""
    assert stealth_texts(data) == {}
    assert read_foreign(data) is None


def test_lossy_files_are_not_decoded(monkeypatch: pytest.MonkeyPatch):
    """JPEG and lossy WebP hold nothing in their lowest bits, nor do pictures of other kinds."""
    called: list[bytes] = []
    monkeypatch.setattr(
        "bot.pictures.foreign.stealth.stored_pixels", lambda data, _limits: called.append(data)
    )
    flat = Image.new("RGB", (64, 64), "red")
    for image, save in (
        (flat, {"format": "JPEG"}),
        (flat, {"format": "WEBP", "quality": 90}),
        (flat.convert("L"), {"format": "PNG"}),
        (flat.convert("P"), {"format": "PNG"}),
        (Image.new("I;16", (64, 64)), {"format": "PNG"}),
    ):
        out = io.BytesIO()
        image.save(out, **save)
        assert stealth_texts(out.getvalue()) == {}
    assert called == []
    assert stealth_texts(hidden(NOVELAI)) == {}
    assert len(called) == 1


def test_a_huge_picture_is_not_decoded():
    """A picture beyond the limit is refused by its header, whatever its bytes hold."""
    side = int(MAX_PIXELS**0.5) + 1
    out = io.BytesIO()
    Image.new("RGB", (side, side)).save(out, "PNG")
    started = time.monotonic()
    assert stealth_texts(out.getvalue()) == {}
    assert time.monotonic() - started < 1


def test_a_bomb_takes_little():
    """A few kilobytes that unpack to gigabytes are given up at the limit."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(512)) + packer.flush()
    data = hidden(bomb, size=(2200, 2000))
    tracemalloc.start()
    started = time.monotonic()
    assert stealth_texts(data) == {}
    assert time.monotonic() - started < 5
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=120),
    st.sampled_from(SIGNATURES),
    st.integers(0, 2**32 - 1) | st.integers(0, 6000),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_no_pixels_are_a_crash(raw: bytes, signature: str, bits: int, size: tuple[int, int]):
    """Whatever the lowest bits say, there are texts or none."""
    found = stealth_texts(hidden(raw, signature, bits=bits, size=size))
    assert all(isinstance(text, str) for text in found.values())
