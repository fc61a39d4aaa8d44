"""A mask is understood whichever way it was drawn, or refused where it may mean two things."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from engine.masks import (
    MaskBlank,
    MaskEmpty,
    MaskRefused,
    MaskSizeMismatch,
    MaskUnclear,
    MaskUnmarked,
    read_holes,
    read_mask,
)
from engine.uploads import NotAPicture, UploadLimits, UploadRefused, decode
from tests.engine.mask_files import (
    BOX,
    PICTURES,
    SIDE_PX,
    Colour,
    blurred,
    brushed,
    holed,
    jpeg,
    on_black,
    page,
    photo,
    scene,
    scribbled,
    strokes,
)
from tests.engine.upload_files import LIMITS, pixels, saved, transparent

SLACK_PX = 14
"""How far from the box a soft or a widened edge may reach."""


def marked(mask: bytes, picture: Image.Image, own: bytes = b"") -> np.ndarray:
    """Return what the mask marks: height × width, 0 to 255."""
    raster = decode(saved(picture), LIMITS).raster
    return pixels(read_mask(mask, LIMITS, raster, own))[..., 0]


def assert_box(found: np.ndarray, slack_px: int = SLACK_PX) -> None:
    """Assert that the box is marked in full, and nothing away from it in the least."""
    height, width = found.shape
    left, top, right, bottom = (round(each * width / SIDE_PX) for each in BOX)
    inner = found[top + slack_px : bottom - slack_px, left + slack_px : right - slack_px]
    assert inner.size and (inner == 255).all()
    outside = np.ones(found.shape, bool)
    outside[top - slack_px : bottom + slack_px, left - slack_px : right + slack_px] = False
    assert not found[outside].any()
    assert height == width


WHITE_MASKS = {
    "white on transparent": saved(strokes()),
    "white on transparent with white beneath": saved(strokes(beneath=(255, 255, 255))),
    "nearly white on transparent": saved(strokes((236, 240, 238))),
    "a brush on transparent": saved(brushed()),
    "a pale brush on transparent": saved(strokes(alpha=110)),
    "white on transparent in grey with alpha": saved(strokes().convert("LA")),
    "white on transparent as WebP": saved(strokes(), "WEBP"),
    "white on transparent with a palette": saved(strokes().quantize(8)),
    "white on black": saved(on_black()),
    "white on black in grey": saved(on_black().convert("L")),
    "white on black in one bit": saved(on_black().convert("1")),
    "white on black with a palette": saved(on_black().convert("P")),
    "white on black with an opaque alpha": saved(on_black().convert("RGBA")),
    "white on black, a good JPEG": jpeg(on_black(), 90),
    "white on black, a usual JPEG": jpeg(on_black(), 75),
    "white on black, a bad JPEG": jpeg(on_black(), 30),
    "nearly white on nearly black": saved(on_black((226, 222, 225), (20, 16, 30))),
    "white on black with soft edges": saved(blurred(on_black())),
    "red on black": saved(on_black((255, 0, 0))),
    "dark green on black": saved(on_black((0, 120, 0))),
    "blue on black, a JPEG": jpeg(on_black((40, 60, 250))),
    "red on transparent": saved(strokes((230, 30, 40))),
    "grey on transparent": saved(strokes((128, 128, 128))),
    "black on transparent": saved(strokes((0, 0, 0))),
    "black on transparent with white beneath": saved(strokes((0, 0, 0), beneath=(255, 255, 255))),
    "a black brush on transparent": saved(brushed(0)),
    "a hole in black": saved(page((0, 0, 0))),
    "a hole in black with white beneath": saved(page((0, 0, 0), (255, 255, 255))),
    "a hole in grey": saved(page((128, 128, 128))),
    "a hole in blue": saved(page((30, 60, 200))),
}
"""Masks that mark the box whatever their picture is."""


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("mask", WHITE_MASKS)
def test_the_box_is_marked_whatever_the_picture_is(mask: str, picture: str) -> None:
    """The same part is repainted, and nothing else, on pictures of every kind."""
    assert_box(marked(WHITE_MASKS[mask], PICTURES[picture]()))


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("beneath", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_what_is_erased_from_a_copy_is_marked(picture: str, beneath: Colour) -> None:
    """In a copy of the picture the hole is repainted, whatever colour lies beneath it."""
    copy = holed(PICTURES[picture](), beneath)
    smaller = copy.resize((160, 160))
    for mask in (saved(copy), saved(copy, "WEBP", quality=80), saved(smaller)):
        assert_box(marked(mask, PICTURES[picture]()))


@pytest.mark.parametrize("picture", ["scene", "photo", "plain", "line_art"])
def test_what_is_left_of_a_copy_stays(picture: str) -> None:
    """Where all but the box is erased, as by a remover of backgrounds, the box stays."""
    copy = PICTURES[picture]().convert("RGBA")
    copy.putalpha(on_black().convert("L"))
    found = marked(saved(copy), PICTURES[picture]())
    assert_box(255 - found)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (255, 255, 0), (255, 0, 255)], ids=str
)
def test_what_is_painted_over_on_a_copy_is_marked(picture: str, colour: Colour) -> None:
    """Strokes on a copy of the picture are repainted, also if it was scaled or saved as JPEG."""
    copy = scribbled(PICTURES[picture](), colour)
    larger = copy.resize((400, 400), Image.Resampling.LANCZOS)
    for mask in (saved(copy), jpeg(copy, 60), saved(larger)):
        assert_box(marked(mask, PICTURES[picture]()))


@pytest.mark.parametrize(
    ("picture", "colour"),
    [("scene", 0), ("scene", 255), ("photo", 255), ("plain", 0), ("plain", 255), ("snow", 0)],
)
def test_black_and_white_on_a_copy_are_strokes_too(picture: str, colour: int) -> None:
    """Black and white mark a copy as any other colour does, as far as they differ from it."""
    copy = scribbled(PICTURES[picture](), (colour, colour, colour))
    assert_box(marked(saved(copy), PICTURES[picture]()))


def test_what_is_encircled_on_a_copy_is_marked() -> None:
    """A line around something marks what is inside, and a line that does not close only itself."""
    circled, arc = photo(), photo()
    ImageDraw.Draw(circled).rectangle(BOX, outline=(255, 0, 0), width=4)
    ImageDraw.Draw(arc).arc(BOX, 0, 200, fill=(255, 0, 0), width=4)
    assert_box(marked(saved(circled), photo()))
    found = marked(saved(arc), photo())
    assert 0 < (found > 0).mean() < 0.1


def test_a_copy_of_a_transparent_picture_is_marked_by_its_strokes() -> None:
    """What is transparent in the picture itself marks nothing in a copy with strokes."""
    own = scene().convert("RGBA")
    own.paste((0, 0, 0, 0), (0, 0, 40, SIDE_PX))
    copy = own.copy()
    copy.paste((255, 0, 0, 255), BOX)
    flat = Image.new("RGB", own.size, "white")
    flat.paste(own, mask=own.getchannel("A"))
    assert_box(marked(saved(copy), flat, saved(own)))
    with pytest.raises(MaskUnclear):
        marked(saved(copy), flat, saved(flat))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "1"])
def test_all_white_is_everything(mode: str) -> None:
    """A mask that is white all over repaints the whole picture."""
    white = Image.new("RGB", (SIDE_PX, SIDE_PX), "white").convert(mode)
    for mask in (saved(white), jpeg(Image.new("L", white.size, 240))):
        assert (marked(mask, scene()) == 255).all()


def faded(image: Image.Image) -> Image.Image:
    """Return the picture as a layer that is half transparent all over."""
    image = image.convert("RGBA")
    image.putalpha(128)
    return image


def sixteen_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture in 16 bits."""
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    "mask",
    [
        saved(faded(on_black())),
        saved(sixteen_bits(on_black())),
        saved(on_black().resize((120, 120))),
        saved(on_black().resize((960, 956))),
        saved(on_black().transpose(Image.Transpose.ROTATE_90), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1"
              b"\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
        saved(strokes().rotate(90), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1"
              b"\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
    ],
    ids=["faded", "16 bits", "smaller", "larger", "turned", "turned strokes"],
)  # fmt: skip
def test_other_files_of_the_same_mask(mask: bytes) -> None:
    """Depth, size, orientation and an even transparency of the file make no difference."""
    found = marked(mask, scene())
    scaled = np.asarray(Image.fromarray(found).resize((SIDE_PX, SIDE_PX)))
    assert_box(scaled)


def test_soft_masks_stay_soft() -> None:
    """Grey between black and white repaints in part: gradients and feathered edges are kept."""
    gradient = Image.linear_gradient("L").resize((SIDE_PX, SIDE_PX))
    for mask in (saved(gradient), saved(blurred(on_black(), 8)), saved(brushed())):
        assert len(np.unique(marked(mask, scene()))) > 20


def test_white_and_black_strokes_on_a_layer() -> None:
    """White is repainted, black stays, and what is free of both stays too."""
    layer = strokes()
    ImageDraw.Draw(layer).rectangle((170, 10, 230, 60), fill=(0, 0, 0, 255))
    assert_box(marked(saved(layer), scene()))


def blackened(width_px: int) -> Image.Image:
    """Return a layer that is black from the left edge on, and else transparent."""
    image = Image.new("RGBA", (SIDE_PX, SIDE_PX), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, width_px, SIDE_PX))
    return image


@pytest.mark.parametrize("part", [0.5, 0.7, 0.9])
def test_where_much_is_black_the_rest_is_marked(part: float) -> None:
    """Black stays, as in every mask, unless it is a few strokes: the transparent part counts."""
    width_px = round(part * SIDE_PX)
    found = marked(saved(blackened(width_px)), scene())
    assert (found[:, :width_px] == 0).all() and (found[:, width_px:] == 255).all()


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 40, 40)])
def test_large_strokes_are_strokes(colour: Colour) -> None:
    """What is free of the frame was drawn, however large it is."""
    layer = Image.new("RGBA", (SIDE_PX, SIDE_PX), (0, 0, 0, 0))
    layer.paste((*colour, 255), (10, 10, 230, 230))
    found = marked(saved(layer), scene())
    assert (found[10:230, 10:230] == 255).all() and found.mean() < 220


@pytest.mark.parametrize("picture", ["scene", "photo", "plain"])
@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (saved(Image.new("L", (SIDE_PX, SIDE_PX), 0)), MaskEmpty),
        (saved(Image.new("L", (SIDE_PX, SIDE_PX), 1)), MaskEmpty),
        (jpeg(Image.new("L", (SIDE_PX, SIDE_PX), 25)), MaskEmpty),
        (saved(Image.new("RGBA", (SIDE_PX, SIDE_PX), (0, 0, 0, 255))), MaskEmpty),
        (saved(Image.new("RGBA", (SIDE_PX, SIDE_PX), (255, 255, 255, 0))), MaskBlank),
        (saved(Image.new("LA", (SIDE_PX, SIDE_PX), (0, 4))), MaskBlank),
        (saved(Image.new("L", (SIDE_PX, SIDE_PX), 128)), MaskUnclear),
        (saved(page((255, 255, 255))), MaskUnclear),
        (saved(blackened(103)), MaskUnclear),
        (saved(on_black((255, 0, 0), (255, 255, 255))), MaskUnclear),
        (saved(photo().rotate(90)), MaskUnclear),
        (saved(photo().rotate(90).convert("L")), MaskUnclear),
        (saved(on_black().resize((240, 120))), MaskSizeMismatch),
        (saved(on_black())[:200], NotAPicture),
    ],
)
def test_what_cannot_be_told_is_refused(mask: bytes, error: type[Exception], picture: str) -> None:
    """A mask that marks nothing, or may mean two things, is refused and never guessed."""
    with pytest.raises(error):
        marked(mask, PICTURES[picture]())


@pytest.mark.parametrize("shade", [60, 128, 190])
def test_a_grey_that_the_picture_has_somewhere_is_no_copy(shade: int) -> None:
    """One colour all over tells nothing, although a part of the picture has it too."""
    picture = Image.radial_gradient("L").convert("RGB").resize((SIDE_PX, SIDE_PX))
    with pytest.raises(MaskUnclear):
        marked(saved(Image.new("L", picture.size, shade)), picture)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_copy_without_marks_is_refused(picture: str) -> None:
    """The picture itself marks nothing, in whatever quality it comes."""
    image = PICTURES[picture]()
    for copy in (saved(image), saved(image, "WEBP", quality=70), jpeg(image, 50)):
        with pytest.raises(MaskUnmarked):
            marked(copy, image)


@pytest.mark.parametrize("mode", ["PNG", "WEBP", "P", "RGB"])
def test_what_is_transparent_in_a_picture_makes_a_mask(mode: str) -> None:
    """The mask is white where the picture is transparent, black elsewhere."""
    mask = read_holes(transparent(mode), LIMITS)
    assert mask is not None
    found = pixels(mask)
    assert found.shape == (4, 8, 3) and (found[:, :4] == 0).all() and (found[:, 4:] == 255).all()


def test_a_picture_that_is_all_but_opaque_makes_no_mask() -> None:
    """No alpha, an opaque alpha, or one that shows nothing: there is no mask."""
    nearly = scene().convert("RGBA")
    nearly.putalpha(252)
    for picture in (scene(), scene().convert("RGBA"), nearly):
        assert read_holes(saved(picture), LIMITS) is None


def test_what_a_soft_eraser_left_is_repainted() -> None:
    """A hole that is erased for the most part counts in full."""
    image = scene().convert("RGBA")
    image.paste((*(200, 0, 0), 60), BOX)
    mask = read_holes(saved(image), LIMITS)
    assert mask is not None
    assert_box(pixels(mask)[..., 0])
    with pytest.raises(MaskBlank):
        read_holes(saved(Image.new("RGBA", (8, 8))), LIMITS)


def test_the_mask_of_a_picture_is_upright_and_keeps_the_limits() -> None:
    """The mask is turned as its picture is; bytes that are not a picture are refused."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(transparent("PNG")))
    mask = read_holes(saved(image, exif=exif), LIMITS)
    assert mask is not None and (mask.raster.width_px, mask.raster.height_px) == (4, 8)
    deep = Image.fromarray(np.array([[0, 65535]], np.uint16))
    clear = read_holes(saved(deep, transparency=65535), LIMITS)
    assert clear is not None and clear.raster.rgb == bytes(3) + bytes([255] * 3)
    for data, limits in ((b"", LIMITS), (transparent("PNG"), UploadLimits(pixels=31))):
        with pytest.raises(UploadRefused):
            read_holes(data, limits)
        with pytest.raises(UploadRefused):
            read_mask(data, limits, decode(saved(scene()), LIMITS).raster)


@given(data=st.data(), width=st.integers(1, 24), height=st.integers(1, 24))
def test_any_pixels_are_read_or_refused(data: st.DataObject, width: int, height: int) -> None:
    """Whatever is drawn, there is a mask of the same size that marks something, or a refusal."""
    raw = data.draw(st.binary(min_size=4 * width * height, max_size=4 * width * height))
    mask = Image.frombytes("RGBA", (width, height), raw)
    picture = decode(saved(Image.new("RGB", (width, height), (90, 40, 10))), LIMITS).raster
    try:
        found = read_mask(saved(mask), LIMITS, picture)
    except MaskRefused as refused:
        assert refused.code.startswith("mask_")
    else:
        assert (found.raster.width_px, found.raster.height_px) == (width, height)
        assert any(found.raster.rgb)
