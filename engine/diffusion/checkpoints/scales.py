"""Weights in eight bits with a scale, in each of ComfyUI's conventions; others refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.stored import Stored
from engine.diffusion.checkpoints.weights import SCALED, Weight

_MARKER = "scaled_fp8"
_HEADER = "_quantization_metadata"
_ACTIVATIONS = (".input_scale", ".scale_input")
"""Scales of what enters a layer: they matter where products are computed in eight bits."""
_WEIGHT_SCALES = (".weight_scale", ".scale_weight")
_FORMATS = ("float8_e4m3fn", "float8_e5m2", "int8_tensorwise")
_KNOWN = frozenset({"format", "full_precision_matrix_mult", "orig_dtype", "orig_shape"})
"""Keys of a layer's description that do not change what its weights are."""

_FOREIGN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("nvfp4 (4-bit floats of NVIDIA)", re.compile(r"\.weight_scale_2$")),
    ("bitsandbytes", re.compile(r"\.(absmax|quant_map|nested_absmax|quant_state\..*|SCB)$")),
    ("nunchaku (SVDQuant)", re.compile(r"\.(wscales|wcscales|wtscale|proj_down|smooth_factor)$")),
    ("AWQ or GPTQ", re.compile(r"\.(qzeros|qweight|g_idx)$")),
    ("SDNQ", re.compile(r"\.(svd_up|svd_down|zero_point|weight\.zero_point|weight\.scale)$")),
    ("SDNQ", re.compile(r"\.scale$")),
    ("quanto", re.compile(r"\.weight\._(data|scale|shift)$")),
)


@dataclass(frozen=True, slots=True)
class Scaled:
    """A component's weights by their names in the file. unused: names that need not be used."""

    weights: Mapping[str, Weight]
    unused: list[str] = field(default_factory=list[str])


def with_scales(
    tensors: Mapping[str, Stored], metadata: Mapping[str, Any], bare: Callable[[str], str | None]
) -> Scaled:
    """Join weights and their scales.

    tensors: by name without prefix. metadata: of the file. bare: removes the prefix from a layer's
    name, and returns None for a layer of another component.
    Raises Unusable for a scale without its weight, a weight without its scale, and formats that
    cannot be read.
    """
    for method, pattern in _FOREIGN:
        if found := sorted(name for name in tensors if pattern.search(name)):
            raise Unusable(
                f"{tensors[found[0]].label} is quantized by {method}, which cannot be read "
                f"({found[0]})"
            )
    unused = [name for name in tensors if name.endswith(_ACTIVATIONS) or name == _MARKER]
    scales: dict[str, Stored] = {}
    for ending in _WEIGHT_SCALES:
        for name in tensors:
            if name.endswith(ending):
                layer = name.removesuffix(ending)
                if layer in scales:
                    raise Unusable(f"{tensors[name].label}: {layer} has two scales")
                scales[layer] = tensors[name]
    named = _named_layers(tensors, metadata, bare)
    unused += [name for name in tensors if name.endswith(".comfy_quant")]
    if missing := sorted(layer for layer in named if layer not in scales):
        label = next(iter(tensors.values())).label
        raise Unusable(
            f"{label}: {len(missing)} layers are {named[missing[0]]} without a scale, "
            f"{missing[0]} among them"
        )
    weights = {
        name: Weight.of(stored, _checked(name, stored, scales.pop(_layer(name), None)))
        for name, stored in tensors.items()
        if name not in unused and not name.endswith(_WEIGHT_SCALES)
    }
    if scales:
        layer = sorted(scales)[0]
        raise Unusable(f"{scales[layer].label} has a scale for {layer} and no weight")
    if _MARKER in tensors:
        bare_fp8 = sorted(
            name
            for name, weight in weights.items()
            if weight.scale is None and weight.stored.dtype in SCALED
        )
        if bare_fp8:
            raise Unusable(
                f"{tensors[_MARKER].label} is marked as scaled_fp8, and {len(bare_fp8)} of its "
                f"weights have no scale: {listed(bare_fp8)}"
            )
    return Scaled(weights, unused)


def _layer(name: str) -> str:
    return name.removesuffix(".weight") if name.endswith(".weight") else f"\0{name}"


def _checked(name: str, stored: Stored, scale: Stored | None) -> Stored | None:
    """Check that a weight and its scale belong together."""
    label = f"{stored.label}: {name}"
    if scale is None:
        if stored.dtype is not None and not stored.dtype.is_floating_point:
            raise Unusable(f"{label} is stored as {stored.format} without a scale")
        return None
    if stored.dtype not in SCALED:
        kind = "mxfp8 or nvfp4" if stored.dtype == torch.uint8 else stored.format
        raise Unusable(f"{label} has a scale, and is stored as {kind}, which cannot be read")
    if scale.dtype == torch.uint8 or scale.dtype == torch.float8_e8m0fnu:
        raise Unusable(f"{label} is quantized by mxfp8, which cannot be read")
    if scale.dtype is None or not scale.dtype.is_floating_point:
        raise Unusable(f"{label} has a scale that is stored as {scale.format}")
    if scale.count != 1 and scale.shape not in ((stored.shape[0],), (stored.shape[0], 1)):
        raise Unusable(
            f"{label} has the shape {list(stored.shape)}, and its scale {list(scale.shape)}"
        )
    values = scale.whole().float()
    if not bool(values.isfinite().all()) or bool((values <= 0).any()):
        raise Unusable(f"{label} has a scale that is not a positive number")
    return scale


def _named_layers(
    tensors: Mapping[str, Stored], metadata: Mapping[str, Any], bare: Callable[[str], str | None]
) -> dict[str, str]:
    """Return the format of each layer that the file says is quantized, by its name."""
    found: dict[str, str] = {}
    for name, stored in tensors.items():
        if not name.endswith(".comfy_quant"):
            continue
        layer = name.removesuffix(".comfy_quant")
        try:
            described = json.loads(bytes(stored.whole().flatten().tolist()))
        except (ValueError, TypeError, RecursionError) as error:
            raise Unusable(f"{stored.label}: {name} is not JSON") from error
        found[layer] = _format(described, f"{stored.label}: {layer}")
    text = metadata.get(_HEADER)
    if isinstance(text, str):
        label = next(iter(tensors.values())).label
        try:
            layers = json.loads(text)["layers"]
            described_layers = list(layers.items())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Unusable(f"{label}: its {_HEADER} cannot be read") from error
        for layer, described in described_layers:
            if (own := bare(layer)) is not None:
                found[own] = _format(described, f"{label}: {layer}")
    return found


def _format(described: Any, label: str) -> str:
    if isinstance(described, str):
        described = {"format": described}
    if not isinstance(described, dict) or not isinstance(described.get("format"), str):
        raise Unusable(f"{label} is quantized, and does not say how")
    if described.get("convrot"):
        raise Unusable(f"{label} is quantized by convrot, which cannot be read")
    kind = described["format"]
    if kind not in _FORMATS:
        raise Unusable(f"{label} is quantized by {kind}, which cannot be read")
    strange = sorted(
        key for key, value in described.items() if key not in _KNOWN and value not in (None, False)
    )
    strange = [key for key in strange if not key.startswith("convrot")]
    if strange:
        raise Unusable(f"{label} is quantized by {kind} with {listed(strange)}, which is unknown")
    return kind
