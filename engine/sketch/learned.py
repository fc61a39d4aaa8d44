"""What the committed weights were trained on: they may lag behind `spec.py`.

Whoever commits weights that know more changes `LEARNED` in the same commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.prompts.language import Language
from engine.sketch.spec import COLOURS, PLACES, STYLES, THINGS, Scene


@dataclass(frozen=True)
class Learned:
    """The part of `spec` that a model knows.

    several: whether it knows two or three of a thing, and two kinds side by side. more_words: words
    that it was taught for its things and that captions now use for others.
    """

    things: tuple[str, ...]
    places: tuple[str, ...]
    colours: tuple[str, ...]
    styles: tuple[str, ...]
    several: bool = True
    more_words: Mapping[Language, tuple[str, ...]] = field(
        default_factory=dict[Language, tuple[str, ...]], hash=False
    )

    def covers(self, scene: Scene) -> bool:
        """Return whether a scene has nothing but what the model knows."""
        return (
            scene.place in self.places
            and scene.style in self.styles
            and all(s.thing in self.things and s.colour in self.colours for s in scene.subjects)
            and (self is EVERYTHING or (len(scene.subjects) < 2 and scene.count < 2))
        )


EVERYTHING: Final = Learned(THINGS, PLACES, COLOURS, STYLES)
FIRST: Final = Learned(
    THINGS[:9],
    PLACES[:5],
    tuple(colour for colour in COLOURS if colour not in ("brown", "grey")),
    STYLES[:1],
    several=False,
    more_words={"en": ("man", "woman", "child", "home"), "zh": ("孩子",)},
)
"""What revision 1 knows: one thing at a time."""

LEARNED: Final = FIRST
"""What the committed weights know."""
