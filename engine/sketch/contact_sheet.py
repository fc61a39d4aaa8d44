"""Many pictures of one size as one."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

_COLUMNS: Final = 8
_GAP_PX: Final = 8


def grid(pictures: Sequence[np.ndarray], columns: int = _COLUMNS) -> Image.Image:
    """Lay pictures of one size (height × width × 3, uint8) out in rows, on white."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    size = (
        columns * (width + _GAP_PX) + _GAP_PX,
        rows * (height + _GAP_PX) + _GAP_PX,
    )
    sheet = Image.new("RGB", size, "white")
    for i, picture in enumerate(pictures):
        corner = (
            _GAP_PX + i % columns * (width + _GAP_PX),
            _GAP_PX + i // columns * (height + _GAP_PX),
        )
        sheet.paste(Image.fromarray(picture), corner)
    return sheet
