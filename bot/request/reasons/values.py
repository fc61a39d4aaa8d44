"""Why a value of a request cannot be painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.diffusion.families import Feature

TextField = Literal["prompt", "negative", "search", "note"]
"""The texts whose length is limited."""


Quantity = Literal[
    "seed",
    "steps",
    "guidance",
    "pictures",
    "hours",
    "count",
    "strength",
    "variety",
    "variation",
    "refine",
    "lora",
]
"""The numbers that have bounds."""


@dataclass(frozen=True, slots=True)
class EmptyPrompt:
    """The prompt is empty after cleaning."""


@dataclass(frozen=True, slots=True)
class PromptForgotten:
    """A suggestion was chosen that stood for a long prompt, which is not in memory any more."""


@dataclass(frozen=True, slots=True)
class TextTooLong:
    """A text is too long. what: "prompt", "negative", …"""

    what: TextField
    chars: int
    limit_chars: int


@dataclass(frozen=True, slots=True)
class NegativeUnsupported:
    """A negative prompt for a model on which none acts."""


@dataclass(frozen=True, slots=True)
class FeatureUnsupported:
    """Something that the family of the model that paints cannot do. family: its name."""

    feature: Feature
    family: str


@dataclass(frozen=True, slots=True)
class TooManyTokens:
    """The prompt, with the words that enhancement added, has more tokens than the model reads."""

    tokens: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number outside its bounds, or something that is not a number. what: seed, steps, …"""

    what: Quantity
    value: object
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BadSize:
    """A size that the model cannot generate."""

    width_px: int
    height_px: int
    min_side_px: int
    max_side_px: int
    grid_px: int


@dataclass(frozen=True, slots=True)
class SizeTooLarge:
    """More pixels than the model generates in one piece.

    The advised size can be upscaled afterwards. upscaled: the request was for an upscaling.
    """

    width_px: int
    height_px: int
    advised_width_px: int
    advised_height_px: int
    upscaled: bool


@dataclass(frozen=True, slots=True)
class BadAspect:
    """Not an aspect ratio, or more extreme than the model supports."""

    text: str
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StrengthWithoutImage:
    """A strength was given without a source image."""


@dataclass(frozen=True, slots=True)
class PresetContradicted:
    """A number and a name for another number were given: 12 steps and the speed "fast", which is 4.

    option: of the number. preset_option: of the name. preset: the name. means: its number here.
    """

    option: Literal["steps", "guidance"]
    value: float
    preset_option: Literal["speed", "strict"]
    preset: str
    means: float


@dataclass(frozen=True, slots=True)
class RegionUnused:
    """A region was given where none is repainted. masked: there is a mask instead."""

    masked: bool = False


ValueReason = (
    EmptyPrompt
    | PromptForgotten
    | TextTooLong
    | NegativeUnsupported
    | FeatureUnsupported
    | TooManyTokens
    | OutOfRange
    | BadSize
    | SizeTooLarge
    | BadAspect
    | StrengthWithoutImage
    | PresetContradicted
    | RegionUnused
)
