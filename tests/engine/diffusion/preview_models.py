"""Small preview decoders on the disk, and latents to decode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.previews import (
    READY_PICTURES,
    PreviewMap,
)


def noise(rows: int, columns: int, seed: int = 5) -> torch.Tensor:
    """Return random latents."""
    return torch.randn(1, 16, rows, columns, generator=torch.manual_seed(seed))


def filled(pictures: int = READY_PICTURES) -> PreviewMap:
    """Return a map that has learned from random pictures with random latents."""
    made = PreviewMap("r1")
    for seed in range(pictures):
        pixels = torch.randint(0, 256, (64, 96, 3), generator=torch.manual_seed(seed))
        made.learn(noise(8, 12, seed), pixels.to(torch.uint8))
    return made


def change(path: Path, **changes: Any) -> None:
    """Write other values into a saved map."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
