"""Model families: one module for each, and the only place that knows its conventions.

To add a family, write a module with a subclass of `Family` and an instance of it, and list the
instance in `identification.FAMILIES`. Imports no torch.
"""

from __future__ import annotations

from engine.diffusion.families.base import (
    MAX_GUIDANCE,
    MAX_STEPS,
    Chat,
    Component,
    Family,
    NoiseLevels,
    Prompt,
    Speed,
    TokenLayout,
)
from engine.diffusion.families.clues import HUB_ID, ModelClues, folder_of
from engine.diffusion.families.features import OF_MODE, Feature
from engine.diffusion.families.identification import (
    FAMILIES,
    Identified,
    ModelSettings,
    family_for,
    family_of,
    identified,
    identify,
)
from engine.diffusion.families.pixart import PIXART_ALPHA, PIXART_LCM, PIXART_SIGMA
from engine.diffusion.families.sdxl import SDXL_LCM, SDXL_LIGHTNING, SDXL_TURBO
from engine.diffusion.families.sketch import SKETCH, SKETCH_FAMILY
from engine.diffusion.families.z_image import QWEN3_CHAT, Z_IMAGE, Z_IMAGE_TURBO

__all__ = [
    "FAMILIES",
    "HUB_ID",
    "MAX_GUIDANCE",
    "MAX_STEPS",
    "OF_MODE",
    "PIXART_ALPHA",
    "PIXART_LCM",
    "PIXART_SIGMA",
    "QWEN3_CHAT",
    "SDXL_LCM",
    "SDXL_LIGHTNING",
    "SDXL_TURBO",
    "SKETCH",
    "SKETCH_FAMILY",
    "Z_IMAGE",
    "Z_IMAGE_TURBO",
    "Chat",
    "Component",
    "Family",
    "Feature",
    "Identified",
    "ModelClues",
    "ModelSettings",
    "NoiseLevels",
    "Prompt",
    "Speed",
    "TokenLayout",
    "family_for",
    "family_of",
    "folder_of",
    "identified",
    "identify",
]
