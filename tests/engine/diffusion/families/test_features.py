"""Every feature that a family has is painted with a tiny model of it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.diffusion.clip import ClipPair
from engine.diffusion.families import FAMILIES, Family, Feature
from engine.diffusion.footprint import MemoryPlan, Placement
from engine.diffusion.generation import Painting
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.session import LoraSession
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from engine.diffusion.renderer import DiffusionRenderer
from engine.diffusion.residency import Residency
from engine.errors import PromptTooLong
from engine.loras import LoraUse
from engine.png import embedded_recipe, encode_png, pixels_sha256
from engine.renderer import RenderTask
from engine.types import ImageRequest, Mend, Mode, Painted, Progress, Raster, Variation
from tests.engine.diffusion.families.models import BUILDERS
from tests.engine.diffusion.rasters import array, difference, raster
from tests.engine.diffusion.rendering import hooked, outcome, painted, pipeline_of

SIDE_PX = 64
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied, as to a GPU."""


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    """Each family in turn."""
    return request.param


@pytest.fixture
def model(
    family: Family, painter_of_family: Callable[[str], DiffusionRenderer]
) -> DiffusionRenderer:
    """The renderer with a tiny model of the family."""
    made = painter_of_family(family.name)
    assert made.info.family == family.name
    return made


def asked(**changes: Any) -> ImageRequest:
    """A small request with two steps and guidance."""
    request = ImageRequest("a lake", "a lake", "", 5, SIDE_PX, SIDE_PX, 2, 1.5)
    return dataclasses.replace(request, **changes)


def photo(turned: bool = False) -> Raster:
    """A picture with structure."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    pixels = np.stack([x * 4, y * 4, (x // 16 + y // 16) % 2 * 200], axis=2) % 256
    return raster(pixels.transpose(1, 0, 2)[::-1] if turned else pixels)


def from_inputs(model: DiffusionRenderer, *inputs: Raster, **changes: Any) -> Painted:
    """Paint from pictures."""
    request = asked(inputs=tuple(map(pixels_sha256, inputs)), **changes)
    task = RenderTask(request, threading.Event(), inputs=inputs)
    (made,) = model.render([task], on_step=lambda _row, _step: None)
    assert isinstance(made, Painted), made
    return made


def count(model: DiffusionRenderer, family: Family) -> None:
    tasks = [RenderTask(asked(seed=seed), threading.Event()) for seed in (5, 6)]
    first, second = model.render(tasks, on_step=lambda _row, _step: None)
    assert isinstance(first, Painted) and isinstance(second, Painted)
    assert first.raster != second.raster
    assert first.raster == painted(model, asked()).raster


def picture(model: DiffusionRenderer, family: Family) -> None:
    little, much = (
        from_inputs(model, photo(), mode=Mode.IMAGE, strength=strength) for strength in (0.05, 0.8)
    )
    roundtrip = from_inputs(model, photo(), mode=Mode.IMAGE, strength=0.001)
    assert difference(little, roundtrip) < difference(much, roundtrip)


def mask(model: DiffusionRenderer, family: Family) -> None:
    where = np.zeros((SIDE_PX, SIDE_PX, 3))
    where[:, SIDE_PX // 2 :] = 255
    made = from_inputs(model, photo(), raster(where), mode=Mode.INPAINT)
    kept, new = (array(each)[:, : SIDE_PX // 2] for each in (photo(), made.raster))
    assert (kept == new).all()
    assert (array(photo()) != array(made.raster)).any()


def blend(model: DiffusionRenderer, family: Family) -> None:
    one = from_inputs(model, photo(), photo(), mode=Mode.BLEND, strength=0.3)
    both = from_inputs(model, photo(), photo(turned=True), mode=Mode.BLEND, strength=0.3)
    assert one.raster != both.raster


def upscale(model: DiffusionRenderer, family: Family) -> None:
    changes = {"width_px": 2 * SIDE_PX, "height_px": 2 * SIDE_PX}
    made = from_inputs(model, photo(), mode=Mode.UPSCALE, strength=0.3, **changes)
    assert (made.raster.width_px, made.raster.height_px) == (2 * SIDE_PX, 2 * SIDE_PX)


def vary(model: DiffusionRenderer, family: Family) -> None:
    own = painted(model, asked())
    near, far = (
        painted(model, asked(variations=(Variation(9, amount),))) for amount in (0.05, 1.0)
    )
    assert 0 < difference(own, near) < difference(own, far)


def negative(model: DiffusionRenderer, family: Family) -> None:
    off, on = asked(guidance=1.0), asked(negative_prompt="fog")
    without = painted(model, dataclasses.replace(off, negative_prompt="fog")).raster
    assert painted(model, off).raster == without != painted(model, on).raster
    assert painted(model, asked()).raster != painted(model, on).raster


def lora(model: DiffusionRenderer, family: Family) -> None:
    pipeline = deepcopy(pipeline_of(model))
    encoder = pipeline.text_encoder
    targets = Targets.of(pipeline.transformer, encoder if isinstance(encoder, ClipPair) else None)
    values = [each for each in targets.parts.values() if each.name.endswith(("to_v", "v_proj"))]
    stages = Residency(pipeline, ELSEWHERE, family)
    stages.use(MemoryPlan(Placement.RESIDENT))
    made: list[torch.Tensor] = []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as hashing:
        factors = {
            f"{each.name}.{factor}.weight": torch.arange(count).cos().view(shape)
            for each in values
            for factor, count, shape in (
                ("lora_A", each.inputs, (1, -1)),
                ("lora_B", each.outputs, (-1, 1)),
            )
        }
        save_file(factors, Path(folder) / "it.safetensors")
        adapters = Adapters(LoraShelf(Path(folder), targets), ELSEWHERE, torch.float32)
        for weight in (0.0, 1.0, 0.0):
            session = LoraSession(adapters, (LoraUse("it", weight),), hashing)
            painting = Painting(
                pipeline,
                family,
                stages,
                ELSEWHERE,
                asked(),
                (),
                lambda _: None,
                adapt=session.adapt,
            )
            made.append(painting.paint())
            assert [each.name for each in session.files()] == ["it"] * bool(weight)
    assert made[0].numpy().tobytes() == painted(model, asked()).raster.rgb
    assert torch.equal(made[0], made[2]) and not torch.equal(made[0], made[1])


def previews(model: DiffusionRenderer, family: Family) -> None:
    steps: list[Progress] = []
    task = RenderTask(asked(), threading.Event(), previews=True)
    model.render([task], on_step=lambda _row, step: steps.append(step))
    shown = [each.preview for each in steps if each.preview is not None]
    assert shown and all(min(each.width_px, each.height_px) > 0 for each in shown)


def guard(model: DiffusionRenderer, family: Family) -> None:
    calls = iter(range(100))

    def spoil(_module: Any, _inputs: Any, answer: Any) -> Any:
        if next(calls) != 1:
            return None
        rows = answer[0]
        return (
            (
                [each * float("nan") for each in rows]
                if isinstance(rows, list)
                else rows * float("nan")
            ),
        )

    unguided = asked(guidance=1.0)
    with hooked(pipeline_of(model).transformer, spoil):
        made = painted(model, unguided)
    assert [each.mend for each in made.recipe.adaptations] == [Mend.FLOAT32]
    assert made.raster == painted(model, unguided).raster


def memory_plans(model: DiffusionRenderer, family: Family) -> None:
    pipeline = deepcopy(pipeline_of(model))
    stages = Residency(pipeline, ELSEWHERE, family)
    made: list[torch.Tensor] = []
    for placement in (Placement.RESIDENT, Placement.STREAMED, Placement.SEQUENTIAL):
        stages.use(MemoryPlan(placement))
        painting = Painting(pipeline, family, stages, ELSEWHERE, asked(), (), lambda _: None)
        made.append(painting.paint())
    assert all(torch.equal(each, made[0]) for each in made)
    assert made[0].numpy().tobytes() == painted(model, asked()).raster.rgb


def tokens(model: DiffusionRenderer, family: Family) -> None:
    one, more = (model.count_tokens(text) for text in ("a lake", "a lake in the fog"))
    assert 0 < one < more <= family.max_tokens
    long = asked(effective_prompt="a lake " * family.max_tokens)
    assert isinstance(outcome(model, long), PromptTooLong)


def recipe(model: DiffusionRenderer, family: Family) -> None:
    request = asked(negative_prompt="fog", variety=0.2, refine=0.2, seed=8)
    made = painted(model, request)
    found = embedded_recipe(encode_png(made.raster, made.recipe))
    assert found is not None and found.recipe.family == family.name
    again = painted(model, found.recipe.request, replay=found.recipe.conditions)
    assert again.raster == made.raster


EXERCISES: dict[Feature, Callable[[DiffusionRenderer, Family], None]] = {
    Feature.COUNT: count,
    Feature.PICTURE: picture,
    Feature.MASK: mask,
    Feature.BLEND: blend,
    Feature.UPSCALE: upscale,
    Feature.VARY: vary,
    Feature.NEGATIVE: negative,
    Feature.LORA: lora,
    Feature.PREVIEWS: previews,
    Feature.GUARD: guard,
    Feature.MEMORY_PLANS: memory_plans,
    Feature.TOKENS: tokens,
    Feature.RECIPE: recipe,
}


def test_every_feature_has_an_exercise() -> None:
    """No row and no column of the table is left out of the walk."""
    assert list(EXERCISES) == list(Feature)
    assert set(BUILDERS) == {family.name for family in FAMILIES}


@pytest.mark.parametrize("feature", Feature)
def test_a_feature_works_as_the_table_says(
    feature: Feature, family: Family, model: DiffusionRenderer
) -> None:
    """What a family supports is painted; what it lacks is refused before it comes here."""
    if family.supports(feature):
        EXERCISES[feature](model, family)
    else:
        assert feature is Feature.NEGATIVE and feature in family.lacks
