"""Painting from pictures starts at the right noise, keeps protected parts, and repeats exactly."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
import torch

from engine.diffusion import tiles
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import InputUnfit
from engine.png import pixels_sha256
from engine.renderer import Outcome, RenderTask
from engine.types import ImageRequest, Mode, Painted, Progress, Raster, Variation
from tests.engine.diffusion.rasters import array, difference, raster
from tests.engine.diffusion.rendering import REQUEST, hooked, pipeline_of

SIDE_PX = 128


def outcome(
    painter: DiffusionRenderer,
    *inputs: Raster,
    reported: list[Progress] | None = None,
    **changes: Any,
) -> Outcome:
    """Return the outcome of REQUEST with some changes. reported: gets every step."""
    heard: list[Progress] = [] if reported is None else reported
    shas = tuple(pixels_sha256(each) for each in inputs)
    request = dataclasses.replace(REQUEST, inputs=shas, **changes)
    task = RenderTask(request, threading.Event(), inputs=inputs)

    def on_step(_row: int, step: Progress) -> None:
        if step.step and step not in heard[-1:]:
            heard.append(step)

    (made,) = painter.render([task], on_step=on_step)
    return made


def paint(painter: DiffusionRenderer, *inputs: Raster, **changes: Any) -> Painted:
    """Return the picture."""
    made = outcome(painter, *inputs, **changes)
    assert isinstance(made, Painted), made
    return made


@pytest.fixture(scope="module")
def photo() -> Raster:
    """A picture with structure."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    return raster(np.stack([x * 2, y * 2, (x // 16 + y // 16) % 2 * 200], axis=2) % 256)


@pytest.fixture(scope="module")
def mask() -> Raster:
    """White on the right half."""
    pixels = np.zeros((SIDE_PX, SIDE_PX, 3))
    pixels[:, SIDE_PX // 2 :] = 255
    return raster(pixels)


def test_strength_is_the_noise_level_where_painting_begins(
    painter: DiffusionRenderer, photo: Raster
):
    """The transformer first sees the input at exactly that noise level, with the right time."""
    seen: list[tuple[torch.Tensor, float]] = []
    inputs: list[torch.Tensor] = []

    def watch(_module: Any, given: Any, _answer: Any) -> None:
        seen.append((given[0][0].clone(), float(given[1])))

    for strength in (0.3, 0.6, 0.9):
        seen.clear()
        with hooked(pipeline_of(painter).transformer, watch):
            paint(painter, photo, mode=Mode.IMAGE, strength=strength, steps=8)
        assert 1 - seen[0][1] == pytest.approx(strength, abs=1e-4)
        noise = torch.randn((1, 16, 16, 16), generator=torch.Generator().manual_seed(5))
        left = seen[0][0].squeeze(1) - strength * noise[0]
        seen_at_zero = left / (1 - strength)
        inputs.append(seen_at_zero)
    assert all(torch.allclose(each, inputs[0], atol=1e-4) for each in inputs)


def test_more_strength_keeps_less_of_the_input(painter: DiffusionRenderer, photo: Raster):
    """Little noise stays near the autoencoder's own rendering; pure noise ignores the input."""
    whole = paint(painter, steps=8)
    pictures = {
        strength: paint(painter, photo, mode=Mode.IMAGE, strength=strength, steps=8)
        for strength in (0.05, 0.5, 0.9, 1.0)
    }
    away = [difference(pictures[0.05], each) for each in pictures.values()]
    assert away == sorted(away)
    assert pictures[1.0].raster == whole.raster
    assert difference(pictures[0.9], whole) > 0.1


def test_only_the_steps_that_are_left_are_taken_and_told(painter: DiffusionRenderer, photo: Raster):
    """Progress counts the steps that are really computed."""
    reported: list[Progress] = []
    made = outcome(
        painter, photo, reported=reported, mode=Mode.IMAGE, strength=0.6, steps=8, refine=0.35
    )
    assert isinstance(made, Painted)
    assert [each.step for each in reported] == [1, 2, 3, 4, 5]
    assert {each.steps for each in reported} == {made.recipe.request.forwards} == {5}


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": Mode.IMAGE, "strength": 0.5},
        {"mode": Mode.INPAINT, "strength": 1.0},
        {"mode": Mode.BLEND, "strength": 0.7},
        {"mode": Mode.UPSCALE, "strength": 0.3, "width_px": 256, "height_px": 256},
        {"variations": (Variation(9, 0.4), Variation(10, 0.2))},
        {"variety": 0.3},
        {"refine": 0.3},
    ],
    ids=str,
)
def test_every_way_to_paint_repeats_exactly(
    painter: DiffusionRenderer, photo: Raster, mask: Raster, changes: dict[str, Any]
):
    """The same request and inputs give the same bytes; another seed gives others."""
    mode = changes.get("mode", Mode.TEXT)
    inputs = {
        Mode.TEXT: (),
        Mode.INPAINT: (photo, mask),
        Mode.BLEND: (photo, mask),
    }.get(mode, (photo,))
    first = paint(painter, *inputs, **changes)
    assert paint(painter, *inputs, **changes).raster == first.raster
    assert paint(painter, *inputs, **changes, seed=6).raster != first.raster
    assert first.recipe.request.mode is mode
    plain = paint(painter).raster
    assert first.raster != plain and paint(painter).raster == plain


def test_a_blend_has_something_of_each(painter: DiffusionRenderer, photo: Raster, mask: Raster):
    """Each of up to four pictures changes the result; one alone, or five, is refused."""
    turned = raster(array(photo)[::-1])
    plain = raster(np.full((SIDE_PX, SIDE_PX, 3), 90))
    blended = {"mode": Mode.BLEND, "strength": 0.4}
    four = [photo, mask, turned, plain]
    whole = paint(painter, *four, **blended).raster
    for place in range(4):
        others = [*four[:place], *four[place + 1 :]]
        assert paint(painter, *others, **blended).raster != whole
    assert paint(painter, photo, photo, photo, **blended).raster != whole
    assert isinstance(outcome(painter, *four, plain, **blended), InputUnfit)


def test_what_a_mask_protects_does_not_change(
    painter: DiffusionRenderer, photo: Raster, mask: Raster
):
    """Not one pixel outside the mask changes, whatever is painted inside it."""
    made = paint(painter, photo, mask, mode=Mode.INPAINT, steps=4)
    before, after = array(photo), array(made.raster)
    assert (before[:, : SIDE_PX // 2] == after[:, : SIDE_PX // 2]).all()
    assert np.abs(before[:, 80:].astype(int) - after[:, 80:].astype(int)).mean() > 5


def test_a_mask_of_nothing_and_of_everything(painter: DiffusionRenderer, photo: Raster):
    """A black mask keeps the whole picture; a white one paints as if there was none."""
    black, white = (raster(np.full((SIDE_PX, SIDE_PX, 3), level)) for level in (0, 255))
    assert paint(painter, photo, black, mode=Mode.INPAINT).raster == photo
    assert paint(painter, photo, white, mode=Mode.INPAINT).raster == paint(painter).raster


def test_variations_go_from_the_picture_to_another(painter: DiffusionRenderer):
    """The further the noise is rotated, the more changes; fully rotated it is the other seed's."""
    whole = paint(painter)
    turned = [paint(painter, variations=(Variation(77, amount),)) for amount in (0.1, 0.4, 1.0)]
    away = [difference(whole, each) for each in turned]
    assert 0 < away[0] < away[1] < away[2]
    assert difference(turned[2], paint(painter, seed=77)) < 1.0


def test_variety_is_off_at_nothing(painter: DiffusionRenderer):
    """At 0 the picture does not change, above it does; the amount is in the recipe."""
    plain = paint(painter)
    assert paint(painter, variety=0.0).raster == plain.raster
    varied = paint(painter, variety=0.5)
    assert varied.raster != plain.raster and varied.recipe.request.variety == 0.5


def test_a_refinement_leaves_flat_places_alone(painter: DiffusionRenderer):
    """Where a picture has no detail, the second pass changes next to nothing."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 120)
    pixels[:, 96:] = np.where((x // 2 + y // 2) % 2, 20, 235)[:, 96:, None]

    def drawn(_module: Any, _inputs: Any, answer: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()[None] / 127.5 - 1
        return picture if len(calls) == 1 else -picture.clamp(-0.9, 0.9)

    calls: list[int] = []
    with hooked(pipeline_of(painter).vae.decoder, drawn):
        made = array(paint(painter, refine=0.3).raster).astype(int)
    assert np.abs(made[:, :64] - 120).max() <= 2
    assert np.abs(made[:, 104:] - pixels[:, 104:]).mean() > 20


def test_an_enlarged_picture_has_no_seams(painter: DiffusionRenderer):
    """An enlarged picture of four tiles or more shows no difference at the borders of its tiles."""
    base = paint(painter, width_px=256, height_px=256, steps=4)
    large = paint(
        painter, base.raster, mode=Mode.UPSCALE, strength=0.3, width_px=512, height_px=512, steps=8
    )
    assert (large.raster.width_px, large.raster.height_px) == (512, 512)
    side = painter._family.native_side_px
    cover = tiles.cover((512, 512), side, side // 4)
    assert len(cover) >= 4
    pixels = torch.from_numpy(array(large.raster).copy())
    assert tiles.seam_score(pixels, cover) < 1.3


def test_no_tile_is_larger_than_the_model_paints(painter: DiffusionRenderer, photo: Raster):
    """Whatever is enlarged, the transformer never sees more than a native picture."""
    sizes: set[tuple[int, ...]] = set()

    def watch(_module: Any, inputs: Any, _answer: Any) -> None:
        sizes.add(tuple(inputs[0][0].shape[-2:]))

    wide = raster(np.tile(array(photo), (1, 2, 1)))
    with hooked(pipeline_of(painter).transformer, watch):
        paint(painter, wide, mode=Mode.UPSCALE, strength=0.2, width_px=512, height_px=256)
    assert all(max(size) * 8 <= painter._family.native_side_px for size in sizes)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": Mode.IMAGE, "width_px": 256},
        {"mode": Mode.UPSCALE},
        {"mode": Mode.BLEND},
    ],
    ids=str,
)
def test_inputs_that_do_not_fit_are_refused(
    painter: DiffusionRenderer, photo: Raster, changes: dict[str, Any]
):
    """Wrong sizes and wrong numbers of pictures are an error that has both, before any work."""
    made = outcome(painter, photo, **changes)
    assert isinstance(made, InputUnfit)
    assert made.found == ((SIDE_PX, SIDE_PX),) and made.needed != made.found
    assert "128x128" in str(made)


def test_previews_come_only_when_asked_for(painter: DiffusionRenderer):
    """Each step has a preview if requested, none otherwise; the picture is the same."""
    steps: list[Progress] = []
    request = ImageRequest("a lake", "a lake", "", 5, SIDE_PX, SIDE_PX, 3, 1.0)
    with_, without = (
        RenderTask(request, threading.Event(), previews=wanted) for wanted in (True, False)
    )
    (shown,) = painter.render([with_], on_step=lambda _row, step: steps.append(step))
    assert [each.step for each in steps if each.preview is not None] == [1, 2, 3]
    steps.clear()
    (plain,) = painter.render([without], on_step=lambda _row, step: steps.append(step))
    assert all(each.preview is None for each in steps)
    assert isinstance(shown, Painted) and isinstance(plain, Painted)
    assert shown.raster == plain.raster
