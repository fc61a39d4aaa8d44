"""Names of T5's encoder: transformers' own, and those of llama.cpp in GGUF."""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.diffusion.checkpoints.names.translation import Named, Rename
from engine.diffusion.checkpoints.weights import Weight

TABLE = "embed_tokens.weight"
_MARK, _GGUF_MARK = "block.0.layer.0.SelfAttention.q.weight", "enc.blk.0.attn_q.weight"
_FORMER_TABLE = "shared.weight"
_PREFIX = "encoder."
_NOT_NEEDED = ("decoder.", "lm_head.", "dec.", "output.")
"""What a whole T5 has besides its encoder."""
_GGUF_BLOCK = re.compile(r"enc\.blk\.(\d+)\.(\w+)\.weight")
_GGUF_PARTS = {
    "attn_q": "layer.0.SelfAttention.q",
    "attn_k": "layer.0.SelfAttention.k",
    "attn_v": "layer.0.SelfAttention.v",
    "attn_o": "layer.0.SelfAttention.o",
    "attn_rel_b": "layer.0.SelfAttention.relative_attention_bias",
    "attn_norm": "layer.0.layer_norm",
    "ffn_gate": "layer.1.DenseReluDense.wi_0",
    "ffn_up": "layer.1.DenseReluDense.wi_1",
    "ffn_down": "layer.1.DenseReluDense.wo",
    "ffn_norm": "layer.1.layer_norm",
}
_GGUF_SINGLE = {"token_embd.weight": TABLE, "enc.output_norm.weight": "final_layer_norm.weight"}


def prefix_of(names: Collection[str]) -> str | None:
    """Return what stands before the names of T5, with its own `encoder.`; None for other files."""
    if _GGUF_MARK in names:
        return ""
    for name in names:
        if name == _MARK or name.endswith(f".{_MARK}"):
            prefix = name.removesuffix(_MARK)
            return prefix.removesuffix(_PREFIX)
    return None


def renaming(names: Collection[str]) -> Rename:
    """Return what tells each tensor's name in the stack of layers of T5's encoder.

    names: without the prefix. The table of tokens may be there under its own name and under that
    which it shares with a decoder.
    """
    twice = _PREFIX + TABLE in names or TABLE in names

    def renamed(name: str, weight: Weight) -> Named | None:
        if name.startswith(_NOT_NEEDED) or (twice and name == _FORMER_TABLE):
            return ()
        if name in _GGUF_SINGLE:
            return ((_GGUF_SINGLE[name], weight),)
        if found := _GGUF_BLOCK.fullmatch(name):
            part = _GGUF_PARTS.get(found[2])
            return None if part is None else ((f"block.{found[1]}.{part}.weight", weight),)
        bare = name.removeprefix(_PREFIX)
        return ((TABLE if bare == _FORMER_TABLE else bare, weight),)

    return renamed
