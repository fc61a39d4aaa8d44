"""Read the size of a picture from the header of its file, undecoded. Pure; never raises."""

from __future__ import annotations

import struct
from typing import Final

from bot.pictures.foreign.embedded_texts import jpeg_segments
from bot.pictures.foreign.fields import side
from engine.file_formats import JPEG, PNG, WEBP, format_of
from engine.uploads import NotAPicture, webp_size

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG behind which its size stands."""


def file_size_px(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels of a PNG, JPEG or WebP as stored; None if none is told."""
    match format_of(data):
        case found if found == PNG:
            size = _big_endian(data[16:24], ">II") if data[12:16] == b"IHDR" else None
        case found if found == JPEG:
            frames = (start for marker, start, _ in jpeg_segments(data) if marker in _FRAMES)
            start = next(frames, len(data))
            size = _big_endian(data[start + 1 : start + 5], ">HH")
            size = None if size is None else (size[1], size[0])
        case found if found == WEBP:
            size = _webp(data)
        case _:
            size = None
    return size if size is not None and all(map(side, size)) else None


def _big_endian(raw: bytes, form: str) -> tuple[int, int] | None:
    if len(raw) < struct.calcsize(form):
        return None
    first, second = struct.unpack(form, raw)
    return first, second


def _webp(data: bytes) -> tuple[int, int] | None:
    try:
        return webp_size(data)
    except NotAPicture:
        return None
