"""Names of Qwen3, Z-Image's text encoder: transformers' own, and those of llama.cpp in GGUF."""

from __future__ import annotations

import re

from engine.diffusion.checkpoints.names.translation import Named
from engine.diffusion.checkpoints.weights import Weight

MARKS = ("embed_tokens.weight", "layers.0.self_attn.q_norm.weight")
GGUF_MARKS = ("token_embd.weight", "blk.0.attn_q_norm.weight")

_BLOCK = re.compile(r"blk\.(?P<number>\d+)\.(?P<part>\w+)\.weight")
_BLOCK_PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}
_OWN = re.compile(
    r"embed_tokens\.weight|norm\.weight|layers\.\d+\.(?:"
    + "|".join(re.escape(part) for part in _BLOCK_PARTS.values())
    + r")\.weight"
)
_HEADS = ("lm_head.weight", "output.weight")
"""What only writing needs. Qwen3-4B's is the table of its tokens once more."""
_NOT_NEEDED = re.compile(
    r"(?:.*\.)?rotary_emb\.inv_freq"  # computed from the configuration
    r"|(?:.*\.)?logit_scale|rope_freqs\.weight"  # of other encoders in the same program
)


def renamed(name: str, weight: Weight) -> Named | None:
    """Return what a tensor is in transformers' Qwen3Model, which has no prefix."""
    name = name.removeprefix("model.")
    if block := _BLOCK.fullmatch(name):
        part = _BLOCK_PARTS.get(block["part"])
        if part is None:
            return None
        return ((f"layers.{block['number']}.{part}.weight", weight),)
    name = _OUTSIDE.get(name, name)
    if _OWN.fullmatch(name):
        return ((name, weight),)
    if name in _HEADS or _NOT_NEEDED.fullmatch(name):
        return ()
    return None
