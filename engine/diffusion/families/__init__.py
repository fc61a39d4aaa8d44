"""Model families: one module for each, and the only place that knows its conventions.

To add a family, write a module with a subclass of `Family` and an instance of it, and list the
instance in `FAMILIES`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.diffusion.families.base import (
    MAX_GUIDANCE,
    MAX_STEPS,
    Chat,
    Component,
    Family,
    ModelClues,
    Prompt,
    Speed,
    TokenLayout,
    folder_of,
)
from engine.diffusion.families.sketch import SKETCH, SKETCH_FAMILY
from engine.diffusion.families.z_image import QWEN3_CHAT, Z_IMAGE_TURBO

__all__ = [
    "FAMILIES",
    "MAX_GUIDANCE",
    "MAX_STEPS",
    "QWEN3_CHAT",
    "SKETCH",
    "SKETCH_FAMILY",
    "Z_IMAGE_TURBO",
    "Chat",
    "Component",
    "Family",
    "Identified",
    "ModelClues",
    "Prompt",
    "Speed",
    "TokenLayout",
    "family_for",
    "folder_of",
    "identify",
]

FAMILIES: tuple[Family, ...] = (SKETCH_FAMILY, Z_IMAGE_TURBO)
"""Every family, in the order in which they are asked: the narrower before the wider. Sketch and
Turbo have the same pipeline class, so sketch is asked first."""

_DEFAULT = Z_IMAGE_TURBO


@dataclass(frozen=True, slots=True)
class Identified:
    """A model's family, and why it was recognised as that, as text for the owner."""

    family: Family
    reason: str


def identify(clues: ModelClues, families: Sequence[Family] = FAMILIES) -> Identified:
    """Ask each family in order whether the model belongs to it; the first to recognise it wins.

    A model that none of them recognises is treated as Z-Image-Turbo: a hub id may not have been
    downloaded yet, and a damaged folder is refused with its reason when it is loaded.
    """
    for family in families:
        reason = family.recognizes(clues)
        if reason is not None:
            return Identified(family, reason)
    found = clues.pipeline_class
    reason = (
        "nothing about it can be read here" if found is None else f"no family paints with {found}"
    )
    return Identified(_DEFAULT, f"{reason}; {_DEFAULT.name} is assumed")


def family_for(model: str) -> Family:
    """Return the family of a model, given its name or its folder, without loading it."""
    return identify(ModelClues.read(model)).family
