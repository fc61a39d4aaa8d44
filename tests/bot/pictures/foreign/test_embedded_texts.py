"""Texts are read within limits, from damaged and from hostile files as well."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pictures.foreign.embedded_texts import MAX_TEXTS, embedded_texts, png_keywords
from bot.pictures.foreign.exif import MAX_TEXT_BYTES, decode_user_comment, exif_texts
from bot.pictures.foreign.json_text import json_object
from bot.pictures.foreign.programs import foreign_program, read_foreign
from tests.bot.pictures.foreign.files import (
    A1111,
    DESCRIPTION,
    MAKE,
    MODEL,
    SOFTWARE,
    USER_COMMENT,
    chunk,
    exif,
    itxt_chunk,
    jpeg,
    png,
    png_with,
    raw_profile,
    text_chunk,
    user_comment,
    webp,
    xmp,
    z_image_graph,
    ztxt_chunk,
)
from tests.bot.pictures.foreign.workflows import packed

BOMB = zlib.compress(b"a" * 100 * 2**20, 9)
"""A hundred megabytes in a tenth of one."""


@pytest.mark.parametrize(
    "bomb",
    [
        chunk(b"zTXt", b"parameters\0\0" + BOMB),
        chunk(b"iTXt", b"parameters\0\1\0\0\0" + BOMB),
        b"".join(chunk(b"zTXt", b"%d\0\0" % n + BOMB) for n in range(100)),
    ],
    ids=["zTXt", "iTXt", "a hundred"],
)
def test_a_bomb_of_text_takes_little(bomb: bytes):
    """A text that decompresses to hundreds of megabytes is dropped before it takes the memory, and
    a text before it is still read."""
    data = png(text_chunk("parameters", A1111), bomb)
    tracemalloc.start()
    try:
        started = time.process_time()
        found = read_foreign(data)
        assert time.process_time() - started < 5
        assert tracemalloc.get_traced_memory()[1] < 48 * 2**20
    finally:
        tracemalloc.stop()
    assert found is not None and found.seed == 12345
    assert read_foreign(png(bomb)) is None


@pytest.mark.parametrize(
    "packet",
    [
        "<exif:UserComment>" * 200_000,
        "<exif:UserComment><rdf:li " * 100_000 + "</exif:UserComment>",
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
        + "<exif:UserComment>&b;&b;&b;</exif:UserComment>" * 50_000,
        'exif:UserComment="' * 200_000,
    ],
    ids=["no end", "no item", "entities", "attributes"],
)
def test_hostile_xmp_takes_little(packet: str):
    """A packet of megabytes that repeats or defines what it likes is read in a moment."""
    started = time.process_time()
    found = read_foreign(png(itxt_chunk("XML:com.adobe.xmp", packet)))
    assert found is None and time.process_time() - started < 2


def test_texts_are_bounded_in_number():
    """Of thousands of texts, the first ones are read."""
    data = png(*(text_chunk(f"key{number}", "x") for number in range(5000)))
    assert len(embedded_texts(data)) == MAX_TEXTS
    assert {"key0", "key4999"} <= png_keywords(data)


def test_the_first_of_several_counts():
    """Of two texts with one keyword the first counts, even where its chunk is of another kind."""
    data = png(itxt_chunk("a", "one"), text_chunk("a", "two"), late=(ztxt_chunk("a", "three"),))
    assert embedded_texts(data) == {"a": "one"}


def test_labels_within_exif():
    """ComfyUI's texts in EXIF are found by the label within them, a camera's stay what they are."""
    tags = {MODEL: 'prompt:{"1": {}}', MAKE: "workflow:{}", SOFTWARE: "x", DESCRIPTION: "me"}
    for data in (jpeg(exif(tags)), webp(exif(tags, order="<"))):
        texts = embedded_texts(data)
        assert (texts["prompt"], texts["workflow"]) == ('{"1": {}}', "{}")
        assert (texts["software"], texts["imagedescription"]) == ("x", "me")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (user_comment("雪地", b"UNICODE", "utf-16-be"), "雪地"),
        (user_comment("雪地 x", b"UNICODE", "utf-16-le"), "雪地 x"),
        (user_comment("x", b"UNICODE", "utf-16-le"), "x"),
        (user_comment("Café", b"ASCII", "latin-1"), "Café"),
        (user_comment("Café", b"ASCII", "utf-8"), "Café"),
        (user_comment("雪地", b"JIS", "iso2022_jp"), "雪地"),
        (b"ASCII\0\0\0", ""),
        (b"", ""),
        (b"\0" * 30, ""),
        (b"no charset at all", "no charset at all"),
    ],
)
def test_user_comments(raw: bytes, text: str):
    """The eight bytes before a comment, its byte order and its letters agree, or the text wins."""
    assert decode_user_comment(raw).strip("\0") == text


def test_a_folder_that_leads_to_itself_ends():
    """EXIF folders in a circle, with thousands of entries or beyond the file, are left."""
    circle = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8)
    assert exif_texts(circle) == {}
    assert exif_texts(b"II*\0\x08\0\0\0\xff\xff" + b"\x69\x87\4\0\1\0\0\0\x08\0\0\0" * 5000) == {}
    assert exif_texts(b"MM\0*\xff\xff\xff\xff") == {}
    far = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, MODEL, 2, 2**32 - 1, 2**32 - 1)
    assert exif_texts(far) == {}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", "5", "{]}", '{"a": ' * 100_000, "[" * 100_000,
     '{"a": [' + "9" * 10_000 + "]}", '{"a": "' + "x" * MAX_TEXT_BYTES + '"}'],
)  # fmt: skip
def test_what_is_no_object_is_none(text: str):
    """Damaged, deeply nested and enormous JSON is no object, and no crash."""
    assert json_object(text) is None


def test_nan_is_accepted():
    """ComfyUI writes NaN, which is no JSON."""
    assert json_object('{"a": [NaN, Infinity], "b": 1}') is not None
    assert read_foreign(png_with(prompt=json.dumps(z_image_graph()))) is not None


SAMPLES = (
    png(text_chunk("parameters", A1111), ztxt_chunk("Comment", "{}"), itxt_chunk("prompt", "{}")),
    jpeg(exif({USER_COMMENT: user_comment(A1111, b"UNICODE", "utf-16-be"), MODEL: "prompt:{}"})),
    webp(exif({USER_COMMENT: user_comment(A1111, b"ASCII", "utf-8"), MAKE: "workflow:{}"})),
    png_with(prompt=json.dumps(z_image_graph())),
    png_with(workflow=json.dumps(packed())),
    png(itxt_chunk("XML:com.adobe.xmp", xmp('{"c": "a cat", "uc": ""}'))),
    png(raw_profile("exif", b"Exif\0\0" + exif({USER_COMMENT: A1111.encode()}))),
)


@settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    end=st.floats(0, 1),
)
def test_no_damage_is_a_crash(sample: bytes, changes: list[tuple[float, int]], end: float):
    """Whatever bytes are changed or missing, there is a recipe or none."""
    data = bytearray(sample[: int(len(sample) * end)])
    for where, value in changes:
        if data:
            data[int(where * len(data))] = value
    read_foreign(bytes(data))
    foreign_program(bytes(data))
    png_keywords(bytes(data))


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(data: bytes):
    """Any bytes behind the beginning of a format are harmless."""
    for start in (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe1",
        b"RIFF\0\0\0\0WEBP",
        b"II*\0",
        b"MM\0*",
    ):
        read_foreign(start + data)
        exif_texts(start + data)
