"""A model of Z-Image's architecture with random weights, made in seconds and without a file.

`python -m engine.diffusion.benchmarks.random_model FOLDER` writes it in full size as a model's
folder of 20 GB, to try loading and painting with; it needs 13 GB of free memory.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from accelerate import init_empty_weights
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

from engine.diffusion.families.z_image import QWEN3_CHAT

_HOST: Final = torch.device("cpu")
_POOL: Final = 2**24 + 43
"""Random numbers that all weights are made of; odd, so that no two layers are alike."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Three components by the arguments of their classes; other arguments keep their defaults."""

    name: str
    transformer: Mapping[str, Any]
    encoder: Mapping[str, Any]
    vae_widths: tuple[int, ...]
    vae_layers: int
    vae_groups: int


FULL: Final = Architecture(
    name="full-size",
    transformer={"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "n_heads": 30}
    | {"n_kv_heads": 30, "cap_feat_dim": 2560, "axes_dims": [32, 48, 48]}
    | {"axes_lens": [1536, 512, 512]},
    encoder={"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
    | {"vocab_size": 151_936, "max_position_embeddings": 40_960}
    | {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}},
    vae_widths=(128, 256, 512, 512),
    vae_layers=2,
    vae_groups=32,
)
"""Z-Image-Turbo: 6.2 + 4.0 + 0.1 billion weights."""

TINY: Final = Architecture(
    name="tiny",
    transformer={"dim": 48, "n_layers": 4, "n_refiner_layers": 1, "n_heads": 3, "n_kv_heads": 3}
    | {"cap_feat_dim": 24, "axes_dims": [4, 6, 6], "axes_lens": [1024, 64, 64]},
    encoder={"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 3}
    | {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 512}
    | {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}},
    vae_widths=(8, 8, 16, 16),
    vae_layers=1,
    vae_groups=4,
)
"""The same architecture, small, for machines without a GPU."""


def build(
    architecture: Architecture, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> ZImagePipeline:
    """Build a pipeline that paints finite but meaningless pictures; a seed determines its bits.

    The weights are written directly in their final place and type, so they are in memory once. On
    the meta device they have sizes only.
    """
    names = ("transformer", "text_encoder", "vae")
    parts: dict[str, Any] = {
        name: component(architecture, name, dtype, device, seed) for name in names
    }
    return ZImagePipeline(
        tokenizer=byte_tokenizer(QWEN3_CHAT.template),  # pyright: ignore[reportArgumentType]
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
        **parts,
    )


def component(
    architecture: Architecture, name: str, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> nn.Module:
    """Build one component of that pipeline, with the same bits."""
    with init_empty_weights(include_buffers=False):
        if name == "transformer":
            made: nn.Module = ZImageTransformer2DModel(**architecture.transformer)
        elif name == "text_encoder":
            made = Qwen3Model(Qwen3Config(**architecture.encoder))
        else:
            made = _vae(architecture)
    numbers = None if device.type == "meta" else _Numbers(dtype, device, seed)
    _fill(made.eval(), dtype, device, numbers)
    return made


def write_folder(architecture: Architecture, folder: Path) -> None:
    """Write the pipeline in bfloat16 as a folder that loads like a downloaded model.

    One component is in memory at a time.
    """
    build(architecture, torch.bfloat16, torch.device("meta")).save_config(folder)
    byte_tokenizer(QWEN3_CHAT.template).save_pretrained(folder / "tokenizer")
    FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0).save_pretrained(
        folder / "scheduler"
    )
    for name in ("transformer", "text_encoder", "vae"):
        made: Any = component(architecture, name, torch.bfloat16, _HOST)
        made.save_pretrained(folder / name)


def byte_tokenizer(chat_template: str) -> Qwen2Tokenizer:
    """Return a tokenizer with a token per byte: prompts of any script work, lengths are plain."""
    alphabet = {symbol: number for number, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Qwen2Tokenizer(
        vocab=alphabet,
        merges=[],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>"],
    )
    tokenizer.chat_template = chat_template
    return tokenizer


def _vae(architecture: Architecture) -> AutoencoderKL:
    blocks = len(architecture.vae_widths)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * blocks,
        "up_block_types": ("UpDecoderBlock2D",) * blocks,
        "block_out_channels": architecture.vae_widths,
    }
    return AutoencoderKL(
        **parts,
        layers_per_block=architecture.vae_layers,
        norm_num_groups=architecture.vae_groups,
        latent_channels=16,
        sample_size=1024,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


class _Numbers:
    """Normally distributed numbers in any amount, as fast as memory can be written."""

    def __init__(self, dtype: torch.dtype, device: torch.device, seed: int) -> None:
        self._pool = _drawn(dtype, device, seed)
        self._offset = 0

    def write(self, target: torch.Tensor, deviation: float) -> None:
        """Fill a contiguous tensor; the next call continues where this one stopped."""
        flat, done = target.view(-1), 0
        while done < flat.numel():
            count = min(flat.numel() - done, _POOL - self._offset)
            numbers = self._pool[self._offset : self._offset + count]
            torch.mul(numbers, deviation, out=flat[done : done + count])
            self._offset = (self._offset + count) % _POOL
            done += count


@functools.lru_cache(maxsize=1)
def _drawn(dtype: torch.dtype, device: torch.device, seed: int) -> torch.Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(_POOL, generator=generator).to(device, dtype)


def _fill(
    module: nn.Module, dtype: torch.dtype, device: torch.device, numbers: _Numbers | None
) -> None:
    """Allocate parameters that have no memory.

    Matrices preserve the scale of their input, norms are one and biases zero, so that nothing grows
    out of range.
    """
    for part in module.modules():
        for name, empty in part._parameters.items():
            if empty is None:
                continue
            made = torch.empty(empty.shape, dtype=dtype, device=device)
            if numbers is not None and made.ndim > 1:
                numbers.write(made, (made.numel() // len(made)) ** -0.5)
            elif numbers is not None:
                made.fill_(0.0 if "bias" in name else 1.0)
            part._parameters[name] = nn.Parameter(made, requires_grad=False)


def main() -> None:
    """Write the folder that the command line names, and print its path as JSON."""
    parser = argparse.ArgumentParser(description="Write Z-Image with random weights.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true", help="the same architecture, small")
    chosen = parser.parse_args()
    write_folder(TINY if chosen.tiny else FULL, chosen.folder)
    print(json.dumps({"folder": str(chosen.folder)}))


if __name__ == "__main__":
    main()
