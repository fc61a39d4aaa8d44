"""Previews as small files, as large as a chat shows the picture that they become. Blocking."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from engine.types import Raster

PREVIEW_NAME: Final = "preview.jpg"
"""No picture of ours is called so: nothing may take a preview for a result."""
SIDE_PX: Final = 512
LIMIT_BYTES: Final = 60_000
_FORMS: Final = ((SIDE_PX, 80), (SIDE_PX, 50), (SIDE_PX // 2, 50), (SIDE_PX // 4, 30))
"""Forms to try in turn: the longest side in pixels, and the quality."""


def encode_preview(raster: Raster, width_px: int, height_px: int) -> bytes:
    """A JPEG of at most LIMIT_BYTES, in the shape of the picture and at most SIDE_PX long.

    width_px, height_px: of the picture. A smaller raster is enlarged: the message keeps its size
    when the picture comes. Raises ValueError for a raster that is none.
    """
    small = Image.frombytes("RGB", (raster.width_px, raster.height_px), raster.rgb)
    for side_px, quality in _FORMS:
        share = min(1.0, side_px / max(width_px, height_px))
        size = (max(1, round(width_px * share)), max(1, round(height_px * share)))
        fitted = small if small.size == size else small.resize(size, Image.Resampling.BICUBIC)
        out = io.BytesIO()
        fitted.save(out, "JPEG", quality=quality)
        if out.tell() <= LIMIT_BYTES:
            return out.getvalue()
    raise ValueError(f"no form of the preview is under {LIMIT_BYTES} bytes")
