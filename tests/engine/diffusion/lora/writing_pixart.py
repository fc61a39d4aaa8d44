"""LoRA files for a tiny PixArt transformer as the trainers write them, and what they should do."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from engine.diffusion.families import PIXART_ALPHA, Prompt
from engine.diffusion.lora.targets import Targets
from tests.engine.diffusion.lora.writing import Factors, Tensors, underscored
from tests.engine.diffusion.lora.writing_sdxl import difference
from tests.engine.diffusion.tiny_pixart import tiny_transformer as made

BLOCK = "transformer_blocks.0"
ORIGINALS = {
    "pos_embed.proj": "x_embedder.proj",
    "adaln_single.emb.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "adaln_single.emb.resolution_embedder.linear_1": "csize_embedder.mlp.0",
    "adaln_single.emb.aspect_ratio_embedder.linear_2": "ar_embedder.mlp.2",
    "adaln_single.linear": "t_block.1",
    "caption_projection.linear_1": "y_embedder.y_proj.fc1",
    "caption_projection.linear_2": "y_embedder.y_proj.fc2",
    f"{BLOCK}.attn1.to_q": "blocks.0.attn.qkv.0",
    f"{BLOCK}.attn1.to_k": "blocks.0.attn.qkv.1",
    f"{BLOCK}.attn1.to_v": "blocks.0.attn.qkv.2",
    f"{BLOCK}.attn1.to_out.0": "blocks.0.attn.proj",
    f"{BLOCK}.attn2.to_q": "blocks.0.cross_attn.q_linear",
    f"{BLOCK}.attn2.to_k": "blocks.0.cross_attn.kv_linear.0",
    f"{BLOCK}.attn2.to_v": "blocks.0.cross_attn.kv_linear.1",
    f"{BLOCK}.attn2.to_out.0": "blocks.0.cross_attn.proj",
    "transformer_blocks.1.ff.net.0.proj": "blocks.1.mlp.fc1",
    "transformer_blocks.1.ff.net.2": "blocks.1.mlp.fc2",
    "proj_out": "final_layer.linear",
}
"""One of every kind of layer, and what PixArt's authors call it; written by hand. OneTrainer writes
the numbers of the parts of one matrix, and the authors' own names have none."""
MODULES = tuple(ORIGINALS)


@functools.cache
def _original() -> nn.Module:
    torch.manual_seed(11)
    transformer = made(128, conditions=True)
    for name, parameter in transformer.named_parameters():
        if "linear" in name or "proj" in name:
            nn.init.normal_(parameter, std=0.3)
    return transformer.eval()


def tiny_transformer(dtype: torch.dtype = torch.float32) -> Any:
    """A transformer of the real class with random weights; a copy of the same at each call."""
    return nn.Module.to(copy.deepcopy(_original()), dtype)


@functools.cache
def tiny_targets() -> Targets:
    """The parts of `tiny_transformer`."""
    return Targets.of(_original())


@torch.no_grad()
def answer(transformer: Any) -> torch.Tensor:
    """What the transformer predicts for a fixed prompt and picture, through the family."""
    generator = torch.Generator().manual_seed(3)
    prompt = Prompt(torch.randn(7, 32, generator=generator).to(transformer.dtype))
    latents = torch.randn(1, 4, 8, 8, generator=generator)
    time = torch.tensor([400.0, 0.8, 1.25, -0.75, 0.6])
    return PIXART_ALPHA.velocity(transformer, prompt, latents, time, 1.0)


def low_rank(
    modules: tuple[str, ...] = MODULES, *, rank: int = 2, alpha: float | None = None, seed: int = 0
) -> Factors:
    """A LoRA; that of the first layer, a convolution, has factors with a kernel."""
    generator = torch.Generator().manual_seed(seed)
    found: Factors = {}
    for name in modules:
        shape = _original().get_submodule(name).get_parameter("weight").shape
        ends = [1] * (len(shape) - 2)
        found[name] = {
            "lora_A": torch.randn((rank, *shape[1:]), generator=generator) / 3,
            "lora_B": torch.randn((shape[0], rank, *ends), generator=generator) / 3,
        }
        if alpha is not None:
            found[name]["alpha"] = torch.tensor(alpha)
    return found


@torch.no_grad()
def merged(transformer: nn.Module, factors: Factors, weight: float = 1.0) -> Any:
    """A copy with the changes in its weights, computed in double precision."""
    changed = copy.deepcopy(transformer)
    for name, each in factors.items():
        parameter = changed.get_submodule(name).get_parameter("weight")
        flat = {role: one.flatten(1) if one.dim() > 2 else one for role, one in each.items()}
        delta = difference({role: one for role, one in flat.items() if role != "alpha"})
        scale = float(each["alpha"]) / len(each["lora_A"]) if "alpha" in each else 1.0
        more = weight * scale * delta.view(parameter.shape)
        parameter.copy_(parameter.double() + more)
    return changed


def fused(factors: Factors) -> Factors:
    """The authors' names, with what they have as one matrix as one LoRA of a higher rank."""
    found: Factors = {}
    together: dict[str, list[Tensors]] = {}
    for name, each in factors.items():
        stem, _, last = ORIGINALS[name].rpartition(".")
        if stem.endswith(("qkv", "kv_linear")) and last.isdigit():
            together.setdefault(stem, []).append(each)
        else:
            found[ORIGINALS[name]] = each
    for stem, several in together.items():
        found[stem] = {
            "lora_A": torch.cat([each["lora_A"] for each in several]),
            "lora_B": torch.block_diag(*(each["lora_B"] for each in several)),
        }
        if "alpha" in several[0]:
            found[stem]["alpha"] = several[0]["alpha"] * len(several)
    return found


_PEFT = {"lora_A": "lora_A.weight", "lora_B": "lora_B.weight"}
_KOHYA = {"lora_A": "lora_down.weight", "lora_B": "lora_up.weight"}


def _written(
    name: Callable[[str], str], suffixes: Mapping[str, str]
) -> Callable[[Factors], Tensors]:
    return lambda factors: {
        f"{name(module)}.{suffixes.get(role, role)}": tensor
        for module, each in factors.items()
        for role, tensor in each.items()
    }


_flat_unet = _written(lambda name: f"lora_unet_{underscored(name)}", _KOHYA)
_comfy = _written(lambda name: f"diffusion_model.{name}", _KOHYA)

DIALECTS: dict[str, Callable[[Factors], Tensors]] = {
    "PEFT, PixArt's script": _written(lambda name: f"base_model.model.{name}", _PEFT),
    "its script, as of old": _written(lambda name: f"unet.base_model.model.{name}", _PEFT),
    "diffusers, SimpleTuner": _written(lambda name: f"transformer.{name}", _PEFT),
    "LyCORIS": _written(lambda name: f"lycoris_{underscored(name)}", _KOHYA),
    "OneTrainer legacy": _written(lambda name: f"lora_transformer_{underscored(name)}", _KOHYA),
    "OneTrainer": _written(lambda name: f"transformer.{ORIGINALS[name]}", _KOHYA),
    "kohya": _flat_unet,
    "kohya, original": lambda factors: _flat_unet(fused(factors)),
    "ComfyUI": lambda factors: _comfy(fused(factors)),
    "bare": _written(lambda name: name, _PEFT),
}
"""What each trainer or converter writes for the same LoRA."""
