"""Matrices of int8 as they lie in a file, for layers that compute with just these numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from engine.diffusion.checkpoints.quantization.layouts import RotatedInt8Tensor
from engine.diffusion.checkpoints.weights import Weight


@dataclass(frozen=True, slots=True)
class Int8Rows:
    """A matrix in int8.

    steps: int8, out × in. scale: float32, out × 1. rotation: columns that were rotated together
    (ConvRot) before they were rounded; None where none were.
    """

    steps: torch.Tensor
    scale: torch.Tensor
    rotation: int | None = None


RowsOf = Callable[[str], Int8Rows | None]
"""Takes a layer's name; None for one whose weights lie in another format."""


def int8_rows(weight: Weight) -> Int8Rows | None:
    """Return a weight as its file has it; None where that is not int8 with scales for rows.

    The numbers are read into memory of their own. Raises Unusable if the file has changed.
    """
    stored, start, stop = weight.stored, weight.start, weight.stop
    if len(weight.shape) != 2 or weight.shape != (stop - start, *stored.shape[1:]):
        return None  # reshaped, or without what fills its rows up
    if isinstance(stored, RotatedInt8Tensor):
        steps, scale = stored.steps(start, stop)
        return Int8Rows(steps, _column(scale, 0, stop - start), stored.rotation)
    if stored.dtype is not torch.int8 or weight.scale is None:
        return None
    return Int8Rows(stored.rows(start, stop), _column(weight.scale.whole(), start, stop))


def _column(scale: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    values = scale.float().reshape(-1, 1)
    if len(values) == 1:
        return values.expand(stop - start, 1).contiguous()
    return values[start:stop].contiguous()
