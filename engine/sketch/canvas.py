"""A supersampled canvas and the light of a scene."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING: Final = 3
"""Each pixel is drawn as 3 × 3. Chosen by eye."""

Rgb = tuple[float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Light:
    """The colours of one time of day; all channels 0 to 255, tints are factors."""

    sky: tuple[Rgb, Rgb, Rgb]
    """Sky at the top, halfway down and at the horizon."""
    tint: Rgb
    """Multiplies the landscape's own colours."""
    thing_tint: Rgb
    """The same for the thing in front, which stays recognisable at night."""
    haze: Rgb
    """The colour into which distant layers fade."""
    water: Rgb
    sun: Rgb
    cloud: Rgb


LIGHTS: Final = {
    "dawn": Light(
        sky=((158, 178, 232), (250, 196, 214), (255, 228, 204)),
        tint=(1.0, 0.90, 0.94),
        thing_tint=(1.0, 0.97, 0.97),
        haze=(250, 208, 216),
        water=(190, 170, 205),
        sun=(255, 246, 200),
        cloud=(255, 226, 232),
    ),
    "noon": Light(
        sky=((34, 118, 226), (92, 172, 246), (188, 226, 252)),
        tint=(1.0, 1.0, 1.0),
        thing_tint=(1.0, 1.0, 1.0),
        haze=(198, 226, 248),
        water=(40, 134, 214),
        sun=(255, 240, 110),
        cloud=(255, 255, 255),
    ),
    "sunset": Light(
        sky=((104, 44, 112), (232, 86, 54), (255, 176, 52)),
        tint=(0.80, 0.50, 0.44),
        thing_tint=(1.0, 0.92, 0.88),
        haze=(238, 122, 66),
        water=(186, 74, 70),
        sun=(255, 78, 30),
        cloud=(184, 62, 84),
    ),
    "night": Light(
        sky=((8, 12, 44), (16, 26, 76), (36, 54, 112)),
        tint=(0.22, 0.29, 0.50),
        thing_tint=(0.90, 0.90, 0.97),
        haze=(34, 50, 104),
        water=(20, 42, 98),
        sun=(248, 244, 214),
        cloud=(40, 54, 98),
    ),
}


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Blend two colours: `share` 0 is all `a`, 1 is all `b`."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def times(a: Rgb, factor: Rgb | float) -> Rgb:
    """Multiply a colour by a factor, per channel or for all."""
    factors = (factor, factor, factor) if isinstance(factor, (int, float)) else factor
    return tuple(x * y for x, y in zip(a, factors, strict=True))  # type: ignore[return-value]


def weathered(light: Light, weather: str) -> Light:
    """Return a light under rain, snow or mist; the time of day stays recognisable."""
    if weather == "clear":
        return light
    veil, share = {
        "rain": ((96.0, 108.0, 128.0), 0.30),
        "snow": ((206.0, 214.0, 228.0), 0.16),
        "mist": (light.haze, 0.35),
    }[weather]
    brightness = sum(light.sky[1]) / 3 / 170
    veil = times(veil, min(1.0, 0.35 + 0.65 * brightness))
    top, middle, low = light.sky
    return replace(
        light,
        sky=(mix(top, veil, share), mix(middle, veil, share), mix(low, veil, share * 0.7)),
        tint=times(light.tint, 0.88 if weather == "rain" else 1.0),
        water=mix(light.water, veil, share),
        cloud=mix(light.cloud, veil, 0.8 if weather == "rain" else share),
    )


class Canvas:
    """A picture being drawn: coordinates in final pixels, edges antialiased by supersampling.

    `unit` is the length in pixels by which things are measured: about the shorter side.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width = width_px
        self.height = height_px
        self.unit = 0.5 * min(width_px, height_px) + 0.5 * (width_px * height_px) ** 0.5
        size = (width_px * SUPERSAMPLING, height_px * SUPERSAMPLING)
        self.image = Image.new("RGB", size)
        self._draw = ImageDraw.Draw(self.image)

    def gradient(self, stops: Sequence[tuple[float, Rgb]]) -> None:
        """Fill the whole canvas from top to bottom; stops are (height in px, colour)."""
        rows = np.arange(self.image.height) / SUPERSAMPLING
        heights = [height for height, _ in stops]
        channels = [np.interp(rows, heights, [rgb[i] for _, rgb in stops]) for i in range(3)]
        column = np.stack(channels, axis=-1).round().astype(np.uint8)[:, None]
        self.image.paste(Image.fromarray(column).resize(self.image.size, Image.Resampling.NEAREST))

    def polygon(self, points: Sequence[Point], fill: Rgb) -> None:
        """Fill a polygon."""
        self._draw.polygon([_scaled(p) for p in points], fill=_ink(fill))

    def line(self, points: Sequence[Point], fill: Rgb, width: float) -> None:
        """Draw a line with rounded joints, `width` px wide."""
        width_px = max(1, round(width * SUPERSAMPLING))
        self._draw.line([_scaled(p) for p in points], _ink(fill), width_px, joint="curve")

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Rgb) -> None:
        """Fill an ellipse around (x, y)."""
        box = (*_scaled((x - rx, y - ry)), *_scaled((x + rx, y + ry)))
        self._draw.ellipse(box, fill=_ink(fill))

    def disc(self, x: float, y: float, radius: float, fill: Rgb) -> None:
        """Fill a circle around (x, y)."""
        self.ellipse(x, y, radius, radius, fill)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb) -> None:
        """Fill a rectangle with the corners (x0, y0) and (x1, y1)."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def veil(self, mask: np.ndarray, fill: Rgb) -> None:
        """Lay a colour over the picture; `mask` holds its opacity, 0 to 1, at any resolution."""
        opacity = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
        resized = opacity.resize(self.image.size, Image.Resampling.BILINEAR)
        self.image.paste(_ink(fill), mask=resized)

    def pixels(self) -> np.ndarray:
        """Return the finished picture: uint8, height × width × 3."""
        return np.asarray(self.image.reduce(SUPERSAMPLING))


def _scaled(point: Point) -> Point:
    return point[0] * SUPERSAMPLING, point[1] * SUPERSAMPLING


def _ink(rgb: Rgb) -> tuple[int, int, int]:
    red, green, blue = (round(min(255.0, max(0.0, channel))) for channel in rgb)
    return red, green, blue
