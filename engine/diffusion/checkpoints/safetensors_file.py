"""Read the header of a safetensors file: eight bytes of length, JSON, then the values."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.stored import MappedFile, PlacedTensor, Stored, WeightFile

_HEADER_LIMIT_BYTES = 100_000_000
"""What the format's own library accepts."""
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_safetensors(path: Path, label: str) -> WeightFile:
    """Return what the file holds, by its header alone. Raises Unusable.

    label: how messages call it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _HEADER_LIMIT_BYTES):
                raise _damaged(label, f"its header would take {length} of {size} bytes")
            text = file.read(length)
    except OSError as error:
        raise Unusable(
            f"the weights file {label} cannot be read ({error.strerror or error})"
        ) from error
    try:
        header = json.loads(text, object_pairs_hook=_unique)
        if not isinstance(header, dict):
            raise ValueError("it is not an object")
        metadata = header.pop("__metadata__", None) or {}
        if not isinstance(metadata, dict):
            raise ValueError("its metadata is not an object")
        start = 8 + length
        mapped = MappedFile(path, label, size)
        tensors: dict[str, Stored] = {}
        places: list[tuple[int, int, str]] = []
        for name, entry in header.items():
            tensors[name], first, last = _tensor(name, entry, label, mapped, start)
            places.append((first, last, name))
        end = _end(places, start)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(label, f"its header is wrong: {error}") from error
    if end != size:
        raise _damaged(label, f"it has {size} bytes and its header describes {end}")
    return WeightFile(label, tensors, metadata)


def _tensor(
    name: str, entry: Any, label: str, file: MappedFile, start: int
) -> tuple[PlacedTensor, int, int]:
    """Return a tensor and the places where its values begin and end."""
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise Unusable(f"{label}: {name} is stored as {entry['dtype']}, which cannot be read")
    shape = tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, first, last)):
        raise ValueError(f"{name} has a size or place that is not a natural number")
    if last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} takes {last - first} bytes, which is not {list(shape)}")
    made = PlacedTensor(name, label, shape, dtype, entry["dtype"], file, start + first)
    return made, start + first, start + last


def _end(places: list[tuple[int, int, str]], start: int) -> int:
    """Return where the last values end; all have to follow one another."""
    at, before = start, "the header"
    for first, last, name in sorted(places):
        if first != at:
            how = "overlaps" if first < at else "does not follow"
            raise ValueError(f"{name} {how} {before}")
        at, before = last, name
    return at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} stands in it twice")
    return found


def _damaged(label: str, how: str) -> Unusable:
    return Unusable(f"the weights file {label} is damaged or incomplete ({how})")
