"""Read the texts that NovelAI and others hide in the pixels of a file. Never raises. Blocking.

The lowest bits of the transparency, or of red, green and blue, hold a signature of 15 letters, the
length of what follows in bits as a big-endian number of 32 bits, and the text, packed by gzip or as
it is. Bits go down the columns of the picture, the highest of a byte first (NovelAI's
novelai-image-metadata; the colours as the extensions of web UIs write them).

Any lossy format destroys them. An upload of another file may claim any length, and a few kilobytes
may decompress to gigabytes, so both are bounded.
"""

from __future__ import annotations

import json
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.pictures.foreign.embedded_texts import webp_chunks
from bot.pictures.foreign.exif import MAX_TEXT_BYTES
from bot.pictures.foreign.json_text import json_object
from engine.file_formats import PNG, WEBP, format_of
from engine.uploads import UploadLimits, UploadRefused, stored_pixels

MAX_PIXELS: Final = 20_000_000
"""Of a picture that is looked into. Chosen by hand, twice what the programs paint; measured: one of
that size takes 220 MiB and 0.4 s."""
_SIGNATURES: Final = {
    b"stealth_pngcomp": (True, True),
    b"stealth_pnginfo": (True, False),
    b"stealth_rgbcomp": (False, True),
    b"stealth_rgbinfo": (False, False),
}
"""Whether the text is in the transparency, and whether it is packed."""
_SIGNATURE_BYTES: Final = 15
_LENGTH_BYTES: Final = 4
_GZIP: Final = 31
"""What zlib calls the form of gzip."""

Pixels = NDArray[np.uint8]


def stealth_texts(data: bytes) -> dict[str, str]:
    """Return the hidden texts of a lossless file by keyword, as a PNG would have them; empty if
    there are none. A text alone is one of a web UI, its `parameters`."""
    if not _is_lossless(data):
        return {}
    try:
        pixels = stored_pixels(data, UploadLimits(len(data), MAX_PIXELS))
    except (UploadRefused, MemoryError):
        return {}
    text = None if pixels is None else _hidden(pixels)
    return {} if text is None else _by_keyword(text)


def _is_lossless(data: bytes) -> bool:
    found = format_of(data)
    if found == PNG:  # eight bits for each of three or four channels
        return data[24:25] == b"\x08" and data[25:26] in (b"\x02", b"\x06")
    return found == WEBP and any(kind == b"VP8L" for kind, _, _ in webp_chunks(data))


def _hidden(pixels: Pixels) -> str | None:
    head_bytes = _SIGNATURE_BYTES + _LENGTH_BYTES
    for in_alpha in (True, False):
        channels = pixels[..., 3:] if in_alpha else pixels[..., :3]
        head = _bytes(channels, 0, head_bytes)
        found = _SIGNATURES.get(head[:_SIGNATURE_BYTES])
        if found is None or found[0] is not in_alpha or len(head) < head_bytes:
            continue
        length = int.from_bytes(head[_SIGNATURE_BYTES:], "big") // 8
        if not 0 < length <= min(MAX_TEXT_BYTES, channels.size // 8 - head_bytes):
            continue
        return _text(_bytes(channels, head_bytes, length), packed=found[1])
    return None


def _bytes(channels: Pixels, start: int, count: int) -> bytes:
    """Return bytes made of the lowest bits, column by column; fewer where the picture ends."""
    height, _, depth = channels.shape
    if not depth:
        return b""
    columns = -(-8 * (start + count) // (height * depth))
    bits = channels[:, :columns].transpose(1, 0, 2).reshape(-1) & 1
    wanted = bits[8 * start : 8 * (start + count)]
    return np.packbits(wanted[: len(wanted) // 8 * 8]).tobytes()


def _text(raw: bytes, *, packed: bool) -> str | None:
    if packed:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            raw = unpacker.decompress(raw, MAX_TEXT_BYTES)
        except zlib.error:
            return None
        if not unpacker.eof:  # cut off, or too long
            return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _by_keyword(text: str) -> dict[str, str]:
    found = json_object(text)
    if found is None:
        return {"parameters": text}
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()
    }
