"""Files attached to messages: previews, numbered sheets, and pictures shrunk to the upload limit.

Everything here is CPU-bound and blocking: call it on another thread.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from bot.delivery.messenger import Obstacle, Undeliverable
from engine.types import Raster

PREVIEW_NAME: Final = "preview.jpg"
"""No result has this name, so a preview is never mistaken for one."""
PREVIEW_SIDE_PX: Final = 512
"""The longest side of a preview, about as large as a chat shows pictures."""
PREVIEW_LIMIT_BYTES: Final = 60_000
"""The maximum size of a preview, which is uploaded again with every edit."""
_PREVIEW_FORMS: Final = (
    (PREVIEW_SIDE_PX, 80),
    (PREVIEW_SIDE_PX, 50),
    (PREVIEW_SIDE_PX // 2, 50),
    (PREVIEW_SIDE_PX // 4, 30),
)
"""Tried in turn: the longest side in pixels, and the JPEG quality."""

SHEET_MAX_RATIO: Final = 1.6
"""Discord's clients crop an image that is longer than this."""
SHEET_MAX_SIDE_PX: Final = 2048
"""The longer side of the whole sheet; every picture also has a file of its own at full size."""
_GAP_DIVISOR: Final = 128
"""The gap between pictures is the sheet's longer side divided by this."""
_BADGE_DIVISOR: Final = 14
"""A badge is the longer side divided by this: 26 px on a phone that shows the sheet 360 px wide."""
_MIN_BADGE_PX: Final = 18
_BADGE_OVERSAMPLING: Final = 4
"""Badges are drawn this many times larger and scaled down, for smooth edges."""
_FRAME, _DISC, _INK = (24, 25, 28), (17, 18, 20), (255, 255, 255)

_SMALLER_FORMS: Final = (
    ("WEBP", "webp", 90, 1),
    ("JPEG", "jpg", 85, 1),
    ("JPEG", "jpg", 60, 1),
    ("JPEG", "jpg", 80, 2),
    ("JPEG", "jpg", 80, 4),
)
"""Tried in turn: format, file extension, quality, and what both sides are divided by."""


def encode_preview(raster: Raster, width_px: int, height_px: int) -> bytes:
    """Encode a JPEG of at most PREVIEW_LIMIT_BYTES with the aspect ratio of the finished picture.

    width_px, height_px: the size of the finished picture. The preview is as large, but at most
    PREVIEW_SIDE_PX on its longer side; a smaller raster is enlarged, so that the message keeps its
    size when the result arrives. Raises ValueError if the raster has the wrong number of bytes.
    """
    small = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
    for side_px, quality in _PREVIEW_FORMS:
        share = min(1.0, side_px / max(width_px, height_px))
        size = (max(1, round(width_px * share)), max(1, round(height_px * share)))
        fitted = small if small.size == size else small.resize(size, Image.Resampling.BICUBIC)
        out = io.BytesIO()
        fitted.save(out, "JPEG", quality=quality)
        if out.tell() <= PREVIEW_LIMIT_BYTES:
            return out.getvalue()
    raise ValueError(f"no form of the preview is under {PREVIEW_LIMIT_BYTES} bytes")


def fit_file_to_limit(path: Path, name: str, limit_bytes: int) -> tuple[str, bytes]:
    """Do the same as `fit_to_limit` for a file; also raises OSError if the file is missing."""
    return fit_to_limit(path.read_bytes(), name, limit_bytes)


def fit_to_limit(data: bytes, name: str, limit_bytes: int) -> tuple[str, bytes]:
    """Return a name and bytes of the picture in a form of at most `limit_bytes`.

    A picture that fits is returned unchanged; otherwise it becomes a WebP, then a JPEG, and finally
    a JPEG of lower resolution. Raises Undeliverable if no form fits, and OSError if the data is not
    a picture.
    """
    if len(data) <= limit_bytes:
        return name, data
    stem = name.rpartition(".")[0]
    with Image.open(io.BytesIO(data)) as image:
        whole = image.convert("RGB")
    for form, ending, quality, share in _SMALLER_FORMS:
        size = (max(1, whole.width // share), max(1, whole.height // share))
        out = io.BytesIO()
        (whole if share == 1 else whole.resize(size)).save(out, form, quality=quality)
        if out.tell() <= limit_bytes:
            return f"{stem}.{ending}", out.getvalue()
    raise Undeliverable(Obstacle.TOO_LARGE, f"no form of {name} is under {limit_bytes} bytes")


def numbered_sheet(pictures: Sequence[Path | bytes]) -> bytes:
    """Draw the pictures on one sheet in reading order, numbered from 1, and return it as a PNG.

    pictures: files, or their contents. Two landscape pictures are stacked; otherwise there are two
    columns. The longer side of the sheet is at most SHEET_MAX_RATIO times the shorter one. The same
    pictures always make the same sheet. Raises OSError if a file is missing or not a picture, and
    ValueError if there are no pictures.
    """
    if not pictures:
        raise ValueError("a sheet has at least one picture")
    images = [_decode(each) for each in pictures]
    columns = _column_count(len(images), images[0].width / images[0].height)
    rows = -(-len(images) // columns)
    images = _scale_down(images, columns, rows)
    wide, high = (max(sides) for sides in zip(*(each.size for each in images), strict=True))
    gap = max(2, max(columns * wide, rows * high) // _GAP_DIVISOR)
    width, height = columns * (wide + gap) - gap, rows * (high + gap) - gap
    size = _with_frame(width, height)
    sheet = Image.new("RGB", size, _FRAME)
    badge_px = max(_MIN_BADGE_PX, max(size) // _BADGE_DIVISOR)
    for at, image in enumerate(images):
        row, column = divmod(at, columns)
        # A last row with fewer pictures is centered.
        missing = columns - min(columns, len(images) - row * columns)
        left = (size[0] - width + missing * (wide + gap)) // 2 + column * (wide + gap)
        top = (size[1] - height) // 2 + row * (high + gap)
        corner = (left + (wide - image.width) // 2, top + (high - image.height) // 2)
        sheet.paste(image, corner)
        badge = _badge(at + 1, min(badge_px, min(image.size) // 2))
        inset = badge.width // 5
        sheet.paste(badge, (corner[0] + inset, corner[1] + inset), badge)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _decode(picture: Path | bytes) -> Image.Image:
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return image.convert("RGB")


def _column_count(count: int, ratio: float) -> int:
    """Return the number of columns; two landscape pictures are stacked in one."""
    return 1 if count == 1 or (count == 2 and ratio > 1) else 2


def _scale_down(images: list[Image.Image], columns: int, rows: int) -> list[Image.Image]:
    """Scale the pictures down so that the sheet with its gaps fits SHEET_MAX_SIDE_PX."""
    wide, high = (max(sides) for sides in zip(*(each.size for each in images), strict=True))
    room_px = SHEET_MAX_SIDE_PX - SHEET_MAX_SIDE_PX // _GAP_DIVISOR
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


def _with_frame(width: int, height: int) -> tuple[int, int]:
    """Return the sheet's size with enough frame to keep clients from cropping it."""
    return max(width, _min_side(height)), max(height, _min_side(width))


def _min_side(long: int) -> int:
    return -int(-long // SHEET_MAX_RATIO)


def _badge(number: int, size_px: int) -> Image.Image:
    """Draw a dark disc with a light rim, so that it stands out against any picture."""
    large = size_px * _BADGE_OVERSAMPLING
    rim = max(_BADGE_OVERSAMPLING, large // 16)
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
    return badge.resize((size_px, size_px), Image.Resampling.LANCZOS)
