"""Read SentencePiece's file of a T5 tokenizer (spiece.model) without its library.

The file is a protocol buffer: numbered fields, of which a few are needed. transformers reads it
only where the packages sentencepiece and protobuf are installed. Tests compare what is made of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.diffusion.checkpoints.errors import Unusable

FILE = "spiece.model"

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE = 1, 2
_KIND, _CHARACTERS = 3, 2
_UNIGRAM = 1
"""Fields of the model, of a piece, of the trainer's and the normalizer's settings, and the kind of
model that T5's is, by the format's published description."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_SHIFT = 63


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a tokenizer is made of.

    scored: each piece with the logarithm of its probability, in the order of their numbers.
    characters: the compiled table by which characters are replaced; None where there is none.
    """

    scored: tuple[tuple[str, float], ...]
    characters: bytes | None


def read_pieces(path: Path) -> Pieces:
    """Read the pieces of a unigram model. Raises Unusable for a file that is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unusable(f"its {FILE} cannot be read ({error.strerror})") from error
    try:
        return _pieces(data)
    except (ValueError, struct.error, IndexError) as error:
        raise Unusable(f"its {FILE} is damaged ({error})") from error


def _pieces(data: bytes) -> Pieces:
    scored: list[tuple[str, float]] = []
    characters, kind = b"", _UNIGRAM
    for number, value in _fields(data):
        if number == _PIECES:
            scored.append(_piece(_message(value)))
        elif number == _TRAINER:
            found = dict(_fields(_message(value)))
            kind = found.get(_KIND, kind)
        elif number == _NORMALIZER:
            found = dict(_fields(_message(value)))
            characters = _message(found.get(_CHARACTERS, b""))
    if not scored:
        raise ValueError("it has no pieces")
    if kind != _UNIGRAM:
        raise ValueError("it is no unigram model, as T5's is")
    return Pieces(tuple(scored), characters or None)


def _piece(data: bytes) -> tuple[str, float]:
    fields = dict(_fields(data))
    (score,) = struct.unpack("<f", _message(fields.get(_SCORE, bytes(4))))
    return _message(fields.get(_TEXT, b"")).decode("utf-8"), score


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a field has another type")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: a number, or the bytes of anything else."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("it is no protocol buffer")
        if at + size > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift <= _MAX_SHIFT:
        if at >= len(data):
            raise ValueError("it ends too early")
        value |= (data[at] & 127) << shift
        at += 1
        if not data[at - 1] & 128:
            return value, at
        shift += 7
    raise ValueError("it is no protocol buffer")
