"""A tiny StableDiffusionXLPipeline of the real architecture with random weights, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.schedulers.scheduling_euler_ancestral_discrete import (
    EulerAncestralDiscreteScheduler,
)
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

BETAS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
"""As in SDXL's published configuration."""
SCHEDULERS: dict[str, Any] = {
    "ancestral": lambda: EulerAncestralDiscreteScheduler(**BETAS, timestep_spacing="trailing"),
    "euler": lambda: EulerDiscreteScheduler(**BETAS, timestep_spacing="trailing"),
    "leading": lambda: EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
    "lcm": lambda: LCMScheduler(**BETAS),
}


def build_tiny_sdxl(
    folder: Path, scheduler: str = "lcm", *, sample_size: int = 128, in_channels: int = 4
) -> Path:
    """Write a complete model folder of half a megabyte.

    scheduler: one of SCHEDULERS. sample_size: of the U-Net, in latents.
    """
    torch.manual_seed(11)
    first, second = tiny_tokenizers()
    encoder, encoder_2 = tiny_encoders(len(first))
    pipeline = StableDiffusionXLPipeline(
        tokenizer=first,
        tokenizer_2=second,
        text_encoder=encoder,
        text_encoder_2=encoder_2,
        unet=tiny_unet(sample_size, in_channels),
        vae=_vae(),
        scheduler=SCHEDULERS[scheduler](),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def tiny_tokenizers() -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """Both tokenizers, which differ in what they fill up with."""
    return _tokenizer("<|endoftext|>"), _tokenizer("!")


def _tokenizer(pad: str) -> CLIPTokenizer:
    """One token per byte; a letter at the end of a word is another one."""
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=[],
        bos_token="<|startoftext|>",
        eos_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        pad_token=pad,
        model_max_length=77,
    )


def tiny_encoders(vocabulary: int = 514) -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """Both text encoders, 16 and 24 values wide."""
    return (
        CLIPTextModel(_text_config(16, vocabulary)),
        CLIPTextModelWithProjection(_text_config(24, vocabulary)),
    )


def _text_config(width: int, vocabulary: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=32,
        projection_dim=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act="quick_gelu" if width == 16 else "gelu",
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
    )


def tiny_unet(sample_size: int = 128, in_channels: int = 4) -> UNet2DConditionModel:
    """A U-Net of two levels with one block of attention on each way through the second."""
    parts: dict[str, Any] = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (8, 16),
        "transformer_layers_per_block": (1, 1),
        "attention_head_dim": (1, 2),
    }
    return UNet2DConditionModel(
        **parts,
        sample_size=sample_size,
        in_channels=in_channels,
        out_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=40,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
    )


def _vae() -> AutoencoderKL:
    widths = (8, 8, 16, 16)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "block_out_channels": widths,
    }
    return AutoencoderKL(
        **parts,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=1024,
        scaling_factor=0.13025,
    )
