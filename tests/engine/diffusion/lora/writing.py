"""LoRA files as the trainers write them, for a tiny transformer, and what they should do to it.

A LoRA is made as canonical factors, {module in diffusers' names: {role: tensor}}; a dialect turns
them into the tensors of a file. What it should do is computed from the canonical factors alone.
"""

from __future__ import annotations

import copy
import functools
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from safetensors.torch import save_file
from torch import nn

from engine.diffusion.families import SKETCH_FAMILY, Prompt
from engine.diffusion.lora.targets import Targets

Factors = dict[str, dict[str, torch.Tensor]]
Tensors = dict[str, torch.Tensor]

WIDTH = 48
MODULES = (
    "layers.0.attention.to_q",
    "layers.0.attention.to_k",
    "layers.0.attention.to_v",
    "layers.0.attention.to_out.0",
    "layers.1.feed_forward.w1",
    "layers.1.feed_forward.w2",
    "layers.1.adaLN_modulation.0",
    "noise_refiner.0.attention.to_v",
    "context_refiner.0.feed_forward.w3",
)
"""One of every kind of block."""
BEYOND = (
    "all_x_embedder.2-1",
    "all_final_layer.2-1.linear",
    "all_final_layer.2-1.adaLN_modulation.1",
    "cap_embedder.1",
    "t_embedder.mlp.2",
)


def tiny_transformer(dtype: torch.dtype = torch.float32) -> nn.Module:
    """A transformer of the real class with random weights; a copy of the same at each call."""
    return nn.Module.to(copy.deepcopy(_original()), dtype)


@functools.cache
def _original() -> nn.Module:
    torch.manual_seed(11)
    made: Any = ZImageTransformer2DModel(
        in_channels=16,
        dim=WIDTH,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=3,
        n_kv_heads=3,
        cap_feat_dim=24,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    for name, parameter in made.named_parameters():
        if "norm" in name or "pad_token" in name:
            nn.init.normal_(parameter, mean=1.0, std=0.2)
    return made.eval()


@functools.cache
def tiny_targets() -> Targets:
    """The parts of `tiny_transformer`."""
    return Targets.of(tiny_transformer())


@torch.no_grad()
def answer(transformer: nn.Module, seed: int = 3) -> torch.Tensor:
    """What the transformer predicts for a fixed prompt and picture, through the family."""
    generator = torch.Generator().manual_seed(seed)
    dtype = next(transformer.parameters()).dtype
    dtype = dtype if dtype.is_floating_point and dtype.itemsize > 1 else torch.float32
    prompt = Prompt(torch.randn(7, 24, generator=generator).to(dtype))
    latents = torch.randn(1, 16, 8, 8, generator=generator)
    time = torch.tensor([0.4])
    return SKETCH_FAMILY.velocity(transformer, prompt, latents, time, 1.0)


def sizes(transformer: nn.Module, module: str) -> tuple[int, int]:
    """Outputs and inputs of a linear layer."""
    layer = transformer.get_submodule(module)
    assert isinstance(layer, nn.Linear)
    return layer.out_features, layer.in_features


def low_rank(
    modules: tuple[str, ...] = MODULES,
    *,
    rank: int | Callable[[int], int] = 4,
    alpha: float | None = None,
    dtype: torch.dtype = torch.float32,
    decomposed: str | None = None,
    seed: int = 0,
) -> Factors:
    """A LoRA, or a DoRA whose magnitudes belong to "rows" or "columns"."""
    transformer = tiny_transformer()
    generator = torch.Generator().manual_seed(seed)
    found: Factors = {}
    for number, module in enumerate(modules):
        rows, inputs = sizes(transformer, module)
        own = rank if isinstance(rank, int) else rank(number)
        factors = {
            "lora_A": torch.randn(own, inputs, generator=generator) / 4,
            "lora_B": torch.randn(rows, own, generator=generator) / 4,
        }
        found[module] = _finished(transformer, module, factors, alpha, decomposed, generator)
    return _cast(found, dtype)


def kronecker(
    modules: tuple[str, ...] = MODULES,
    *,
    kind: str = "whole",
    alpha: float | None = None,
    decomposed: str | None = None,
    seed: int = 0,
) -> Factors:
    """A LoKr. kind: "whole", or which factors are products: "second", "first" or "both"."""
    transformer = tiny_transformer()
    generator = torch.Generator().manual_seed(seed)
    found: Factors = {}
    for module in modules:
        rows, inputs = sizes(transformer, module)
        high, wide = 4, 2
        factors: Tensors = {}
        for name, (tall, long), rank, split in (
            ("lokr_w1", (high, wide), 2, kind in ("first", "both")),
            ("lokr_w2", (rows // high, inputs // wide), 3, kind in ("second", "both")),
        ):
            if split:
                factors[f"{name}_a"] = torch.randn(tall, rank, generator=generator) / 3
                factors[f"{name}_b"] = torch.randn(rank, long, generator=generator) / 3
            else:
                factors[name] = torch.randn(tall, long, generator=generator) / 4
        found[module] = _finished(transformer, module, factors, alpha, decomposed, generator)
    return found


def hadamard(
    modules: tuple[str, ...] = MODULES,
    *,
    rank: int = 3,
    alpha: float | None = None,
    decomposed: str | None = None,
    seed: int = 0,
) -> Factors:
    """A LoHa."""
    transformer = tiny_transformer()
    generator = torch.Generator().manual_seed(seed)
    found: Factors = {}
    for module in modules:
        rows, inputs = sizes(transformer, module)
        factors: Tensors = {}
        for name in ("hada_w1", "hada_w2"):
            factors[f"{name}_a"] = torch.randn(rows, rank, generator=generator) / 3
            factors[f"{name}_b"] = torch.randn(rank, inputs, generator=generator) / 3
        found[module] = _finished(transformer, module, factors, alpha, decomposed, generator)
    return found


def differences(modules: tuple[str, ...] = MODULES, *, seed: int = 0) -> Factors:
    """Full differences of layers, of their biases where they have one, and of norms."""
    transformer = tiny_transformer()
    generator = torch.Generator().manual_seed(seed)
    norms = ("layers.0.attention_norm1", "layers.1.attention.norm_q", "cap_embedder.0")
    found: Factors = {}
    for module in (*modules, *norms):
        layer = transformer.get_submodule(module)
        weight = layer.get_parameter("weight")
        found[module] = {"diff": torch.randn(weight.shape, generator=generator) / 8}
        if getattr(layer, "bias", None) is not None:
            bias = layer.get_parameter("bias")
            found[module]["diff_b"] = torch.randn(bias.shape, generator=generator) / 8
    return found


def _finished(
    transformer: nn.Module,
    module: str,
    factors: Tensors,
    alpha: float | None,
    decomposed: str | None,
    generator: torch.Generator,
) -> Tensors:
    if alpha is not None:
        factors["alpha"] = torch.tensor(alpha)
    if decomposed is not None:
        weight = transformer.get_submodule(module).get_parameter("weight")
        axis = 1 if decomposed == "rows" else 0
        norms = weight.detach().norm(dim=axis, keepdim=True)
        noise = torch.rand(norms.shape, generator=generator)
        factors["dora_scale"] = norms * (0.7 + 0.6 * noise)
    return factors


def _cast(factors: Factors, dtype: torch.dtype) -> Factors:
    return {
        module: {role: tensor.to(dtype) for role, tensor in each.items()}
        for module, each in factors.items()
    }


# What a LoRA should do


def change(factors: Mapping[str, torch.Tensor], scale: float | None = None) -> torch.Tensor | None:
    """The change of the weights, by the definition of the method; None if only a bias changes."""
    own = {role: tensor.double() for role, tensor in factors.items()}
    alpha = float(own["alpha"]) if "alpha" in own else None
    if "lora_A" in own:
        made, rank = own["lora_B"] @ own["lora_A"], len(own["lora_A"])
    elif "hada_w1_a" in own:
        made = (own["hada_w1_a"] @ own["hada_w1_b"]) * (own["hada_w2_a"] @ own["hada_w2_b"])
        rank = len(own["hada_w1_b"])
    elif "diff" in own:
        return own["diff"]
    elif "lokr_w1" in own or "lokr_w1_a" in own:
        one = own["lokr_w1"] if "lokr_w1" in own else own["lokr_w1_a"] @ own["lokr_w1_b"]
        two = own["lokr_w2"] if "lokr_w2" in own else own["lokr_w2_a"] @ own["lokr_w2_b"]
        made = torch.kron(one, two)
        split = own.get("lokr_w2_b", own.get("lokr_w1_b"))
        rank = None if split is None else len(split)
    else:
        return None
    if scale is None:
        scale = 1.0 if alpha is None or rank is None else alpha / rank
    return made * scale


@torch.no_grad()
def merged(
    transformer: nn.Module,
    *loras: tuple[Factors, float],
    scale: float | None = None,
) -> nn.Module:
    """A copy with the changes in its weights, in double precision and rounded once.

    loras: with their weights. Each changes the weights as they are in `transformer`.
    """
    made = copy.deepcopy(transformer)
    for module in {name for factors, _ in loras for name in factors}:
        layer, own = made.get_submodule(module), transformer.get_submodule(module)
        weight = own.get_parameter("weight").double()
        total, bias = torch.zeros_like(weight), None
        for factors, strength in loras:
            each = factors.get(module)
            if each is None:
                continue
            delta = change(each, scale)
            if delta is not None:
                changed = weight + delta
                if "dora_scale" in each:
                    magnitude = each["dora_scale"].double()
                    axis = 0 if magnitude.shape[0] == 1 else 1
                    changed = magnitude * changed / changed.norm(dim=axis, keepdim=True)
                total += strength * (changed - weight)
            if "diff_b" in each:
                more = strength * each["diff_b"].double()
                bias = more if bias is None else bias + more
        parameter = layer.get_parameter("weight")
        parameter.copy_(weight + total)
        if bias is not None:
            own_bias = layer.get_parameter("bias")
            own_bias.copy_(own_bias.double() + bias)
    return made


# How it is written


def underscored(name: str) -> str:
    return name.replace(".", "_")


def original(name: str) -> str:
    """The name of a module in the original implementation and in ComfyUI, but for fused ones."""
    for here, there in (
        ("attention.to_out.0", "attention.out"),
        ("attention.norm_q", "attention.q_norm"),
        ("attention.norm_k", "attention.k_norm"),
        ("all_x_embedder.2-1", "x_embedder"),
        ("all_final_layer.2-1.", "final_layer."),
    ):
        name = name.replace(here, there)
    return name


def fused(factors: Factors) -> Factors:
    """Queries, keys and values as one LoRA of the triple rank, block by block, as converters do.

    Block-diagonal B under stacked A; alpha triples with the rank.
    """
    found: Factors = {}
    for module, each in factors.items():
        stem, _, last = module.rpartition(".")
        if last in ("to_k", "to_v") and f"{stem}.to_q" in factors:
            continue
        if last != "to_q" or f"{stem}.to_k" not in factors:
            found[module] = each
            continue
        three = [factors[f"{stem}.{name}"] for name in ("to_q", "to_k", "to_v")]
        if "lora_A" in each:
            down = torch.cat([one["lora_A"] for one in three])
            made = {"lora_A": down, "lora_B": torch.block_diag(*(one["lora_B"] for one in three))}
        else:
            made = {
                "hada_w1_a": torch.block_diag(*(one["hada_w1_a"] for one in three)),
                "hada_w1_b": torch.cat([one["hada_w1_b"] for one in three]),
                "hada_w2_a": torch.block_diag(*(one["hada_w2_a"] for one in three)),
                "hada_w2_b": torch.cat([one["hada_w2_b"] for one in three]),
            }
        if "alpha" in each:
            made["alpha"] = each["alpha"] * 3
        if "dora_scale" in each:
            made["dora_scale"] = torch.cat([one["dora_scale"] for one in three])
        found[f"{stem}.qkv"] = made
    return found


_PEFT = {"lora_A": "lora_A.weight", "lora_B": "lora_B.weight"}
_KOHYA = {"lora_A": "lora_down.weight", "lora_B": "lora_up.weight"}
_OLD = {"lora_A": "lora.down.weight", "lora_B": "lora.up.weight"}
_DEFAULT = {"lora_A": "lora_A.default.weight", "lora_B": "lora_B.default.weight"}


def _in(
    prefix: str, suffixes: Mapping[str, str], rename: Callable[[str], str] = lambda name: name
) -> Callable[[Factors], Tensors]:
    def write(factors: Factors) -> Tensors:
        return {
            f"{prefix}{rename(module)}.{suffixes.get(role, role)}": tensor
            for module, each in factors.items()
            for role, tensor in each.items()
        }

    return write


DIALECTS: dict[str, Callable[[Factors], Tensors]] = {
    "ai-toolkit": _in("diffusion_model.", _PEFT),
    "kohya, musubi": _in("lora_unet_", _KOHYA, underscored),
    "musubi for ComfyUI": lambda factors: _in(
        "lora_unet_", _KOHYA, lambda name: underscored(original(name))
    )(fused(factors)),
    "diffusion-pipe": lambda factors: _in("diffusion_model.", _PEFT, original)(fused(factors)),
    "OneTrainer legacy": _in("transformer.", _KOHYA),
    "OneTrainer diffusers": _in("transformer.", _PEFT),
    "OneTrainer kohya": _in("lora_transformer_", _KOHYA, underscored),
    "OneTrainer ComfyUI": lambda factors: _in("diffusion_model.", _KOHYA, original)(fused(factors)),
    "SimpleTuner": _in("transformer.", {**_PEFT, "dora_scale": "lora_magnitude_vector"}),
    "PEFT": _in("base_model.model.", {**_PEFT, "dora_scale": "lora_magnitude_vector"}),
    "PEFT of a pipeline": _in("base_model.model.transformer.", _PEFT),
    "DiffSynth, ModelScope": _in("", _DEFAULT),
    "DiffSynth pipeline": _in("pipe.dit.", _DEFAULT),
    "LyCORIS": _in("lycoris_", _KOHYA, underscored),
    "ComfyUI checkpoint": _in("model.diffusion_model.", _KOHYA),
    "early diffusers": _in("transformer.", _OLD),
    "bare": _in("", _KOHYA),
    "compiled while training": _in("transformer._orig_mod.", _PEFT),
}
"""What each trainer or converter writes for the same LoRA."""


def save(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> Path:
    """Write a file as the trainers do."""
    path.parent.mkdir(exist_ok=True, parents=True)
    ready = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(ready, path, metadata=metadata)
    return path


def raw_file(header: object, data: bytes) -> bytes:
    """The bytes of a file with any header, also one that no writer would write."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data
