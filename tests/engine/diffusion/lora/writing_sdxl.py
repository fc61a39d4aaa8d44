"""LoRA files for a tiny SDXL model as the trainers write them, and what they should do to it.

Modules have the names of the parts that they adapt, so those of text encoders begin with their
component. Factors of convolutions have four sides, as trainers write them.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from engine.diffusion.clip import ClipPair
from engine.diffusion.lora.targets import Targets
from tests.engine.diffusion.lora.writing import Factors, Tensors, change, underscored
from tests.engine.diffusion.tiny_sdxl import tiny_encoders, tiny_unet

ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0"
UNET = (
    f"{ATTENTION}.attn1.to_q",
    f"{ATTENTION}.attn2.to_k",
    f"{ATTENTION}.attn2.to_out.0",
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
    "up_blocks.0.attentions.1.proj_in",
    "up_blocks.1.resnets.0.time_emb_proj",
)
CONVOLUTIONS = (
    "conv_in",
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.downsamplers.0.conv",
    "down_blocks.1.resnets.0.conv_shortcut",
    "mid_block.resnets.1.conv2",
    "up_blocks.0.upsamplers.0.conv",
)
"""With kernels of one and of nine, and with a stride."""
ENCODERS = (
    "text_encoder.encoder.layers.0.self_attn.q_proj",
    "text_encoder.encoder.layers.0.mlp.fc2",
    "text_encoder_2.encoder.layers.1.self_attn.out_proj",
    "text_encoder_2.encoder.layers.0.mlp.fc1",
    "text_encoder_2.text_projection",
)
ORIGINALS = {
    f"{ATTENTION}.attn1.to_q": "input_blocks.3.1.transformer_blocks.0.attn1.to_q",
    f"{ATTENTION}.attn2.to_k": "input_blocks.3.1.transformer_blocks.0.attn2.to_k",
    f"{ATTENTION}.attn2.to_out.0": "input_blocks.3.1.transformer_blocks.0.attn2.to_out.0",
    UNET[3]: "middle_block.1.transformer_blocks.0.ff.net.0.proj",
    UNET[4]: "output_blocks.1.1.proj_in",
    UNET[5]: "output_blocks.2.0.emb_layers.1",
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.resnets.0.conv1": "input_blocks.1.0.in_layers.2",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0.conv_shortcut": "input_blocks.3.0.skip_connection",
    "mid_block.resnets.1.conv2": "middle_block.2.out_layers.3",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
}
"""What Stability calls them in its own implementation, written by hand for this model."""


@functools.cache
def _original() -> tuple[nn.Module, ClipPair]:
    torch.manual_seed(11)
    return tiny_unet().eval(), ClipPair(*tiny_encoders(), zeros=True).eval()


def tiny_model(dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """U-Net and pair of encoders with random weights; a copy of the same at each call."""
    unet, encoders = copy.deepcopy(_original())
    return nn.Module.to(unet, dtype), nn.Module.to(encoders, dtype)


@functools.cache
def tiny_targets() -> Targets:
    """The parts of `tiny_model`."""
    return Targets.of(*_original())


@torch.no_grad()
def answer(unet: Any) -> torch.Tensor:
    """What the U-Net predicts for a fixed picture and prompt."""
    generator = torch.Generator().manual_seed(3)
    sample, context, pooled = (
        torch.randn(shape, generator=generator).to(unet.dtype)
        for shape in ((1, 4, 8, 8), (1, 7, 40), (1, 24))
    )
    sizes = torch.tensor([[64, 64, 0, 0, 64, 64]]).to(unet.dtype)
    conditions = {"text_embeds": pooled, "time_ids": sizes}
    found = unet(sample, 400, encoder_hidden_states=context, added_cond_kwargs=conditions)
    return found[0].float()


@torch.no_grad()
def read(encoders: Any) -> torch.Tensor:
    """What the encoders make of fixed tokens."""
    tokens = torch.tensor([[512, 40, 41, 42, 300, 513]])
    return encoders(tokens, tokens).float()


def module_of(unet: nn.Module, encoders: Any, name: str) -> nn.Module:
    """The module that a part's name means."""
    for prefix, encoder in (
        ("text_encoder.", encoders.first),
        ("text_encoder_2.", encoders.second),
    ):
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            found = dict(encoder.named_modules())
            return found[rest] if rest in found else found[f"text_model.{rest}"]
    return unet.get_submodule(name)


def low_rank(
    modules: tuple[str, ...],
    *,
    rank: int = 2,
    alpha: float | None = None,
    decomposed: str | None = None,
    seed: int = 0,
) -> Factors:
    """A LoRA, or a DoRA whose magnitudes belong to "rows" or "columns"."""

    def factors(rows: int, inside: tuple[int, ...], random: Callable[..., torch.Tensor]) -> Tensors:
        ones = [1] * len(inside[1:])
        return {"lora_A": random(rank, *inside), "lora_B": random(rows, rank, *ones)}

    return _made(modules, factors, alpha, decomposed, seed)


def hadamard(modules: tuple[str, ...], *, alpha: float | None = None, seed: int = 0) -> Factors:
    """A LoHa, whose factors of a convolution have the kernel among the columns."""

    def factors(rows: int, inside: tuple[int, ...], random: Callable[..., torch.Tensor]) -> Tensors:
        columns = torch.Size(inside).numel()
        return {
            f"hada_w{number}_{side}": random(*shape)
            for number in (1, 2)
            for side, shape in (("a", (rows, 3)), ("b", (3, columns)))
        }

    return _made(modules, factors, alpha, None, seed)


def kronecker(modules: tuple[str, ...], *, seed: int = 0) -> Factors:
    """A LoKr with whole factors; the second has the kernel of a convolution."""

    def factors(rows: int, inside: tuple[int, ...], random: Callable[..., torch.Tensor]) -> Tensors:
        second = (rows // 2, inside[0] // 2, *inside[1:])
        return {"lokr_w1": random(2, 2), "lokr_w2": random(*second)}

    return _made(modules, factors, None, None, seed)


def differences(modules: tuple[str, ...], *, seed: int = 0) -> Factors:
    """Full differences of layers, convolutions and norms, and of their biases."""
    generator = torch.Generator().manual_seed(seed)
    found: Factors = {}
    for name in modules:
        module = module_of(*_original(), name)
        for parameter, role in (("weight", "diff"), ("bias", "diff_b")):
            own = getattr(module, parameter, None)
            if own is not None:
                found.setdefault(name, {})[role] = torch.randn(own.shape, generator=generator) / 8
    return found


def tucker(
    modules: tuple[str, ...],
    method: str,
    *,
    split: bool = False,
    alpha: float | None = None,
    decomposed: str | None = None,
    seed: int = 0,
) -> Factors:
    """A LoRA, LoHa or LoKr with the kernels of convolutions in factors; others are as ever.

    split: the first factor of a LoKr is a product too.
    """
    rank = 3

    def factors(rows: int, inside: tuple[int, ...], random: Callable[..., torch.Tensor]) -> Tensors:
        channels, *kernel = inside
        core = any(each > 1 for each in kernel)
        if method == "LoRA":
            ones = [1] * len(kernel)
            down = random(rank, channels, *(ones if core else kernel))
            made = {"lora_A": down, "lora_B": random(rows, rank, *ones)}
            return made | ({"lora_mid": random(rank, rank, *kernel)} if core else {})
        if method == "LoHa":
            numbers, names = (1, 2), ("hada_w{}_a", "hada_w{}_b", "hada_t{}")
        else:
            numbers, names = (2,), ("lokr_w{}_a", "lokr_w{}_b", "lokr_t{}")
            rows, channels = rows // 2, channels // 2
        made: Tensors = {}
        for left, right, middle in ([each.format(number) for each in names] for number in numbers):
            made[left] = random(rank, rows) if core else random(rows, rank)
            made[right] = random(rank, channels)
            if core:
                made[middle] = random(rank, rank, *kernel)
        if method == "LoKr":
            pair = {"lokr_w1_a": random(2, rank), "lokr_w1_b": random(rank, 2)}
            made |= pair if split else {"lokr_w1": random(2, 2)}
        return made

    return _made(modules, factors, alpha, decomposed, seed)


def difference(factors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The change of a layer's weights, outputs × inputs, computed in double precision."""
    own = {role: each.double() for role, each in factors.items()}
    scale = float(own["alpha"]) / 3 if "alpha" in own else 1.0

    def kernel(core: str, left: str, right: str) -> torch.Tensor:
        return torch.einsum("mnhw,mo,ni->oihw", own[core], own[left], own[right])

    if "lora_mid" in own:
        own["left"], own["right"] = own["lora_B"][..., 0, 0].T, own["lora_A"][..., 0, 0]
        return scale * kernel("lora_mid", "left", "right").flatten(1)
    if "hada_t1" in own:
        first = kernel("hada_t1", "hada_w1_a", "hada_w1_b")
        return scale * (first * kernel("hada_t2", "hada_w2_a", "hada_w2_b")).flatten(1)
    if "lokr_t2" in own:
        second = kernel("lokr_t2", "lokr_w2_a", "lokr_w2_b")
        first = own["lokr_w1"] if "lokr_w1" in own else own["lokr_w1_a"] @ own["lokr_w1_b"]
        blocks = torch.einsum("ab,oihw->aobihw", first, second)
        return scale * blocks.flatten(0, 1).flatten(1)
    flat = {role: each.flatten(1) if each.dim() > 2 else each for role, each in factors.items()}
    delta = change(flat)
    assert delta is not None
    return delta


def _made(
    modules: tuple[str, ...],
    factors: Callable[[int, tuple[int, ...], Callable[..., torch.Tensor]], Tensors],
    alpha: float | None,
    decomposed: str | None,
    seed: int,
) -> Factors:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / 3

    found: Factors = {}
    for name in modules:
        weight = module_of(*_original(), name).get_parameter("weight").detach()
        found[name] = factors(weight.shape[0], tuple(weight.shape[1:]), random)
        if alpha is not None:
            found[name]["alpha"] = torch.tensor(alpha)
        if decomposed is not None:
            # As LyCORIS: one magnitude for each row, or for each channel of the input.
            own = weight if decomposed == "rows" else weight.transpose(0, 1)
            norms = own.flatten(1).norm(dim=1).view(-1, *[1] * (weight.dim() - 1))
            norms = norms * (0.7 + 0.6 * torch.rand(norms.shape, generator=generator))
            found[name]["dora_scale"] = norms if decomposed == "rows" else norms.transpose(0, 1)
    return found


@torch.no_grad()
def merged(unet: Any, encoders: Any, factors: Factors, weight: float = 1.0) -> tuple[Any, Any]:
    """Copies with the changes in their weights, computed in double precision."""
    pair = copy.deepcopy(unet), copy.deepcopy(encoders)
    for name, each in factors.items():
        module = module_of(*pair, name)
        parameter = module.get_parameter("weight")
        own = parameter.double().flatten(1) if parameter.dim() > 1 else parameter.double()
        changed = own + difference(each)
        if "dora_scale" in each:
            magnitude, axes = each["dora_scale"].double(), (1, 2, 3)[: parameter.dim() - 1]
            axes = axes if magnitude.shape[1] == 1 else (0, *axes[1:])
            whole = changed.view(parameter.shape)
            changed = magnitude * whole / whole.square().sum(dim=axes, keepdim=True).sqrt()
            changed = changed.flatten(1)
        parameter.copy_((own + weight * (changed - own)).view(parameter.shape))
        if "diff_b" in each:
            bias = module.get_parameter("bias")
            bias.copy_(bias.double() + weight * each["diff_b"].double())
    return pair


# How it is written


def _trainer(name: str) -> str:
    """The name of a module with the text model that trainers' versions of the class have."""
    for component in ("text_encoder", "text_encoder_2"):
        if name.startswith(f"{component}.") and not name.endswith("text_projection"):
            return f"{component}.text_model." + name.removeprefix(f"{component}.")
    return name


def _kohya(name: str, rename: Mapping[str, str]) -> str:
    name = underscored(_trainer(rename.get(name, name)))
    for component, prefix in (("text_encoder_2_", "lora_te2_"), ("text_encoder_", "lora_te1_")):
        if name.startswith(component):
            return prefix + name.removeprefix(component)
    return f"lora_unet_{name}"


def _dotted(name: str) -> str:
    return name if name.startswith("text_encoder") else f"unet.{name}"


def _processor(name: str) -> str:
    for found, old in (("to_out.0", "to_out"), ("to_q", "to_q"), ("to_k", "to_k")):
        if name.endswith(f".{found}") and ".attn" in name:
            return f"unet.{name.removesuffix(found)}processor.{old}_lora"
    raise ValueError(f"processors have no {name}")


_KOHYA = {
    "lora_A": "lora_down.weight",
    "lora_B": "lora_up.weight",
    "lora_mid": "lora_mid.weight",
}
_PEFT = {"lora_A": "lora_A.weight", "lora_B": "lora_B.weight"}
_OLD = {"lora_A": "down.weight", "lora_B": "up.weight"}


def _written(
    name: Callable[[str], str], suffixes: Mapping[str, str]
) -> Callable[[Factors], Tensors]:
    return lambda factors: {
        f"{name(module)}.{suffixes.get(role, role)}": tensor
        for module, each in factors.items()
        for role, tensor in each.items()
    }


DIALECTS: dict[str, Callable[[Factors], Tensors]] = {
    "kohya": _written(lambda name: _kohya(name, {}), _KOHYA),
    "kohya, original": _written(lambda name: _kohya(name, ORIGINALS), _KOHYA),
    "PEFT, diffusers": _written(lambda name: _dotted(_trainer(name)), _PEFT),
    "PEFT of today's classes": _written(lambda name: f"base_model.model.{_dotted(name)}", _PEFT),
    "diffusers with alpha": _written(
        lambda name: _dotted(_trainer(name)), {role: f"lora.{end}" for role, end in _OLD.items()}
    ),
    "linear layers of diffusers": _written(
        lambda name: _dotted(_trainer(name)),
        {role: f"lora_linear_layer.{end}" for role, end in _OLD.items()},
    ),
    "ComfyUI": _written(
        lambda name: (
            _dotted(_trainer(name))
            if name.startswith("text")
            else f"diffusion_model.{ORIGINALS.get(name, name)}"
        ),
        _PEFT,
    ),
}
"""What each trainer or converter writes for the same LoRA."""
PROCESSORS = _written(_processor, _OLD)
"""What diffusers wrote first, for attention only."""
