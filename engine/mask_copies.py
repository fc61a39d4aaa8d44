"""Whether a mask is a copy of its picture, and what is drawn on that copy."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from engine.layers import Layers, reduced
from engine.types import Raster

_LOOK_PX: Final = 768
"""The longer side at which both are compared. Chosen by hand."""
_SAME, _SAME_AT_EDGES = 24, 1 / 4
"""Levels by which a copy may differ in one channel, and the share of the contrast beside that may
be added: JPEG and scaling change edges more. Chosen by hand."""
_EDGE, _REACH_PX = 96, 4
"""Levels between neighbours that make an edge, and how far around it both are compared. Chosen by
hand."""
_ALIKE, _ALIKE_EACH = 0.6, 0.5
"""The share of what lies near the edges of a black and white picture that is the same in a copy,
and the share of the dark and the light each. Chosen by hand: marks may cover the rest."""
_ALIKE_COLOURED: Final = 0.25
"""The share of other colours that is the same in a copy. Chosen by hand: a mask of black and white
has none of them, and marks cover what a picture shows."""
_ALIKE_PLAIN: Final = 0.9
"""The share of a mask of one colour that has to be the same. Chosen by hand."""
_FEWEST: Final = 30
"""Pixels that tell anything at all. Chosen by hand."""
_MARKED, _BLEEDING_PX = 40, 3
"""Levels that make a mark, beyond all that the picture has within a few pixels. Chosen by hand."""
_RINGING, _BLOCK_PX = 0.35, 8
"""The share of the contrast within a block of JPEG by which its colours may be off. Chosen by
hand: copies of quality 50 then have no marks."""
_STROKE_PX, _MARGIN_PX = 12, 4
"""How far a stroke is followed over what looks much like it, and the margin around it, for its soft
edges. Chosen by hand."""

_Bits = NDArray[np.bool_]
_Values = NDArray[np.int16]


class Likeness:
    """A mask laid over its picture at a small size.

    alike: whether it is a copy of it, with or without marks or holes. marks: height × width, what
    is drawn on the copy or encircled there, with a margin; all False if it is none.
    """

    def __init__(self, mask: Layers, picture: Raster) -> None:
        small = reduced(mask.colours, mask.alpha, _LOOK_PX)
        size = (small.shape[1], small.shape[0])
        whole = Image.frombytes("RGB", (picture.width_px, picture.height_px), picture.rgb)
        below = whole if whole.size == size else whole.resize(size, Image.Resampling.BOX)
        seen = _seen(small[..., 3])
        colours = small[..., :3].astype(np.int16)
        values = np.asarray(below).astype(np.int16)
        self.alike = _alike(colours, values, seen)
        self.marks: _Bits = np.zeros(seen.shape, bool)
        if self.alike:
            self.marks = _marks(colours, values, seen)


def _seen(alpha: NDArray[np.uint8]) -> _Bits:
    """Return what counts as seen: half of what is seen best, of a layer that is pale all over too.

    Nothing, where nothing can be seen at all.
    """
    return alpha >= max(1, -(-int(alpha.max()) // 2))


def _alike(colours: _Values, picture: _Values, seen: _Bits) -> bool:
    """Return whether what tells one picture from another is the same in both.

    Large areas of black and white tell nothing: a mask is made of them, whatever its picture is.
    """
    if not seen.any():  # of what cannot be seen, nothing tells that it is a copy
        return False
    low, high = _range(picture, 1)
    contrast = (high - low).max(axis=2)
    allowed = _SAME + _SAME_AT_EDGES * contrast
    same = np.abs(colours - picture).max(axis=2) <= allowed
    if _is_one_grey(colours[seen]):
        return float(same[seen].mean()) >= _ALIKE_PLAIN
    # What neither black nor white would be taken for.
    coloured = (picture.max(axis=2) > allowed) & (picture.min(axis=2) < 255 - allowed) & seen
    if coloured.sum() >= _FEWEST:
        shared = coloured & same
        return float(shared.sum() / coloured.sum()) >= _ALIKE_COLOURED and not _by_chance(
            colours[seen], picture[shared], same[seen]
        )
    near_edges = _grown(contrast > _EDGE, _REACH_PX) & seen
    if near_edges.sum() < _FEWEST:
        return False
    dark = picture.max(axis=2) < 128
    sides = [same[near_edges & each] for each in (dark, ~dark)]
    shares = [float(each.mean()) if each.size else 0.0 for each in sides]
    return float(same[near_edges].mean()) >= _ALIKE and min(shares) >= _ALIKE_EACH


def _is_one_grey(colours: _Values) -> bool:
    """Return whether these are one colour, neither black nor white: many pictures have it too."""
    low, high = colours.min(axis=0, initial=255), colours.max(axis=0, initial=0)
    return bool(
        (high - low <= _SAME).all() and low.max() > 2 * _SAME and high.min() < 255 - 2 * _SAME
    )


def _by_chance(colours: _Values, shared: _Values, same: _Bits) -> bool:
    """Return whether one colour is in both, and the mask has it where the picture has others."""
    low, high = np.percentile(shared, (5, 95), axis=0)
    if (high - low > 2 * _SAME).any():
        return False
    has_it = np.abs(colours - np.median(shared, axis=0)).max(axis=1) <= _SAME
    return bool(has_it.any()) and float(same[has_it].mean()) < _ALIKE


def _marks(colours: _Values, picture: _Values, seen: _Bits) -> _Bits:
    """Return where the copy differs from everything that its picture has next to that place."""
    low, high = _range(picture, _BLEEDING_PX)
    beyond = np.maximum(low - colours, colours - high).max(axis=2)
    lowest, highest = _range(picture, _BLOCK_PX)
    marked = beyond > _MARKED + _RINGING * (highest - lowest).max(axis=2)
    # A lossy format lets the colours of holes bleed into what is seen beside them.
    marked &= ~_grown(~seen, _BLOCK_PX)
    # Noise makes single pixels; five of 25 are a line through the middle.
    marked &= np.asarray(_image(marked).filter(ImageFilter.BoxBlur(2))) >= 50
    if marked.any():
        marked |= _of_one_stroke(marked, colours, picture) & seen
    return ~_reached_from_outside(~_grown(marked, _MARGIN_PX))


def _of_one_stroke(marked: _Bits, colours: _Values, picture: _Values) -> _Bits:
    """Return what is next to the marks and has their colour, where the picture has another."""
    usual = np.median(colours[marked], axis=0)
    like_it = np.abs(colours - usual).max(axis=2) <= _MARKED
    other = np.abs(colours - picture).max(axis=2) > _MARKED
    return like_it & other & _grown(marked, _STROKE_PX)


def _reached_from_outside(free: _Bits) -> _Bits:
    """Return what of the free area is connected with the frame, by edges of pixels."""
    reached = np.pad(np.zeros_like(free), 1, constant_values=True)
    free = np.pad(free, 1, constant_values=True)
    before = -1
    while reached.sum() != before:
        before = reached.sum()
        for bits, allowed in ((reached, free), (reached.T, free.T)):
            for line in range(1, len(bits)):
                bits[line] |= bits[line - 1] & allowed[line]
            for line in range(len(bits) - 2, -1, -1):
                bits[line] |= bits[line + 1] & allowed[line]
    return reached[1:-1, 1:-1]


def _range(picture: _Values, reach_px: int) -> tuple[_Values, _Values]:
    """Return the lowest and the highest value of each channel within a few pixels."""
    return _extreme(picture, reach_px, np.minimum), _extreme(picture, reach_px, np.maximum)


def _extreme(values: _Values, reach_px: int, extreme: np.ufunc) -> _Values:
    """Return the extreme within a square: what Pillow's filters do, whose time grows with it."""
    for axis in (0, 1):
        edges = [(reach_px, reach_px) if each == axis else (0, 0) for each in range(values.ndim)]
        row = np.moveaxis(np.pad(values, edges, mode="edge"), axis, 0)
        window, width = 1, 2 * reach_px + 1
        while window < width:
            step = min(window, width - window)
            row = extreme(row[:-step], row[step:])
            window += step
        values = np.moveaxis(row, 0, axis)
    return values


def _grown(bits: _Bits, reach_px: int) -> _Bits:
    return _extreme(bits.astype(np.int16), reach_px, np.maximum) > 0


def _image(bits: _Bits) -> Image.Image:
    return Image.fromarray(bits.astype(np.uint8) * 255)
