"""Headers of safetensors files: names, types, shapes and places of tensors, without their values.

No torch. A header is verified as strictly as the format allows: the tensors cover the data exactly,
without gaps and overlaps, and the data ends where the file does.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from json import JSONDecodeError
from typing import Any

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100_000_000
"""The format's own limit: its reader refuses longer ones."""
ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""Bytes of one value, by the format's name of a type."""
FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})

_METADATA = "__metadata__"
_METADATA_FIRST = f'{{"{_METADATA}":'
_DECODER = json.JSONDecoder()


class BadHeader(ValueError):
    """The file has no valid header; the message is one line for the owner."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor. dtype: as the format names it. start, stop: bytes within the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class RawHeader:
    """A header as text. digest: of the part about tensors, equal where layouts are.

    data_bytes: of the file, behind the header. data_start: where they begin.
    """

    metadata: Mapping[str, str]
    text: str
    digest: bytes
    data_start: int
    data_bytes: int


def read_raw(file: FileIO) -> RawHeader:
    """Read the header of a file opened without a buffer, and the metadata in it.

    Raises BadHeader, with a sentence of its own for what often lies there instead of weights;
    OSError.
    """
    size = os.fstat(file.fileno()).st_size
    head = file.read(LENGTH_BYTES)
    length = int.from_bytes(head, "little")
    if len(head) < LENGTH_BYTES or length > min(size - LENGTH_BYTES, MAX_HEADER_BYTES):
        raise BadHeader(_other_kind(head + file.read(512), size, length))
    raw = file.read(length)
    if len(raw) < length:
        raise BadHeader(f"it was cut off while it was read: {len(raw)} of {length} header bytes")
    try:
        text = raw.decode("utf-8")
        metadata, end = _read_metadata(text)
    except (UnicodeDecodeError, JSONDecodeError, RecursionError):
        raise BadHeader("its header is not valid JSON: the file is damaged") from None
    end_bytes = end if text.isascii() else len(text[:end].encode())
    # Without the spaces at the end, whose number depends on the metadata.
    digest = hashlib.sha256(memoryview(raw.rstrip())[end_bytes:]).digest()
    return RawHeader(metadata, text, digest, LENGTH_BYTES + length, size - LENGTH_BYTES - length)


def _read_metadata(text: str) -> tuple[dict[str, str], int]:
    """Return the metadata, and where it ends: 0 if it is not at the beginning."""
    if text.startswith(_METADATA_FIRST):
        # As every known writer puts it. The rest is not parsed again if its digest is known.
        start = len(_METADATA_FIRST)
        start += len(text[start : start + 64]) - len(text[start : start + 64].lstrip())
        metadata, end = _DECODER.raw_decode(text, start)
        return _metadata(metadata), end
    if f'"{_METADATA}"' not in text:
        return {}, 0
    whole = json.loads(text)
    if not isinstance(whole, dict):
        raise BadHeader("its header is not a JSON object: the file is damaged")
    return _metadata(whole.get(_METADATA, {})), 0


def _metadata(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise BadHeader("its metadata is not a table of texts: the file is damaged")
    return found


def parse_tensors(header: RawHeader) -> dict[str, Entry]:
    """Return the tensors in the order of the file. Raises BadHeader."""
    try:
        found = json.loads(header.text)
    except (JSONDecodeError, RecursionError):
        raise BadHeader("its header is not valid JSON: the file is damaged") from None
    if not isinstance(found, dict):
        raise BadHeader("its header is not a JSON object: the file is damaged")
    found.pop(_METADATA, None)
    entries = {name: _entry(name, each) for name, each in found.items()}
    ordered = dict(sorted(entries.items(), key=lambda one: (one[1].start, one[1].stop)))
    reached = 0
    for name, each in ordered.items():
        if each.start != reached:
            raise BadHeader(
                f"its header is damaged: {name} begins at byte {each.start} of the data, "
                f"not at {reached}"
            )
        reached = each.stop
    if reached != header.data_bytes:
        state = "it is truncated" if reached > header.data_bytes else "it is too long"
        raise BadHeader(
            f"{state}: its tensors take {reached} bytes, and {header.data_bytes} are there"
        )
    return ordered


def _entry(name: str, found: Any) -> Entry:
    try:
        dtype, shape, (start, stop) = found["dtype"], tuple(found["shape"]), found["data_offsets"]
        size = ITEM_BYTES.get(dtype)
    except (TypeError, KeyError, ValueError):
        raise BadHeader(f"its header does not describe {name}: the file is damaged") from None
    if {int, *map(type, shape), type(start), type(stop)} != {int} or min((0, start, *shape)) < 0:
        raise BadHeader(f"its header describes {name} with wrong numbers: the file is damaged")
    if size is None:
        raise BadHeader(f"{name} has the type {dtype!s:.20}, which is not read")
    if stop - start != size * math.prod(shape):
        raise BadHeader(
            f"its header is damaged: {name} should take {size * math.prod(shape)} bytes, "
            f"not {stop - start}"
        )
    return Entry(dtype, shape, start, stop)


def _other_kind(head: bytes, size: int, length: int) -> str:
    """Say what lies there instead of a safetensors file."""
    start = head.lstrip().lower()
    if not size:
        return "the file is empty"
    if head.startswith(b"version https://git-lfs"):
        return "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page that was saved in place of the file"
    if head.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return "this is a pickle (.pt, .ckpt), which can run code; only safetensors are read"
    if head.startswith(b"GGUF"):
        return "this is a GGUF file; a LoRA must be a safetensors file"
    if start.startswith((b"{", b"[")):
        return "this is JSON, not a safetensors file"
    if size >= LENGTH_BYTES and length <= MAX_HEADER_BYTES:
        return f"it is truncated: its header takes {length} bytes, and the file has {size} in all"
    return f"it has no safetensors header ({size} bytes)"
