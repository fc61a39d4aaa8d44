"""Pictures, and masks for them as people draw them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.engine.upload_files import saved

SIDE_PX = 240
BOX = (60, 84, 156, 180)
"""What is marked in every mask here that marks anything: left, top, right, bottom."""

Colour = tuple[int, int, int]


def scene() -> Image.Image:
    """Return flat colours, as sketch paints: a sky, a meadow, a house."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), (40, 90, 160))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 160, SIDE_PX, SIDE_PX), fill=(60, 140, 60))
    draw.rectangle((80, 120, 140, 170), fill=(180, 40, 40))
    draw.ellipse((180, 20, 210, 50), fill=(250, 240, 200))
    return image


def photo() -> Image.Image:
    """Return soft shapes under fine noise, as a camera takes them."""
    noise = np.random.default_rng(3).integers(20, 220, (12, 12, 3), np.uint8)
    soft = Image.fromarray(noise).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(4).integers(-12, 13, (SIDE_PX, SIDE_PX, 3))
    return Image.fromarray(np.clip(np.asarray(soft).astype(int) + grain, 0, 255).astype(np.uint8))


def night() -> Image.Image:
    """Return nearly black with a few lights."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), (8, 8, 14))
    draw = ImageDraw.Draw(image)
    for x in range(20, SIDE_PX, 44):
        draw.rectangle((x, 150, x + 8, 162), fill=(240, 210, 120))
    return image


def snow() -> Image.Image:
    """Return nearly white with a few trees."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), (246, 248, 250))
    draw = ImageDraw.Draw(image)
    for x in range(20, SIDE_PX, 44):
        draw.rectangle((x, 110, x + 6, 160), fill=(70, 60, 50))
    return image


def line_art() -> Image.Image:
    """Return thin black lines on white."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((50, 70, 170, 190), outline="black", width=3)
    draw.ellipse((90, 100, 130, 140), outline="black", width=3)
    draw.line((50, 70, 110, 20, 170, 70), fill="black", width=3)
    return image


def plain() -> Image.Image:
    """Return one colour all over."""
    return Image.new("RGB", (SIDE_PX, SIDE_PX), (90, 130, 170))


def logo() -> Image.Image:
    """Return a white disc on black."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), "black")
    ImageDraw.Draw(image).ellipse((84, 108, 132, 156), fill="white")
    return image


PICTURES: dict[str, Callable[[], Image.Image]] = {
    each.__name__: each for each in (scene, photo, night, snow, line_art, plain, logo)
}


def strokes(colour: Colour = (255, 255, 255), alpha: int = 255, beneath: Colour = (0, 0, 0)):
    """Return a transparent layer on which the box is painted."""
    image = Image.new("RGBA", (SIDE_PX, SIDE_PX), (*beneath, 0))
    image.paste((*colour, alpha), BOX)
    return image


def page(colour: Colour, beneath: Colour = (0, 0, 0)) -> Image.Image:
    """Return a sheet of one colour of which the box is cut out."""
    image = Image.new("RGBA", (SIDE_PX, SIDE_PX), (*colour, 255))
    image.paste((*beneath, 0), BOX)
    return image


def on_black(colour: Colour = (255, 255, 255), ground: Colour = (0, 0, 0)) -> Image.Image:
    """Return the box in one colour on a ground."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), ground)
    image.paste(colour, BOX)
    return image


def holed(picture: Image.Image, beneath: Colour = (255, 255, 255)) -> Image.Image:
    """Return a copy of the picture of which the box is erased."""
    image = picture.convert("RGBA")
    image.paste((*beneath, 0), BOX)
    return image


def scribbled(picture: Image.Image, colour: Colour = (255, 0, 0)) -> Image.Image:
    """Return a copy of the picture on which the box is painted over."""
    image = picture.copy()
    image.paste(colour, BOX)
    return image


def blurred(mask: Image.Image, radius: float = 3) -> Image.Image:
    """Return a mask with soft edges."""
    return mask.filter(ImageFilter.GaussianBlur(radius))


def brushed(shade: int = 255) -> Image.Image:
    """Return a layer with the soft stroke of a brush over the box."""
    alpha = blurred(Image.fromarray(np.asarray(on_black().convert("L"))), 4)
    image = Image.new("RGBA", (SIDE_PX, SIDE_PX), (shade, shade, shade, 0))
    image.putalpha(alpha)
    return image


def jpeg(image: Image.Image, quality: int = 75) -> bytes:
    """Return the picture as a JPEG."""
    return saved(image.convert("RGB"), "JPEG", quality=quality)
