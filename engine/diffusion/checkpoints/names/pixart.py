"""Names of PixArt's transformer: diffusers' own, and those of its authors, which ComfyUI shares."""

from __future__ import annotations

import re

from engine.diffusion.checkpoints.names.translation import Named
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families.pixart_layers import FUSED, INSIDE, SINGLE

TABLES = ("pos_embed", "pos_embed.pos_embed")
"""The table of positions, which is computed; a file may have it."""
_NOT_NEEDED = (*TABLES, "y_embedder.y_embedding", "caption_projection.y_embedding")
"""The last two: what training put in place of a prompt. The pipelines read an empty one instead."""
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)\.(weight|bias)")
_TABLE = re.compile(r"blocks\.(\d+)\.scale_shift_table")
_OUTSIDE = {there: here for here, there in SINGLE.items()}
_INSIDE = {there: here for here, there in INSIDE.items()}
_FUSED: dict[str, list[str]] = {}
for _here, _there in INSIDE.items():
    if _found := FUSED.fullmatch(_there):
        _FUSED.setdefault(_found[1], []).append(_here)


def renamed(name: str, weight: Weight) -> Named | None:
    """Return what a tensor is in diffusers' PixArtTransformer2DModel, by its authors' name.

    Queries, keys and values are equal parts of the rows of one matrix.
    """
    if name in _NOT_NEEDED:
        return ()
    if name == "final_layer.scale_shift_table":
        return (("scale_shift_table", weight),)
    if found := _TABLE.fullmatch(name):
        return ((f"transformer_blocks.{found[1]}.scale_shift_table", weight),)
    if found := _BLOCK.fullmatch(name):
        number, inside, leaf = found.groups()
        block = f"transformer_blocks.{number}"
        if parts := _FUSED.get(inside):
            pieces = zip(parts, weight.divided(len(parts)), strict=True)
            return tuple((f"{block}.{part}.{leaf}", piece) for part, piece in pieces)
        own = _INSIDE.get(inside)
        return None if own is None else ((f"{block}.{own}.{leaf}", weight),)
    module, _, leaf = name.rpartition(".")
    if module not in _OUTSIDE or leaf not in ("weight", "bias"):
        return None
    return ((f"{_OUTSIDE[module]}.{leaf}", weight),)


def kept(name: str, weight: Weight) -> Named | None:
    """Return what a tensor is that has diffusers' own name."""
    return () if name in _NOT_NEEDED else ((name, weight),)
