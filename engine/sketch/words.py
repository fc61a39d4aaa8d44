"""What both languages share to word a scene."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.sketch.spec import Scene

SKYLESS: Final = frozenset({"room", "space", "underwater"})
"""Places without weather, where nobody speaks of a starry sky."""


@dataclass(frozen=True, slots=True)
class Filling:
    """Filler words for one caption.

    noun: a thing that the model does not know. adjectives, after: what is said of the first thing,
    or of the second if `second`. tags: what is said of the picture.
    """

    noun: str = ""
    adjectives: tuple[str, ...] = ()
    after: str = ""
    tags: tuple[str, ...] = ()
    second: bool = False

    def of(self, number: int) -> "Filling":
        """Return what is said of the first (0) or second (1) thing."""
        return self if int(self.second) == number else Filling()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a caption says, and how.

    said: the aspects of the scene that it mentions. pattern: its sentence pattern. loose: as people
    type rather than as they write. opening: what takes the pattern's place for one, or "".
    """

    scene: Scene
    said: frozenset[str]
    pattern: str
    loose: bool
    filling: Filling
    opening: str

    @property
    def open_sky(self) -> bool:
        """Whether the caption may speak of sun, moon and stars without naming a thing."""
        scene = self.scene
        shown = any(each.thing in ("moon", "star") for each in scene.subjects)
        return scene.weather == "clear" and scene.place not in SKYLESS and not shown


def pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    """Return one of several words."""
    return words[int(rng.integers(len(words)))]


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True in this share of calls."""
    return rng.random() < share
