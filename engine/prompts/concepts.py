"""The meanings of words in a prompt: the kinds and senses by which the lexicons list words."""

from __future__ import annotations

from enum import StrEnum, auto


class ConceptKind(StrEnum):
    """The part of a picture that a word describes."""

    SUBJECT = auto()
    STYLE = auto()
    MATERIAL = auto()
    LIGHT = auto()
    PLACE = auto()
    TIME = auto()
    WEATHER = auto()
    COLOUR = auto()
    LOOK = auto()
    """How the picture should look: additions must not contradict it."""
    NEUTRAL = auto()
    """Phrases that contain words of other kinds ("evening gown") but mean nothing here."""


class Sense(StrEnum):
    """A word's meaning, as far as enhancement needs it; each belongs to one kind."""

    # SUBJECT
    PORTRAIT = auto()
    PERSON = auto()
    ANIMAL = auto()
    BIRD = auto()
    SCALY = auto()
    INSECT = auto()
    CREATURE = auto()
    ROBOT = auto()
    FOOD = auto()
    LETTERING = auto()
    VEHICLE = auto()
    FLOWER = auto()
    TREE = auto()
    PRODUCT = auto()
    BUILDING = auto()
    LANDSCAPE = auto()
    # STYLE
    PHOTO = auto()
    FILM = auto()
    OIL = auto()
    WATERCOLOUR = auto()
    INK = auto()
    PENCIL = auto()
    PAINT = auto()
    PIXEL = auto()
    ANIME = auto()
    COMIC = auto()
    RENDER = auto()
    VECTOR = auto()
    ILLUSTRATION = auto()
    PRINT = auto()
    CRAFT = auto()
    MONOCHROME = auto()
    ABSTRACT = auto()
    OTHER_STYLE = auto()
    # MATERIAL
    STUFF = auto()
    # LIGHT
    LIT = auto()
    SHADOW = auto()
    # PLACE
    INDOOR = auto()
    MOUNTAIN = auto()
    SEA = auto()
    LAKE = auto()
    FOREST = auto()
    DESERT = auto()
    COUNTRYSIDE = auto()
    CITY = auto()
    SPACE = auto()
    UNDERWATER = auto()
    OUTDOORS = auto()
    # TIME
    DAWN = auto()
    MORNING = auto()
    NOON = auto()
    AFTERNOON = auto()
    GOLDEN_HOUR = auto()
    SUNSET = auto()
    DUSK = auto()
    NIGHT = auto()
    SEASON = auto()
    # WEATHER
    RAIN = auto()
    SNOW = auto()
    FOG = auto()
    STORM = auto()
    CLOUDS = auto()
    SUN = auto()
    WIND = auto()
    # COLOUR
    HUE = auto()
    # LOOK
    BLURRY = auto()
    BOKEH = auto()
    GRAINY = auto()
    MINIMAL = auto()
    FLAT = auto()
    DARK = auto()
    COLD = auto()
    PALE = auto()
    CHAOTIC = auto()
    DEFORMED = auto()
    SILHOUETTE = auto()
    NO_EYES = auto()
    FRAMING = auto()
    MOOD = auto()
    BACKGROUND = auto()
    DRY = auto()
    SIGNED = auto()
    # NEUTRAL
    NOTHING = auto()


class Topic(StrEnum):
    """What an added phrase asserts about the picture."""

    SHARP = auto()
    DETAIL = auto()
    DEPTH = auto()
    LIGHT = auto()
    GOLD = auto()
    SHADOW = auto()
    SUNLIT = auto()
    OPEN_SKY = auto()
    BRIGHT = auto()
    COLOUR = auto()
    REAL = auto()
    EYES = auto()
    ORDER = auto()
    FRAMING = auto()
    MOOD = auto()
    BACKGROUND = auto()
    SHAPE = auto()
    TEXT = auto()
    MARKS = auto()


_PAINTED = frozenset(
    {
        Sense.OIL, Sense.WATERCOLOUR, Sense.INK, Sense.PENCIL, Sense.PAINT, Sense.PIXEL,
        Sense.ANIME, Sense.COMIC, Sense.VECTOR, Sense.ILLUSTRATION, Sense.PRINT, Sense.CRAFT,
        Sense.ABSTRACT, Sense.OTHER_STYLE, Sense.RENDER,
    }
)  # fmt: skip
_PLAIN = frozenset({Sense.MINIMAL, Sense.FLAT, Sense.VECTOR, Sense.ABSTRACT})
_DIM = frozenset({Sense.FOG, Sense.CLOUDS, Sense.RAIN, Sense.STORM, Sense.SNOW})
_SUNLESS = frozenset({Sense.SPACE, Sense.UNDERWATER})
_COLOURLESS = frozenset({Sense.MONOCHROME, Sense.PENCIL, Sense.INK})

FIGHTS: dict[Topic, frozenset[Sense]] = {
    Topic.SHARP: frozenset(
        {Sense.BLURRY, Sense.BOKEH, Sense.GRAINY, Sense.FOG, Sense.FILM, Sense.SILHOUETTE}
    ),
    Topic.DETAIL: _PLAIN | {Sense.BLURRY, Sense.GRAINY, Sense.SILHOUETTE, Sense.PIXEL},
    Topic.DEPTH: _PLAIN
    | {
        Sense.BLURRY, Sense.BOKEH, Sense.FOG, Sense.DARK, Sense.FRAMING, Sense.INDOOR,
        Sense.PRINT, Sense.BACKGROUND, Sense.SILHOUETTE,
    },
    Topic.LIGHT: frozenset({Sense.LIT, Sense.SHADOW, Sense.FLAT, Sense.VECTOR, Sense.SILHOUETTE}),
    Topic.GOLD: _COLOURLESS | _DIM | {Sense.DARK, Sense.COLD, Sense.PALE},
    Topic.SHADOW: _PLAIN | _DIM | _SUNLESS | {Sense.INDOOR, Sense.DARK, Sense.SHADOW},
    Topic.SUNLIT: _SUNLESS,
    Topic.OPEN_SKY: _SUNLESS | {Sense.INDOOR},
    Topic.BRIGHT: frozenset({Sense.DARK, Sense.FOG}),
    Topic.COLOUR: _COLOURLESS | {Sense.PALE},
    Topic.REAL: _PAINTED | {Sense.DEFORMED, Sense.CHAOTIC},
    Topic.EYES: frozenset({Sense.NO_EYES, Sense.BLURRY, Sense.SILHOUETTE, Sense.DARK}),
    Topic.ORDER: frozenset({Sense.CHAOTIC, Sense.ABSTRACT, Sense.DEFORMED}),
    Topic.FRAMING: frozenset(
        {Sense.FRAMING, Sense.PORTRAIT, Sense.VECTOR, Sense.FLAT, Sense.ABSTRACT, Sense.LETTERING}
    ),
    Topic.MOOD: frozenset({Sense.MOOD, Sense.CHAOTIC, Sense.DEFORMED, Sense.VECTOR, Sense.STORM}),
    Topic.BACKGROUND: frozenset(
        {Sense.BACKGROUND, Sense.CHAOTIC, Sense.INDOOR, Sense.CITY, Sense.FOREST, Sense.SEA}
    ),
    Topic.SHAPE: frozenset({Sense.DEFORMED, Sense.ABSTRACT, Sense.CREATURE}),
    Topic.TEXT: frozenset({Sense.LETTERING}),
    Topic.MARKS: frozenset({Sense.SIGNED}),
}  # fmt: skip
"""The senses of the user's own words that a phrase with this topic would contradict."""

DENIED: dict[Sense, frozenset[Topic]] = {
    Sense.SHADOW: frozenset({Topic.SHADOW}),
    Sense.SUN: frozenset({Topic.SUNLIT}),
    Sense.LIT: frozenset({Topic.LIGHT, Topic.BRIGHT}),
    Sense.HUE: frozenset({Topic.COLOUR}),
    Sense.BACKGROUND: frozenset({Topic.BACKGROUND}),
}
"""The topics that a phrase must avoid where the user denies a sense ("no shadows")."""
