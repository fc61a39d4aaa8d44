"""A tiny PixArt model whose heads are as wide as the real ones', and its files as people have them.

The names of its authors are written from a table of this module's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from transformers import T5Config, T5EncoderModel

from tests.engine.diffusion.checkpoints.layouts import Tensors
from tests.engine.diffusion.tiny_pixart import tiny_tokenizer

WIDTH, CAPTION = 72, 32
_RENAMED = (
    (r"pos_embed\.proj", "x_embedder.proj"),
    (r"caption_projection\.linear_", "y_embedder.y_proj.fc"),
    (r"adaln_single\.emb\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
    (r"adaln_single\.emb\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
    (r"adaln_single\.emb\.resolution_embedder\.linear_1", "csize_embedder.mlp.0"),
    (r"adaln_single\.emb\.resolution_embedder\.linear_2", "csize_embedder.mlp.2"),
    (r"adaln_single\.emb\.aspect_ratio_embedder\.linear_1", "ar_embedder.mlp.0"),
    (r"adaln_single\.emb\.aspect_ratio_embedder\.linear_2", "ar_embedder.mlp.2"),
    (r"adaln_single\.linear", "t_block.1"),
    (r"proj_out", "final_layer.linear"),
    (r"^scale_shift_table", "final_layer.scale_shift_table"),
    (r"^transformer_blocks", "blocks"),
    (r"attn1\.to_out\.0", "attn.proj"),
    (r"attn2\.to_out\.0", "cross_attn.proj"),
    (r"attn2\.to_q", "cross_attn.q_linear"),
    (r"ff\.net\.0\.proj", "mlp.fc1"),
    (r"ff\.net\.2", "mlp.fc2"),
)


@dataclass(frozen=True, slots=True)
class TinyPixArt:
    """Its components. folder: its tokenizer."""

    transformer: PixArtTransformer2DModel
    text_encoder: T5EncoderModel
    vae: AutoencoderKL
    folder: Path

    def original(self, *, tokens: int | None = 120, table: bool = True) -> Tensors:
        """The transformer as its authors publish it. tokens: of the prompt that training left."""
        own = dict(self.transformer.state_dict())
        found: Tensors = {}
        for name in list(own):
            if match := re.fullmatch(r"(.+)\.(attn[12])\.to_q\.(weight|bias)", name):
                stem, attention, leaf = match.groups()
                parts = [own.pop(f"{stem}.{attention}.to_{one}.{leaf}") for one in "qkv"]
                there = renamed(stem)
                if attention == "attn1":
                    found[f"{there}.attn.qkv.{leaf}"] = torch.cat(parts)
                else:
                    found[f"{there}.cross_attn.q_linear.{leaf}"] = parts[0]
                    found[f"{there}.cross_attn.kv_linear.{leaf}"] = torch.cat(parts[1:])
        found |= {renamed(name): tensor for name, tensor in own.items()}
        if tokens is not None:
            found["y_embedder.y_embedding"] = torch.randn(tokens, CAPTION)
        if table:
            found["pos_embed"] = self.transformer.get_buffer("pos_embed.pos_embed")
        return found


def renamed(name: str) -> str:
    for here, there in _RENAMED:
        name = re.sub(here, there, name)
    return name


def build(folder: Path, side: int, scale: float, *, conditions: bool) -> TinyPixArt:
    """Make the model, and write its tokenizer; encoder and autoencoder are the same at each call.

    side: in latents.
    """
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(folder / "tokenizer")
    torch.manual_seed(5)
    text_encoder = _finished(_text_encoder(len(tokenizer)))
    vae = _finished(_vae())
    transformer = PixArtTransformer2DModel(
        num_attention_heads=1,
        cross_attention_dim=WIDTH,
        num_layers=2,
        sample_size=side,
        caption_channels=CAPTION,
        use_additional_conditions=conditions,
        interpolation_scale=scale,  # pyright: ignore[reportArgumentType]
    )
    return TinyPixArt(_finished(transformer), text_encoder, vae, folder)


def _text_encoder(vocabulary: int) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=CAPTION,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,  # pyright: ignore[reportCallIssue]
        )
    )


def _vae() -> AutoencoderKL:
    widths: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (32, 32),
    }
    return AutoencoderKL(**widths, latent_channels=4, norm_num_groups=32, scaling_factor=0.18215)


def _finished(part: Any) -> Any:
    with torch.no_grad():  # zeros and ones otherwise, and a mix-up would not show
        for parameter in part.parameters():
            if parameter.ndim < 2:
                parameter.normal_(1.0, 0.1)
    return part.eval()
