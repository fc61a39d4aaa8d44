"""Names of Z-Image's transformer: diffusers' own, and those of ComfyUI, which GGUF files share."""

from __future__ import annotations

import re

from engine.diffusion.checkpoints.names.translation import Named
from engine.diffusion.checkpoints.weights import Weight

MARKS = ("cap_embedder.1.weight", "x_pad_token", "layers.0.attention_norm1.weight")
"""Names that every file of this transformer has, whatever the prefix."""

_BLOCK = re.compile(r"(?P<block>(?:layers|noise_refiner|context_refiner)\.\d+)\.(?P<rest>.+)")
_ATTENTION = {
    "attention.out.weight": "attention.to_out.0.weight",
    "attention.q_norm.weight": "attention.norm_q.weight",
    "attention.k_norm.weight": "attention.norm_k.weight",
}
_PARTS = frozenset(
    {
        *(f"attention.{name}.weight" for name in ("to_q", "to_k", "to_v", "to_out.0")),
        *(f"attention.{name}.weight" for name in ("norm_q", "norm_k")),
        *(f"feed_forward.{name}.weight" for name in ("w1", "w2", "w3")),
        *(f"{name}.weight" for name in ("attention_norm1", "attention_norm2")),
        *(f"{name}.weight" for name in ("ffn_norm1", "ffn_norm2")),
        *("adaLN_modulation.0.weight", "adaLN_modulation.0.bias"),
    }
)
_PATCHES = "2-1"
"""How diffusers calls the embedder and the final layer for patches of 2 × 2 in one frame."""
_OUTSIDE = re.compile(
    r"(?P<same>cap_embedder\.0\.weight|cap_embedder\.1\.(?:weight|bias)|x_pad_token|cap_pad_token"
    r"|t_embedder\.mlp\.[02]\.(?:weight|bias)"
    r"|all_x_embedder\.\d+-\d+\.(?:weight|bias)"
    r"|all_final_layer\.\d+-\d+\.(?:linear|adaLN_modulation\.1)\.(?:weight|bias))"
    r"|x_embedder\.(?P<embedder>weight|bias)"
    r"|final_layer\.(?P<final>(?:linear|adaLN_modulation\.1)\.(?:weight|bias))"
)


def renamed(name: str, weight: Weight) -> Named | None:
    """Return what a tensor is in diffusers' ZImageTransformer2DModel.

    ComfyUI's only fused tensors are query, key and value, in equal thirds of their rows.
    """
    if block := _BLOCK.fullmatch(name):
        rest = block["rest"]
        if rest == "attention.qkv.weight":
            parts = zip(("to_q", "to_k", "to_v"), weight.thirds(), strict=True)
            return tuple((f"{block['block']}.attention.{part}.weight", row) for part, row in parts)
        rest = _ATTENTION.get(rest, rest)
        return ((f"{block['block']}.{rest}", weight),) if rest in _PARTS else None
    outside = _OUTSIDE.fullmatch(name)
    if outside is None:
        return () if name == "norm_final.weight" else None
    if outside["embedder"]:
        return ((f"all_x_embedder.{_PATCHES}.{outside['embedder']}", weight),)
    if outside["final"]:
        return ((f"all_final_layer.{_PATCHES}.{outside['final']}", weight),)
    if name in ("x_pad_token", "cap_pad_token") and len(weight.shape) == 1:
        # Converters to GGUF drop dimensions of one.
        return ((name, weight.reshaped((1, *weight.shape))),)
    return ((name, weight),)
