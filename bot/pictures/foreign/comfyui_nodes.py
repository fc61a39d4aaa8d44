"""The nodes of a ComfyUI graph: what their inputs are called, and what is linked to what. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeGuard

Role = Literal["positive", "negative"]
Node = Mapping[str, Any]

TEXTS: Final = (
    "text",
    "prompt",
    "text_g",
    "text_l",
    "t5xxl",
    "clip_l",
    "string",
    "value",
    "populated_text",
    "wildcard_text",
    "caption",
    "input_text",
    "source",
)
"""Inputs that hold a text or lead to one, the likeliest first."""
JOINED: Final = (
    ("string_a", "string_b", "string_c"),
    ("text_a", "text_b", "text_c", "text_d"),
    ("text1", "text2", "text3", "text4"),
    ("string1", "string2", "string3", "string4"),
    ("prefix", "text", "suffix"),
    ("text_g", "text_l"),
)
"""Inputs whose texts are joined."""
CONDITIONINGS: Final = (
    "conditioning",
    "conditioning_1",
    "conditioning_2",
    "conditioning_to",
    "conditioning_from",
    "conditioning1",
    "conditioning2",
    "cond",
)
SEEDS: Final = ("seed", "noise_seed", "value", "int", "number")
LATENTS: Final = ("latent_image", "latent", "samples", "latents", "pixels", "image", "images")
PASSED: Final = (
    "",
    "any",
    "any_01",
    "any_1",
    "input",
    "*",
    "value",
    "in",
    "data",
    "pipe",
    "model",
)
"""Inputs through which reroutes and the like hand on whatever they are given."""
COMPUTED: Final = (
    "regex",
    "replace",
    "textgenerate",
    "extract",
    "translate",
    "caption",
    "chat",
)
"""Words in the classes of nodes whose text comes into being only as they run."""
OUTPUTS: Final = ("save", "preview", "output", "imagesend")
_PAINTING: Final = ("seed", "noise_seed", "noise", "sampler_name", "steps", "sampler")
SETTINGS: Final = {
    "steps": "steps",
    "cfg": "cfg",
    "guidance": "guidance",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "denoise": "denoise",
    "ckpt_name": "model",
    "unet_name": "model",
    "lora_name": "LoRA",
    "control_net_name": "ControlNet",
}
"""Inputs that say how a picture was painted, as they are named in a note."""
MAX_NODES: Final = 5000
"""Of one graph. Chosen by hand."""
MAX_CHARS: Final = 20_000
"""Of one text. Chosen by hand, ten times what can be typed here."""


def named(role: Role) -> tuple[str, ...]:
    """Return the inputs that are named for one of the two prompts."""
    return role, f"{role}_prompt", f"text_{role}"


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Return whether an input is a link: a node's id and the number of its output."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str | int)
        and isinstance(value[1], int)
    )


def class_of(node: Node) -> str:
    """Return a node's class in lower case."""
    return str(node.get("class_type", "")).lower()


def is_computed(node: Node) -> bool:
    """Return whether a node makes a text that no input of it holds."""
    kind = re.sub("[^a-z]", "", class_of(node))
    return any(word in kind for word in COMPUTED)


def links_of(inputs: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    return [inputs[name] for name in names if is_link(inputs.get(name))]


def is_sampler(node: Node) -> bool:
    """Return whether a node paints: it is given a prompt, and noise or a number of steps."""
    inputs = node["inputs"]
    prompted = any(name in inputs for name in (*named("positive"), "guider", "pipe", "context"))
    # Of a drawn sampler it may be unknown which of its values is the seed.
    return prompted and (any(name in inputs for name in _PAINTING) or "sampler" in class_of(node))


def joined(parts: list[str], between: str) -> str:
    """Join the texts that differ: both halves of an encoder are often given the same one."""
    kept = list(dict.fromkeys(part for part in parts if part))
    return between[:20].join(kept)[:MAX_CHARS]
