"""LoRA files for the built-in demo model, and for Z-Image as it is published."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.diffusion.families import SKETCH
from engine.diffusion.lora.configured import targets_of
from engine.settings import EngineSettings


def write_lora(folder: Path, name: str, sidecar: str = "", *, seed: int = 1) -> Path:
    """Write a LoRA that changes every attention of the demo model, and what is said about it."""
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for part in targets_of(EngineSettings(model=SKETCH)).parts.values():
        if ".attention.to_" in part.name:
            key = f"diffusion_model.{part.name}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(4, part.inputs, generator=generator) / 2
            tensors[f"{key}.lora_B.weight"] = torch.randn(part.outputs, 4, generator=generator) / 2
    return _written(folder / f"{name}.safetensors", tensors, sidecar)


def write_large_lora(folder: Path, name: str, sidecar: str = "") -> Path:
    """Write a LoRA of rank 1 on one matrix of Z-Image, which does not fit the demo model."""
    folder.mkdir(exist_ok=True)
    module = "lora_unet_layers_0_attention_to_q"
    tensors = {
        f"{module}.lora_down.weight": torch.zeros(1, 3840),
        f"{module}.lora_up.weight": torch.zeros(3840, 1),
        f"{module}.alpha": torch.ones(()),
    }
    return _written(folder / f"{name}.safetensors", tensors, sidecar)


def _written(file: Path, tensors: dict[str, torch.Tensor], sidecar: str) -> Path:
    save_file(tensors, file)
    if sidecar:
        file.with_suffix(".toml").write_text(sidecar, encoding="utf-8")
    return file
