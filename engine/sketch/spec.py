"""The contents of a scene, before anything is drawn or written about it."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

PLACES: Final = (
    "lake",
    "forest",
    "desert",
    "sea",
    "city",
    "meadow",
    "room",
    "space",
    "underwater",
)
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
    "cat",
    "dog",
    "fish",
    "horse",
    "rabbit",
    "dragon",
    "woman",
    "man",
    "child",
    "robot",
    "snowman",
    "castle",
    "spaceship",
    "rocket",
    "moon",
    "star",
    "mushroom",
    "cake",
    "noodles",
    "sword",
    "crown",
    "book",
)
COLOURS: Final = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "grey",
    "white",
    "black",
)
STYLES: Final = ("painting", "pixel", "pencil", "watercolour", "neon")
"""How a scene is rendered; the first is the usual way, which captions need not mention."""

MOST_ALIKE: Final = 3
"""Most things of one kind in a scene."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One to three things of one kind and colour."""

    thing: str
    colour: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Default:
    """How a thing is shown when a prompt says nothing else: where, when, in which colours."""

    place: str
    colours: tuple[str, ...]
    time: str = "noon"
    weather: str = "clear"


DEFAULTS: Final[dict[str, Default]] = {
    "house": Default("meadow", ("white", "red")),
    "boat": Default("sea", ("white", "red")),
    "tree": Default("meadow", ("green",)),
    "car": Default("city", ("red", "blue")),
    "tower": Default("sea", ("red", "white")),
    "balloon": Default("meadow", ("red", "yellow")),
    "bird": Default("forest", ("blue", "red")),
    "person": Default("meadow", ("blue", "red")),
    "flower": Default("meadow", ("pink", "red")),
    "cat": Default("meadow", ("orange", "grey")),
    "dog": Default("meadow", ("brown",)),
    "fish": Default("underwater", ("orange",)),
    "horse": Default("meadow", ("brown",)),
    "rabbit": Default("meadow", ("white", "grey")),
    "dragon": Default("desert", ("green", "red")),
    "woman": Default("meadow", ("red", "purple")),
    "man": Default("meadow", ("blue", "grey")),
    "child": Default("meadow", ("yellow", "blue")),
    "robot": Default("city", ("grey", "blue")),
    "snowman": Default("forest", ("white",), weather="snow"),
    "castle": Default("meadow", ("grey",)),
    "spaceship": Default("space", ("grey",), time="night"),
    "rocket": Default("space", ("white", "red"), time="night"),
    "moon": Default("lake", ("yellow",), time="night"),
    "star": Default("meadow", ("yellow",), time="night"),
    "mushroom": Default("forest", ("red",)),
    "cake": Default("room", ("pink",)),
    "noodles": Default("room", ("red", "blue")),
    "sword": Default("room", ("grey",)),
    "crown": Default("room", ("yellow",)),
    "book": Default("room", ("red", "blue", "brown")),
}
"""The colour of noodles is their bowl's, that of people their clothes'."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: everything that a caption may mention.

    Without `subjects` it shows only its place; with two, the first stands on the left.
    """

    place: str
    time: str
    weather: str
    subjects: tuple[Subject, ...] = ()
    style: str = STYLES[0]

    @property
    def thing(self) -> str | None:
        """The first thing's kind; None in a scene that shows only its place."""
        return self.subjects[0].thing if self.subjects else None

    @property
    def colour(self) -> str | None:
        """The first thing's colour."""
        return self.subjects[0].colour if self.subjects else None

    @property
    def count(self) -> int:
        """How many things there are of the first kind; 0 in a scene that shows only its place."""
        return self.subjects[0].count if self.subjects else 0


HELD_OUT_SHARE: Final = 0.1
"""Share of all place × time × thing × colour combinations that training never sees. By hand."""

BARE_DEFAULT: Final = Default("meadow", ())
"""What is shown where a prompt names nothing that the model knows."""

_WEATHER_ODDS: Final = (0.52, 0.16, 0.16, 0.16)
_NOTHING_ODDS: Final = 0.12
"""How often each weather, and a scene without a thing, is drawn. Chosen by hand."""
_ALL_DEFAULT_ODDS: Final = 0.22
_ONE_DEFAULT_ODDS: Final = 0.2
"""How often everything about a scene is its thing's default, and one aspect of another scene."""
_SEVERAL_ODDS: Final = 0.14
_PAIR_ODDS: Final = 0.14
_STYLE_ODDS: Final = 0.18
"""How often a scene shows two or three of a thing, two kinds, another style. Chosen by hand."""

_ALWAYS_CLEAR: Final = frozenset({"room", "space", "underwater"})
_TIMES_OF: Final[dict[str, tuple[str, ...]]] = {
    "space": ("night",),
    "underwater": ("noon", "night"),
}
"""Places where only some times can be told apart."""


def default_of(scene: Scene) -> Default:
    """Return what a caption of the scene may leave unsaid: the first thing's default."""
    return BARE_DEFAULT if scene.thing is None else DEFAULTS[scene.thing]


def unspoken(scene: Scene) -> frozenset[str]:
    """Return the aspects that a caption need not mention, because they are the default.

    Of place, time, weather and colour. The colour is among them if those of all things are.
    """
    usual = default_of(scene)
    aspects = set()
    if scene.place == usual.place:
        aspects.add("place")
    if scene.time == usual.time or (
        scene.place in _TIMES_OF and scene.time == times_of(scene.place)[0]
    ):
        aspects.add("time")
    if scene.weather == usual.weather:
        aspects.add("weather")
    if all(each.colour in DEFAULTS[each.thing].colours for each in scene.subjects):
        aspects.add("colour")
    return frozenset(aspects)


def times_of(place: str) -> tuple[str, ...]:
    """Return the times of day that a place can show, the usual one first."""
    return _TIMES_OF.get(place, ("noon", "dawn", "sunset", "night"))


def is_held_out(scene: Scene) -> bool:
    """Whether a combination of place, time, thing and colour in it is held out of training.

    The answer depends on the four words alone, on every machine and in every version of Python.
    A thing as it is shown by default is never held out.
    """
    return any(_is_held_out(scene, each) for each in scene.subjects)


def _is_held_out(scene: Scene, subject: Subject) -> bool:
    usual = DEFAULTS[subject.thing]
    if (scene.place, scene.time) == (usual.place, usual.time) and subject.colour in usual.colours:
        return False
    words = "|".join((scene.place, scene.time, subject.thing, subject.colour))
    digest = hashlib.sha256(words.encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32


def draw_scene(rng: np.random.Generator, *, held_out: bool) -> Scene:
    """Draw a scene at random, from the held-out combinations or from those of training."""
    while True:
        scene = _any_scene(rng, may_be_bare=not held_out)
        if is_held_out(scene) == held_out:
            return scene


def _any_scene(rng: np.random.Generator, *, may_be_bare: bool) -> Scene:
    things = () if may_be_bare and rng.random() < _NOTHING_ODDS else _things(rng)
    usual = DEFAULTS[things[0]] if things else BARE_DEFAULT
    share = 1.0 if rng.random() < _ALL_DEFAULT_ODDS else _ONE_DEFAULT_ODDS
    place = usual.place if rng.random() < share else _pick(rng, PLACES)
    time = usual.time if rng.random() < share else _pick(rng, times_of(place))
    if time not in times_of(place):
        time = times_of(place)[0]
    weather = usual.weather if rng.random() < share else str(rng.choice(WEATHERS, p=_WEATHER_ODDS))
    count = 1
    if len(things) == 1 and rng.random() < _SEVERAL_ODDS:
        count = int(rng.integers(2, MOST_ALIKE + 1))
    subjects = []
    for thing in things:
        colours = DEFAULTS[thing].colours if rng.random() < share else COLOURS
        subjects.append(Subject(thing, _pick(rng, colours), count))
    return Scene(
        place,
        time,
        "clear" if place in _ALWAYS_CLEAR else weather,
        tuple(subjects),
        _pick(rng, STYLES[1:]) if rng.random() < _STYLE_ODDS else STYLES[0],
    )


def _things(rng: np.random.Generator) -> tuple[str, ...]:
    first, second = _pick(rng, THINGS), _pick(rng, THINGS)
    return (first, second) if first != second and rng.random() < _PAIR_ODDS else (first,)


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
