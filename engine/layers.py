"""The colours and the transparency of an opened picture, upright and in 8-bit sRGB."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFilter

from engine.types import Ground

VISIBLE_ALPHA: Final = 16
"""Below this alpha nothing is seen; from 255 minus this on nothing shines through. Chosen by
hand."""
_VANISHING: Final = 40
"""Levels by which a colour has to differ from its ground in one channel. Chosen by hand."""
_LOST_SHARE: Final = 0.95
"""Nothing but the ground is seen if this much of a picture vanishes on it. Chosen by hand."""
_CLEAR_SHARE, _PALE_SHARE, _PALE_RIM = 1 / 4, 1 / 3, 1 / 3
"""A picture is lost on white if more than the first is transparent, and at least the others white
of what is seen and of its rim. Chosen by hand: a drawing with an outline is seen on white, and so
is a sticker with a white rim."""
_LOOK_PX: Final = 256
"""The longer side at which the ground is chosen. Chosen by hand."""
_SHADES: Final = {Ground.WHITE: 255, Ground.BLACK: 0, Ground.GREY: 128}

_MODES: Final = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
"""The mode of a picture for each colour space, as the header of a profile names it."""

UPRIGHT: Final = 1
"""The EXIF orientation of a picture that is not to be turned."""
_TRANSPOSES: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns each EXIF orientation upright."""


@dataclass(frozen=True, slots=True)
class Layers:
    """A picture's colours (RGB), and its transparency (L, 0 = clear), None if it has none."""

    colours: Image.Image
    alpha: Image.Image | None

    def turned(self, how: int) -> Layers:
        """Return both turned upright from an EXIF orientation. Blocking."""
        alpha = None if self.alpha is None else _turned(self.alpha, how)
        return Layers(_turned(self.colours, how), alpha)

    def flattened(self, *, on_white: bool = False) -> tuple[Image.Image, Ground]:
        """Return the picture on a ground on which it can be seen, and that ground. Blocking."""
        if self.alpha is None:
            return self.colours, Ground.WHITE
        ground = Ground.WHITE if on_white else _ground(self.colours, self.alpha)
        shade = _SHADES[ground]
        flat = Image.new("RGB", self.colours.size, (shade, shade, shade))
        flat.paste(self.colours, mask=self.alpha)
        return flat, ground


def layers(image: Image.Image) -> Layers:
    """Take a loaded picture apart. A profile that cannot be read counts as sRGB. Blocking."""
    profile = image.info.get("icc_profile")
    plain, alpha = _plain_and_alpha(image)
    grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
    colours = _upright(_in_srgb(plain, profile, grey=grey), image)
    return Layers(colours, None if alpha is None else _upright(alpha, image))


def transparency(image: Image.Image) -> Image.Image | None:
    """Return only the transparency of a loaded picture (L, 0 = clear), None if it has none."""
    alpha = _plain_and_alpha(image)[1]
    return None if alpha is None else _upright(alpha, image)


def _plain_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode.startswith("I"):
        image = _from_16_bit(image)
    if not image.has_transparency_data:
        return image, None
    image = image.convert("RGBA")
    return image, image.getchannel("A")


def _ground(colours: Image.Image, alpha: Image.Image) -> Ground:
    """Return white, unless what is white would be lost on it."""
    small = reduced(colours, alpha, _LOOK_PX)
    shades, seen = small[..., :3].astype(int), small[..., 3] >= VISIBLE_ALPHA
    weights = small[..., 3] / 255 * seen
    if not weights.sum() or small[..., 3].min() > 255 - VISIBLE_ALPHA:
        return Ground.WHITE  # nothing is seen, or nothing shines through

    def lost(ground: Ground, where: np.ndarray) -> float:
        vanishing = np.abs(shades - _SHADES[ground]).max(axis=2) < _VANISHING
        return float((weights * vanishing * where).sum() / max(1e-9, (weights * where).sum()))

    all_over = lost(Ground.WHITE, seen)
    clear = Image.fromarray(np.where(seen, 0, 255).astype(np.uint8))
    rim = seen & (np.asarray(clear.filter(ImageFilter.MaxFilter(5))) > 0)
    cut_out = 1 - seen.mean() > _CLEAR_SHARE
    pale = all_over >= _PALE_SHARE and lost(Ground.WHITE, rim) >= _PALE_RIM
    if all_over < _LOST_SHARE and not (cut_out and pale):
        return Ground.WHITE
    return min((Ground.BLACK, Ground.GREY), key=lambda each: lost(each, seen))


def reduced(colours: Image.Image, alpha: Image.Image | None, longest_px: int) -> np.ndarray:
    """Return height × width × 4 values of a small copy, in which clear pixels have no colour."""
    scale = min(1.0, longest_px / max(colours.size))
    size = (max(1, round(colours.width * scale)), max(1, round(colours.height * scale)))
    if alpha is None:
        alpha = Image.new("L", colours.size, 255)
    # What lies under clear pixels must not be mixed into their neighbours.
    both = Image.merge("RGBA", (*colours.split(), alpha))
    return np.asarray(both if both.size == size else both.resize(size, Image.Resampling.BOX))


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Return the upper half of each value, as the decoder does with colours; Pillow would clip."""
    values = np.asarray(image)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    seen_through = image.info.get("transparency")
    if isinstance(seen_through, int):
        hidden = np.where(values == seen_through, 0, 255).astype(np.uint8)
        grey = Image.merge("LA", (grey, Image.fromarray(hidden)))
    return grey


def _in_srgb(image: Image.Image, profile: object, *, grey: bool) -> Image.Image:
    if not isinstance(profile, bytes):
        return _as(image, "RGB")
    own_mode = "CMYK" if image.mode == "CMYK" else "RGB"
    # A profile that is broken, or for another kind of picture, is ignored.
    with suppress(ImageCms.PyCMSError, OSError, KeyError):
        mode = _MODES[profile[16:20]]
        if mode == own_mode or (grey and mode != "CMYK"):
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            made = ImageCms.profileToProfile(_as(image, mode), own, srgb, outputMode="RGB")
            assert made is not None  # None is returned only where the picture itself is changed
            return made
    return _as(image, "RGB")


def _as(image: Image.Image, mode: str) -> Image.Image:
    """Convert only where needed: a copy of a large picture takes hundreds of megabytes."""
    return image if image.mode == mode else image.convert(mode)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded picture; UPRIGHT if its metadata is unreadable."""
    found: object = UPRIGHT
    with suppress(Exception):
        found = image.getexif().get(ExifTags.Base.Orientation)
    return found if isinstance(found, int) and found in _TRANSPOSES else UPRIGHT


def _upright(flat: Image.Image, source: Image.Image) -> Image.Image:
    """Rotate and mirror as the source's metadata says."""
    return _turned(flat, orientation(source))


def _turned(flat: Image.Image, how: int) -> Image.Image:
    return flat.transpose(_TRANSPOSES[how]) if how in _TRANSPOSES else flat
