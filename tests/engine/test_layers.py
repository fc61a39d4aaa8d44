"""A transparent picture lies on a ground on which it can be seen."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from engine.types import Ground, SourceChange, SourceChangeKind
from engine.uploads import decode
from tests.engine.upload_files import LIMITS, pixels, saved

Colour = tuple[int, int, int]

WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (220, 30, 40)


def cut_out(fill: Colour, rim: Colour | None = None, beneath: Colour = BLACK) -> Image.Image:
    """Return a disc on transparent, perhaps with a rim of another colour."""
    image = Image.new("RGBA", (120, 120), (*beneath, 0))
    colour = (*(rim or fill), 255)
    ImageDraw.Draw(image).ellipse((20, 20, 100, 100), fill=(*fill, 255), outline=colour, width=6)
    return image


def written(colour: Colour) -> Image.Image:
    """Return thin lines on transparent, as of a text."""
    image = Image.new("RGBA", (120, 120), (0, 0, 0, 0))
    for x in range(10, 110, 12):
        ImageDraw.Draw(image).line((x, 20, x + 6, 100), fill=(*colour, 255), width=2)
    return image


def two_halves(left: Colour, right: Colour) -> Image.Image:
    """Return a disc of two colours on transparent."""
    image = cut_out(left)
    half = cut_out(right).crop((60, 0, 120, 120))
    image.paste(half, (60, 0))
    return image


def smoke() -> Image.Image:
    """Return a white that is nowhere opaque."""
    alpha = cut_out(WHITE).getchannel("A").filter(ImageFilter.GaussianBlur(12))
    image = Image.new("RGBA", (120, 120), (255, 255, 255, 0))
    image.putalpha(alpha.point([v // 3 for v in range(256)]))
    return image


def with_hole(fill: Colour) -> Image.Image:
    """Return a sheet of one colour with a small hole."""
    image = Image.new("RGBA", (120, 120), (*fill, 255))
    image.paste((0, 0, 0, 0), (50, 50, 70, 70))
    return image


def snowy_with_hole() -> Image.Image:
    """Return a picture that is mostly white, of which a small part is erased."""
    image = with_hole((250, 250, 252))
    ImageDraw.Draw(image).rectangle((0, 90, 120, 120), fill=(60, 90, 60, 255))
    return image


GROUNDS = {
    "white": (cut_out(WHITE), Ground.BLACK),
    "white with white beneath": (cut_out(WHITE, beneath=WHITE), Ground.BLACK),
    "nearly white": (cut_out((240, 238, 235)), Ground.BLACK),
    "white text": (written(WHITE), Ground.BLACK),
    "white smoke": (smoke(), Ground.BLACK),
    "white in grey with alpha": (cut_out(WHITE).convert("LA"), Ground.BLACK),
    "a white sheet with a hole": (with_hole(WHITE), Ground.BLACK),
    "white and red": (two_halves(WHITE, RED), Ground.BLACK),
    "white and black": (two_halves(WHITE, BLACK), Ground.GREY),
    "black": (cut_out(BLACK), Ground.WHITE),
    "black text": (written(BLACK), Ground.WHITE),
    "red": (cut_out(RED), Ground.WHITE),
    "white with a black outline": (cut_out(WHITE, BLACK), Ground.WHITE),
    "red with a white outline": (cut_out(RED, WHITE), Ground.WHITE),
    "snow with a hole": (snowy_with_hole(), Ground.WHITE),
    "nothing": (Image.new("RGBA", (20, 20), (255, 255, 255, 0)), Ground.WHITE),
    "opaque white": (Image.new("RGBA", (20, 20), (255, 255, 255, 255)), Ground.WHITE),
}


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
@pytest.mark.parametrize("name", GROUNDS)
def test_a_transparent_picture_can_be_seen(name: str, format: str) -> None:
    """White is put on black, white and black on grey, all else on white; the change is told."""
    image, ground = GROUNDS[name]
    found = decode(saved(image, format), LIMITS)
    told = () if ground is Ground.WHITE else (SourceChange(SourceChangeKind.GROUND, ground),)
    assert found.changes == told
    clear = np.asarray(image.convert("RGBA").getchannel("A")) == 0
    shade = {Ground.WHITE: 255, Ground.BLACK: 0, Ground.GREY: 128}[ground]
    assert (pixels(found)[clear] == shade).all()
    seen = np.asarray(image.convert("RGBA").getchannel("A")) == 255
    if seen.any() and clear.any():
        assert np.ptp(pixels(found).astype(int)) >= 100


def test_a_palette_and_one_bit_are_seen_too() -> None:
    """It makes no difference how the file expresses that white is on transparent."""
    grey = cut_out(WHITE).getchannel("A")
    for image, clear in ((grey.convert("P"), 0), (grey, 0)):
        found = decode(saved(image, transparency=clear), LIMITS)
        assert found.changes == (SourceChange(SourceChangeKind.GROUND, Ground.BLACK),)


def test_the_ground_can_be_white_as_it_was() -> None:
    """Recipes of earlier versions name pictures on white, which can still be made."""
    found = decode(saved(cut_out(WHITE)), LIMITS, on_white=True)
    assert (pixels(found) == 255).all() and found.changes == ()
