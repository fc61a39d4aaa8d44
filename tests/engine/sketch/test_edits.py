"""Painting from pictures with the embedded model, judged by what the results show."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from engine.diffusion import renderer, tiles
from engine.diffusion.families import SKETCH, SKETCH_FAMILY
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from engine.types import Mode, Raster, Variation
from tests.engine.diffusion import test_edits as edits
from tests.engine.diffusion.rasters import array, difference, raster

HOUSE = "a red house in a forest at dawn"
SIDE_PX = 256


@pytest.fixture(scope="module")
def sketch() -> Iterator[DiffusionRenderer]:
    """The embedded model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "_lower_priority", lambda: None)
        made = DiffusionRenderer.load(EngineSettings(model=SKETCH, device="cpu", threads=1))
    yield made
    made.close()


def paint(sketch: DiffusionRenderer, prompt: str, *inputs: Raster, **changes: object) -> Raster:
    """Paint a picture of 256 pixels a side in eight steps."""
    usual = {"width_px": SIDE_PX, "height_px": SIDE_PX, "steps": 8, "effective_prompt": prompt}
    return edits.paint(sketch, *inputs, **(usual | changes)).raster


@pytest.fixture(scope="module")
def house(sketch: DiffusionRenderer) -> Raster:
    """A red house in front of trees, on grass."""
    return paint(sketch, HOUSE)


def redness(picture: Raster) -> float:
    """Share of pixels that are clearly red."""
    red, green, blue = np.moveaxis(array(picture).astype(int), 2, 0)
    return float(((red > 120) & (green < 90) & (blue < 90)).mean())


def blueness(picture: Raster) -> float:
    """Share of pixels that are clearly blue."""
    red, green, blue = np.moveaxis(array(picture).astype(int), 2, 0)
    return float(((blue > 120) & (red < 110) & (green < 150)).mean())


def test_little_strength_keeps_the_picture_and_much_repaints_it(
    sketch: DiffusionRenderer, house: Raster
) -> None:
    """At .2 it is still the red house; at .95 the house has become what the prompt asks for."""
    words = "a blue car in a forest at night"
    kept = paint(sketch, words, house, mode=Mode.IMAGE, strength=0.2)
    gone = paint(sketch, words, house, mode=Mode.IMAGE, strength=0.95)
    assert difference(house, kept) < 6 < 30 < difference(house, gone)
    assert redness(house) > 0.03 and redness(kept) > 0.03 and redness(gone) < 0.01
    assert blueness(gone) > 0.02


def test_a_mask_is_painted_and_the_rest_is_kept(sketch: DiffusionRenderer, house: Raster) -> None:
    """The house goes, the trees beside it do not change by one level, and there is no edge."""
    pixels = np.zeros((SIDE_PX, SIDE_PX, 3))
    pixels[90:250, 50:206] = 255
    words = "a forest at dawn"
    made = paint(sketch, words, house, raster(pixels), mode=Mode.INPAINT)
    before, after = array(house), array(made)
    assert (before[pixels == 0] == after[pixels == 0]).all()
    assert redness(made) < redness(house) / 4


def test_an_enlarged_picture_is_the_same_picture(sketch: DiffusionRenderer, house: Raster) -> None:
    """Scaled down again it is the same picture, and the tiles leave no trace: where they meet, it
    changes no more than the small picture that is only stretched, which has outlines there too."""
    size = {"width_px": 2 * SIDE_PX, "height_px": 2 * SIDE_PX}
    large = paint(sketch, HOUSE, house, mode=Mode.UPSCALE, strength=0.3, **size)
    small = array(large).reshape(SIDE_PX, 2, SIDE_PX, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - array(house)).mean() < 10
    cover = tiles.cover((512, 512), SKETCH_FAMILY.native_side_px, SKETCH_FAMILY.native_side_px // 4)
    image = Image.fromarray(array(house))
    smooth = np.asarray(image.resize((2 * SIDE_PX, 2 * SIDE_PX), Image.Resampling.BICUBIC))
    ours, plain = (
        tiles.seam_score(torch.from_numpy(each.copy()), cover) for each in (array(large), smooth)
    )
    assert ours < 1.1 * plain


def test_a_variation_is_near_and_far(sketch: DiffusionRenderer, house: Raster) -> None:
    """A subtle variation is nearer than a strong one, and both are still red houses."""
    subtle, strong = (
        paint(sketch, HOUSE, variations=(Variation(77, amount),)) for amount in (0.2, 0.6)
    )
    assert difference(house, subtle) < difference(house, strong)
    assert min(redness(subtle), redness(strong)) > 0.03


def test_variety_makes_rerolls_differ_more(sketch: DiffusionRenderer, house: Raster) -> None:
    """With variety two seeds differ more than without, and still show what was asked for."""
    other = dataclasses.asdict(house)  # the same seed without variety gives the same picture
    assert dataclasses.asdict(paint(sketch, HOUSE, variety=0.0)) == other
    varied = paint(sketch, HOUSE, variety=0.4)
    assert difference(house, varied) > 2 and redness(varied) > 0.02


def test_a_refinement_changes_edges_alone(sketch: DiffusionRenderer, house: Raster) -> None:
    """The sky stays, edges may change, and the picture is the same one."""
    refined = paint(sketch, HOUSE, refine=0.3)
    assert 0 < difference(house, refined) < 6
    sky = np.abs(array(house)[:40].astype(int) - array(refined)[:40].astype(int)).mean()
    rest = np.abs(array(house)[100:].astype(int) - array(refined)[100:].astype(int)).mean()
    assert sky < rest
