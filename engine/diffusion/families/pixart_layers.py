"""The layers of PixArt's transformer: their names, its authors' names for them, and sizes.

Names are paths in diffusers' class. Its authors' own implementation has the queries, keys and
values of a layer as one matrix, and so does what was trained with it. Everything follows from the
configuration. Imports no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.diffusion.families.sdxl_layers import Layer

TRANSFORMER: Mapping[str, Any] = {
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "in_channels": 4,
    "out_channels": 8,
    "num_layers": 28,
    "cross_attention_dim": 1152,
    "attention_bias": True,
    "sample_size": 128,
    "patch_size": 2,
    "caption_channels": 4096,
}
"""The sizes of PixArt-Alpha of 1024 px as published, in the words of its config.json."""

FUSED = re.compile(r"(.+\.(?:qkv|kv_linear))\.\d")
"""An original name of a part of a matrix that is one there: `blocks.0.attn.qkv.2` are the values.
OneTrainer writes such names; else the number is left out, and all parts are meant."""

_TIME_CHANNELS = 256
_CONDITIONED_SIZE = 128
"""Models of this size read the picture's, unless their configuration says otherwise."""
_RESOLUTION = "adaln_single.emb.resolution_embedder"
_EMBEDDERS = {
    "timestep_embedder": "t_embedder",
    "resolution_embedder": "csize_embedder",
    "aspect_ratio_embedder": "ar_embedder",
}
SINGLE = {
    "pos_embed.proj": "x_embedder.proj",
    "adaln_single.linear": "t_block.1",
    "caption_projection.linear_1": "y_embedder.y_proj.fc1",
    "caption_projection.linear_2": "y_embedder.y_proj.fc2",
    "proj_out": "final_layer.linear",
    **{
        f"adaln_single.emb.{here}.linear_{number}": f"{there}.mlp.{2 * number - 2}"
        for here, there in _EMBEDDERS.items()
        for number in (1, 2)
    },
}
"""The layers outside of the blocks, and their original names."""
INSIDE = {
    "attn1.to_q": "attn.qkv.0",
    "attn1.to_k": "attn.qkv.1",
    "attn1.to_v": "attn.qkv.2",
    "attn1.to_out.0": "attn.proj",
    "attn2.to_q": "cross_attn.q_linear",
    "attn2.to_k": "cross_attn.kv_linear.0",
    "attn2.to_v": "cross_attn.kv_linear.1",
    "attn2.to_out.0": "cross_attn.proj",
    "ff.net.0.proj": "mlp.fc1",
    "ff.net.2": "mlp.fc2",
}
"""The layers of a block, likewise; parts of one matrix in the order of its rows."""
TOKENS = "_tokens"
"""In the configuration that shapes tell: how many tokens of a prompt it was trained with."""
_HEAD_CHANNELS = 72
"""Of every model that was published; no shape tells it."""
_MARKS = (
    ("t_block.1.weight", "blocks.0.mlp.fc1.weight", "x_embedder.proj.weight"),
    ("adaln_single.linear.weight", "transformer_blocks.0.ff.net.2.weight", "pos_embed.proj.weight"),
)
"""Names that only PixArt has together: those of its authors, and those of diffusers."""
_BLOCK = re.compile(r"(?:transformer_)?blocks\.(\d+)\.")


Shapes = Mapping[str, tuple[int, ...]]


def prefix_of(names: Collection[str]) -> str | None:
    """Return what stands before the names of a PixArt transformer; None for other files."""
    for mark, *others in _MARKS:
        for name in names:
            prefix = name.removesuffix(mark)
            if (name == mark or name.endswith(f".{mark}")) and all(
                f"{prefix}{other}" in names for other in others
            ):
                return prefix
    return None


def config_of(shapes: Shapes) -> dict[str, Any] | None:
    """Return a transformer's configuration by the shapes of its tensors, without their prefix.

    sample_size is None where no table of positions tells it. None for shapes that do not fit.
    """

    def shape(name: str) -> tuple[int, ...]:
        number, _, inside = name.removeprefix("transformer_blocks.").partition(".")
        block = name.startswith("transformer_blocks.")
        original = f"blocks.{number}.{INSIDE[inside]}" if block else SINGLE[name]
        fused = FUSED.fullmatch(original)
        there = fused[1] if fused else original
        return shapes.get(f"{name}.weight") or shapes[f"{there}.weight"]

    try:
        width = shape("adaln_single.linear")[1]
        _, channels, patch, _ = shape("pos_embed.proj")
        table = shapes.get("pos_embed") or shapes.get("pos_embed.pos_embed")
        blocks = {int(found[1]) for name in shapes if (found := _BLOCK.match(name))}
        caption = shapes.get("caption_projection.linear_1.weight") or shapes.get(
            "y_embedder.y_proj.fc1.weight"
        )
        tokens = shapes.get("y_embedder.y_embedding") or shapes.get(
            "caption_projection.y_embedding"
        )
        conditions = ("csize_embedder.mlp.0.weight", f"{_RESOLUTION}.linear_1.weight")
        biases = ("blocks.0.attn.qkv.bias", "transformer_blocks.0.attn1.to_q.bias")
        return {
            "_class_name": "PixArtTransformer2DModel",
            "num_attention_heads": width // _HEAD_CHANNELS,
            "attention_head_dim": _HEAD_CHANNELS,
            "in_channels": channels,
            "out_channels": shape("proj_out")[0] // patch**2,
            "num_layers": len(blocks),
            "cross_attention_dim": shape("transformer_blocks.0.attn2.to_k")[1],
            "attention_bias": any(name in shapes for name in biases),
            "sample_size": None if table is None else patch * math.isqrt(table[1]),
            "patch_size": patch,
            "use_additional_conditions": any(name in shapes for name in conditions),
            "caption_channels": None if caption is None else caption[1],
            TOKENS: None if tokens is None else tokens[0],
        }
    except (KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def reads_sizes(config: Mapping[str, Any]) -> bool:
    """Whether a transformer was trained with the sizes of pictures, by its configuration."""
    said = config.get("use_additional_conditions")
    return config.get("sample_size") == _CONDITIONED_SIZE if said is None else bool(said)


def transformer_layers(config: Mapping[str, Any]) -> Iterator[Layer]:
    """Yield all layers of a transformer by its configuration; what that lacks is as published.

    Raises TypeError for a configuration that is none of PixArt's.
    """
    config = {**TRANSFORMER, **config}
    width = config["num_attention_heads"] * config["attention_head_dim"]
    patch = config["patch_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "pos_embed.proj": (width, config["in_channels"], patch, patch),
        "adaln_single.linear": (6 * width, width),
        "proj_out": (patch * patch * (config["out_channels"] or config["in_channels"]), width),
        **dict(_embedders(width, reads_sizes(config))),
    }
    if (caption := config["caption_channels"]) is not None:
        shapes["caption_projection.linear_1"] = (width, caption)
        shapes["caption_projection.linear_2"] = (width, width)
    for name, shape in shapes.items():
        yield Layer(name, SINGLE[name], shape)
    context = config["cross_attention_dim"] or width
    others = {
        "attn2.to_k": (width, context),
        "attn2.to_v": (width, context),
        "ff.net.0.proj": (4 * width, width),
        "ff.net.2": (width, 4 * width),
    }
    for number in range(config["num_layers"]):
        for name, original in INSIDE.items():
            has_bias = bool(config["attention_bias"]) or not name.endswith(("_q", "_k", "_v"))
            yield Layer(
                f"transformer_blocks.{number}.{name}",
                f"blocks.{number}.{original}",
                others.get(name, (width, width)),
                has_bias,
            )


def _embedders(width: int, reads_sizes: bool) -> Iterator[tuple[str, tuple[int, int]]]:
    for name in _EMBEDDERS if reads_sizes else ("timestep_embedder",):
        own = width if name == "timestep_embedder" else width // 3
        yield f"adaln_single.emb.{name}.linear_1", (own, _TIME_CHANNELS)
        yield f"adaln_single.emb.{name}.linear_2", (own, own)
