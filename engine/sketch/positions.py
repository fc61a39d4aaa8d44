"""Teach the middle of the transformer where each token is.

Rotary embeddings tell only how far tokens are from each other. Trained on pictures alone, a model
of this size finds out late where across the picture a token is, and paints things of the right
colours without outlines. So, while it is trained, a linear layer reads from each token after the
middle block where it is on the picture and within its thing. It is not exported.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

TOKEN_PX: Final = 16
"""The side of the square that a token stands for."""


@dataclass(frozen=True, slots=True)
class TokenPositions:
    """Where the tokens of a batch of pictures are, right and down of the middle, -1 to 1.

    `on_picture`: tokens × 2. `on_thing` (batch × tokens × 2): within the box of the thing that they
    are part of, 0 for the background; `is_thing` (batch × tokens) is 1 within a box.
    """

    on_picture: torch.Tensor
    on_thing: torch.Tensor
    is_thing: torch.Tensor

    def to(self, device: torch.device) -> "TokenPositions":
        """Return the positions on a device."""
        return TokenPositions(
            self.on_picture.to(device), self.on_thing.to(device), self.is_thing.to(device)
        )


def token_positions(boxes: np.ndarray, rows: int, columns: int) -> TokenPositions:
    """Return the positions of rows × columns tokens.

    boxes: n × things × left, top, right, bottom, px; all zero for none.
    """
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    middles = np.stack([x, y], axis=-1).reshape(-1, 2)
    left_top, right_bottom = boxes[..., None, :2] / TOKEN_PX, boxes[..., None, 2:] / TOKEN_PX
    half = (right_bottom - left_top) / 2
    offsets = (middles - (left_top + right_bottom) / 2) / np.where(half > 0, half, np.inf)
    hit = np.asarray(np.logical_and(np.abs(offsets) < 1, half > 0).all(axis=-1))
    # Of things that overlap, the last one is in front.
    on_thing = np.zeros((len(boxes), rows * columns, 2))
    for thing in range(boxes.shape[1]):
        on_thing = np.where(hit[:, thing, :, None], offsets[:, thing], on_thing)
    return TokenPositions(
        torch.from_numpy(2 * middles / (columns, rows) - 1).float(),
        torch.from_numpy(on_thing).float(),
        torch.from_numpy(hit.any(axis=1)).float(),
    )


class PositionReader(nn.Module):
    """Reads positions from tokens, and says how wrong it was."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.position_head = nn.Linear(hidden, 4)

    def forward(self, tokens: torch.Tensor, positions: TokenPositions) -> torch.Tensor:
        """Return the mean squared error over batch × tokens × hidden."""
        plain = nn.functional.rms_norm(tokens.float(), tokens.shape[-1:])
        on_picture, on_thing = self.position_head(plain).split(2, dim=-1)
        error = (on_picture - positions.on_picture).square().mean()
        inside = positions.is_thing[..., None]
        astray = ((on_thing - positions.on_thing).square() * inside).sum()
        return error + astray / (2 * inside.sum()).clamp(min=1)
