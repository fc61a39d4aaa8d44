"""A tiny ZImagePipeline of the real architecture with random weights, for tests: no download."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

from engine.diffusion.families import SKETCH_FAMILY

TEMPLATE = (
    "{%- for message in messages -%}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif -%}"
)


COMPONENTS = tuple(each.name for each in SKETCH_FAMILY.components if each.has_weights)


def build_tiny(
    folder: Path,
    *,
    caption_width: int = 24,
    latent_channels: int = 16,
    more_token: str = "",
    shift: float = 3.0,
    sample_size: int = 256,
    rope_theta: float = 10_000.0,
) -> Path:
    """Write a complete model folder of two megabytes, which `family_for` takes for sketch's.

    sample_size: of its autoencoder; above 256 the shift of the scheduler tells the family.
    rope_theta: of its text encoder.
    """
    torch.manual_seed(7)
    tokenizer = _tokenizer(more_token)
    pipeline = ZImagePipeline(
        tokenizer=tokenizer,  # pyright: ignore[reportArgumentType]
        text_encoder=_text_encoder(len(tokenizer), caption_width, rope_theta),
        transformer=_transformer(caption_width, latent_channels),
        vae=_vae(latent_channels, sample_size),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=shift),
    )
    pipeline.save_pretrained(folder)
    return folder


def _tokenizer(more_token: str) -> Qwen2Tokenizer:
    """One token per byte: prompts of any script work, and lengths are easy to count."""
    alphabet = {symbol: number for number, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Qwen2Tokenizer(
        vocab=alphabet,
        merges=[],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>", *filter(None, [more_token])],
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _text_encoder(vocabulary: int, width: int, rope_theta: float) -> Qwen3Model:
    return Qwen3Model(
        Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=8,
            rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
        )
    )


def _transformer(caption_width: int, latent_channels: int) -> ZImageTransformer2DModel:
    return ZImageTransformer2DModel(
        in_channels=latent_channels,
        dim=48,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=3,
        n_kv_heads=3,
        cap_feat_dim=caption_width,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )


def _vae(latent_channels: int, sample_size: int) -> AutoencoderKL:
    widths = (8, 8, 16, 16)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "block_out_channels": widths,
    }
    return AutoencoderKL(
        **parts,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=sample_size,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
