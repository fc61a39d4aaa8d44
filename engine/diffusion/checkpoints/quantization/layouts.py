"""Stored numbers and the scales of their groups back to weights, in float32.

The layouts are those that the package comfy-kitchen writes and ComfyUI loads. Each gives bit for
bit what that package dequantizes to float32; to other formats the result is then rounded once,
where the package also rounds some scales first.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.quantization.descriptions import LayerFormat
from engine.diffusion.checkpoints.stored import Stored

Parts = Mapping[str, Stored]
"""What lies beside a weight, by the end of its name: `weight_scale`."""

_HOST = torch.device("cpu")
_SCALE_FORMATS = (torch.float32, torch.float16, torch.bfloat16)
_TILE_ROWS, _TILE_COLUMNS = 128, 4
"""In which cuBLAS wants the scales of blocks, and NVFP4 and MXFP8 files have them."""
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""The numbers of NVFP4 by their lower three bits; the fourth is the sign."""
_E8M0_BITS = 23
"""How far an exponent of MXFP8 is shifted to be the exponent of a float32."""


class ViewedTensor(Stored):
    """Bytes that the file calls integers, read as another format of one byte."""

    def __init__(self, stored: Stored, dtype: torch.dtype) -> None:
        self.name, self.label, self.shape = stored.name, stored.label, stored.shape
        self.format = f"{stored.format} as {str(dtype).removeprefix('torch.')}"
        self._stored = stored
        self._dtype = dtype

    @property
    def dtype(self) -> torch.dtype:
        return self._dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        return self._stored.rows(start, stop).view(self._dtype)

    def mapped(self) -> torch.Tensor | None:
        mapped = self._stored.mapped()
        return None if mapped is None else mapped.view(self._dtype)


class GroupedTensor(Stored):
    """A matrix whose groups of columns have scales; `rows` gives float32."""

    def __init__(self, stored: Stored, format: str, *, in_a_byte: int = 1) -> None:
        if len(stored.shape) != 2:
            raise Unusable(
                f"{stored.label}: {stored.name} is quantized as {format}, and has the shape "
                f"{list(stored.shape)}"
            )
        self.name, self.label, self.format = stored.name, stored.label, format
        self.shape = (stored.shape[0], stored.shape[1] * in_a_byte)
        self._stored = stored

    @property
    def dtype(self) -> None:
        return None

    def is_written(self) -> bool:
        return self._stored.is_written()

    def mapped(self) -> None:
        return None

    def _part(
        self, parts: Parts, ending: str, dtypes: tuple[torch.dtype, ...], *shapes: tuple[int, ...]
    ) -> Stored:
        """Return what lies beside the weight; checks its number format and shape."""
        part = parts[ending]
        label = f"{self.label}: {self.name} is quantized as {self.format}, and its {ending}"
        if part.dtype not in dtypes:
            raise Unusable(f"{label} is stored as {part.format}")
        if part.shape not in shapes:
            raise Unusable(f"{label} has the shape {list(part.shape)}, not {list(shapes[0])}")
        return part

    def _columns_in(self, size: int) -> int:
        if self.shape[1] % size:
            raise Unusable(
                f"{self.label}: {self.name} has {self.shape[1]} columns, which cannot be divided "
                f"into groups of {size}"
            )
        return self.shape[1] // size


class Nvfp4Tensor(GroupedTensor):
    """Numbers of four bits, two in a byte (the first in its upper half).

    Sixteen columns share a scale in e4m3, which lies in tiles; the whole matrix has one in float32.
    Rows and columns are filled up to multiples of sixteen.
    """

    padding = 16

    def __init__(self, stored: Stored, parts: Parts) -> None:
        super().__init__(stored, "NVFP4", in_a_byte=2)
        self._groups = self._columns_in(16)
        scales = (torch.float8_e4m3fn, torch.uint8)
        tiled = _tiled_shape(self.shape[0], self._groups)
        self._block_scales = self._part(parts, "weight_scale", scales, tiled)
        self._scale = self._part(parts, "weight_scale_2", (torch.float32,), (), (1,))
        _require_positive(self._scale, self.label, self.name)

    def rows(self, start: int, stop: int) -> torch.Tensor:
        packed = self._stored.rows(start, stop).view(torch.uint8)
        values = torch.nn.functional.embedding(packed.int(), _pairs_of_nibbles())
        blocks = _untiled(self._block_scales.whole().view(torch.float8_e4m3fn), start, stop)
        scales = self._scale.whole().float() * blocks[:, : self._groups].float()
        grouped = values.view(stop - start, self._groups, 16) * scales.unsqueeze(-1)
        return grouped.view(stop - start, -1)


class Mxfp8Tensor(GroupedTensor):
    """Numbers in e4m3; 32 columns share a power of two, which lies in tiles.

    Rows and columns are filled up to multiples of 32.
    """

    padding = 32

    def __init__(self, stored: Stored, parts: Parts) -> None:
        super().__init__(stored, "MXFP8")
        self._groups = self._columns_in(32)
        exponents = (torch.float8_e8m0fnu, torch.uint8)
        tiled = _tiled_shape(self.shape[0], self._groups)
        self._exponents = self._part(parts, "weight_scale", exponents, tiled)

    def rows(self, start: int, stop: int) -> torch.Tensor:
        values = self._stored.rows(start, stop).view(torch.float8_e4m3fn).float()
        tiles = _untiled(self._exponents.whole().view(torch.uint8), start, stop)
        # An exponent of zero is the scale of a group of zeros, not the smallest power.
        scales = (tiles[:, : self._groups].int() << _E8M0_BITS).view(torch.float32)
        grouped = values.view(stop - start, self._groups, 32) * scales.unsqueeze(-1)
        return grouped.view(stop - start, -1)


class RotatedInt8Tensor(GroupedTensor):
    """ConvRot: numbers in eight bits with a scale for each row, of a rotated matrix."""

    def __init__(self, stored: Stored, parts: Parts, rotation: int) -> None:
        super().__init__(stored, "INT8 ConvRot")
        self._columns_in(rotation)
        self._rotation = rotation
        rows = self.shape[0]
        self._scale = self._part(
            parts, "weight_scale", _SCALE_FORMATS, (rows, 1), (rows,), (), (1,)
        )
        _require_positive(self._scale, self.label, self.name)

    @property
    def rotation(self) -> int:
        """Columns that were rotated together."""
        return self._rotation

    def rows(self, start: int, stop: int) -> torch.Tensor:
        steps, scale = self.steps(start, stop)
        return rotated(steps.float() * scale, self._rotation)

    def steps(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the numbers as they lie in the file, and their scales in float32 (rows × 1)."""
        stored = self._stored.rows(start, stop).view(torch.int8)
        return stored, _column(self._scale, start, stop)


class RotatedInt4Tensor(GroupedTensor):
    """ConvRot in four bits: two numbers in a byte (the first in its lower half)."""

    def __init__(self, stored: Stored, parts: Parts, rotation: int) -> None:
        super().__init__(stored, "INT4 ConvRot", in_a_byte=2)
        self._columns_in(rotation)
        self._rotation = rotation
        rows = self.shape[0]
        self._scale = self._part(parts, "weight_scale", _SCALE_FORMATS, (rows,), (rows, 1))
        _require_positive(self._scale, self.label, self.name)

    def rows(self, start: int, stop: int) -> torch.Tensor:
        codes = _nibbles(self._stored.rows(start, stop).view(torch.uint8))
        values = torch.where(codes >= 8, codes - 16, codes).float()
        return rotated(values * _column(self._scale, start, stop), self._rotation)


class GroupedCodesTensor(GroupedTensor):
    """ComfyUI's asym_w4a8_int8: codes of four or six bits of a rotated matrix.

    A code stands for a level of a table, or for itself less half of the codes; times the scale of
    its group that is rounded to an integer of eight bits, which times the scale of its row is the
    weight. Six bits: their lower four lie as with four bits, the upper two behind them.
    """

    def __init__(self, stored: Stored, parts: Parts, layer: LayerFormat) -> None:
        super().__init__(stored, "W4A8")
        rows, size, rotation = self.shape[0], layer.group_size, layer.rotation
        assert rotation is not None
        groups = (parts["weight_s_rel"].shape or (0,))[-1]
        self.shape = (rows, groups * size)
        self._groups, self._rotation = groups, rotation
        self._bits = next((bits for bits in (4, 6) if self._fills(stored.shape[1], bits)), 0)
        if not self._bits:
            raise Unusable(
                f"{self.label}: {self.name} has rows of {stored.shape[1]} bytes, which is not four "
                f"or six bits for each of {self.shape[1]} columns"
            )
        self.format = f"W{self._bits}A8"
        self._columns_in(rotation)
        relative = (torch.float8_e4m3fn, torch.uint8, torch.float32)
        self._group_scales = self._part(parts, "weight_s_rel", relative, (rows, groups))
        self._row_scales = self._part(parts, "weight_s_channel", (torch.float32,), (rows,))
        _require_positive(self._row_scales, self.label, self.name)
        self._levels = self._correction = None
        if "weight_codebook" in parts and self._bits == 4:
            self._levels = self._part(parts, "weight_codebook", (torch.float32,), (16,))
        if "weight_correction" in parts and self._bits == 4:
            self._correction = self._part(
                parts, "weight_correction", _SCALE_FORMATS, (groups, rows)
            )

    def rows(self, start: int, stop: int) -> torch.Tensor:
        count, columns = stop - start, self.shape[1]
        packed = self._stored.rows(start, stop).view(torch.uint8)
        codes = _nibbles(packed[:, : columns // 2])
        if self._bits == 6:
            shifts = torch.tensor([0, 2, 4, 6], dtype=torch.int32)
            upper = (packed[:, columns // 2 :].int().unsqueeze(-1) >> shifts) & 3
            codes |= upper.view(count, columns) << 4
        if self._levels is not None:
            values = self._levels.whole()[codes]
        else:
            values = codes.float() - float(1 << (self._bits - 1))
        scales = self._group_scales.rows(start, stop)
        if scales.dtype == torch.uint8:
            scales = scales.view(torch.float8_e4m3fn)
        grouped = values.view(count, self._groups, -1) * scales.float().unsqueeze(-1)
        grouped = grouped.round().clamp_(-127, 127) * self._row_scales.rows(start, stop).view(
            -1, 1, 1
        )
        if self._correction is not None:
            correction = self._correction.whole()[:, start:stop]
            grouped = grouped + correction.t().unsqueeze(-1).float()
        return rotated(grouped.view(count, columns), self._rotation)

    def _fills(self, row_bytes: int, bits: int) -> bool:
        return self.shape[1] > 0 and row_bytes * 8 == self.shape[1] * bits


def _require_positive(scale: Stored, label: str, name: str) -> None:
    values = scale.whole().float()
    if not bool(values.isfinite().all()) or bool((values <= 0).any()):
        raise Unusable(f"{label}: {name} has a scale that is not a positive number")


def _column(scale: Stored, start: int, stop: int) -> torch.Tensor:
    values = scale.rows(start, stop) if scale.count > 1 else scale.whole()
    return values.float().reshape(-1, 1)


def _nibbles(packed: torch.Tensor) -> torch.Tensor:
    """Return the two halves of each byte, the lower one first, as integers."""
    halves = torch.stack((packed & 0xF, packed >> 4), dim=-1)
    return halves.view(len(packed), -1).int()


@functools.cache
def _pairs_of_nibbles() -> torch.Tensor:
    """Return the two numbers of NVFP4 that each byte stands for."""
    numbers = torch.tensor([*_E2M1, *(-number for number in _E2M1)])
    return torch.stack((numbers.repeat_interleave(16), numbers.repeat(16)), dim=-1)


def _tiled_shape(rows: int, groups: int) -> tuple[int, int]:
    return -(-rows // _TILE_ROWS) * _TILE_ROWS, -(-groups // _TILE_COLUMNS) * _TILE_COLUMNS


def _untiled(tiles: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """Return rows of scales in their order.

    A tile of 128 rows and 4 columns lies as 32 rows of 16: four rows, 32 apart, side by side.
    """
    rows, columns = tiles.shape
    apart = tiles.reshape(rows // 128, columns // 4, 32, 4, 4)
    return apart.permute(0, 3, 2, 1, 4).reshape(rows, columns)[start:stop]


@functools.cache
def hadamard(
    size: int, device: torch.device = _HOST, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Return the regular Hadamard matrix of a size, divided by its root: it undoes itself.

    size: a power of four. Its numbers are powers of two, and so exact in every format.
    """
    four = torch.tensor(
        [[1.0, 1.0, 1.0, -1.0], [1.0, 1.0, -1.0, 1.0], [1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, 1.0]]
    )
    matrix = four
    while len(matrix) < size:
        matrix = torch.kron(matrix, four)
    return (matrix / size**0.5).to(device, dtype)


def rotated(values: torch.Tensor, size: int) -> torch.Tensor:
    """Rotate groups of columns (rows × columns); what is rotated twice is as it was."""
    rows, columns = values.shape
    matrix = hadamard(size, values.device, values.dtype)
    return (values.view(rows, columns // size, size) @ matrix).view(rows, columns)
