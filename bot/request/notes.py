"""Notes for the requester of a picture that is generated nevertheless, as data."""

from __future__ import annotations

from dataclasses import dataclass

from engine.prompts import PictureStyle
from engine.types import Adaptation, Difference, Recipe


@dataclass(frozen=True, slots=True)
class NegativeIgnored:
    """A negative prompt was given, but guidance is off, so it has no effect."""


@dataclass(frozen=True, slots=True)
class NegativeAdded:
    """Enhancement added the default negative prompt: guidance is on and none was given."""

    words: str


@dataclass(frozen=True, slots=True)
class HighGuidance:
    """The guidance is above the highest value advised for this family."""

    guidance: float
    advised: float


@dataclass(frozen=True, slots=True)
class SmallSide:
    """The short side is below what this family needs for good pictures."""

    side_px: int
    good_px: int


@dataclass(frozen=True, slots=True)
class StyleIgnored:
    """A chosen style was ignored.

    words: the words of the prompt that name another style or reject this one, "" if the model knows
    no styles.
    """

    style: PictureStyle
    words: str = ""


@dataclass(frozen=True, slots=True)
class SyntaxIgnored:
    """The prompt has syntax of other programs that does nothing here. words: as written."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Adapted:
    """The renderer had to deviate from the request; the picture is fine."""

    adaptation: Adaptation


@dataclass(frozen=True, slots=True)
class NotExact:
    """A replay may differ from the original's pixels, for these reasons."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class SomeFailed:
    """`failed` of the `wanted` pictures could not be generated, and were not charged."""

    failed: int
    wanted: int


Note = (
    NegativeIgnored
    | NegativeAdded
    | HighGuidance
    | SmallSide
    | StyleIgnored
    | SyntaxIgnored
    | Adapted
    | NotExact
    | SomeFailed
)


def adaptation_notes(*recipes: Recipe) -> tuple[Adapted, ...]:
    """Return one note for each kind of adaptation, with the last of that kind."""
    last = {each.mend: each for recipe in recipes for each in recipe.adaptations}
    return tuple(map(Adapted, last.values()))
