"""The brush that draws things, and the colours by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.sketch.canvas import Canvas, Light, Point, Rgb, mix, times

PAINTS: Final[dict[str, Rgb]] = {
    "red": (226, 34, 38),
    "orange": (255, 132, 14),
    "yellow": (255, 222, 32),
    "green": (34, 172, 66),
    "blue": (32, 92, 236),
    "purple": (140, 48, 196),
    "pink": (255, 128, 190),
    "brown": (134, 78, 40),
    "grey": (134, 140, 150),
    "white": (252, 252, 252),
    "black": (34, 34, 40),
}

_DARK: Final[Rgb] = (36, 32, 48)
_PALE: Final[Rgb] = (214, 216, 226)


def outline_of(colour: str, light: Light, time: str) -> Rgb:
    """Return the colour of outlines: pale where a dark one would not be seen."""
    dark_on_dark = colour == "black" or (time == "night" and colour in ("blue", "purple", "brown"))
    return times(_PALE if dark_on_dark else _DARK, light.thing_tint)


@dataclass(frozen=True, slots=True)
class Brush:
    """Draws one thing at its place on the canvas.

    Shapes are given in units of the thing's size, x to the right and y UP from its foot.
    """

    canvas: Canvas
    x: float
    foot: float
    size: float
    body: Rgb
    outline: Rgb
    light: Light
    time: str

    def lit(self, rgb: Rgb) -> Rgb:
        """Return a fixed colour (wood, glass, skin) under this scene's light."""
        return times(rgb, self.light.thing_tint)

    def shade(self, factor: float) -> Rgb:
        """Return the body's colour, darker or lighter: below 1 darker, above 1 towards white."""
        if factor > 1:
            return mix(self.body, (255.0, 255.0, 255.0), factor - 1)
        return times(self.body, factor)

    def at(self, x: float, y: float) -> Point:
        """Convert the thing's own coordinates to px."""
        return self.x + x * self.size, self.foot - y * self.size

    def shape(self, points: Sequence[Point], fill: Rgb) -> None:
        """Fill a polygon and outline it."""
        placed = [self.at(*p) for p in points]
        self.canvas.polygon(placed, fill)
        self.canvas.line([*placed, placed[0], placed[1]], self.outline, self.stroke)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Rgb) -> None:
        """Fill an ellipse and outline it."""
        px, py = self.at(x, y)
        edge = self.stroke * 0.5
        self.canvas.ellipse(px, py, rx * self.size + edge, ry * self.size + edge, self.outline)
        self.canvas.ellipse(px, py, rx * self.size - edge, ry * self.size - edge, fill)

    def stick(self, points: Sequence[Point], fill: Rgb, width: float) -> None:
        """Draw a line, `width` in units of the thing's size."""
        self.canvas.line([self.at(*p) for p in points], fill, width * self.size)

    def dot(self, x: float, y: float, radius: float, fill: Rgb) -> None:
        """Fill a circle without an outline; `radius` in units of the thing's size."""
        self.canvas.disc(*self.at(x, y), radius * self.size, fill)

    def patch(self, points: Sequence[Point], fill: Rgb) -> None:
        """Fill a polygon without an outline: markings, belly, shine."""
        self.canvas.polygon([self.at(*p) for p in points], fill)

    @property
    def stroke(self) -> float:
        """Width of outlines, px."""
        return max(1.2, self.canvas.unit * 0.0075)

    @property
    def glass(self) -> Rgb:
        """The colour of windows, which are lit from within in the dark."""
        if self.time in ("night", "sunset"):
            return (255.0, 226.0, 110.0)
        return self.lit((196.0, 226.0, 246.0))
