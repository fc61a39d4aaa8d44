"""Picture files as members send them, valid and otherwise."""

from __future__ import annotations

import io
import zlib

from PIL import Image


def a_picture(
    width_px: int = 48,
    height_px: int = 32,
    colour: str = "red",
    form: str = "PNG",
    clear: tuple[int, int, int, int] | None = None,
) -> bytes:
    """Return a picture of one colour with a white corner. clear: a transparent box."""
    image = Image.new("RGB", (width_px, height_px), colour)
    image.paste("white", (0, 0, max(1, width_px // 3), max(1, height_px // 3)))
    if clear is not None:
        image.putalpha(255)
        image.paste((0, 0, 0, 0), clear)
    return _written(image, form)


def a_pale_logo(width_px: int = 48, height_px: int = 32) -> bytes:
    """Return white on transparent, which would be lost on white."""
    image = Image.new("RGBA", (width_px, height_px))
    image.paste("white", (width_px // 3, height_px // 4, width_px * 2 // 3, height_px * 3 // 4))
    return _written(image, "PNG")


def a_mask(width_px: int = 48, height_px: int = 32, white: bool = True) -> bytes:
    """Return a mask that is white in its right half, or black all over."""
    image = Image.new("L", (width_px, height_px), 0)
    if white:
        image.paste(255, (width_px // 2, 0, width_px, height_px))
    return _written(image, "PNG")


def an_animation() -> bytes:
    """Return a GIF of three frames."""
    frames = [Image.new("P", (16, 16), each) for each in (1, 2, 3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def a_huge_header() -> bytes:
    """Return a small PNG whose header claims 100,000 × 100,000 pixels."""
    data = bytearray(a_picture())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def _written(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()
