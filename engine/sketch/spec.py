"""The contents of a scene, before anything is drawn or written about it."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

PLACES: Final = ("lake", "forest", "desert", "sea", "city")
TIMES: Final = ("dawn", "noon", "sunset", "night")
WEATHERS: Final = ("clear", "rain", "snow", "mist")
THINGS: Final = (
    "house",
    "boat",
    "tree",
    "car",
    "tower",
    "balloon",
    "bird",
    "person",
    "flower",
)
COLOURS: Final = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "white",
    "black",
)

HELD_OUT_SHARE: Final = 0.1
"""Share of all place × time × thing × colour combinations that training never sees. By hand."""

_WEATHER_ODDS: Final = (0.46, 0.18, 0.18, 0.18)
_NOTHING_ODDS: Final = 0.12
"""How often each weather, and a scene without a thing, is drawn. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: everything that a caption may mention.

    `thing` and `colour` are both None in a scene that shows only its place.
    """

    place: str
    time: str
    weather: str
    thing: str | None
    colour: str | None


def is_held_out(scene: Scene) -> bool:
    """Whether the scene's combination of place, time, thing and colour is held out of training.

    The answer depends on the four words alone, on every machine and in every version of Python.
    """
    if scene.thing is None:
        return False
    words = "|".join((scene.place, scene.time, scene.thing, scene.colour or ""))
    digest = hashlib.sha256(words.encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32


def draw_scene(rng: np.random.Generator, *, held_out: bool) -> Scene:
    """Draw a scene at random, from the held-out combinations or from those of training."""
    while True:
        scene = _any_scene(rng, may_be_bare=not held_out)
        if is_held_out(scene) == held_out:
            return scene


def _any_scene(rng: np.random.Generator, *, may_be_bare: bool) -> Scene:
    bare = may_be_bare and rng.random() < _NOTHING_ODDS
    return Scene(
        place=_pick(rng, PLACES),
        time=_pick(rng, TIMES),
        weather=str(rng.choice(WEATHERS, p=_WEATHER_ODDS)),
        thing=None if bare else _pick(rng, THINGS),
        colour=None if bare else _pick(rng, COLOURS),
    )


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
