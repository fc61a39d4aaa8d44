"""What a file says of its quantized layers, in ComfyUI's two forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.stored import Stored

ENDING = ".comfy_quant"
"""Of the tensor beside a layer that holds its description as JSON."""
_HEADER = "_quantization_metadata"
"""The key of the file's header that holds the descriptions of all layers."""

E4M3, E5M2, INT8 = "float8_e4m3fn", "float8_e5m2", "int8_tensorwise"
NVFP4, MXFP8 = "nvfp4", "mxfp8"
W4A4, W4A8 = "convrot_w4a4", "asym_w4a8_int8"
_FORMATS = (E4M3, E5M2, INT8, NVFP4, MXFP8, W4A4, W4A8)
_ROTATED = (W4A4, W4A8)
"""Formats that always rotate; int8 does where its description says so."""
_ROTATION, _GROUP, _PACKED_GROUP = 256, 16, 64
"""What ComfyUI takes where a description leaves them out."""

_WITHOUT_EFFECT = frozenset(
    {"format", "full_precision_matrix_mult", "orig_dtype", "orig_shape", "linear_dtype"}
)
"""Keys of a description that do not change what its weights are."""
_SETTINGS: Mapping[str, frozenset[str]] = {
    INT8: frozenset({"convrot", "convrot_groupsize"}),
    NVFP4: frozenset({"group_size"}),
    MXFP8: frozenset({"group_size"}),
    W4A4: frozenset({"convrot", "convrot_groupsize", "quant_group_size", "group_size"}),
    W4A8: frozenset({"convrot", "convrot_groupsize", "group_size"}),
}
_FIXED_GROUP: Mapping[str, int] = {NVFP4: 16, MXFP8: 32, W4A4: _PACKED_GROUP}
"""Values that share a scale in formats that leave no choice."""


@dataclass(frozen=True, slots=True)
class LayerFormat:
    """How a layer is quantized.

    kind: ComfyUI's name. rotation: columns that were rotated together (ConvRot); None where none
    were. group_size: columns that share a scale.
    """

    kind: str
    rotation: int | None = None
    group_size: int = _GROUP


def described_layers(
    tensors: Mapping[str, Stored], metadata: Mapping[str, Any], bare: Callable[[str], str | None]
) -> dict[str, LayerFormat]:
    """Return the format of each layer that the file says is quantized, by its name.

    tensors: by name without prefix. metadata: of the file. bare: removes the prefix from a layer's
    name, and returns None for a layer of another component. Raises Unusable for a description that
    cannot be read, or of a format that cannot.
    """
    found: dict[str, LayerFormat] = {}
    for name, stored in tensors.items():
        if not name.endswith(ENDING):
            continue
        layer = name.removesuffix(ENDING)
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
            if (own := bare(layer)) is None:
                continue
            in_header = _format(described, f"{label}: {layer}")
            if found.setdefault(own, in_header) != in_header:
                raise Unusable(f"{label} describes {layer} in two ways")
    return found


def _format(described: Any, label: str) -> LayerFormat:
    if isinstance(described, str):
        described = {"format": described}
    if not isinstance(described, dict) or not isinstance(described.get("format"), str):
        raise Unusable(f"{label} is quantized, and does not say how")
    kind, inner = described["format"], described.get("params")
    # Some writers put the settings one level deeper; ComfyUI reads both.
    settings = (inner if isinstance(inner, dict) else {}) | {
        key: value for key, value in described.items() if key != "params"
    }
    if kind not in _FORMATS:
        raise Unusable(f"{label} is quantized by {kind}, which cannot be read")
    known = _WITHOUT_EFFECT | _SETTINGS.get(kind, frozenset())
    strange = sorted(
        key for key, value in settings.items() if key not in known and value not in (None, False)
    )
    if strange:
        raise Unusable(f"{label} is quantized by {kind} with {listed(strange)}, which is unknown")
    group_size = _number(
        settings, ("group_size", "quant_group_size"), _FIXED_GROUP.get(kind), label
    )
    if kind in _FIXED_GROUP and group_size != _FIXED_GROUP[kind]:
        raise Unusable(
            f"{label} is quantized by {kind} in groups of {group_size}, which is unknown"
        )
    rotated = kind in _ROTATED or bool(settings.get("convrot"))
    rotation = _number(settings, ("convrot_groupsize",), _ROTATION, label) if rotated else None
    if rotation is not None and not _is_power_of_four(rotation):
        raise Unusable(f"{label} is rotated in groups of {rotation}, which is no power of four")
    return LayerFormat(kind, rotation, group_size)


def _number(
    settings: Mapping[str, Any], keys: tuple[str, ...], default: int | None, label: str
) -> int:
    found = next((settings[key] for key in keys if settings.get(key) is not None), default)
    number = _GROUP if found is None else found
    if type(number) is not int or number <= 0:
        raise Unusable(f"{label} has the {keys[0]} {number!r}")
    return number


def _is_power_of_four(number: int) -> bool:
    return number >= 4 and number & (number - 1) == 0 and number.bit_length() % 2 == 1
