"""A tiny PixArt pipeline of the real architecture with random weights, for tests."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.pipelines.pixart_alpha.pipeline_pixart_alpha import PixArtAlphaPipeline
from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from transformers import T5Config, T5EncoderModel, T5Tokenizer

BETAS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
}
"""As in PixArt's published configuration."""
PIECES = [
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -2.0),
    *((letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz,.0123456789"),
    ("▁lake", -4.0),
    ("▁fo", -4.5),
]
"""A vocabulary as T5's file of pieces has it, with a word and a part of one."""
GAPS = 3
_WIDTH = 32


def build_tiny_pixart(
    folder: Path, kind: str = "alpha", *, sample_size: int = 128, consistent: bool = False
) -> Path:
    """Write a complete model folder of half a megabyte.

    kind: "alpha" or "sigma". sample_size: of its transformer, in latents. consistent: whether it
    has the scheduler of a latent consistency model.
    """
    torch.manual_seed(13)
    alpha = kind == "alpha"
    pipeline: Any = PixArtAlphaPipeline if alpha else PixArtSigmaPipeline
    scheduler: Any = LCMScheduler if consistent else DPMSolverMultistepScheduler
    tokenizer = tiny_tokenizer()
    pipeline(
        tokenizer=tokenizer,
        text_encoder=_text_encoder(len(tokenizer)),
        transformer=tiny_transformer(sample_size, alpha and sample_size == 128),
        vae=_vae(0.18215 if alpha else 0.13025),
        scheduler=scheduler(**BETAS),
    ).save_pretrained(folder)
    return folder


def tiny_tokenizer() -> T5Tokenizer:
    """One token for each letter, and two longer ones."""
    gaps = [(f"<extra_id_{number}>", 0.0) for number in range(GAPS - 1, -1, -1)]
    return T5Tokenizer(vocab=[*PIECES, *gaps], extra_ids=GAPS)


def pieces_file(
    pieces: list[tuple[str, float]] = PIECES, *, kind: int = 1, characters: bytes = b""
) -> bytes:
    """Return pieces as SentencePiece writes them.

    kind: 1 for a unigram model, as T5's is. characters: its table of replacements.
    """

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + _varint(len(data)) + data

    written = b"".join(
        field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18\x01")
        for text, score in pieces
    )
    trainer, normalizer = b"\x18" + _varint(kind), field(1, b"identity")
    normalizer += field(2, characters) if characters else b""
    return written + field(2, trainer) + field(3, normalizer)


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _text_encoder(vocabulary: int) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=_WIDTH,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,  # pyright: ignore[reportCallIssue]
        )
    )


def tiny_transformer(sample_size: int, conditions: bool) -> PixArtTransformer2DModel:
    """conditions: whether it reads the sizes of pictures."""
    return PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        cross_attention_dim=24,
        num_layers=2,
        sample_size=sample_size,
        use_additional_conditions=conditions,
        caption_channels=_WIDTH,
    )


def _vae(scaling_factor: float) -> AutoencoderKL:
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
        sample_size=256,
        scaling_factor=scaling_factor,
    )
