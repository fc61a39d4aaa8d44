"""What a person should know about a picture that is painted all the same; data."""

from __future__ import annotations

from dataclasses import dataclass

from engine.prompts import PictureStyle
from engine.types import Adaptation, Difference, Recipe


@dataclass(frozen=True, slots=True)
class NegativeIgnored:
    """A negative prompt was given, and guidance is off: it does nothing."""


@dataclass(frozen=True, slots=True)
class NegativeAdded:
    """Enhancement gave the default negative prompt, since guidance is on and none was given."""

    words: str


@dataclass(frozen=True, slots=True)
class HighGuidance:
    """Guidance above what this family takes well."""

    guidance: float
    advised: float


@dataclass(frozen=True, slots=True)
class SmallSide:
    """The short side is under what this family needs to show what it should."""

    side_px: int
    good_px: int


@dataclass(frozen=True, slots=True)
class StyleIgnored:
    """A style was chosen and left out: `words` of the prompt name another one, or want none of it;
    "" where the model knows no styles."""

    style: PictureStyle
    words: str = ""


@dataclass(frozen=True, slots=True)
class Adapted:
    """The painter had to do something other than what was asked for, and the picture is fine."""

    adaptation: Adaptation


@dataclass(frozen=True, slots=True)
class NotExact:
    """A replay whose pixels may differ from the original, and why."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class SomeFailed:
    """`failed` of the `wanted` pictures could not be painted, and were not charged."""

    failed: int
    wanted: int


Note = (
    NegativeIgnored
    | NegativeAdded
    | HighGuidance
    | SmallSide
    | StyleIgnored
    | Adapted
    | NotExact
    | SomeFailed
)


def adaptation_notes(*recipes: Recipe) -> tuple[Adapted, ...]:
    """One remark for each kind of thing that had to be done, the last of it."""
    last = {each.mend: each for recipe in recipes for each in recipe.adaptations}
    return tuple(map(Adapted, last.values()))
