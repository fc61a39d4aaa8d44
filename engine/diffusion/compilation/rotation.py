"""Z-Image's attention with rotations in real numbers.

The compiler has no complex numbers: it calls the plain operations for them, one by one, between
what it fuses. In real numbers it fuses them too, and their sums and products are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.normalization import RMSNorm
from diffusers.models.transformers.transformer_z_image import (
    ZImageTransformerBlock,
    ZSingleStreamAttnProcessor,
)
from torch import nn
from torch.nn import functional


class RealRotation:
    """Takes the place of diffusers' processor in a block that is compiled.

    It is given the rotations as pairs: rows × tokens × pairs × 2, cosine and sine.
    """

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        freqs_cis: torch.Tensor | None = None,
    ) -> torch.Tensor:
        def heads(values: torch.Tensor, norm: Any, rotated: bool) -> torch.Tensor:
            split = values.unflatten(-1, (attn.heads, -1))
            split = split if norm is None else norm(split)
            if rotated and freqs_cis is not None:
                split = _rotated(split, freqs_cis)
            return split.transpose(1, 2)

        mask = attention_mask
        answers = functional.scaled_dot_product_attention(
            heads(attn.to_q(hidden_states), attn.norm_q, rotated=True),
            heads(attn.to_k(hidden_states), attn.norm_k, rotated=True),
            heads(attn.to_v(hidden_states), None, rotated=False),
            attn_mask=mask[:, None, None, :] if mask is not None and mask.ndim == 2 else mask,
        )
        return attn.to_out[0](answers.transpose(1, 2).flatten(2).to(hidden_states.dtype))


def with_real_rotations(block: nn.Module) -> bool:
    """Put it in place of every complex rotation of a block; return whether there was one.

    Classes that compute the same in another order, because that is faster step by step, become
    those of diffusers again: the compiler chooses an order of its own.
    """
    for part in block.modules():
        for published in (ZImageTransformerBlock, RMSNorm):
            if isinstance(part, published):
                part.__class__ = published  # pyright: ignore[reportAttributeAccessIssue]
    found = [
        part
        for part in block.modules()
        if type(getattr(part, "processor", None)) is ZSingleStreamAttnProcessor
    ]
    for part in found:
        part.processor = RealRotation()  # pyright: ignore[reportArgumentType]
    return bool(found)


def _rotated(values: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Rotate neighbouring channels. values: rows × tokens × heads × channels."""
    first, second = values.float().unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = pairs.unsqueeze(2).unbind(-1)
    turned = torch.stack((first * cosine - second * sine, first * sine + second * cosine), -1)
    return turned.flatten(-2).type_as(values)
