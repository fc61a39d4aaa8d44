"""From a tensor of a file to a tensor of the model: rows, scale, shape and number format."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.stored import Stored

_CHUNK_VALUES = 1 << 22
"""Values that are converted at a time: 16 MiB in float32. Chosen by hand: what lies between the
file and the tensor stays small beside a matrix of Z-Image (157 MiB in float32)."""
_COPIED_VALUES = 1 << 18
"""Smaller tensors are copied instead of mapped: a megabyte each at most. In a file they lie at any
address, and some processors round by another order of sums there. Chosen by hand."""
_FULL_SCALE = 0.999
"""A matrix that was divided by its scale reaches this share of the largest fp8 number; a matrix
that was only cast never does."""
_SCALED_DEVIATION = 4.0
"""Likewise, no matrix of the model has such a standard deviation (real ones: about 0.02)."""
_FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)
_TABLES = ("embed_tokens", "token_embd", "lm_head", "shared.weight")
SCALED = (*_FP8, torch.int8)
"""Number formats of which a scale makes weights."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What becomes one tensor of the model.

    start, stop: the rows of `stored` that belong to it. shape: as the model has it. scale: of
    `stored`, one number or one for each row; the weight is the product of both.
    """

    stored: Stored
    start: int
    stop: int
    shape: tuple[int, ...]
    scale: Stored | None = None

    @classmethod
    def of(cls, stored: Stored, scale: Stored | None = None) -> Weight:
        """The whole of a stored tensor."""
        return cls(stored, 0, stored.shape[0] if stored.shape else 1, stored.shape, scale)

    @property
    def label(self) -> str:
        """File and name, for messages."""
        return f"{self.stored.label}: {self.stored.name}"

    def reshaped(self, shape: tuple[int, ...]) -> Weight:
        """The same values in another shape."""
        if math.prod(shape) != math.prod(self.shape):
            raise Unusable(f"{self.label} has the shape {list(self.shape)}, not {list(shape)}")
        return replace(self, shape=shape)

    def fitted(self, shape: tuple[int, ...]) -> Weight:
        """The same without the rows and columns that its writer filled up; itself if none were.

        A third of a fused weight cannot be told from its filling, so its rows are left alone.
        """
        multiple, whole = self.stored.padding, self.stop - self.start == self.stored.shape[0]
        filled = tuple(-(-size // multiple) * multiple for size in shape)
        if self.shape == shape or self.shape != filled or not (whole or shape[0] == filled[0]):
            return self
        return replace(self, stop=self.start + shape[0], shape=shape)

    def thirds(self) -> tuple[Weight, Weight, Weight]:
        """Three weights of equally many rows. Raises Unusable if that does not come out even."""
        first, second, last = self.divided(3)
        return first, second, last

    def divided(self, count: int) -> tuple[Weight, ...]:
        """Weights of equally many rows. Raises Unusable if that does not come out even."""
        rows = self.stop - self.start
        if rows % count or not self.shape:
            by = {2: "two", 3: "three"}.get(count, str(count))
            raise Unusable(f"{self.label} has {rows} rows, which cannot be divided by {by}")
        part = rows // count
        return tuple(
            replace(
                self,
                start=self.start + number * part,
                stop=self.start + (number + 1) * part,
                shape=(part, *self.shape[1:]),
            )
            for number in range(count)
        )

    def conversion(self, dtype: torch.dtype) -> str | None:
        """Return what `load` does to the values ("F32 → bfloat16"); None if it changes no bit."""
        if self.scale is None and self.stored.dtype == dtype:
            return None
        scaled = " × scale" if self.scale is not None else ""
        return f"{self.stored.format}{scaled} → {str(dtype).removeprefix('torch.')}"

    @property
    def could_lack_scale(self) -> bool:
        """Whether it is a matrix in fp8 without a scale: cast, or its scale was lost."""
        return self.scale is None and self.stored.dtype in _FP8 and len(self.shape) > 1

    def load(self, dtype: torch.dtype) -> Loading:
        """Return the values in a number format.

        Without a conversion large ones stay a part of the file; of very large ones the first,
        middle and last row are then checked for finiteness, else every value. Raises Unusable for
        values that are not finite, or not in that format, and for matrices that were never written.
        """
        if self._is_trained and not self.stored.is_written():
            raise self._not_written("parts that were never written")
        large = math.prod(self.shape) > _COPIED_VALUES
        mapped = self.stored.mapped() if large and self.conversion(dtype) is None else None
        if mapped is not None:
            values = mapped[self.start : self.stop] if self.stored.shape else mapped
            if not all(bool(each.isfinite().all()) for each in _samples(values)):
                raise self._not_finite(dtype)
            self._check_zeros(values)
            return Loading(values.view(self.shape))
        return self._converted(dtype)

    def _converted(self, dtype: torch.dtype) -> Loading:
        out = torch.empty(self.shape, dtype=dtype)
        rows = out.view(self.stop - self.start, -1) if self.stored.shape else out.view(1, 1)
        scale = None if self.scale is None else _column(self.scale.whole())
        largest, squares = 0.0, 0.0
        suspicious = self.could_lack_scale
        columns = 0 if self.stored.read_whole else rows.shape[1]
        for first, last in _chunks(len(rows), columns):
            values = self.stored.rows(self.start + first, self.start + last).view(last - first, -1)
            values = values[:, : rows.shape[1]]  # without what fills a row up
            if scale is not None:
                own = scale[self.start + first : self.start + last] if len(scale) > 1 else scale
                values = values.float() * own
            elif suspicious:
                values = values.float()
                largest = max(largest, float(values.abs().max()))
                squares += float(values.square().sum(dtype=torch.float64))
            target = rows[first:last]
            target.copy_(values)
            # The sum is not finite if any value is not; it is much faster than looking at each.
            if not math.isfinite(float(target.sum(dtype=torch.float32))) and not bool(
                target.isfinite().all()
            ):
                raise self._not_finite(dtype)
        self._check_zeros(out)
        return Loading(out, suspicious and self._lost_scale(largest, squares))

    @property
    def _is_trained(self) -> bool:
        """Whether no row can be zero: biases can, and those of words that were never learnt."""
        name = self.stored.name
        return name.endswith("weight") and not any(table in name for table in _TABLES)

    def _check_zeros(self, values: torch.Tensor) -> None:
        """Refuse weights that are zero, or end in zeros, as where a download was not finished."""
        if not self._is_trained or not values.numel():
            return
        if values.ndim > 1 and len(values) > 1 and not bool(values[-1].any()):
            raise self._not_written("zeros only" if not bool(values.any()) else "zeros at its end")
        if values.ndim == 1 and not bool(values.any()):
            raise self._not_written("zeros only")

    def _not_written(self, what: str) -> Unusable:
        return Unusable(f"{self.label} has {what}: the file was not written to its end")

    def _lost_scale(self, largest: float, squares: float) -> bool:
        assert self.stored.dtype is not None
        limit = torch.finfo(self.stored.dtype).max
        deviation = math.sqrt(squares / max(1, math.prod(self.shape)))
        return largest >= _FULL_SCALE * limit or deviation > _SCALED_DEVIATION

    def _not_finite(self, dtype: torch.dtype) -> Unusable:
        name = str(dtype).removeprefix("torch.")
        return Unusable(f"{self.label} holds values that are not finite numbers in {name}")


@dataclass(frozen=True, slots=True)
class Loading:
    """A tensor of the model. scale_lost: its values look as if a scale should multiply them."""

    tensor: torch.Tensor
    scale_lost: bool = False


def _samples(values: torch.Tensor) -> list[torch.Tensor]:
    if values.ndim < 2 or values.numel() <= _CHUNK_VALUES:
        return [values]
    return [values[row] for row in sorted({0, len(values) // 2, len(values) - 1})]


def _column(scale: torch.Tensor) -> torch.Tensor:
    return scale.float().reshape(-1, 1)


def _chunks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    step = max(1, _CHUNK_VALUES // max(1, columns))
    for first in range(0, rows, step):
        yield first, min(rows, first + step)
