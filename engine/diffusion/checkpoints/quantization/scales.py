"""Weights in few bits with their scales, in each of ComfyUI's conventions; others by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.quantization import descriptions
from engine.diffusion.checkpoints.quantization.descriptions import LayerFormat, described_layers
from engine.diffusion.checkpoints.quantization.layouts import (
    GroupedCodesTensor,
    Mxfp8Tensor,
    Nvfp4Tensor,
    Parts,
    RotatedInt4Tensor,
    RotatedInt8Tensor,
    ViewedTensor,
)
from engine.diffusion.checkpoints.stored import Stored
from engine.diffusion.checkpoints.weights import SCALED, Weight

_MARKER = "scaled_fp8"
_ACTIVATIONS = (".input_scale", ".scale_input")
"""Scales of what enters a layer: they matter where products are computed in eight bits."""
_OLD_NAMES = {"scale_weight": "weight_scale"}
_PARTS = (
    "weight_scale",
    "scale_weight",
    "weight_scale_2",
    "weight_s_rel",
    "weight_s_channel",
    "weight_codebook",
    "weight_correction",
)
"""What lies beside a layer's weight; the first two are one under two names."""
_SMOOTHING = "pre_quant_scale"
"""By which what enters a layer is multiplied first; comfy-kitchen writes none."""

_FOREIGN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bitsandbytes", re.compile(r"\.(absmax|quant_map|nested_absmax|quant_state\..*|SCB)$")),
    (
        "nunchaku (SVDQuant)",
        re.compile(r"\.(wscales|wcscales|wtscale|wzeros|proj_down|proj_up|smooth_factor(_orig)?)$"),
    ),
    ("AWQ or GPTQ", re.compile(r"\.(qzeros|qweight|g_idx|scales|weight_zeros?)$")),
    ("compressed-tensors", re.compile(r"\.(weight_packed|weight_shape|weight_g_idx)$")),
    ("DeepSeek's fp8 in blocks", re.compile(r"\.weight_scale_inv$")),
    ("SDNQ", re.compile(r"\.(svd_up|svd_down|zero_point|weight\.zero_point|weight\.scale)$")),
    ("SDNQ", re.compile(r"\.(scale|scale_2|scale_zero_point)$")),
    ("quanto", re.compile(r"\.weight\._(data|scale|shift)$")),
)

_SCALE = ("weight_scale",)
_NEEDED: Mapping[str, tuple[str, ...]] = {
    descriptions.NVFP4: ("weight_scale", "weight_scale_2"),
    descriptions.W4A8: ("weight_s_rel", "weight_s_channel"),
}
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    descriptions.W4A8: ("weight_codebook", "weight_correction"),
}
_STORED: Mapping[str, torch.dtype] = {
    descriptions.E4M3: torch.float8_e4m3fn,
    descriptions.E5M2: torch.float8_e5m2,
    descriptions.INT8: torch.int8,
    descriptions.NVFP4: torch.uint8,
    descriptions.MXFP8: torch.float8_e4m3fn,
    descriptions.W4A4: torch.int8,
    descriptions.W4A8: torch.int8,
}
"""How each format's weights are stored; as bytes without a sign they may be as well."""


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
    _refuse_foreign(tensors)
    unused = [
        name
        for name in tensors
        if name.endswith((*_ACTIVATIONS, descriptions.ENDING)) or name == _MARKER
    ]
    formats = described_layers(tensors, metadata, bare)
    parts, of_parts = _parts(tensors)
    _require_parts(formats, parts, next(iter(tensors.values())).label)
    weights = {
        name: _weight(name, stored, formats.get(_layer(name)), parts.pop(_layer(name), {}))
        for name, stored in tensors.items()
        if name not in of_parts and name not in unused
    }
    if parts:
        layer = sorted(parts)[0]
        label = next(iter(parts[layer].values())).label
        raise Unusable(f"{label} has a scale for {layer} and no weight")
    if alone := sorted(layer for layer in formats if f"{layer}.weight" not in weights):
        label = next(iter(tensors.values())).label
        raise Unusable(f"{label} describes {len(alone)} layers that have no weight: {alone[0]}")
    _check_marker(tensors, weights)
    return Scaled(weights, unused)


def _refuse_foreign(tensors: Mapping[str, Stored]) -> None:
    for method, pattern in _FOREIGN:
        if found := sorted(name for name in tensors if pattern.search(name)):
            raise Unusable(
                f"{tensors[found[0]].label} is quantized by {method}, which cannot be read "
                f"({found[0]})"
            )
    if found := sorted(name for name in tensors if name.endswith(f".{_SMOOTHING}")):
        raise Unusable(
            f"{tensors[found[0]].label} is smoothed by ModelOpt, which cannot be read ({found[0]})"
        )


def _parts(tensors: Mapping[str, Stored]) -> tuple[dict[str, dict[str, Stored]], set[str]]:
    """Return what lies beside each layer's weight, and the names of all that."""
    found: dict[str, dict[str, Stored]] = {}
    names: set[str] = set()
    for name, stored in tensors.items():
        layer, _, ending = name.rpartition(".")
        if ending not in _PARTS:
            continue
        names.add(name)
        part = _OLD_NAMES.get(ending, ending)
        if found.setdefault(layer, {}).setdefault(part, stored) is not stored:
            raise Unusable(f"{stored.label}: {layer} has two scales")
    return found, names


def _require_parts(
    formats: Mapping[str, LayerFormat], parts: Mapping[str, Parts], label: str
) -> None:
    lacking: list[str] = []
    for layer, form in sorted(formats.items()):
        own = parts.get(layer, {})
        needed = _NEEDED.get(form.kind, _SCALE)
        if any(part not in own for part in needed):
            lacking.append(layer)
        elif extra := sorted(own.keys() - {*needed, *_ALLOWED.get(form.kind, ())}):
            raise Unusable(f"{label}: {layer} is {form.kind}, and has a {extra[0]} as well")
    if lacking:
        raise Unusable(
            f"{label}: {len(lacking)} layers are {formats[lacking[0]].kind} without a scale, "
            f"{lacking[0]} among them"
        )


def _layer(name: str) -> str:
    return name.removesuffix(".weight") if name.endswith(".weight") else f"\0{name}"


def _weight(name: str, stored: Stored, form: LayerFormat | None, parts: Parts) -> Weight:
    """Return a weight, with whatever its layer is quantized by undone as it is read."""
    label = f"{stored.label}: {name}"
    if form is None:
        if strange := sorted(parts.keys() - set(_SCALE)):
            kind = "nvfp4" if strange == ["weight_scale_2"] else "an unknown format"
            raise Unusable(
                f"{label} has a {strange[0]}, as {kind} has, and nothing says how it is quantized"
            )
        return Weight.of(stored, _checked(name, stored, parts.get("weight_scale")))
    if stored.dtype is not _STORED[form.kind]:
        if stored.dtype is not torch.uint8:
            raise Unusable(
                f"{label} is {form.kind} by its description, and stored as {stored.format}"
            )
        stored = ViewedTensor(stored, _STORED[form.kind])
    match form.kind:
        case descriptions.NVFP4:
            return Weight.of(Nvfp4Tensor(stored, parts))
        case descriptions.MXFP8:
            return Weight.of(Mxfp8Tensor(stored, parts))
        case descriptions.W4A4:
            return Weight.of(RotatedInt4Tensor(stored, parts, form.rotation or 0))
        case descriptions.W4A8:
            return Weight.of(GroupedCodesTensor(stored, parts, form))
        case _:
            if form.rotation is not None:
                return Weight.of(RotatedInt8Tensor(stored, parts, form.rotation))
            return Weight.of(stored, _checked(name, stored, parts["weight_scale"]))


def _checked(name: str, stored: Stored, scale: Stored | None) -> Stored | None:
    """Check that a weight and its scale belong together."""
    label = f"{stored.label}: {name}"
    if scale is None:
        if stored.dtype is not None and not stored.dtype.is_floating_point:
            raise Unusable(f"{label} is stored as {stored.format} without a scale")
        return None
    if scale.dtype in (torch.uint8, torch.float8_e8m0fnu):
        raise Unusable(
            f"{label} has a scale stored as {scale.format}, as mxfp8 has, and nothing says how it "
            "is quantized"
        )
    if stored.dtype not in SCALED:
        raise Unusable(
            f"{label} has a scale, and is stored as {stored.format}; nothing says how it is "
            "quantized"
        )
    if scale.dtype is None or not scale.dtype.is_floating_point:
        raise Unusable(f"{label} has a scale that is stored as {scale.format}")
    rows = stored.shape[0] if stored.shape else 1
    if scale.count != 1 and scale.shape not in ((rows,), (rows, 1)):
        raise Unusable(
            f"{label} has the shape {list(stored.shape)}, and its scale {list(scale.shape)}"
        )
    values = scale.whole().float()
    if not bool(values.isfinite().all()) or bool((values <= 0).any()):
        raise Unusable(f"{label} has a scale that is not a positive number")
    return scale


def _check_marker(tensors: Mapping[str, Stored], weights: Mapping[str, Weight]) -> None:
    """Refuse weights in fp8 without a scale in a file that is marked as scaled."""
    if _MARKER not in tensors:
        return
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
