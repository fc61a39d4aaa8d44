"""A tiny SDXL model whose heads are as wide as the real ones', and its single files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.engine.diffusion.checkpoints.layouts import Tensors, ldm_vae, prefixed
from tests.engine.diffusion.tiny_sdxl import tiny_tokenizers

UNET, FIRST = "model.diffusion_model.", "conditioner.embedders.0.transformer."
SECOND, VAE = "conditioner.embedders.1.model.", "first_stage_model."
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_PLACES = {
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
"""Where the parts of this model lie in Stability's implementation, written by hand."""


@dataclass(frozen=True, slots=True)
class TinySdxl:
    """Its components. folder: its tokenizers."""

    unet: UNet2DConditionModel
    first: CLIPTextModel
    second: CLIPTextModelWithProjection
    vae: AutoencoderKL
    folder: Path

    def whole(self) -> Tensors:
        """Everything in one file, as Stability publishes it."""
        return {
            **prefixed(_original(self.unet.state_dict()), UNET),
            **prefixed(_clip(self.first.state_dict()), FIRST),
            **prefixed(_open_clip(self.second.state_dict()), SECOND),
            **prefixed(ldm_vae(self.vae.state_dict(), blocks=2), VAE),
        }


def build(folder: Path) -> TinySdxl:
    """Make the model, and write its tokenizers."""
    torch.manual_seed(5)
    tokenizers = tiny_tokenizers()
    for name, tokenizer in zip(("tokenizer", "tokenizer_2"), tokenizers, strict=True):
        tokenizer.save_pretrained(folder / name)
    blocks: dict[str, Any] = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (32, 64),
        "transformer_layers_per_block": (1, 1),
        "attention_head_dim": (1, 1),
    }
    halves: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (32, 32),
    }
    made = TinySdxl(
        UNet2DConditionModel(
            **blocks,
            layers_per_block=1,
            cross_attention_dim=64 + 128,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=64 + 6 * 8,
        ),
        CLIPTextModel(_text(64, len(tokenizers[0]), "quick_gelu")),
        CLIPTextModelWithProjection(_text(128, len(tokenizers[1]), "gelu")),
        AutoencoderKL(**halves, latent_channels=4, norm_num_groups=32, scaling_factor=0.13025),
        folder,
    )
    with torch.no_grad():  # norms are ones otherwise, and a mix-up would not show
        for part in (made.unet, made.first, made.second, made.vae):
            for parameter in part.parameters():
                if parameter.ndim < 2:
                    parameter.normal_(1.0, 0.1)
            part.eval()
    return made


def _text(width: int, vocabulary: int, activation: str) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=32,
        projection_dim=64,
        num_hidden_layers=2,
        num_attention_heads=width // 64,
        hidden_act=activation,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )


def _original(tensors: Tensors) -> Tensors:
    found: Tensors = {}
    for key, value in tensors.items():
        place = max((one for one in _PLACES if key.startswith(f"{one}.")), key=len)
        rest = key.removeprefix(f"{place}.")
        if ".resnets." in place:
            part, leaf = rest.split(".")
            rest = f"{_RESNET[part]}.{leaf}"
        found[f"{_PLACES[place]}.{rest}"] = value
    return found


def _clip(tensors: Tensors) -> Tensors:
    found = prefixed(
        {key.removeprefix("text_model."): tensors[key] for key in tensors}, "text_model."
    )
    return {**found, "text_model.embeddings.position_ids": torch.arange(77)[None]}


def _open_clip(tensors: Tensors) -> Tensors:
    own = {key.removeprefix("text_model."): value for key, value in tensors.items()}
    found: Tensors = {
        "text_projection": own["text_projection.weight"].T,
        "token_embedding.weight": own["embeddings.token_embedding.weight"],
        "positional_embedding": own["embeddings.position_embedding.weight"],
        "ln_final.weight": own["final_layer_norm.weight"],
        "ln_final.bias": own["final_layer_norm.bias"],
        "logit_scale": torch.tensor(4.6),
    }
    for number in (0, 1):
        there, here = f"transformer.resblocks.{number}", f"encoder.layers.{number}"
        for leaf in ("weight", "bias"):
            attention = f"{here}.self_attn"
            found[f"{there}.attn.in_proj_{leaf}"] = torch.cat(
                [own[f"{attention}.{one}_proj.{leaf}"] for one in "qkv"]
            )
            found[f"{there}.attn.out_proj.{leaf}"] = own[f"{attention}.out_proj.{leaf}"]
            found[f"{there}.ln_1.{leaf}"] = own[f"{here}.layer_norm1.{leaf}"]
            found[f"{there}.ln_2.{leaf}"] = own[f"{here}.layer_norm2.{leaf}"]
            found[f"{there}.mlp.c_fc.{leaf}"] = own[f"{here}.mlp.fc1.{leaf}"]
            found[f"{there}.mlp.c_proj.{leaf}"] = own[f"{here}.mlp.fc2.{leaf}"]
    return found
