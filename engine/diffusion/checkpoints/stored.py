"""Tensors as they lie in a file: read row by row, or mapped without a copy."""

from __future__ import annotations

import math
import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.checkpoints.errors import Unusable


class Stored(ABC):
    """One tensor of a file.

    name, shape, format ("BF16", "Q4_K"): as the file says. label: the file, for messages. padding:
    of which number the writer made rows and columns multiples, by filling them up with zeros.
    read_whole: whether a few rows cost as much as all.
    """

    name: str
    label: str
    shape: tuple[int, ...]
    format: str
    padding: int = 1
    read_whole: bool = False

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype | None:
        """Torch's type of the values; None for blocks, which `rows` dequantizes to float32."""

    @abstractmethod
    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read rows along the first dimension into memory of their own.

        A tensor without dimensions has one row. Raises Unusable if the file has changed.
        """

    @abstractmethod
    def mapped(self) -> torch.Tensor | None:
        """Return the whole tensor without reading it; None where that is impossible.

        It stays a part of the file until something writes to it.
        """

    def is_written(self) -> bool:
        """Whether the file system knows of no bytes in it that were never written."""
        return True

    def whole(self) -> torch.Tensor:
        """Read the whole tensor into memory of its own."""
        return self.rows(0, self.shape[0] if self.shape else 1)


@dataclass(frozen=True, slots=True)
class WeightFile:
    """What a file holds. label: how messages call it. metadata: of its header, by name."""

    label: str
    tensors: Mapping[str, Stored]
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


class MappedFile:
    """A file of tensors at known places. size: in bytes, when its header was read."""

    def __init__(self, path: Path, label: str, size: int) -> None:
        self._path = path
        self._label = label
        self._size = size
        self._mapping: mmap.mmap | None = None

    def read(self, offset: int, length: int) -> bytearray:
        """Read bytes without mapping them, so that they count as nobody's memory afterwards."""
        data = bytearray(length)
        try:
            with self._path.open("rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_size != self._size:
                    raise Unusable(f"{self._label} has changed its size while it was read")
                file.seek(offset)
                view, done = memoryview(data), 0
                while done < length and (count := file.readinto(view[done:])):
                    done += count
        except OSError as error:
            raise Unusable(
                f"{self._label} can no longer be read ({error.strerror or error})"
            ) from error
        if done < length:
            raise Unusable(f"{self._label} has become shorter while it was read")
        return data

    def is_written(self, offset: int, length: int) -> bool:
        """Whether no bytes in a range are a hole, as where a download has made the file first."""
        if not hasattr(os, "SEEK_HOLE"):
            return True
        try:
            with self._path.open("rb", buffering=0) as file:
                return os.lseek(file.fileno(), offset, os.SEEK_HOLE) >= offset + length
        except OSError:  # a file system without holes, or a file that is reported when it is read
            return True

    def mapped(self, dtype: torch.dtype, count: int, offset: int) -> torch.Tensor | None:
        """Return values as a part of the file; None where they are not aligned."""
        if offset % dtype.itemsize or not count:
            return None
        if self._mapping is None:
            try:
                with self._path.open("rb") as file:
                    # Copy on write: torch wants memory that it may write to, and the file must not
                    # change.
                    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            except (OSError, ValueError) as error:
                raise Unusable(f"{self._label} can no longer be read ({error})") from error
            if len(mapping) != self._size:
                raise Unusable(f"{self._label} has changed its size while it was read")
            self._mapping = mapping
        return torch.frombuffer(self._mapping, dtype=dtype, count=count, offset=offset)


class PlacedTensor(Stored):
    """A tensor whose values lie one after another in a file."""

    def __init__(
        self,
        name: str,
        label: str,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        format: str,
        file: MappedFile,
        offset: int,
    ) -> None:
        self.name, self.label, self.shape, self.format = name, label, shape, format
        self._dtype = dtype
        self._file = file
        self._offset = offset

    @property
    def dtype(self) -> torch.dtype:
        return self._dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        shape = (stop - start, *self.shape[1:]) if self.shape else ()
        count = math.prod(shape)
        if not count:
            return torch.empty(shape, dtype=self._dtype)
        row = math.prod(self.shape[1:]) * self._dtype.itemsize
        data = self._file.read(self._offset + start * row, count * self._dtype.itemsize)
        return torch.frombuffer(data, dtype=self._dtype).view(shape)

    def is_written(self) -> bool:
        return self._file.is_written(self._offset, self.count * self._dtype.itemsize)

    def mapped(self) -> torch.Tensor | None:
        values = self._file.mapped(self._dtype, self.count, self._offset)
        return None if values is None else values.view(self.shape)


class Transposed(Stored):
    """A matrix that its file has with rows and columns the other way round."""

    def __init__(self, stored: Stored) -> None:
        """Raises Unusable for what is no matrix."""
        if len(stored.shape) != 2:
            raise Unusable(f"{stored.label}: {stored.name} has the shape {list(stored.shape)}")
        self.name, self.label, self.format = stored.name, stored.label, stored.format
        self.shape = (stored.shape[1], stored.shape[0])
        self.read_whole = True
        self._stored = stored

    @property
    def dtype(self) -> torch.dtype | None:
        return self._stored.dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        return self._stored.whole().T[start:stop].contiguous()

    def mapped(self) -> None:
        return None

    def is_written(self) -> bool:
        return self._stored.is_written()


class TensorInMemory(Stored):
    """A tensor that another reader has opened, mapped where that reader maps."""

    def __init__(self, name: str, label: str, tensor: torch.Tensor) -> None:
        self.name, self.label, self.shape = name, label, tuple(tensor.shape)
        self.format = str(tensor.dtype).removeprefix("torch.")
        self._tensor = tensor

    @property
    def dtype(self) -> torch.dtype:
        return self._tensor.dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        return (self._tensor[start:stop] if self.shape else self._tensor).clone()

    def mapped(self) -> torch.Tensor:
        return self._tensor
