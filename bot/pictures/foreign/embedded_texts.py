"""Read the texts that programs embed in PNG, JPEG and WebP files. Pure; never raises.

Sizes are bounded: a chunk of a few kilobytes may claim or decompress to gigabytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from bot.pictures.foreign.exif import MAX_TEXT_BYTES, exif_texts, plain_text
from bot.pictures.foreign.xmp import xmp_texts
from engine.file_formats import JPEG, PNG, WEBP, format_of

MAX_TEXTS: Final = 64
"""Texts of one file that are decoded. Chosen by hand: programs write fewer than ten."""
MAX_TOTAL_BYTES: Final = 4 * MAX_TEXT_BYTES
"""Of all texts together. Chosen by hand."""
MAX_PARTS: Final = 100_000
"""Chunks or segments of one file that are looked at. Chosen by hand: a PNG of 64 MiB in chunks of 8
KiB, as most programs write them, has 8192."""
MAX_KEYWORD_BYTES: Final = 79
"""As the PNG specification has it."""
_SIGNATURE_BYTES: Final = 8
_TEXT_CHUNKS: Final = (b"tEXt", b"zTXt", b"iTXt")
_WITHOUT_LENGTH: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_START_OF_SCAN: Final = 0xDA
_XMP: Final = "XML:com.adobe.xmp"
_XMP_SEGMENT: Final = b"http://ns.adobe.com/xap/1.0/\0"
_RAW_PROFILES: Final = tuple(f"Raw profile type {name}" for name in ("exif", "APP1", "xmp"))
"""Keywords under which ImageMagick keeps what a JPEG had, when it makes a PNG of it."""
_LABELLED = re.compile(r"(prompt|workflow|parameters)\s*:\s*(?=[{\w])", re.IGNORECASE)


def embedded_texts(data: bytes) -> dict[str, str]:
    """Return the texts of a file by keyword: those of PNG as written, those of EXIF and XMP in
    lower case.

    Of several with the same keyword, the first counts. ComfyUI labels its texts in EXIF within
    them ("prompt:{…"); they are returned by that label.
    """
    match format_of(data):
        case found if found == PNG:
            texts = _png_texts(data)
        case found if found == JPEG:
            texts = _jpeg_texts(data)
        case found if found == WEBP:
            texts = _webp_texts(data)
        case _:
            texts = {}
    return texts


def png_keywords(data: bytes) -> frozenset[str]:
    """Return the keywords of a PNG's text chunks, as far as its chunks can be read."""
    return frozenset(
        data[start : min(end, start + MAX_KEYWORD_BYTES + 1)].partition(b"\0")[0].decode("latin-1")
        for kind, start, end in _chunks(data)
        if kind in _TEXT_CHUNKS
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the start and the end of each chunk's data, behind the pixels too."""
    at = _SIGNATURE_BYTES
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, min(at + 8 + length, len(data))
        at += length + 12


def _png_texts(data: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    left, budget = MAX_TEXTS, MAX_TOTAL_BYTES
    exif = b""
    for kind, start, end in _chunks(data):
        if kind == b"eXIf" and not exif:
            exif = data[start:end]
        if kind not in _TEXT_CHUNKS or not left or budget <= 0:
            continue
        left -= 1
        keyword, raw, encoding = _text_chunk(kind, data[start : min(end, start + MAX_TEXT_BYTES)])
        # What was refused has cost as much as what is largest.
        budget -= MAX_TEXT_BYTES if raw is None else len(raw)
        if raw is not None and keyword not in texts:
            texts[keyword] = _decoded(raw, encoding)
    profiles = [_raw_profile(texts[name]) for name in _RAW_PROFILES if name in texts]
    within = [*map(exif_texts, [exif, *profiles])]
    within += [xmp_texts(each) for each in (texts.get(_XMP, ""), *map(plain_text, profiles))]
    # Of several with the same keyword, the first counts here too.
    merged = {key: text for found in reversed(within) for key, text in found.items()}
    return {**_labelled(merged), **texts}


def _raw_profile(text: str) -> bytes:
    """Return the bytes that ImageMagick writes as text: a name, their number, and digits."""
    digits = "".join(text.split()[2:])
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _text_chunk(kind: bytes, body: bytes) -> tuple[str, bytes | None, str]:
    """Return a chunk's keyword, its text in bytes, None if it is damaged or too large, and the
    encoding that its standard names."""
    head, _, rest = body.partition(b"\0")
    keyword = head[:MAX_KEYWORD_BYTES].decode("latin-1")
    if kind == b"tEXt":
        return keyword, rest, "latin-1"
    if kind == b"zTXt":
        return keyword, _inflated(rest[1:]), "latin-1"
    compressed, parts = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return keyword, None, "utf-8"
    return keyword, _inflated(parts[2]) if compressed else parts[2], "utf-8"


def _inflated(data: bytes) -> bytes | None:
    try:
        text = zlib.decompressobj().decompress(data, MAX_TEXT_BYTES + 1)
    except zlib.error:
        return None
    return text if len(text) <= MAX_TEXT_BYTES else None


def _decoded(raw: bytes, encoding: str) -> str:
    """Decode a text; many programs write UTF-8 where the standard wants Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace")


def _jpeg_texts(data: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    for marker, start, end in jpeg_segments(data):
        body = data[start:end]
        if marker == 0xE1 and body.startswith(b"Exif\0"):
            texts = {**exif_texts(body), **texts}
        elif marker == 0xE1 and body.startswith(_XMP_SEGMENT):
            texts = {**xmp_texts(plain_text(body[len(_XMP_SEGMENT) :])), **texts}
        elif marker == 0xFE:
            texts.setdefault("comment", plain_text(body).strip("\0").strip())
    return _labelled(texts)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's data in a JPEG, as far as its pixels."""
    at = 2
    for _ in range(MAX_PARTS):
        if at + 4 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:  # a filler, or nothing but the marker
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN or length < 2:
            break
        yield marker, at + 4, min(at + 2 + length, len(data))
        at += 2 + length


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the start and the end of each chunk's data in a WebP."""
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, at + 8, min(at + 8 + length, len(data))
        at += 8 + length + length % 2


def _webp_texts(data: bytes) -> dict[str, str]:
    chunks = {kind: data[start:end] for kind, start, end in reversed([*webp_chunks(data)])
              if kind in (b"EXIF", b"XMP ")}  # fmt: skip
    packet = plain_text(chunks.get(b"XMP ", b"")[:MAX_TEXT_BYTES])
    return _labelled({**xmp_texts(packet), **exif_texts(chunks.get(b"EXIF", b""))})


def _labelled(texts: dict[str, str]) -> dict[str, str]:
    found = dict(texts)
    for text in texts.values():
        if match := _LABELLED.match(text):
            found.setdefault(match[1].lower(), text[match.end() :])
    return found
