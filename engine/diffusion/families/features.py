"""What can be asked of a model, to say for each family whether it can do it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from engine.modes import Mode


class Feature(StrEnum):
    """One thing that works with a family, or is refused by name.

    The values are stable names. What a person asks for comes first; what the engine does for every
    picture comes after it.
    """

    COUNT = "count"
    """Several pictures of one request."""
    PICTURE = "picture"
    """Starting from a picture."""
    MASK = "mask"
    """Repainting a part of a picture."""
    BLEND = "blend"
    UPSCALE = "upscale"
    VARY = "vary"
    """Variations of a picture's noise."""
    NEGATIVE = "negative"
    """A negative prompt that acts."""
    LORA = "lora"
    PREVIEWS = "previews"
    GUARD = "guard"
    """Repeating a step that has become NaN or infinite."""
    MEMORY_PLANS = "memory plans"
    TOKENS = "tokens"
    """Counting what the text encoders read, before anything is painted."""
    RECIPE = "recipe"
    """Painting a picture again from its recipe, to the bit."""


OF_MODE: Mapping[Mode, Feature | None] = {
    Mode.TEXT: None,
    Mode.IMAGE: Feature.PICTURE,
    Mode.INPAINT: Feature.MASK,
    Mode.BLEND: Feature.BLEND,
    Mode.UPSCALE: Feature.UPSCALE,
}
"""The feature that painting from an input needs; none from words alone."""
