"""Masks of pictures that are stored turned, and files of masks that are rarely met."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.layers import VISIBLE_ALPHA
from engine.masks import (
    MaskRefused,
    MaskSizeMismatch,
    MaskUnclear,
    MaskUnmarked,
    read_mask,
)
from engine.uploads import decode
from tests.engine.mask_files import BOX, SIDE_PX, jpeg, on_black, photo, scene, scribbled, strokes
from tests.engine.test_masks import assert_box, marked
from tests.engine.upload_files import LIMITS, chunk, pixels, png, saved

TALL_PX = (SIDE_PX, 200)
"""The size of the picture as it is seen: the box lies within it, and its sides differ."""
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera stores what is seen upright, by the orientation that it writes."""
ON_ITS_SIDE = (5, 6, 7, 8)


def seen(image: Image.Image) -> Image.Image:
    return image.crop((0, 0, *TALL_PX))


def stored(image: Image.Image, orientation: int) -> Image.Image:
    how = STORED[orientation]
    return image if how is None else image.transpose(how)


def tagged(image: Image.Image, orientation: int, form: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(stored(image, orientation), form, exif=exif)


def over(mask: bytes, own: bytes) -> np.ndarray:
    """Return what a mask marks in the picture of a file, filled up to a square."""
    found = pixels(read_mask(mask, LIMITS, decode(own, LIMITS).raster, own))[..., 0]
    assert found.shape[::-1] == TALL_PX
    return np.pad(found, ((0, SIDE_PX - TALL_PX[1]), (0, 0)))


MASKS = {
    "white on black": seen(on_black()),
    "strokes": seen(strokes()),
    "a copy with strokes": seen(scribbled(photo())),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_both_are_upright(mask: str, orientation: int, form: str) -> None:
    """An orientation is honoured in the picture's file and in the mask's, with either or both."""
    image = MASKS[mask]
    own = tagged(seen(photo()), orientation, form)
    assert_box(over(saved(image), own))
    turned = image if image.mode == "RGB" or form != "JPEG" else seen(on_black())
    assert_box(over(tagged(turned, orientation, form), own))
    assert_box(over(tagged(turned, orientation, form), saved(seen(photo()))))


@pytest.mark.parametrize("orientation", ON_ITS_SIDE)
@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_that_was_drawn_on_what_is_stored(mask: str, orientation: int) -> None:
    """A mask of the stored size, from a program that ignores orientations, is turned as the picture
    is."""
    own = tagged(seen(photo()), orientation, "JPEG")
    assert_box(over(saved(stored(MASKS[mask], orientation)), own))


@pytest.mark.parametrize("own", [saved(seen(photo())), tagged(seen(photo()), 3, "JPEG"), b""])
def test_what_lies_on_its_side_for_no_reason_is_refused(own: bytes) -> None:
    """Where no file says which way round, a mask with swapped sides is refused, and says so."""
    raster = decode(own or saved(seen(photo())), LIMITS).raster
    with pytest.raises(MaskSizeMismatch) as refused:
        read_mask(saved(stored(MASKS["white on black"], 6)), LIMITS, raster, own)
    assert refused.value.turned
    with pytest.raises(MaskSizeMismatch) as refused:
        read_mask(saved(on_black().resize((240, 90))), LIMITS, raster, own)
    assert not refused.value.turned


def test_a_mask_that_says_how_it_is_turned_is_not_turned_again() -> None:
    """Its own orientation is enough: with swapped sides after that it is of another picture."""
    own = tagged(seen(photo()), 6, "JPEG")
    lying = stored(MASKS["white on black"], 6)
    with pytest.raises(MaskSizeMismatch):
        over(tagged(lying, 3), own)


@pytest.mark.parametrize("how", [Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90])
def test_a_turned_copy_is_refused(how: Image.Transpose) -> None:
    """A copy of the picture that is upside down or on its side cannot be told from a photo."""
    with pytest.raises(MaskUnclear):
        marked(saved(scribbled(photo()).transpose(how)), photo())


def animated(form: str) -> bytes:
    """Return an animation whose first frame is the mask."""
    frames = [on_black(), Image.new("RGB", (SIDE_PX, SIDE_PX), "white")]
    out = io.BytesIO()
    frames[0].save(out, form, save_all=True, append_images=frames[1:], lossless=True)
    return out.getvalue()


def by_hand(bits: int, colours: int, *more: bytes) -> bytes:
    """Return the mask as a PNG that Pillow does not write. bits: of each channel."""
    grey = np.asarray(on_black().convert("L"))
    if bits == 1:
        rows = np.packbits(grey > 0, axis=1)
    else:
        deep = np.repeat(
            (grey.astype(">u2") * 257)[..., None], {0: 1, 2: 3, 4: 2, 6: 4}[colours], 2
        )
        if colours in (4, 6):
            deep[..., -1] = 65535
        rows = deep.reshape(SIDE_PX, -1).view(np.uint8)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    return png(SIDE_PX, SIDE_PX, bits, colours, data, *more)


def noisy(quality: int, mode: str = "RGB") -> bytes:
    """Return the mask as a JPEG that was saved over and over."""
    image = on_black()
    for _ in range(4):
        image = Image.open(io.BytesIO(saved(image, "JPEG", quality=quality))).convert("RGB")
    return saved(image.convert(mode), "JPEG", quality=quality)


FILES = {
    "a CMYK JPEG": saved(on_black().convert("CMYK"), "JPEG", quality=80),
    "a grey JPEG": noisy(70, "L"),
    "a JPEG of a JPEG": noisy(40),
    "an animated WebP": animated("WEBP"),
    "an animated PNG": animated("PNG"),
    "grey with alpha": saved(on_black().convert("LA")),
    "one bit": by_hand(1, 0),
    "one bit, black is transparent": by_hand(1, 0, chunk(b"tRNS", b"\0\0")),
    "16 bits of grey": by_hand(16, 0),
    "16 bits of grey with alpha": by_hand(16, 4),
    "16 bits of colour": by_hand(16, 2),
    "16 bits of colour with alpha": by_hand(16, 6),
    "a palette of two": saved(on_black().quantize(2)),
    "a palette, black is transparent": saved(strokes().quantize(4)),
    "a lossy WebP": saved(on_black(), "WEBP", quality=30),
    "24 pixels wide": saved(on_black().resize((24, 24), Image.Resampling.BOX)),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("picture", [scene, photo])
def test_every_file_of_a_mask(name: str, picture: Callable[[], Image.Image]) -> None:
    """Whatever file a mask is saved as, the same part is repainted."""
    found = Image.fromarray(marked(FILES[name], picture())).resize((SIDE_PX, SIDE_PX))
    assert_box(np.asarray(found))


@pytest.mark.parametrize("side_px", [1, 2, 3, 5])
def test_tiny_masks(side_px: int) -> None:
    """A mask of a few pixels marks what is white in it, or is refused."""
    size = (side_px, side_px)
    assert (marked(saved(Image.new("L", size, 255)), photo()) == 255).all()
    for shade in (0, 128):
        with pytest.raises(MaskRefused):
            marked(saved(Image.new("L", size, shade)), photo())
    with pytest.raises(MaskRefused):
        marked(saved(Image.new("RGBA", size)), photo())


def test_a_screenshot_with_strokes() -> None:
    """Strokes in red on a screenshot of the picture, smaller and as JPEG, mark what they cover; a
    screenshot with the frame around it has another shape."""
    screen = photo().resize((190, 190), Image.Resampling.BICUBIC)
    ImageDraw.Draw(screen).rectangle(tuple(round(each * 190 / SIDE_PX) for each in BOX), "red")
    assert_box(marked(jpeg(screen, 75), photo()))
    framed = Image.new("RGB", (190, 260), (30, 30, 34))
    framed.paste(screen, (0, 40))
    with pytest.raises(MaskSizeMismatch):
        marked(saved(framed), photo())


def test_pale_all_over() -> None:
    """A layer on which nothing is seen well is looked at as it is: a pale copy is a copy, pale
    strokes are strokes, and nothing is ever reckoned from no pixels at all."""
    copy = photo().convert("RGBA")
    copy.putalpha(100)
    specks = Image.new("RGBA", (SIDE_PX, SIDE_PX))
    specks.putpixel((0, 0), (255, 255, 255, VISIBLE_ALPHA + 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MaskUnmarked):
            marked(saved(copy), photo())
        for alpha in (VISIBLE_ALPHA + 20, 60, 110):
            assert_box(marked(saved(strokes(alpha=alpha)), photo()))
            assert_box(marked(saved(strokes((255, 0, 0), alpha)), scene()))
        with contextlib.suppress(MaskRefused):
            marked(saved(specks.resize((1920, 1920), Image.Resampling.NEAREST)), photo())
