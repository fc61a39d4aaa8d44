"""A compiled block that is loaded, and the proof that it computes what the plain one does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch

from engine.diffusion.compilation.calls import Accepted, Call
from engine.diffusion.compilation.container import Container
from engine.diffusion.compilation.store import Stored

TOLERANCES: Final = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.float16: 0.02}
"""How far a compiled block may be from the plain one, relative to what the block adds to its input,
as norms. In bfloat16 either is 0.012 from float32 at Z-Image-Turbo's size with random weights."""
_ROUNDS: Final = 3

Run = Callable[[], torch.Tensor]


@dataclass(slots=True)
class Library:
    """A compiled block in memory. proven: sizes of calls for which it was compared.

    speedup: how many times as fast as the plain block; None before it was measured.
    """

    path: Path
    accepted: Accepted
    speedup: float | None
    container: Container
    proven: set[tuple[torch.Size, ...]] = field(default_factory=set[tuple[torch.Size, ...]])

    @classmethod
    def load(cls, stored: Stored, device: torch.device) -> Library:
        """Load a library from the cache. Raises whatever the loader does."""
        container = Container(stored.library, device)
        return cls(stored.library, stored.accepted, stored.speedup, container)

    def run(self, weights: Sequence[torch.Tensor], call: Call) -> torch.Tensor:
        """Compute the block."""
        return self.container.run([*weights, *call.tensors])


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two results are apart, and how far they may be."""

    found: float
    allowed: float

    @property
    def fits(self) -> bool:
        """Whether it is within the tolerance; a number that is no number is not."""
        return self.found <= self.allowed


def distance(plain: torch.Tensor, other: torch.Tensor, call: Call) -> Distance | None:
    """Compare the results of a call; None if the plain one is not finite, which proves nothing.

    Beside the tolerance, every value may be rounded to its neighbour.
    """
    if other.shape != plain.shape or other.dtype != plain.dtype:
        return Distance(float("inf"), 0.0)
    exact = plain.float()
    if not bool(torch.isfinite(exact).all()):
        return None
    first = call.tensors[0] if call.tensors else None
    added = exact - first.float() if first is not None and first.shape == exact.shape else exact
    rounding = torch.finfo(plain.dtype).eps * float(exact.norm())
    allowed = TOLERANCES.get(plain.dtype, 0.0) * float(added.norm()) + rounding
    return Distance(float((other.float() - exact).norm()), allowed)


def speedup(plain: Run, other: Run, device: torch.device) -> float:
    """Return how many times as fast the other is: the shortest of a few turns each."""
    times: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        times.append((_seconds(plain, device), _seconds(other, device)))
    ours, theirs = (min(column) for column in zip(*times, strict=True))
    return ours / theirs


def _seconds(run: Run, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began_s = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began_s
