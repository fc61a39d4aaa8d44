"""Contact sheets: several pictures as one, numbered, in a shape that no client crops. Blocking."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

MAX_RATIO: Final = 1.6
"""Longer pictures are cropped in a chat."""
MAX_SIDE_PX: Final = 2048
"""Of the whole sheet; every picture has its own file for those who want to see more."""
_GAPS: Final = 128
"""A gap is this part of the sheet's longer side."""
_BADGES: Final = 14
"""A badge is this part of it: 26 pixels where a phone shows the sheet 360 pixels wide."""
_MIN_BADGE_PX: Final = 18
_SMOOTH: Final = 4
"""Badges are drawn so many times larger, for smooth edges."""
_FRAME, _DISC, _INK = (24, 25, 28), (17, 18, 20), (255, 255, 255)


def contact_sheet(pictures: Sequence[Path | bytes]) -> bytes:
    """The pictures in reading order, each with its number from 1 on, as a PNG.

    pictures: files, or what is in them. Two stand beside or above each other, more in two columns;
    the sheet is at most MAX_RATIO times as long as it is short. The same pictures make the same
    sheet. Raises OSError for a file that is gone or no picture, ValueError without any.
    """
    if not pictures:
        raise ValueError("a sheet has at least one picture")
    images = [_read(each) for each in pictures]
    columns = _columns(len(images), images[0].width / images[0].height)
    rows = -(-len(images) // columns)
    images = _scaled(images, columns, rows)
    wide, high = (max(sides) for sides in zip(*(each.size for each in images), strict=True))
    gap = max(2, max(columns * wide, rows * high) // _GAPS)
    width, height = columns * (wide + gap) - gap, rows * (high + gap) - gap
    size = _framed(width, height)
    sheet = Image.new("RGB", size, _FRAME)
    across = max(_MIN_BADGE_PX, max(size) // _BADGES)
    for at, image in enumerate(images):
        row, column = divmod(at, columns)
        # A last row with fewer pictures stands in the middle.
        missing = columns - min(columns, len(images) - row * columns)
        left = (size[0] - width + missing * (wide + gap)) // 2 + column * (wide + gap)
        top = (size[1] - height) // 2 + row * (high + gap)
        corner = (left + (wide - image.width) // 2, top + (high - image.height) // 2)
        sheet.paste(image, corner)
        badge = _badge(at + 1, min(across, min(image.size) // 2))
        inset = badge.width // 5
        sheet.paste(badge, (corner[0] + inset, corner[1] + inset), badge)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _read(picture: Path | bytes) -> Image.Image:
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return image.convert("RGB")


def _columns(count: int, ratio: float) -> int:
    """Wide pictures stand above each other where there are two."""
    return 1 if count == 1 or (count == 2 and ratio > 1) else 2


def _scaled(images: list[Image.Image], columns: int, rows: int) -> list[Image.Image]:
    """Small enough that the sheet is, gaps and frame apart, at most MAX_SIDE_PX long."""
    wide, high = (max(sides) for sides in zip(*(each.size for each in images), strict=True))
    room_px = MAX_SIDE_PX - MAX_SIDE_PX // _GAPS
    share = min(1.0, room_px / (columns * wide), room_px / (rows * high))
    if share == 1.0:
        return images
    return [
        each.resize(
            (max(1, int(each.width * share)), max(1, int(each.height * share))),
            Image.Resampling.LANCZOS,
        )
        for each in images
    ]


def _framed(width: int, height: int) -> tuple[int, int]:
    """The size with as much frame as it takes not to be cropped."""
    return max(width, _part(height)), max(height, _part(width))


def _part(long: int) -> int:
    return -int(-long // MAX_RATIO)


def _badge(number: int, across: int) -> Image.Image:
    """A dark disc with a light rim: one of both stands out from any picture."""
    large = across * _SMOOTH
    rim = max(_SMOOTH, large // 16)
    badge = Image.new("RGBA", (large, large), (*_INK, 0))
    draw = ImageDraw.Draw(badge)
    draw.ellipse((0, 0, large - 1, large - 1), (*_INK, 255))
    draw.ellipse((rim, rim, large - 1 - rim, large - 1 - rim), (*_DISC, 255))
    font = ImageFont.load_default(large * 0.66)
    draw.text(
        (large / 2, large / 2),
        str(number),
        (*_INK, 255),
        font,
        anchor="mm",
        stroke_width=rim / 4,
        stroke_fill=(*_INK, 255),
    )
    return badge.resize((across, across), Image.Resampling.LANCZOS)
