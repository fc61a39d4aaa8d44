"""Contact sheets: thumbnails of several pictures side by side, each with a label. Blocking."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from engine.types import Raster

CELL_PX: Final = 256
"""The longest side of a thumbnail; smaller pictures are not enlarged. Chosen by hand."""
# Chosen by hand.
_GAP_PX: Final = 8
_FONT_PX: Final = 14
_LINE_PX: Final = 18
_INK, _PAPER, _EMPTY = (30, 30, 30), (250, 250, 250), (225, 225, 225)


class ContactSheet:
    """A sheet that is filled in reading order; a picture that failed leaves its cell empty."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._cells: list[tuple[Image.Image | None, str]] = []

    def add(self, raster: Raster | None, label: str) -> None:
        """Add the next picture; None = it could not be generated."""
        if raster is None:
            self._cells.append((None, label))
            return
        picture = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
        picture.thumbnail((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
        self._cells.append((picture, label))

    def png(self) -> bytes:
        """Render the sheet as a PNG."""
        pictures = [picture for picture, _ in self._cells if picture is not None]
        width = max((each.width for each in pictures), default=CELL_PX)
        height = max((each.height for each in pictures), default=CELL_PX)
        font = ImageFont.load_default(_FONT_PX)
        labels = [_lines(label, font, width) for _, label in self._cells]
        step_x = width + _GAP_PX
        step_y = height + max(map(len, labels), default=0) * _LINE_PX + _GAP_PX
        rows = -(-len(self._cells) // self._columns)
        size = (self._columns * step_x + _GAP_PX, rows * step_y + _GAP_PX)
        sheet = Image.new("RGB", size, _PAPER)
        draw = ImageDraw.Draw(sheet)
        for at, (picture, _) in enumerate(self._cells):
            left = _GAP_PX + at % self._columns * step_x
            top = _GAP_PX + at // self._columns * step_y
            if picture is None:
                draw.rectangle((left, top, left + width - 1, top + height - 1), _EMPTY)
            else:
                sheet.paste(picture, (left, top))
            for number, line in enumerate(labels[at]):
                draw.text((left, top + height + number * _LINE_PX), line, _INK, font)
        out = io.BytesIO()
        sheet.save(out, "PNG")
        return out.getvalue()


def _lines(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Break a label after its commas into lines that fit."""
    lines: list[str] = []
    for part in label.split(", "):
        longer = f"{lines[-1]}, {part}" if lines else part
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines
