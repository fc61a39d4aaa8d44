"""What a mask marks, whichever way it was drawn.

The plain way is black and white: white is repainted, black stays. People also draw strokes on a
transparent layer, erase a hole in a copy of the picture, or scribble on such a copy. What can be
meant in two ways is refused.

MaskRefused           base of all refusals
├── MaskSizeMismatch  another shape than the picture
├── MaskEmpty         nothing is marked: black all over
├── MaskBlank         nothing is drawn: transparent all over
├── MaskUnmarked      a copy of the picture, and nothing else
└── MaskUnclear       it may mean this or that
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps

from engine.layers import UPRIGHT, VISIBLE_ALPHA, Layers, reduced
from engine.mask_copies import Likeness
from engine.types import Raster
from engine.uploads import Upload, UploadLimits, UploadRefused, decode_layers, holes, orientation_of

MAX_ASPECT_DIFFERENCE: Final = 0.02
"""Largest difference between the aspect ratios of a mask and its picture, as a natural logarithm.
Chosen by hand: programs round when they scale both."""


class MaskRefused(UploadRefused):
    """The mask cannot be used."""

    code = "mask_refused"
    sentence = "the mask cannot be used"

    def __init__(self, data: Mapping[str, int | str] | None = None) -> None:
        super().__init__(self.sentence, data or {})


class MaskSizeMismatch(MaskRefused):
    """The mask has a different aspect ratio from its picture, so what it covers is ambiguous."""

    code = "mask_unfit"
    sentence = "the mask has another shape than the picture"

    def __init__(self, mask: Raster, picture: Raster) -> None:
        data = {
            "width_px": mask.width_px,
            "height_px": mask.height_px,
            "picture_width_px": picture.width_px,
            "picture_height_px": picture.height_px,
        }
        super().__init__(data)
        self.mask_px = (mask.width_px, mask.height_px)
        self.picture_px = (picture.width_px, picture.height_px)

    @property
    def turned(self) -> bool:
        """Whether they would match if one of them were turned by a quarter."""
        return _same_shape((self.mask_px[1], self.mask_px[0]), self.picture_px)


class MaskEmpty(MaskRefused):
    """The mask is entirely black: nothing would be repainted."""

    code = "mask_empty"
    sentence = "the mask is black all over"


class MaskBlank(MaskRefused):
    """The mask is entirely transparent: nothing is drawn on it, and nothing is left of it."""

    code = "mask_blank"
    sentence = "the mask is transparent all over"


class MaskUnmarked(MaskRefused):
    """The mask is a copy of the picture, on which nothing is marked."""

    code = "mask_unmarked"
    sentence = "the mask is the same as the picture"


class MaskUnclear(MaskRefused):
    """What the mask marks can be understood in more than one way."""

    code = "mask_unclear"
    sentence = "what the mask marks cannot be told"


def read_mask(data: bytes, limits: UploadLimits, picture: Raster, own: bytes = b"") -> Upload:
    """Return what a mask marks in a picture: white is repainted, black stays, soft edges between.

    picture: as decode() returns it. own: the picture's own file, which may be transparent as well,
    and which may say that it has to be turned. The result has the mask's size. Raises an
    UploadRefused. Blocking.
    """
    mask = _over(picture, decode_layers(data, limits), data, own, limits)
    colours = mask.colours
    check_shape(Raster(*colours.size, b""), picture)
    likeness = Likeness(mask, picture)
    alpha = _told(mask.alpha)
    if alpha is not None and likeness.alike and own and _same_holes(alpha, holes(own, limits)):
        alpha = None  # the picture is transparent there to begin with
    marked = _of_colours(mask, likeness) if alpha is None else _of_alpha(mask, alpha, likeness)
    marked = marked.point(_SNAP)
    if marked.getbbox() is None:
        raise MaskEmpty
    return _upload(marked)


def read_holes(data: bytes, limits: UploadLimits) -> Upload | None:
    """Return what is transparent in a picture as a mask, None if nothing is.

    Raises MaskBlank if everything is, and an UploadRefused as decode() does. Blocking.
    """
    clear = holes(data, limits)
    alpha = None if clear is None else _told(ImageOps.invert(clear))
    return None if alpha is None else _upload(_erased(alpha).point(_SNAP))


def check_shape(mask: Raster, picture: Raster) -> None:
    """Raise MaskSizeMismatch unless the mask can lie over its picture, in whatever size."""
    sizes = [(each.width_px, each.height_px) for each in (mask, picture)]
    if not _same_shape(*sizes):
        raise MaskSizeMismatch(mask, picture)


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    shapes = [width_px / height_px for width_px, height_px in (one, other)]
    return abs(math.log(shapes[0] / shapes[1])) <= MAX_ASPECT_DIFFERENCE


def _over(picture: Raster, mask: Layers, data: bytes, own: bytes, limits: UploadLimits) -> Layers:
    """Return the mask as it lies over the upright picture.

    A mask that lies on its side was drawn by a program that shows phone pictures as they are
    stored: it is turned as the picture's file says, unless its own file says how it is turned.
    """
    upright, size = (picture.width_px, picture.height_px), mask.colours.size
    if not own or _same_shape(size, upright) or not _same_shape((size[1], size[0]), upright):
        return mask
    if orientation_of(data, limits) != UPRIGHT:
        return mask
    turned = mask.turned(orientation_of(own, limits))
    return turned if _same_shape(turned.colours.size, upright) else mask


_NEARLY: Final = 48
"""Levels from black and white that count as black and white: JPEG of quality 75 leaves nothing
beyond them around strokes (measured on a disc and a line of 9 px in 512 × 512)."""
_SNAP: Final = [0 if v <= _NEARLY else 255 if v >= 255 - _NEARLY else v for v in range(256)]
_LOOK_PX: Final = 768
"""The longer side at which a mask is judged. Chosen by hand."""
_SPECK: Final = 0.002
"""The share of a picture that may be of any colour by accident. Chosen by hand."""
_MOSTLY: Final = 0.9
"""The share that makes a kind, and the share of the frame that a page covers. Chosen by hand."""
_COLOUR: Final = 64
"""Difference between the channels of what is no grey; JPEG stays below. Chosen by hand."""
_FEW_COLOURS: Final = 6
_ROUGH, _ROUGH_SHARE = 24, 0.15
"""Difference between neighbours, and the share of grey pixels so rough, that make a photo and not
soft edges. Chosen by hand."""

_MOST_SWINGS: Final = 4.0
"""Changes between black and white along a row of a mask that is mostly grey. Chosen by hand: a
gradient has one, two soft strokes have four."""

_Bits = NDArray[np.bool_]


# Transparency


def _told(alpha: Image.Image | None) -> Image.Image | None:
    """Return the transparency, None if it tells nothing; MaskBlank if nothing can be seen."""
    if alpha is None:
        return None
    low, high = alpha.getextrema()
    assert isinstance(low, int) and isinstance(high, int)
    if high < VISIBLE_ALPHA:
        raise MaskBlank
    # A layer that is half transparent all over was faded as a whole.
    even = high - low < 2 * VISIBLE_ALPHA
    return None if even or low > 255 - VISIBLE_ALPHA else alpha


def _drawn(alpha: Image.Image) -> Image.Image:
    """Return what is drawn; the strokes of a pale brush count in full."""
    most = alpha.getextrema()[1]
    assert isinstance(most, int)
    return alpha.point([min(255, round(v * 255 / most)) for v in range(256)])


def _erased(alpha: Image.Image) -> Image.Image:
    """Return what is cut out; what a soft eraser has left there counts for nothing."""
    return _drawn(ImageOps.invert(alpha))


def _same_holes(alpha: Image.Image, own: Image.Image | None) -> bool:
    if own is None:
        return False
    clear = ImageOps.invert(alpha)
    return _share_of(np.asarray(ImageChops.difference(clear, own.resize(clear.size))) > 64) < _SPECK


class _Kind(Enum):
    """What can be seen of a mask with transparency."""

    WHITE = auto()
    BLACK = auto()
    BLACK_AND_WHITE = auto()
    FLAT = auto()
    """A few colours, as of a brush."""
    BUSY = auto()


def _of_alpha(mask: Layers, alpha: Image.Image, likeness: Likeness) -> Image.Image:
    if likeness.alike:  # a copy of the picture, of which something is erased
        if _share_of(likeness.marks) > _SPECK:
            raise MaskUnclear
        return _erased(alpha)
    seen = _Seen.of(mask, _drawn(alpha))
    match seen.kind:
        case _Kind.WHITE if not seen.page:  # white is repainted, wherever it is
            return _drawn(alpha)
        case _Kind.BLACK_AND_WHITE if not seen.page:
            return ImageChops.multiply(mask.colours.convert("L"), _drawn(alpha))
        case _Kind.BLACK if seen.strokes(0.4):
            return _drawn(alpha)
        case _Kind.BLACK if seen.frame >= 0.45 and seen.area >= 0.45:  # black stays
            return _erased(alpha)
        case _Kind.FLAT if seen.strokes(0.6):
            return _drawn(alpha)
        case _Kind.FLAT | _Kind.BUSY if seen.page and seen.area >= 0.5:
            return _erased(alpha)
        case _:
            raise MaskUnclear


@dataclass(frozen=True, slots=True)
class _Seen:
    """What can be seen of a mask: its kind, and its share of the area and of the frame.

    The bounds of these shares are chosen by hand: strokes leave most of a layer free, and a page
    with holes covers its frame.
    """

    kind: _Kind
    area: float
    frame: float

    @property
    def page(self) -> bool:
        """Whether it reaches the frame nearly everywhere."""
        return self.frame >= _MOSTLY

    def strokes(self, most: float) -> bool:
        """Whether it covers at most this share, or hardly touches the frame."""
        return self.frame <= most and (self.area <= most or self.frame <= 1 - _MOSTLY)

    @classmethod
    def of(cls, mask: Layers, drawn: Image.Image) -> _Seen:
        small = reduced(mask.colours, drawn, _LOOK_PX)
        seen = small[..., 3] >= 128
        rim = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]])
        return cls(_kind(small[seen][:, :3]), _share_of(seen), _share_of(rim))


def _kind(colours: NDArray[np.uint8]) -> _Kind:
    black, white = _share_of(_is_black(colours)), _share_of(_is_white(colours))
    if white >= _MOSTLY:
        return _Kind.WHITE
    if black >= _MOSTLY:
        return _Kind.BLACK
    if black + white >= _MOSTLY:
        return _Kind.BLACK_AND_WHITE
    return _Kind.FLAT if _few(colours) else _Kind.BUSY


# Colours


def _of_colours(mask: Layers, likeness: Likeness) -> Image.Image:
    if likeness.alike:  # a copy of the picture, on which something is drawn
        if not likeness.marks.any():
            raise MaskUnmarked
        return _bits_image(likeness.marks).resize(mask.colours.size, Image.Resampling.BILINEAR)
    small = reduced(mask.colours, None, _LOOK_PX)[..., :3]
    if _share_of(_is_coloured(small)) > _SPECK:
        return _strokes_on_black(mask.colours, small)
    grey = small.max(axis=2)
    black, white = _share_of(_is_black(small)), _share_of(_is_white(small))
    neither = 1 - black - white
    # White on grey, black on grey, only grey, or a soft picture.
    if neither > 0.5 and (min(black, white) <= _SPECK or _swings(grey) > _MOST_SWINGS):
        raise MaskUnclear
    if _share_of(_is_rough(grey) & ~_is_black(small) & ~_is_white(small)) > _ROUGH_SHARE:
        raise MaskUnclear
    return mask.colours.convert("L")


def _strokes_on_black(colours: Image.Image, small: NDArray[np.uint8]) -> Image.Image:
    """Return strokes of any colour on black; MaskUnclear if the mask is anything else."""
    black, drawn = _is_black(small), ~_is_black(small)
    black_frame = np.concatenate([black[0], black[-1], black[:, 0], black[:, -1]])
    plain = _share_of(_is_white(small)) <= _SPECK and _few(small[drawn])
    if not plain or _share_of(black_frame) < 0.5:
        raise MaskUnclear
    brightness = ImageChops.lighter(
        ImageChops.lighter(colours.getchannel(0), colours.getchannel(1)), colours.getchannel(2)
    )
    usual = max(1, int(np.percentile(small[drawn].max(axis=1), 50)))
    return brightness.point([min(255, round(v * 255 / usual)) for v in range(256)])


def _is_black(colours: NDArray[np.uint8]) -> _Bits:
    return colours.max(axis=-1) <= _NEARLY


def _is_white(colours: NDArray[np.uint8]) -> _Bits:
    return colours.min(axis=-1) >= 255 - _NEARLY


def _is_coloured(colours: NDArray[np.uint8]) -> _Bits:
    return colours.max(axis=-1) - colours.min(axis=-1) > _COLOUR


def _is_rough(grey: NDArray[np.uint8]) -> _Bits:
    values = grey.astype(int)
    rough = np.zeros(values.shape, bool)
    rough[:, 1:] |= np.abs(np.diff(values, axis=1)) > _ROUGH
    rough[1:] |= np.abs(np.diff(values, axis=0)) > _ROUGH
    return rough


def _swings(grey: NDArray[np.uint8]) -> float:
    """Return how often a row goes from black to white or back; a gradient from edge to edge: 1."""
    return float(np.abs(np.diff(grey.astype(int), axis=1)).sum(axis=1).mean() / 255)


def _few(colours: NDArray[np.uint8]) -> bool:
    """Return whether nearly all of these colours are a few and what lies next to them."""
    if not len(colours):
        return True
    coarse = (colours // 32).astype(int)
    counts = np.bincount(coarse @ np.array([64, 8, 1]), minlength=512)
    return float(np.sort(counts)[-_FEW_COLOURS:].sum() / len(colours)) >= 0.8


def _share_of(bits: _Bits) -> float:
    return float(bits.mean()) if bits.size else 0.0


def _bits_image(bits: _Bits) -> Image.Image:
    return Image.fromarray(bits.astype(np.uint8) * 255)


def _upload(mask: Image.Image) -> Upload:
    return Upload.of(Raster(mask.width, mask.height, mask.convert("RGB").tobytes()))
