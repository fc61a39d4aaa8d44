"""LyCORIS' methods on weights in every form and at every place: right, and gone to the bit.

Those that multiply a layer's own weights, and those with kernels in factors, decomposed too. The
U-Net has both kinds of layers that they adapt.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from diffusers.hooks.layerwise_casting import apply_layerwise_casting
from diffusers.quantizers.gguf.utils import GGUFLinear, GGUFParameter
from torch import nn

from engine.diffusion.footprint import Weights
from engine.diffusion.lora.adapters import Adapters, exact_weight
from engine.diffusion.quantized import is_quantized, quantize
from tests.engine.diffusion.lora import test_multipliers, writing_sdxl
from tests.engine.diffusion.lora.test_adapters import PLACES, is_untouched, near, state
from tests.engine.diffusion.lora.test_sdxl import shelf_of
from tests.engine.diffusion.lora.writing import Factors, save
from tests.engine.diffusion.lora.writing_sdxl import DIALECTS, answer, tucker

CPU = torch.device("cpu")
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied."""
LONG = f"{writing_sdxl.ATTENTION}.ff.net.2"
"""A layer whose rows are whole blocks of GGUF."""
LAYERS = (*writing_sdxl.CONVOLUTIONS[1:4], *writing_sdxl.UNET[1:3], LONG)

Method = Callable[[Any], tuple[Factors, Factors]]
"""Returns, for a model, the factors of a file, and what they make of its weights."""


def multiplied(method: str) -> Method:
    def made(unet: Any) -> tuple[Factors, Factors]:
        factors: Factors = {}
        wanted: Factors = {}
        for name in LAYERS:
            weight = unet.get_submodule(name).weight.detach().double()
            factors[name], changed = test_multipliers.METHODS[method](weight)
            wanted[name] = {"diff": changed - weight}
        return factors, wanted

    return made


def factored(method: str, **options: Any) -> Method:
    def made(_unet: Any) -> tuple[Factors, Factors]:
        factors = tucker(LAYERS, method, alpha=1.5, **options)
        return factors, factors

    return made


METHODS: dict[str, Method] = {
    "IA3 of outputs": multiplied("IA3 of outputs"),
    "IA3 of inputs": multiplied("IA3 of inputs"),
    "OFT": multiplied("OFT, stretched"),
    "BOFT": multiplied("BOFT, stretched"),
    "GLoRA": multiplied("GLoRA"),
    "LoRA": factored("LoRA"),
    "LoHa": factored("LoHa"),
    "LoKr": factored("LoKr", split=True),
    "DoRA by rows": factored("LoRA", decomposed="rows"),
    "DoRA by columns": factored("LoRA", decomposed="columns"),
}


def cast_by_layer(unet: nn.Module) -> None:
    apply_layerwise_casting(
        unet,
        storage_dtype=torch.float8_e4m3fn,
        compute_dtype=torch.float32,
        skip_modules_pattern=("embed", "norm"),
    )


def as_gguf(unet: nn.Module) -> None:
    """Put layers in GGUF's blocks, as diffusers loads them from such a file."""
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, own in list(unet.named_modules()):
        if type(own) is not nn.Linear or own.in_features % 32 or "transformer_blocks" not in name:
            continue
        blocks = gguf.quantize(own.weight.detach().numpy(), kind)
        layer = GGUFLinear(own.in_features, own.out_features, own.bias is not None, torch.float32)
        make: Any = GGUFParameter
        layer.weight = make(torch.from_numpy(blocks), quant_type=kind)
        layer.bias = own.bias
        parent, _, child = name.rpartition(".")
        setattr(unet.get_submodule(parent), child, layer)
    assert type(unet.get_submodule(LONG)) is GGUFLinear


FORMS: dict[str, Callable[[Any], object]] = {
    "int8": lambda unet: quantize(unet, Weights.INT8, CPU),
    "fp8": lambda unet: quantize(unet, Weights.FP8, CPU),
    "fp8, cast by layer": cast_by_layer,
    "GGUF": as_gguf,
}


@functools.cache
def _formed(form: str) -> tuple[Any, Any]:
    unet, _ = writing_sdxl.tiny_model()
    FORMS[form](unet)
    return unet, plain(unet)


@torch.no_grad()
def plain(unet: nn.Module) -> Any:
    """An exact model of the weights that another one computes with."""
    made, _ = writing_sdxl.tiny_model()
    for name, part in unet.named_modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            own = made.get_submodule(name)
            own.weight.copy_(exact_weight(part, CPU, torch.float32).view(own.weight.shape))
            if part.bias is not None:
                own.bias.copy_(part.bias.float())
    return made


def written(folder: Path, factors: Factors) -> Path:
    return save(folder / "it.safetensors", DIALECTS["kohya"](factors))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", FORMS)
def test_on_every_form(form: str, method: str, tmp_path: Path) -> None:
    """Weights in few bits are adapted as if they were the exact ones that they stand for, and
    afterwards their bits and classes are as before."""
    unet, exact = _formed(form)
    factors, meant = METHODS[method](exact)
    written(tmp_path, factors)
    _, encoders = writing_sdxl.tiny_model()
    wanted, _ = writing_sdxl.merged(exact, encoders, meant, 0.7)
    before, own = answer(unet), state(unet)
    assert near(before, answer(exact), torch.zeros_like(before), 1e-4)
    with Adapters(shelf_of(tmp_path), CPU, torch.float32).applied(unet, {"it": 0.7}) as applied:
        got = answer(unet)
    assert applied.parts == {"it": len(LAYERS)}
    assert near(got, answer(wanted), before, 1e-4)
    assert is_untouched(unet, own) and torch.equal(answer(unet), before)


@pytest.mark.parametrize("method", METHODS)
def test_wherever_they_lie(method: str, tmp_path: Path) -> None:
    """Weights in 8 bits that pass through the device, block by block, layer by layer or as a whole,
    give the same bits as those that stay, with a LoRA and after it."""
    unet = copy.deepcopy(_formed("int8")[0])
    assert is_quantized(unet)
    factors, _ = METHODS[method](_formed("int8")[1])
    written(tmp_path, factors)
    before, own = answer(unet), state(unet)
    adapters = Adapters(shelf_of(tmp_path), ELSEWHERE, torch.float32)
    with adapters.applied(unet, {"it": 0.7}):
        wanted = answer(unet)
    assert not torch.equal(wanted, before)
    for place in PLACES.values():
        with place(unet):
            with adapters.applied(unet, {"it": 0.7}):
                assert torch.equal(answer(unet), wanted)
            assert torch.equal(answer(unet), before)
        assert is_untouched(unet, own)
