"""Changes that are a layer's own weights times a matrix: W · M on its inputs, M · W on its outputs.

The weights are never looked at. Such a change acts on what the layer takes, or on what it gives
without its bias, point by point where it is a convolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import torch

Tensor = torch.Tensor

_LEAST_NORM = 1e-8
"""Added to the norm of rotations that are held below a limit, as LyCORIS does."""


class Side(StrEnum):
    """Whether a matrix is multiplied with what a layer takes, or with what it gives."""

    INPUTS = "inputs"
    OUTPUTS = "outputs"


class Action(Protocol):
    """A square matrix, in whatever form."""

    def apply(self, x: Tensor) -> Tensor:
        """Multiply the last dimension by the matrix."""
        ...


@dataclass(frozen=True, slots=True)
class Multiplier:
    """W · (scale · action) on inputs, or (scale · action) · W on outputs.

    channels: values at one point on that side.
    """

    side: Side
    channels: int
    action: Action
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return what is added to x, … × channels, in its type."""
        return self.action.apply(x) * self.scale

    def at_points(self, x: Tensor) -> Tensor:
        """Return what is added to x, batch × channels × height × width, in its type."""
        return self(x.movedim(1, -1)).movedim(-1, 1)

    def scaled(self, weight: float) -> Multiplier:
        """Return this change, times a number; shares memory with this one."""
        return replace(self, scale=self.scale * weight)


@dataclass(frozen=True, slots=True)
class Diagonal:
    """(IA)³: one factor for each channel, float32, which adds to the 1 that it has."""

    factors: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """Multiply each channel by its factor."""
        return x * self.factors.to(x.dtype)


@dataclass(frozen=True, slots=True)
class Rotation:
    """OFT and BOFT: R − 1, where R turns blocks of channels, and may stretch each channel then.

    stages: stages × blocks × size × size, one after the other, float32. butterfly: before each of
    them channels that are further and further apart come together, and go back behind it. stretch:
    one factor for each channel, float32.
    """

    stages: Tensor
    butterfly: bool
    stretch: Tensor | None

    def apply(self, x: Tensor) -> Tensor:
        """Return how far each channel is turned, computed in float32."""
        own = x.float()
        turned = own
        for level, blocks in enumerate(self.stages):
            distance = 2**level * blocks.shape[-1] // 2
            if self.butterfly:
                turned = turned.unflatten(-1, (-1, 2, distance)).transpose(-1, -2).flatten(-3)
            pieces = turned.unflatten(-1, tuple(blocks.shape[:2]))
            turned = torch.einsum("kij,...kj->...ki", blocks, pieces).flatten(-2)
            if self.butterfly:
                turned = turned.unflatten(-1, (-1, distance, 2)).transpose(-1, -2).flatten(-3)
        if self.stretch is not None:
            turned = turned * self.stretch
        return (turned - own).to(x.dtype)


def rotations(blocks: Tensor, limit: float) -> Tensor:
    """Return the rotations that blocks of any numbers stand for, by Cayley's transform.

    blocks: … × size × size, float32. limit: of the norm of all of them; 0 for none.
    """
    skew = blocks - blocks.mT
    if limit > 0:
        skew = skew * (limit / (skew.norm() + _LEAST_NORM)).clamp(max=1)
    one = torch.eye(blocks.shape[-1], device=blocks.device)
    return torch.linalg.solve(one - skew, one + skew)
