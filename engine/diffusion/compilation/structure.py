"""What a block is made of: whether blocks are alike, and a copy of one without its weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from engine.compilation import Obstacle

_OWN = frozenset(vars(nn.Module()))
"""What every module has."""
_NUMBERS = ("layer_id", "layer_idx")
"""Attributes in which blocks differ that compute alike."""
_HOOKED = ("_diffusers_hook", "_hf_hook", "forward")
"""Attributes of modules whose call does more than their class says."""


def structure_of(block: nn.Module) -> str:
    """Describe everything that decides what a block computes, but for the values of its weights."""
    lines: list[str] = []
    for name, module in block.named_modules():
        lines.append(f"{name}: {_class_name(module)}({module.extra_repr()})")
        for key, value in sorted(vars(module).items()):
            if key not in _OWN and key not in _NUMBERS:
                plain = isinstance(value, bool | int | float | str | tuple | type(None))
                lines.append(f"  {key}={value!r}" if plain else f"  {key}: {_class_name(value)}")
        for key, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is not None:
                lines.append(f"  {key}[{tensor.dtype}, {tuple(tensor.shape)}]")
    return "\n".join(lines)


def unlike(blocks: Sequence[Any]) -> Obstacle | None:
    """Return why blocks cannot share what was compiled of the first; None if they can."""
    if len(blocks) < 2:
        return Obstacle.UNLIKE
    for module in (part for block in blocks for part in block.modules()):
        if any(key in vars(module) for key in _HOOKED):
            return Obstacle.STREAMED
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None and type(tensor) not in (torch.Tensor, nn.Parameter):
                return Obstacle.UNLIKE
    first = structure_of(blocks[0])
    same = all(structure_of(each) == first for each in blocks[1:])
    return None if same else Obstacle.UNLIKE


def weights_of(block: nn.Module) -> dict[str, torch.Tensor]:
    """Return a block's parameters and buffers by their names, in a fixed order."""
    return {**dict(block.named_parameters()), **dict(block.named_buffers())}


def values_of(block: nn.Module) -> int:
    """Return how many numbers a block's weights are."""
    return sum(each.numel() for each in weights_of(block).values())


def skeleton(block: nn.Module) -> nn.Module:
    """Return a copy whose weights have sizes only, so that it can be sent to another process."""
    empty: dict[int, Any] = {}
    for tensor in weights_of(block).values():
        sizes = torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        kept = isinstance(tensor, nn.Parameter)
        empty[id(tensor)] = nn.Parameter(sizes, requires_grad=False) if kept else sizes
    if (lent := vars(block).get("forward")) is not None:  # to the picture that is being painted
        empty[id(lent)] = None
    bare = copy.deepcopy(block, empty)
    vars(bare).pop("forward", None)
    return bare


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
