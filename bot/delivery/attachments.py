"""Files attached to messages: previews, numbered sheets, and pictures shrunk to the upload limit.

Everything here is CPU-bound and blocking: call it on another thread.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
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

    pictures: files, or their contents, of the same size. They fill the sheet but for the gaps
    between them: in rows and columns, or, where three would make a long strip, one large and two
    half its size. The layout nearest to a square is chosen. The longer side is at most
    SHEET_MAX_SIDE_PX. The same pictures always make the same sheet. Raises OSError if a file is
    missing or not a picture, and ValueError if there are no pictures.
    """
    if not pictures:
        raise ValueError("a sheet has at least one picture")
    images = [_decode(each) for each in pictures]
    boxes = _boxes(len(images), *images[0].size)
    size = max(each.right for each in boxes), max(each.bottom for each in boxes)
    sheet = Image.new("RGB", size, _FRAME)
    badge_px = max(_MIN_BADGE_PX, max(size) // _BADGE_DIVISOR)
    for number, (image, box) in enumerate(zip(images, boxes, strict=True), 1):
        fitted = _fitted(image, box)
        corner = (
            box.left + (box.width - fitted.width) // 2,
            box.top + (box.height - fitted.height) // 2,
        )
        sheet.paste(fitted, corner)
        badge = _badge(number, min(badge_px, min(fitted.size) // 2))
        inset = badge.width // 5
        sheet.paste(badge, (corner[0] + inset, corner[1] + inset), badge)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _decode(picture: Path | bytes) -> Image.Image:
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return image.convert("RGB")


@dataclass(frozen=True, slots=True)
class _Box:
    """The place of a picture on the sheet, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height


def _boxes(count: int, wide: int, high: int) -> tuple[_Box, ...]:
    """Return the places of `count` pictures of this size, scaled down to SHEET_MAX_SIDE_PX."""
    natural = min(_layouts(count, wide, high, gap=0), key=_longness)
    long_px = max(max(each.right, each.bottom) for each in natural)
    gap = max(2, min(long_px, SHEET_MAX_SIDE_PX) // _GAP_DIVISOR)
    room_px = SHEET_MAX_SIDE_PX - (count - 1) * gap
    share = min(1.0, room_px / long_px)
    scaled = (max(1, int(wide * share)), max(1, int(high * share)))
    return min(_layouts(count, *scaled, gap), key=_longness)


def _layouts(count: int, wide: int, high: int, gap: int) -> list[tuple[_Box, ...]]:
    """Return every way to place the pictures so that nothing but gaps is left, the best first.

    wide, high: of the smallest picture on the sheet.
    """
    usual = math.ceil(math.sqrt(count))
    layouts = [
        tuple(
            _Box(at % columns * (wide + gap), at // columns * (high + gap), wide, high)
            for at in range(count)
        )
        for columns in sorted(range(1, count + 1), key=lambda columns: abs(columns - usual))
        if count % columns == 0
    ]
    if count == 3:
        tall, broad = 2 * high + gap, 2 * wide + gap
        left, top = round(wide * tall / high), round(high * broad / wide)
        beside = (
            _Box(0, 0, left, tall),
            _Box(left + gap, 0, wide, high),
            _Box(left + gap, high + gap, wide, high),
        )
        above = (
            _Box(0, 0, broad, top),
            _Box(0, top + gap, wide, high),
            _Box(wide + gap, top + gap, wide, high),
        )
        layouts = [beside, above, *layouts]
    return layouts


def _longness(boxes: Sequence[_Box]) -> float:
    """Return how far the sheet is from a square; 0 is one."""
    width, height = (max(each.right for each in boxes), max(each.bottom for each in boxes))
    # Rounded, so that the gaps decide nothing between layouts as long as each other.
    return round(abs(math.log(width / height)), 2)


def _fitted(image: Image.Image, box: _Box) -> Image.Image:
    """Return the picture as large as its box; one of another shape is fitted into it."""
    share = min(box.width / image.width, box.height / image.height)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    # Rounding to whole pixels must not leave a line of the frame.
    near = all(abs(a - b) <= 2 for a, b in zip(size, (box.width, box.height), strict=True))
    size = (box.width, box.height) if near else size
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


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
