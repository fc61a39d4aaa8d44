"""Read GGUF, the format of llama.cpp: a header of keys and values, then blocks of tensors."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import torch

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.stored import MappedFile, PlacedTensor, Stored, WeightFile

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
_MAX_DIMENSIONS = 4
_ALIGNMENT_BYTES = 32
"""The format's default."""
_SHAPE = "comfy.gguf.orig_shape."
"""Where ComfyUI's converter keeps a shape that it had to change."""


class BlockTensor(Stored):
    """A tensor in blocks of small integers with scales; `rows` gives float32."""

    def __init__(
        self, name: str, label: str, shape: tuple[int, ...], kind: Any, file: MappedFile, place: int
    ) -> None:
        import gguf

        self.name, self.label, self.shape, self.format = name, label, shape, kind.name
        self._kind = kind
        values, size = gguf.GGML_QUANT_SIZES[kind]
        self._row_bytes = math.prod(shape[1:]) // values * size
        self._file = file
        self._place = place

    @property
    def dtype(self) -> None:
        return None

    def rows(self, start: int, stop: int) -> torch.Tensor:
        import gguf
        import numpy as np

        count = stop - start
        data = self._file.read(self._place + start * self._row_bytes, count * self._row_bytes)
        blocks = np.frombuffer(data, dtype=np.uint8).reshape(count, self._row_bytes)
        try:
            values = gguf.dequantize(blocks, self._kind)
        except NotImplementedError as error:
            raise Unusable(
                f"{self.label}: {self.name} is stored as {self.format}, which cannot be read"
            ) from error
        return torch.from_numpy(values).view(count, *self.shape[1:])

    def is_written(self) -> bool:
        return self._file.is_written(self._place, self.shape[0] * self._row_bytes)

    def mapped(self) -> None:
        return None


def read_gguf(path: Path, label: str) -> WeightFile:
    """Return what the file holds, by its header alone. Raises Unusable."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(_Reader(file, label), path, size, label)
    except OSError as error:
        raise Unusable(
            f"the weights file {label} cannot be read ({error.strerror or error})"
        ) from error
    except (
        struct.error,
        UnicodeDecodeError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise Unusable(
            f"the weights file {label} is damaged or incomplete (its header ends too early)"
        ) from error


def _read(reader: _Reader, path: Path, size: int, label: str) -> WeightFile:
    import gguf

    if reader.take(4) != MAGIC:
        raise Unusable(f"{label} is no GGUF file")
    version = reader.number("<I")
    if version not in _VERSIONS:
        raise Unusable(f"{label} is of GGUF version {version}; {_VERSIONS[-1]} can be read")
    tensors, keys = reader.number("<Q"), reader.number("<Q")
    if min(tensors, keys) < 0 or max(tensors, keys) > size:
        raise Unusable(f"the weights file {label} is damaged or incomplete (its header is wrong)")
    metadata: dict[str, Any] = {}
    for _ in range(keys):
        key = reader.text()
        metadata[key] = reader.value(reader.number("<I"))
    entries = [_entry(reader) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", _ALIGNMENT_BYTES)
    if type(alignment) is not int or alignment <= 0:
        raise Unusable(f"{label} has the alignment {alignment}")
    start = -(-reader.position // alignment) * alignment
    file = MappedFile(path, label, size)
    found: dict[str, Stored] = {}
    places: list[tuple[int, int, str]] = []
    for name, shape, number, offset in entries:
        if name in found:
            raise Unusable(f"{label} holds {name} twice")
        try:
            kind = gguf.GGMLQuantizationType(number)
            values, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        except (ValueError, KeyError):
            raise Unusable(
                f"{label}: {name} is stored as type {number}, which cannot be read"
            ) from None
        if shape and shape[-1] % values:
            raise Unusable(f"{label}: {name} has rows of {shape[-1]} values, not of whole blocks")
        end = start + offset + math.prod(shape) // values * block_bytes
        if end > size:
            raise Unusable(
                f"the weights file {label} is damaged or incomplete "
                f"(it has {size} bytes, and {name} ends at {end})"
            )
        places.append((start + offset, end, name))
        shape = _original_shape(metadata, name, shape)
        plain = _PLAIN.get(kind.name)
        found[name] = (
            BlockTensor(name, label, shape, kind, file, start + offset)
            if plain is None
            else PlacedTensor(name, label, shape, plain, kind.name, file, start + offset)
        )
    _require_apart(places, label)
    return WeightFile(label, found, metadata)


def _require_apart(places: list[tuple[int, int, str]], label: str) -> None:
    """Refuse tensors that share bytes. places: begin, end and name of each."""
    at, before = 0, ""
    for begin, end, name in sorted(places):
        if begin < at:
            raise Unusable(
                f"the weights file {label} is damaged or incomplete ({name} overlaps {before})"
            )
        at, before = end, name


def _entry(reader: _Reader) -> tuple[str, tuple[int, ...], int, int]:
    """Return name, shape (the file has it backwards), type and offset of a tensor."""
    name, dimensions = reader.text(), reader.number("<I")
    if dimensions > _MAX_DIMENSIONS:
        raise Unusable(f"{reader.label}: {name} has {dimensions} dimensions")
    shape = tuple(reader.number("<Q") for _ in range(dimensions))[::-1]
    return name, shape, reader.number("<I"), reader.number("<Q")


def _original_shape(metadata: dict[str, Any], name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    original = metadata.get(_SHAPE + name)
    if not isinstance(original, list) or math.prod(original) != math.prod(shape):
        return shape
    return tuple(original)


class _Reader:
    """Takes numbers and texts from an open file, in the order in which they stand."""

    def __init__(self, file: BinaryIO, label: str) -> None:
        self._file = file
        self.label = label
        self.position = 0

    def take(self, length: int) -> bytes:
        data = self._file.read(length)
        self.position += length
        if len(data) < length:
            raise Unusable(
                f"the weights file {self.label} is damaged or incomplete (its header ends early)"
            )
        return data

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self) -> str:
        length = self.number("<Q")
        if length > 1 << 24:
            raise Unusable(
                f"the weights file {self.label} is damaged or incomplete (a name of {length} bytes)"
            )
        return self.take(length).decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            of, count = self.number("<I"), self.number("<Q")
            if of in _SCALARS:
                form = f"<{count}{_SCALARS[of][1]}"
                if count > 1 << 28:
                    raise Unusable(f"{self.label} has a list of {count} numbers in its header")
                return list(struct.unpack(form, self.take(struct.calcsize(form))))
            return [self.value(of) for _ in range(count)]
        if kind not in _SCALARS:
            raise Unusable(f"{self.label} has a value of the unknown type {kind} in its header")
        return self.number(_SCALARS[kind])
