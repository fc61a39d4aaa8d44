"""One byte per weight: small, near the exact result, and an ordinary linear layer."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.diffusion.footprint import Weights
from engine.diffusion.quantized import (
    Fp8Linear,
    Int8Linear,
    QuantizedLinear,
    is_quantized,
    large_layers,
    quantize,
    quantized_bytes,
    weight_bytes,
)

HERE = torch.device("cpu")
KINDS = [(Weights.INT8, 0.012), (Weights.FP8, 0.04)]
"""Each format, and the limit of a product's relative error with normal weights."""


class TinyBlock(nn.Module):
    """The names that the real model uses."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, 2 * width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.adaLN_modulation = nn.Sequential(nn.Linear(width, 4 * width))
        self.x_embedder = nn.Linear(width, width)
        self.t_embedder = nn.Sequential(nn.Linear(width, width))
        self.all_final_layer = nn.ModuleDict({"2-1": nn.Linear(width, width)})
        self.lora_A = nn.Linear(width, 4)


def layer(bias: bool, dtype: torch.dtype = torch.float32, scale: float = 0.02) -> nn.Linear:
    torch.manual_seed(1)
    made = nn.Linear(256, 384, bias=bias).to(dtype)
    nn.init.normal_(made.weight, std=scale)
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("weights", "error"), KINDS)
@torch.no_grad()
def test_near(weights: Weights, error: float, bias: bool, dtype: torch.dtype) -> None:
    """A product deviates by no more than its format's rounding, in the input's type and shape."""
    exact = layer(bias, dtype)
    module = nn.Sequential(copy.deepcopy(exact))
    assert quantize(module, weights, HERE) == 1
    x = torch.randn(2, 5, 256).to(dtype)
    got, wanted = module(x), exact(x)
    assert (got.dtype, got.shape) == (dtype, (2, 5, 384))
    assert 0 < float((got - wanted).norm() / wanted.norm()) < error


@pytest.mark.parametrize(("weights", "_error"), KINDS)
@torch.no_grad()
def test_whole_is_what_is_computed_with(weights: Weights, _error: float) -> None:
    """The layer computes with the weights that `whole` returns."""
    module = nn.Sequential(layer(bias=True))
    quantize(module, weights, HERE)
    quantized = module[0]
    assert isinstance(quantized, QuantizedLinear)
    x = torch.randn(7, 256)
    wanted = nn.functional.linear(x, quantized.whole(torch.float32), quantized.bias)
    torch.testing.assert_close(quantized(x), wanted, rtol=1e-5, atol=1e-5)


@settings(max_examples=20)
@given(st.floats(1e-6, 1e4), st.sampled_from([torch.float32, torch.bfloat16]))
@torch.no_grad()
def test_any_magnitude(scale: float, dtype: torch.dtype) -> None:
    """The error is relative: tiny and huge matrices are as accurate as ordinary ones."""
    for weights, error in KINDS:
        exact = layer(False, dtype, scale)
        kind = {Weights.INT8: Int8Linear, Weights.FP8: Fp8Linear}[weights]
        whole = kind(exact, HERE).whole(dtype).float()
        assert float((whole - exact.weight.float()).norm()) < error * float(exact.weight.norm())


@pytest.mark.parametrize("kind", [Int8Linear, Fp8Linear])
@torch.no_grad()
def test_odd_weights(kind: type[QuantizedLinear]) -> None:
    """Zeros stay zeros, and NaN is not hidden."""
    zeros = nn.Linear(8, 4)
    nn.init.zeros_(zeros.weight)
    assert torch.equal(kind(zeros, HERE)(torch.ones(1, 8)), zeros.bias[None])
    broken = nn.Linear(8, 4, bias=False)
    broken.weight[1, 2] = math.nan
    assert not bool(torch.isfinite(kind(broken, HERE)(torch.ones(1, 8))).all())


@pytest.mark.parametrize(
    ("dtype", "share"), [(torch.bfloat16, 0.6), (torch.float32, 0.252)], ids=["bf16", "fp32"]
)
@pytest.mark.parametrize(("weights", "_error"), KINDS)
def test_smaller(weights: Weights, _error: float, dtype: torch.dtype, share: float) -> None:
    """A large layer shrinks to half of bfloat16 and a quarter of float32, exactly as predicted."""
    module = nn.Sequential(nn.Linear(1024, 1024, bias=False)).to(dtype)
    before, foretold = weight_bytes(module), quantized_bytes(module)
    quantize(module, weights, HERE)
    assert weight_bytes(module) <= share * before
    assert weight_bytes(module) <= foretold


def test_what_is_kept_whole() -> None:
    """Norms, embedders, modulations, the last layer and adapters stay exact."""
    block = TinyBlock()
    assert [name for name, _ in large_layers(block)] == ["to_q", "to_out.0"]
    assert not is_quantized(block)
    assert quantize(block, Weights.INT8, HERE) == 2
    assert is_quantized(block)
    assert quantize(block, Weights.INT8, HERE) == 0
    assert type(block.x_embedder) is nn.Linear


@pytest.mark.parametrize("kind", [Int8Linear, Fp8Linear])
def test_still_a_linear_layer(kind: type[QuantizedLinear]) -> None:
    """Adapters find a linear layer with its sizes, no floating type, and nothing to train."""
    quantized = kind(layer(bias=True), HERE)
    assert isinstance(quantized, nn.Linear)
    assert (quantized.in_features, quantized.out_features) == (256, 384)
    assert quantized.weight.shape == (384, 256)
    assert quantized.weight.dtype == torch.int8
    assert not quantized.weight.requires_grad
    # Block streaming moves parameters between devices, and leaves buffers behind.
    assert list(quantized.buffers()) == []


def test_full_is_no_format() -> None:
    """Weights cannot be quantized to exact ones."""
    module = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(ValueError, match="full"):
        quantize(module, Weights.FULL, HERE)
    assert not is_quantized(module)
