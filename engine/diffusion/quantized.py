"""Linear layers that store or multiply their weights in fewer bits than the model's.

Bytes are always stored as int8, including those of fp8: adapters are made in their base layer's
dtype if that is a floating one, and an adapter in fp8 cannot be computed. For the same reason these
are ordinary linear layers, which an adapter finds and wraps.

What comes in and goes out has the model's number format. Where a step is repeated in float32
(`guard.InFloat32`), products are computed in it, with the stored weights.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engine.diffusion.checkpoints.quantization.int8_rows import Int8Rows, RowsOf
from engine.diffusion.checkpoints.quantization.layouts import rotated
from engine.diffusion.faults import is_memory, is_sticky
from engine.diffusion.footprint import Weights
from engine.diffusion.guard import in_float32

SENSITIVE = ("norm", "embed", "adaLN", "adaln", "final", "lora_", "lm_head")
"""Substrings of names of layers that stay exact: small ones on which every token depends."""

ROTATED = ("feed_forward.w1", "feed_forward.w2")
"""Substrings of names of layers whose inputs are rotated before they are rounded to int8.

Measured on the demo model by `benchmarks/product_layers.py` (two pictures of 128 × 128 px): with
products of int8 in all `layers.*.feed_forward.w2`, the kind that costs most, the PSNR is 48.4 dB,
and 52.8 dB rotated; for `w1` it is 50.4 and 55.3 dB. Other kinds did not gain in every part of the
transformer.
"""
PLAIN_PRODUCTS = ("context_refiner",)
"""Substrings of names of layers whose products are not of int8.

In the same measurement the one `context_refiner.*.feed_forward.w2` cost as much as the six of a
kind elsewhere (49.3 dB). These layers see the prompt's tokens alone, so that nothing is lost.
"""

_INT8_MAX = 127
_FP8_MAX = torch.finfo(torch.float8_e4m3fn).max
_CAST_TO = (".wo",)
"""Ends of names of layers to whose weights' format T5 casts what goes in, which overflows float16.
"""
_FP16_MAX = torch.finfo(torch.float16).max
_ROTATIONS = (256, 64, 16)
"""Columns that are rotated together: as many as ConvRot takes, and fewer in small models."""
_SIZE_UNIT = 16
"""Of what rows and columns of a weight are multiples, for a product in int8: cuBLAS wants 8."""
_LEAST_ROWS = 32
"""Rows that cuBLAS multiplies at least, in int8 (more than 16 by torch's own check)."""
_PRODUCT_VALUES = 1 << 24
"""Values of a product in int8 that exist at a time: 64 MiB as integers, and as much in float32.
Chosen by hand: the largest product of Z-Image-Turbo at 1024² has 43 million."""


class ProductsFailed(RuntimeError):
    """A device does not multiply matrices of int8 after all; the message is its own complaint."""


class QuantizedLinear(nn.Linear, ABC):
    """A linear layer whose `weight` is stored otherwise, out × in; `bias` keeps its type."""

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
        """Return the stored weights, out × in."""

    @abstractmethod
    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        """Return the dequantized weights, out × in."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return functional.linear(input, self.whole(input.dtype), self.bias)


class Int8Linear(QuantizedLinear):
    """One scale for each output row. It is a parameter, because block streaming skips buffers."""

    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        largest = exact.float().abs().amax(dim=1, keepdim=True)
        if dtype is torch.float16:
            dtype = torch.float32  # whose small numbers are no multiples of a coarse step
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


class Int8ProductLinear(QuantizedLinear):
    """W8A8: what comes in is rounded to int8 too, with a scale for each token.

    The product of the integers is exact, so that neither the device nor the other tokens of a batch
    change it. Computed as comfy-kitchen's `int8_linear` and torchao's dynamic int8 do without
    kernels of their own, but with scales in float32 in every number format.
    """

    def __init__(
        self,
        linear: nn.Linear,
        device: torch.device,
        *,
        rows: Int8Rows | None = None,
        rotate: bool = False,
        products: bool = True,
    ) -> None:
        """rows: the weights as their file has them, in place of `linear`'s. rotate: before they are
        rounded, where the number of columns allows it. products: False for int8 weights alone."""
        columns = linear.in_features
        sizes = (size for size in _ROTATIONS if rotate and columns % size == 0)
        self.rotation = next(sizes, None) if rows is None else rows.rotation
        self.products = products and columns % _SIZE_UNIT == linear.out_features % _SIZE_UNIT == 0
        self._given = rows
        super().__init__(linear, device)
        self._given = None

    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        if self._given is not None:
            steps, scale = self._given.steps.to(exact.device), self._given.scale.to(exact.device)
        else:
            values = exact.float()
            steps, scale = in_steps(rotated(values, self.rotation) if self.rotation else values)
        self.scale = nn.Parameter(scale, requires_grad=False)
        return steps

    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        values = self.weight.float() * self.scale
        return (rotated(values, self.rotation) if self.rotation else values).to(dtype)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Multiply integers; raises ProductsFailed where the device does not."""
        if not self.products or in_float32():
            return super().forward(input)
        rows = input.reshape(-1, self.in_features)
        most = max(_LEAST_ROWS, _PRODUCT_VALUES // self.out_features)
        found = [self._product(part) for part in rows.split(most)]
        whole = found[0] if len(found) == 1 else torch.cat(found)
        return whole.view(*input.shape[:-1], self.out_features)

    def _product(self, rows: torch.Tensor) -> torch.Tensor:
        steps, scale = in_steps((rotated(rows, self.rotation) if self.rotation else rows).float())
        lacking = _LEAST_ROWS - len(steps)
        if lacking > 0:
            steps = functional.pad(steps, (0, 0, 0, lacking))
        product = _int8_product(steps, self.weight)[: len(rows)].float()
        product = product.mul_(scale).mul_(self.scale.view(1, -1))
        if self.bias is not None:
            product += self.bias
        return product.to(rows.dtype)


class Fp16Linear(QuantizedLinear):
    """Multiplies in float16, in which neither what comes in nor what goes out can overflow.

    Each token is divided by the power of two above its largest number, and the product multiplied
    by it again: no number is then larger than the sum of a row of weights.
    """

    @staticmethod
    def fits(linear: nn.Linear) -> bool:
        """Whether the weights are small enough for that; those of real models are by far."""
        sums = linear.weight.detach().float().abs().sum(dim=1)
        return float(sums.amax()) < _FP16_MAX

    def _store(self, exact: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return exact.to(torch.float16)

    def whole(self, dtype: torch.dtype) -> torch.Tensor:
        return self.weight.to(dtype)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if in_float32():
            return super().forward(input)
        values = input.float()
        exponents = torch.frexp(values.abs().amax(dim=-1, keepdim=True)).exponent
        power = torch.exp2(exponents.float())
        halves = torch.empty_like(values, dtype=torch.float16)
        torch.div(values, power, out=halves)  # without a copy in float32 in between
        product = functional.linear(halves, self.weight).float().mul_(power)
        if self.bias is not None:
            product += self.bias
        return product.to(input.dtype)


def in_steps(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest int8 steps of a matrix in float32, and the scale of each row.

    scale: float32, rows × 1, positive also for a row of noughts.
    """
    largest = values.abs().amax(dim=1, keepdim=True)
    scale = (largest / _INT8_MAX).clamp_min(torch.finfo(torch.float32).tiny)
    steps = (values / scale).round_().clamp_(-_INT8_MAX, _INT8_MAX)
    return steps.to(torch.int8), scale


def _int8_product(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    try:
        return torch._int_mm(rows, weight.t())  # pyright: ignore[reportPrivateImportUsage]
    except RuntimeError as error:
        if is_memory(error) or (is_sticky(error) and _REFUSED not in str(error)):
            raise
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProductsFailed(line) from error


_REFUSED = "CUBLAS_STATUS_"
"""In the message of a product that was not even begun; the device works on."""
_KINDS: dict[Weights, type[QuantizedLinear]] = {Weights.INT8: Int8Linear, Weights.FP8: Fp8Linear}


def quantize(
    module: nn.Module, weights: Weights, device: torch.device, rows_of: RowsOf | None = None
) -> int:
    """Replace a component's large linear layers in place, one by one; return how many.

    rows_of: reads weights that the model's files have in int8, which `w8a8` takes as they are.
    Irreversible: exact weights must be loaded again. Raises ValueError for `full`.
    """
    if weights is Weights.FULL:
        raise ValueError(f"{weights} is not a format to quantize to")
    replaced = 0
    for name, linear in large_layers(module):
        if weights is Weights.FP16 and name.endswith(_CAST_TO):
            continue
        made = _quantized(name, linear, weights, device, rows_of)
        if made is not None:
            parent, _, child = name.rpartition(".")
            setattr(module.get_submodule(parent), child, made)
            replaced += 1
    return replaced


def _quantized(
    name: str, linear: nn.Linear, weights: Weights, device: torch.device, rows_of: RowsOf | None
) -> QuantizedLinear | None:
    """Return the layer that replaces another; None if it has to stay."""
    if weights is Weights.FP16:
        return Fp16Linear(linear, device) if Fp16Linear.fits(linear) else None
    if weights is not Weights.W8A8:
        return _KINDS[weights](linear, device)
    return Int8ProductLinear(
        linear,
        device,
        rows=None if rows_of is None else rows_of(name),
        rotate=any(part in name for part in ROTATED),
        products=not any(part in name for part in PLAIN_PRODUCTS),
    )


def large_layers(module: nn.Module) -> list[tuple[str, nn.Linear]]:
    """Return name and layer of everything that `quantize` would replace."""
    return [
        (name, layer)
        for name, layer in module.named_modules()
        if type(layer) is nn.Linear and not any(part in name for part in SENSITIVE)
    ]


def float16_weights(module: nn.Module) -> frozenset[str]:
    """Return the names of the weights that `quantize` to `fp16` would store in float16."""
    names = (name for name, _ in large_layers(module) if not name.endswith(_CAST_TO))
    return frozenset(f"{name}.weight" for name in names)


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
