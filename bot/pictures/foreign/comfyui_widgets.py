"""The values that a node of a ComfyUI workflow holds, by the names of its inputs. Pure.

A workflow is the graph as it is drawn: its nodes hold a list of values without names. Newer
frontends write the names beside it or mark the inputs that have a value; of the older ones' nodes,
the usual ones are known. The names of any other node's values are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_LAYERS: Final = ("width", "height", "batch_size")
_WIDGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": (
        "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l",
    ),
    "CLIPTextEncodeSDXLRefiner": ("ascore", "width", "height", "text"),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeSD3": ("clip_l", "clip_g", "t5xxl", "empty_padding"),
    "TextEncodeQwenImageEdit": ("prompt",),
    "TextEncodeQwenImageEditPlus": ("prompt",),
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
        "end_at_step", "return_with_leftover_noise",
    ),
    "SamplerCustom": ("add_noise", "noise_seed", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "EmptyLatentImage": _LAYERS,
    "EmptySD3LatentImage": _LAYERS,
    "EmptyFlux2LatentImage": _LAYERS,
    "PrimitiveNode": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveFloat": ("value",),
    "PrimitiveBoolean": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "ComfySwitchNode": ("switch",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
}  # fmt: skip
"""The values of the usual nodes in their order, as in the workflows that ComfyUI brings along and
that name them (comfyui-workflow-templates-json 0.1.123), the encoders as their nodes are defined.
"""
_CONTROLS: Final = ("fixed", "increment", "decrement", "randomize")
"""What stands behind a number that changes by itself. It is no input, and has no name of its own.
"""
_CONTROLLED: Final = frozenset(("seed", "noise_seed", "value"))


def widget_values(node: Mapping[str, Any], names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the values of a node by the names of its inputs, empty if the names are not certain.

    names: of its values, if they are known.
    """
    for kept in ("widgets_values_named", "widgets_values"):
        named = node.get(kept)
        if isinstance(named, Mapping) and named:
            return {str(key): value for key, value in named.items()}
    values = node.get("widgets_values")
    if not isinstance(values, list):
        return {}
    if names is None:
        names = _WIDGETS.get(str(node.get("type")))
    return _matched(widget_names(node) if names is None else names, values)


def widget_names(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the inputs that are marked as having a value, in their order."""
    inputs = node.get("inputs")
    return tuple(
        str(each.get("name"))
        for each in (inputs if isinstance(inputs, list) else [])
        if isinstance(each, Mapping) and isinstance(each.get("widget"), Mapping)
    )


def _matched(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the values by name; none if there are more or fewer than names."""
    found: dict[str, Any] = {}
    rest = list(values)
    for position, name in enumerate(names):
        if not rest:
            return {}
        found[name] = rest.pop(0)
        spare = len(rest) > len(names) - position - 1
        # The first versions wrote whether the seed is random in place of these words.
        if rest and spare and _may_change(name, found[name]) and _is_control(rest[0]):
            rest.pop(0)
    return {} if rest else found


def _may_change(name: str, value: object) -> bool:
    return name in _CONTROLLED or (isinstance(value, int) and not isinstance(value, bool))


def _is_control(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in _CONTROLS)
