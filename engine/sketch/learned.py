"""What the committed weights were trained on: less than `spec.py` has.

Whoever commits weights that know more changes `LEARNED` in the same commit.
"""

from dataclasses import dataclass
from typing import Final

from engine.sketch.spec import COLOURS, PLACES, STYLES, THINGS, Scene


@dataclass(frozen=True)
class Learned:
    """The part of `spec` that a model knows."""

    things: tuple[str, ...]
    places: tuple[str, ...]
    colours: tuple[str, ...]
    styles: tuple[str, ...]

    def covers(self, scene: Scene) -> bool:
        """Return whether a scene has nothing but what the model knows."""
        return (
            scene.place in self.places
            and scene.style in self.styles
            and all(s.thing in self.things and s.colour in self.colours for s in scene.subjects)
        )


EVERYTHING: Final = Learned(THINGS, PLACES, COLOURS, STYLES)

LEARNED: Final = Learned(THINGS, PLACES, COLOURS, STYLES[:1])
"""What the committed weights know: everything but other styles than the usual one."""
