"""Looks for persons in every byte of a folder, however their ids and words may be written."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
_SEVEN_BITS: Final = 0x7F


def spellings_of_number(number: int) -> set[bytes]:
    """Return how an id of 48 to 64 bits can be written: digits, and the integers of SQLite.

    A column has 6 or 8 bytes, a row's own number seven bits in each byte.
    """
    digits = str(number)
    return {
        *(digits.encode(each) for each in ("ascii", "utf-16-le", "utf-16-be")),
        number.to_bytes(6 if number < 1 << 47 else 8, "big"),
        number.to_bytes(8, "little"),
        _varint(number),
    }


def spellings_of_text(text: str) -> set[bytes]:
    """Return how words can be written: as UTF-8 and UTF-16, plain and escaped as in JSON."""
    forms = {text, json.dumps(text)[1:-1]}
    return {each.encode(code) for each in forms for code in ("utf-8", "utf-16-le", "utf-16-be")}


def _varint(number: int) -> bytes:
    """Return an integer as SQLite writes the number of a row."""
    if number >> 56:
        last, number = number & 0xFF, number >> 8
        high = [(number >> 7 * place) & _SEVEN_BITS | 0x80 for place in range(7, -1, -1)]
        return bytes([*high, last])
    low = [number & _SEVEN_BITS]
    while number := number >> 7:
        low.append(number & _SEVEN_BITS | 0x80)
    return bytes(reversed(low))


def contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and those that are compressed in it."""
    data = path.read_bytes()
    yield data
    if data.startswith(PNG):
        yield from _texts_of_png(data)
    elif data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    elif zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(each) for each in archive.namelist())


def _texts_of_png(data: bytes) -> Iterator[bytes]:
    """Yield what compressed text chunks say."""
    at = len(PNG)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"zTXt":  # a keyword, a zero, the method
            yield zlib.decompress(chunk.partition(b"\0")[2][1:])
        elif kind == b"iTXt" and chunk.partition(b"\0")[2][:1] == b"\1":
            # Compressed: after a flag and the method come a language and a translated keyword.
            yield zlib.decompress(chunk.partition(b"\0")[2][2:].split(b"\0", 2)[2])


def traces(folder: Path, wanted: Mapping[str, Sequence[bytes]]) -> dict[str, set[str]]:
    """Return in which files anything of whom is found. wanted: the spellings for each name."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        for data in contents(path):
            for name, spellings in wanted.items():
                if any(each in data for each in spellings):
                    found.setdefault(path.relative_to(folder).as_posix(), set()).add(name)
    return found
