"""Source images become inputs of the size that their mode needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.input_images import (
    InputMismatch,
    MaskCutOff,
    MaskMissing,
    match_inputs,
    prepare,
    size_from,
    with_region,
)
from bot.request.outcomes import BadSize, ResolvedRequest, SizeTooLarge
from bot.request.params import GenerationParams
from bot.request.resolve import resolve
from bot.request.sizes import MAX_UNSAID_CUT, size_problem
from bot.request.values.regions import Region, region_mask
from bot.wording import rejections
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO, Family
from engine.masks import MaskBlank, MaskEmpty, MaskSizeMismatch, MaskUnclear, MaskUnmarked
from engine.modes import MAX_BLENDED
from engine.sizing import cut_share, ratio_fits
from engine.types import INPUTS, ImageRequest, Mode, Raster, SourceChange, SourceChangeKind
from engine.uploads import Upload, UploadRefused, canonical, reopen
from tests.fakes import a_request

sides = st.integers(1, 40)


def an_upload(width_px: int, height_px: int, shade: int = 200) -> Upload:
    """Return a picture with a gradient, so that cropping and scaling change it."""
    row = bytes(max(1, (x * shade // width_px) % 256) for x in range(width_px) for _ in range(3))
    return Upload.of(Raster(width_px, height_px, row * height_px))


def size(upload: Upload) -> tuple[int, int]:
    """Return the width and height of a picture."""
    return upload.raster.width_px, upload.raster.height_px


@given(sides, sides, st.integers(1, 4), st.integers(1, 4))
def test_inputs_have_the_size_that_the_painter_needs_and_the_start_names_them(
    width: int, height: int, across: int, down: int
):
    """Inputs have the output's size, for upscaling half of it; hashes are in the mode's order."""
    output_size = (across * 32, down * 32)
    for mode, number in INPUTS.items():
        found = prepare(mode, [an_upload(width, height)] * number, output_size, 0.5)
        assert found.start.mode is mode and found.start.strength == 0.5
        assert found.start.inputs == tuple(each.sha256 for each in found.inputs)
        factor = 2 if mode is Mode.UPSCALE else 1
        assert all(
            size(each) == (output_size[0] // factor, output_size[1] // factor)
            for each in found.inputs
        )


def test_a_mask_is_grey_and_survives_being_stored():
    """A mask has three equal channels and is the same after being stored and reopened."""
    colourful = Upload.of(Raster(4, 2, bytes(range(0, 240, 10))))
    found = prepare(Mode.INPAINT, [an_upload(8, 4), colourful], (32, 16)).inputs[1]
    rgb = found.raster.rgb
    assert rgb[0::3] == rgb[1::3] == rgb[2::3] and len(set(rgb)) > 4
    assert reopen(canonical(found), found.sha256) == found
    again = prepare(Mode.INPAINT, [an_upload(8, 4), found], (32, 16)).inputs[1]
    assert again.sha256 == found.sha256


def test_a_mask_has_to_lie_over_its_picture():
    """A mask of another aspect ratio or an entirely black one is refused; another size is not."""
    picture = an_upload(300, 200)
    assert prepare(Mode.INPAINT, [picture, an_upload(151, 100)], (96, 64)).inputs
    with pytest.raises(MaskSizeMismatch):
        prepare(Mode.INPAINT, [picture, an_upload(100, 100)], (96, 64))
    with pytest.raises(MaskEmpty):
        prepare(Mode.INPAINT, [picture, Upload.of(Raster(3, 2, bytes(18)))], (96, 64))


def test_a_mark_that_is_cut_off_is_refused():
    """What is marked beside the middle of a long picture cannot be repainted: it is refused."""
    row = bytes([255] * 30 + [0] * 270)
    mask = Upload.of(Raster(100, 10, row * 10))
    picture = an_upload(1000, 100)
    assert prepare(Mode.INPAINT, [picture, mask], (320, 32)).inputs
    with pytest.raises(MaskCutOff):
        prepare(Mode.INPAINT, [picture, mask], (64, 32))


@pytest.mark.parametrize("region", Region)
def test_a_region_takes_the_place_of_a_mask(region: Region):
    """A region is a mask of the output, whatever shape the picture has."""
    found = prepare(Mode.INPAINT, [an_upload(300, 50)], (64, 32), 0.7, region)
    assert found.inputs[1].raster == region_mask(region, 64, 32)
    assert found.start.inputs == tuple(each.sha256 for each in found.inputs)
    given_ = with_region([an_upload(300, 50)], region, (64, 32))
    request = a_request(mode=Mode.INPAINT, inputs=found.start.inputs, width_px=64, height_px=32)
    assert match_inputs(request, given_) == found.inputs


CUTS = [
    ((1200, 100), (368, 176), "83"),
    ((100, 1200), (176, 368), "83"),
    ((1200, 100), (1568, 672), "81"),
    ((300, 200), (208, 208), "33"),
    ((5000, 1), (368, 176), "99"),
    ((1060, 1000), (256, 256), "6"),
    ((1050, 1000), (256, 256), None),
    ((300, 200), (320, 208), None),
    ((1, 1), (256, 256), None),
]


@pytest.mark.parametrize(("source", "output", "percent"), CUTS, ids=str)
def test_what_is_cut_off_is_told(
    source: tuple[int, int], output: tuple[int, int], percent: str | None
):
    """How much is cut off a picture is told in whole percent, from more than 5 % on."""
    found = prepare(Mode.IMAGE, [an_upload(*source)], output)
    told = () if percent is None else (SourceChange(SourceChangeKind.CUT, percent),)
    assert found.start.changes == told


def test_of_several_cuts_the_largest_is_told():
    """Changes of several pictures are told once each, without those of the mask."""
    pictures = [an_upload(64, 32), an_upload(32, 32), an_upload(20, 64)]
    found = prepare(Mode.BLEND, pictures, (64, 32)).start.changes
    assert found == (SourceChange(SourceChangeKind.CUT, "84"),)
    ground = SourceChange(SourceChangeKind.GROUND, "black")
    lost = [Upload.of(an_upload(64, 32).raster, (ground,))] * 2
    assert prepare(Mode.BLEND, lost, (64, 32)).start.changes == (ground,)
    assert prepare(Mode.INPAINT, lost, (64, 32)).start.changes == (ground,)


@given(st.integers(1, 4000), st.integers(1, 4000), st.sampled_from([SKETCH_FAMILY, Z_IMAGE_TURBO]))
def test_a_shape_that_can_be_painted_is_hardly_cut(width: int, height: int, family: Family):
    """Only what is longer than the family paints loses more than 5 % by itself."""
    found = size_from(GenerationParams("x"), Mode.IMAGE, family, (width, height))
    assert isinstance(found, tuple)
    if ratio_fits(width, height, family.max_ratio):
        assert cut_share((width, height), found) <= MAX_UNSAID_CUT
    else:
        longest = max(found) / min(found)
        assert longest == pytest.approx(family.max_ratio, rel=0.05)


@pytest.mark.parametrize("mode", Mode)
def test_another_number_of_pictures_is_a_mistake_of_the_caller(mode: Mode):
    """A wrong number of pictures raises ValueError and never leads to an incomplete recipe."""
    with pytest.raises(ValueError, match="input pictures"):
        prepare(mode, [an_upload(8, 8)] * (MAX_BLENDED + 1), (32, 32))
    if INPUTS[mode]:
        with pytest.raises(ValueError, match="input pictures"):
            prepare(mode, [an_upload(8, 8)] * (INPUTS[mode] - 1), (32, 32))


def from_blend() -> tuple[ImageRequest, list[Upload]]:
    """Return a blend request with its source images."""
    given_ = [an_upload(40, 30), an_upload(30, 40, 90)]
    start = prepare(Mode.BLEND, given_, (64, 32)).start
    request = a_request(mode=start.mode, inputs=start.inputs, width_px=64, height_px=32)
    return request, given_


def test_pictures_given_again_are_known_by_their_pixels():
    """The original files and the stored inputs are accepted, and nothing else."""
    request, given_ = from_blend()
    kept = match_inputs(request, given_)
    assert tuple(each.sha256 for each in kept) == request.inputs
    assert match_inputs(request, kept) == kept
    with pytest.raises(InputMismatch) as caught:
        match_inputs(request, [given_[0], given_[0]])
    assert caught.value.position == 1
    with pytest.raises(ValueError, match="not 1"):
        match_inputs(request, given_[:1])


def test_a_blend_takes_up_to_four():
    """A blend fits and names up to four pictures in the given order."""
    shades = (200, 150, 100, 50)
    found = prepare(Mode.BLEND, [an_upload(40, 30, each) for each in shades], (64, 32))
    assert len(set(found.start.inputs)) == 4
    assert found.start.inputs == tuple(each.sha256 for each in found.inputs)
    request = a_request(
        mode=Mode.BLEND, inputs=found.start.inputs, strength=0.5, width_px=64, height_px=32
    )
    assert match_inputs(request, [an_upload(40, 30, each) for each in shades]) == found.inputs
    with pytest.raises(ValueError, match="not 2"):
        match_inputs(request, found.inputs[:2])


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(list(Mode)))
def test_a_picture_of_any_shape_gives_a_size_that_can_be_painted(
    width: int, height: int, mode: Mode
):
    """Without an explicit size, no aspect ratio is refused: an extreme one becomes the nearest."""
    for family in (SKETCH_FAMILY, Z_IMAGE_TURBO):
        found = size_from(GenerationParams("x"), mode, family, (width, height))
        assert isinstance(found, tuple)
        assert size_problem(*found, family, mode) is None


def test_enlarging_doubles_what_is_there():
    """Upscaling doubles the picture's own size if possible, else the family's own size."""

    def doubled(source: tuple[int, int], **params: object) -> object:
        return size_from(GenerationParams("x", **params), Mode.UPSCALE, SKETCH_FAMILY, source)  # pyright: ignore[reportArgumentType]

    assert doubled((128, 192)) == (256, 384)
    assert doubled((130, 190)) == (256, 384)
    assert doubled((4000, 4000)) == (512, 512)
    assert doubled((20, 20)) == (512, 512)
    assert doubled((128, 192), aspect="1:1") == (512, 512)
    assert doubled((128, 192), size=(320, 320)) == (320, 320)
    assert isinstance(doubled((128, 192), size=(272, 272)), BadSize)
    assert isinstance(doubled((128, 192), size=(1024, 1024)), SizeTooLarge)


def test_a_prepared_wish_is_composed():
    """`resolve` accepts the prepared inputs."""
    output_size = size_from(GenerationParams("x"), Mode.IMAGE, SKETCH_FAMILY, (300, 200))
    assert isinstance(output_size, tuple)
    found = prepare(Mode.IMAGE, [an_upload(300, 200)], output_size)
    resolved = resolve(
        GenerationParams("x", size=output_size, start=found.start), SKETCH_FAMILY, lambda: 1
    )
    assert isinstance(resolved, ResolvedRequest) and resolved.request.inputs == found.start.inputs
    assert (resolved.request.width_px, resolved.request.height_px) == output_size


@pytest.mark.parametrize(
    "refused",
    [
        MaskSizeMismatch(Raster(2, 1, b""), Raster(1, 1, b"")),
        MaskEmpty(),
        MaskBlank(),
        MaskMissing(),
        MaskUnmarked(),
        MaskUnclear(),
        MaskCutOff(),
        InputMismatch(0, "a", "b"),
    ],
)
def test_each_refusal_has_a_sentence(refused: UploadRefused):
    """One sentence of its own, not the one for damaged files."""
    sentence = rejections.upload_refusal(refused, words())
    assert sentence.endswith(".") and "damaged" not in sentence
