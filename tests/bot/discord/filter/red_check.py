"""A picture check for tests, which refuses red pictures."""

from __future__ import annotations

import io
import time

from PIL import Image

NO_FUNCTION = "look"


def look(png: bytes) -> str:
    """Refuse red, report green and hide blue pictures; black ones break it, white ones hang it."""
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        pixel = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(pixel, tuple)
    red, green, blue = (each > 127 for each in pixel[:3])
    strong = (red, green, blue)
    if strong == (False, False, False):
        raise ValueError("black")
    if strong == (True, True, True):
        time.sleep(3)
    if strong == (True, True, False):
        return "maybe"
    verdicts = {
        (True, False, False): "refuse",
        (False, True, False): "report",
        (False, False, True): "spoiler",
    }
    return verdicts.get(strong, "pass")
