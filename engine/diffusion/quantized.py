"""Linear layers that store one byte per weight and dequantize at the moment of use.

The bytes are always stored as int8, including those of fp8: adapters are made in their base layer's
dtype if that is a floating one, and an adapter in fp8 cannot be computed. For the same reason these
are ordinary linear layers, which an adapter finds and wraps.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engine.diffusion.footprint import Weights

SENSITIVE = ("norm", "embed", "adaLN", "adaln", "final", "lora_", "lm_head")
"""Substrings of names of layers that stay exact: small ones on which every token depends."""

_INT8_MAX = 127
_FP8_MAX = torch.finfo(torch.float8_e4m3fn).max


class QuantizedLinear(nn.Linear, ABC):
    """A linear layer whose `weight` is int8, out × in; `bias` and results keep their type."""

    def __init__(self, linear: nn.Linear, device: torch.device) -> None:
        """Quantize on `device`; the parameters end up on the device of `linear`'s."""
        nn.Module.__init__(self)  # the parent's would allocate a matrix of full size first
        self.in_features, self.out_features = linear.in_features, linear.out_features
        home, exact = linear.weight.device, linear.weight.detach()
        stored = self._store(exact.to(device), exact.dtype)
        self.weight = nn.Parameter(stored, requires_grad=False)
        self.bias: Any = linear.bias  # nn.Linear's own annotation excludes None
        self.to(home)

    @abstractmethod
    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return the stored weights in int8, out × in."""

    @abstractmethod
    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        """Return the dequantized weights, out × in."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return functional.linear(input, self.whole(input.dtype), self.bias)


class Int8Linear(QuantizedLinear):
    """One scale for each output row. It is a parameter, because block streaming skips buffers."""

    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        largest = exact.float().abs().amax(dim=1, keepdim=True)
        # The scale is rounded first, so that the stored steps are nearest in the scale that is
        # used.
        scale = (largest / _INT8_MAX).clamp_min(torch.finfo(dtype).tiny).to(dtype)
        self.scale = nn.Parameter(scale, requires_grad=False)
        steps = (exact.float() / scale.float()).round().clamp(-_INT8_MAX, _INT8_MAX)
        return steps.to(torch.int8)

    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        """Return the weights by one kernel: int8 times the scale has the scale's type."""
        return (self.weight * self.scale).to(dtype)


class Fp8Linear(QuantizedLinear):
    """float8 e4m3 with one power of two for the matrix: its range covers rows of small values."""

    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        largest = float(exact.float().abs().amax())
        usable = math.isfinite(largest) and largest > 0
        self.exponent = math.floor(math.log2(_FP8_MAX / largest)) if usable else 0
        scaled = exact.float() * 2.0**self.exponent
        return scaled.to(torch.float8_e4m3fn).view(torch.int8)

    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        return self._cast(dtype) * 2.0**-self.exponent

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Apply the power of two within the product, where it costs nothing."""
        rows = input.reshape(-1, self.in_features)
        columns = self._cast(input.dtype).t()
        alpha = 2.0**-self.exponent
        if self.bias is None:
            nothing = rows.new_zeros(self.out_features)
            product = torch.addmm(nothing, rows, columns, beta=0, alpha=alpha)
        else:
            product = torch.addmm(self.bias, rows, columns, alpha=alpha)
        return product.view(*input.shape[:-1], self.out_features)

    def _cast(self, dtype: torch.dtype) -> torch.Tensor:
        return self.weight.view(torch.float8_e4m3fn).to(dtype)


_KINDS: dict[Weights, type[QuantizedLinear]] = {Weights.INT8: Int8Linear, Weights.FP8: Fp8Linear}


def quantize(module: nn.Module, weights: Weights, device: torch.device) -> int:
    """Replace a component's large linear layers in place, one by one; return how many.

    Irreversible: exact weights must be loaded again. Raises ValueError for `full`.
    """
    kind = _KINDS.get(weights)
    if kind is None:
        raise ValueError(f"{weights} is not a format to quantize to")
    found = large_layers(module)
    for name, linear in found:
        parent, _, child = name.rpartition(".")
        setattr(module.get_submodule(parent), child, kind(linear, device))
    return len(found)


def large_layers(module: nn.Module) -> list[tuple[str, nn.Linear]]:
    """Return name and layer of everything that `quantize` would replace."""
    return [
        (name, layer)
        for name, layer in module.named_modules()
        if type(layer) is nn.Linear and not any(part in name for part in SENSITIVE)
    ]


def is_quantized(module: nn.Module) -> bool:
    """Whether any part of it has been quantized."""
    return any(isinstance(part, QuantizedLinear) for part in module.modules())


def weight_bytes(module: nn.Module) -> int:
    """Return the bytes of all parameters and buffers."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def quantized_bytes(module: nn.Module) -> int:
    """Return what `weight_bytes` of an exact component would be after `quantize`, with scales."""
    saved = sum(
        layer.weight.numel() * (layer.weight.element_size() - 1)
        - layer.out_features * layer.weight.element_size()
        for _, layer in large_layers(module)
    )
    return weight_bytes(module) - saved
