"""Changes of a layer's weights, computed from their factors: never as one whole matrix.

A delta is called with a layer's input, … × inputs, and returns what it adds to the output, … ×
outputs, in the input's type. `matrix` returns the change itself, outputs × inputs in float32, for
checks and for the norms of decomposed weights. Rows can be cut out, because some files adapt
queries, keys and values as one matrix.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional

Tensor = torch.Tensor


class Delta(ABC):
    """A change of a weight matrix."""

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """Return what it adds to the output of a layer with this input."""

    @abstractmethod
    def matrix(self) -> Tensor:
        """Return the change of the weights, outputs × inputs, float32."""

    @abstractmethod
    def rows(self, start: int, stop: int) -> Delta:
        """Return the change of some of the rows alone; shares memory with this one."""

    def probe(self, x: Tensor) -> Tensor:
        """Return something that is finite exactly if every factor and their products are."""
        return self(x)

    @abstractmethod
    def scaled(self, weight: float) -> Delta:
        """Return this change, times a number; shares memory with this one."""


@dataclass(frozen=True, slots=True)
class LowRank(Delta):
    """scale · up · down. down: rank × inputs. up: outputs × rank. scale: float32, no dimensions."""

    down: Tensor
    up: Tensor
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        inner = functional.linear(x, self.down.to(x.dtype))
        return functional.linear(inner, self.up.to(x.dtype)) * self.scale

    def matrix(self) -> Tensor:
        return self.up.float() @ self.down.float() * self.scale

    def scaled(self, weight: float) -> LowRank:
        return replace(self, scale=self.scale * weight)

    def rows(self, start: int, stop: int) -> LowRank:
        return LowRank(self.down, self.up[start:stop], self.scale)


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix, or the product of two that it is written as: left · right. right: None if whole."""

    left: Tensor
    right: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole matrix."""
        return self.left.shape[0], (self.left if self.right is None else self.right).shape[1]

    def apply(self, x: Tensor) -> Tensor:
        """Multiply the last dimension by the matrix."""
        if self.right is not None:
            x = functional.linear(x, self.right.to(x.dtype))
        return functional.linear(x, self.left.to(x.dtype))

    def matrix(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the whole matrix."""
        whole = self.left.to(dtype)
        return whole if self.right is None else whole @ self.right.to(dtype)

    def rows(self, start: int, stop: int) -> Product:
        """Return some of the rows."""
        return replace(self, left=self.left[start:stop])


@dataclass(frozen=True, slots=True)
class Tucker:
    """A convolution's matrix in three factors: Σ left[row, m] · core[m, n, k] · right[n, channel].

    left: rows × rank. core: rank × (rank · kernel). right: rank × channels. The matrix that they
    stand for has rows × (channels · kernel).
    """

    left: Tensor
    core: Tensor
    right: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole matrix."""
        rank, channels = self.right.shape
        return len(self.left), channels * self.core.shape[1] // rank

    def apply(self, x: Tensor) -> Tensor:
        """Multiply the last dimension by the matrix."""
        points = x.unflatten(-1, (self.right.shape[1], -1)).transpose(-1, -2)
        inner = functional.linear(points, self.right.to(x.dtype))  # … × kernel × rank
        outer = functional.linear(inner.transpose(-1, -2).flatten(-2), self.core.to(x.dtype))
        return functional.linear(outer, self.left.to(x.dtype))

    def matrix(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the whole matrix."""
        rows = self.left.to(dtype) @ self.core.to(dtype)
        points = rows.unflatten(1, (len(self.right), -1)).transpose(1, 2)
        return (points @ self.right.to(dtype)).transpose(1, 2).flatten(1)

    def rows(self, start: int, stop: int) -> Tucker:
        """Return some of the rows."""
        return replace(self, left=self.left[start:stop])


Factors = Product | Tucker
"""A matrix, whole or in factors."""


@dataclass(frozen=True, slots=True)
class Hadamard(Delta):
    """LoHa: scale · first ∘ second, multiplied value by value."""

    first: Factors
    second: Factors
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        # The product is needed whole, for one layer at a time.
        whole = self.first.matrix(x.dtype) * self.second.matrix(x.dtype)
        return functional.linear(x, whole) * self.scale

    def matrix(self) -> Tensor:
        return self.first.matrix() * self.second.matrix() * self.scale

    def probe(self, x: Tensor) -> Tensor:
        return self.first.apply(x) * self.second.apply(x) * self.scale

    def scaled(self, weight: float) -> Hadamard:
        return replace(self, scale=self.scale * weight)

    def rows(self, start: int, stop: int) -> Hadamard:
        return Hadamard(self.first.rows(start, stop), self.second.rows(start, stop), self.scale)


@dataclass(frozen=True, slots=True)
class Kronecker(Delta):
    """LoKr: scale · first ⊗ second. skip, count: of the product's rows, the ones that are meant."""

    first: Product
    second: Factors
    scale: Tensor
    skip: int = 0
    count: int | None = None

    def __call__(self, x: Tensor) -> Tensor:
        blocks = x.unflatten(-1, (self.first.shape[1], self.second.shape[1]))
        inner = self.second.apply(blocks)  # … × first's columns × second's rows
        outer = self.first.apply(inner.transpose(-1, -2)).transpose(-1, -2)
        return self._meant(outer.flatten(-2), -1) * self.scale

    def matrix(self) -> Tensor:
        whole = torch.kron(self.first.matrix(), self.second.matrix())
        return self._meant(whole, 0) * self.scale

    def scaled(self, weight: float) -> Kronecker:
        return replace(self, scale=self.scale * weight)

    def rows(self, start: int, stop: int) -> Kronecker:
        # Row i of the product belongs to row i // height of the first factor.
        start, stop, height = start + self.skip, stop + self.skip, self.second.shape[0]
        above, below = start // height, -(-stop // height)
        first = self.first.rows(above, below)
        return Kronecker(first, self.second, self.scale, start - above * height, stop - start)

    def _meant(self, product: Tensor, axis: int) -> Tensor:
        if self.count is None or self.count == product.shape[axis]:
            return product
        return product.narrow(axis, self.skip, self.count)


@dataclass(frozen=True, slots=True)
class Single(Delta):
    """scale · one matrix: a full difference, or a kernel in factors."""

    factors: Factors
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return self.factors.apply(x) * self.scale

    def matrix(self) -> Tensor:
        return self.factors.matrix() * self.scale

    def scaled(self, weight: float) -> Single:
        return replace(self, scale=self.scale * weight)

    def rows(self, start: int, stop: int) -> Single:
        return Single(self.factors.rows(start, stop), self.scale)


@dataclass(frozen=True, slots=True)
class Convolution:
    """A change of a convolution's weights, which are a matrix of outputs × (inputs · kernel).

    options: stride, padding and dilation, as conv2d takes them.
    """

    delta: Delta
    kernel: tuple[int, int]
    options: Mapping[str, Any]

    def __call__(self, x: Tensor) -> Tensor:
        """Return what it adds to the output, batch × outputs × height × width."""
        match self.delta:
            case LowRank(down, up, scale):
                return _pointwise(self._convolved(x, down), up) * scale
            case Single(Tucker(left, core, right), scale):
                inner = self._convolved(_pointwise(x, right), core)
                return _pointwise(inner, left) * scale
            case _:  # needed whole, for one layer at a time
                return self._convolved(x, self.delta.matrix())

    def _convolved(self, x: Tensor, matrix: Tensor) -> Tensor:
        weight = matrix.to(x.dtype).unflatten(1, (-1, *self.kernel))
        return functional.conv2d(x, weight, **self.options)


def _pointwise(x: Tensor, matrix: Tensor) -> Tensor:
    """Multiply the channels of every point by a matrix."""
    return functional.conv2d(x, matrix.to(x.dtype)[:, :, None, None])


def squared_norms(
    weight: Callable[[], Tensor], delta: Delta, axis: int, *, chunk_rows: int = 1024
) -> Tensor:
    """Return the squared norms of weight + change along an axis, float32.

    weight: returns the layer's own weights, outputs × inputs in float32. axis: 1 for the norm of
    each row, 0 for the norm of each column. chunk_rows: of the change that exist at once; chosen by
    hand, 40 MB of Z-Image's largest layer.
    """
    found: list[Tensor] = []
    whole = weight()
    for start in range(0, len(whole), chunk_rows):
        stop = min(start + chunk_rows, len(whole))
        changed = whole[start:stop] + delta.rows(start, stop).matrix()
        found.append(changed.square().sum(dim=axis))
    return torch.cat(found) if axis else torch.stack(found).sum(dim=0)
