"""Running out of memory costs time, not the picture; idle memory is freed."""

from __future__ import annotations

import dataclasses
import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion import machine, preview_choice, renderer
from engine.diffusion.families import SKETCH_FAMILY
from engine.diffusion.faults import out_of_memory
from engine.diffusion.footprint import Machine, MemoryPlan, Placement, Shape, estimate
from engine.diffusion.memory_planner import Planner
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import ModelInvalid, OutOfMemory
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import Mend, Painted, Progress
from tests.engine.diffusion.cards import rtx_4090
from tests.engine.diffusion.nvidia_smi import install, with_processes
from tests.engine.diffusion.rendering import (
    REQUEST,
    forget_prompts,
    hooked,
    outcome,
    painted,
    pipeline_of,
)

LARGE = dataclasses.replace(REQUEST, width_px=256, height_px=256)


@pytest.fixture
def card() -> list[Machine]:
    """The machine that the renderer sees; a test may change it."""
    return [rtx_4090()]


@pytest.fixture
def painter(
    tiny: Path, card: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[DiffusionRenderer]:
    """The real renderer on the real CPU, treated as a card with memory of its own."""
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    monkeypatch.setattr(machine, "read", lambda *_args, **_options: card[0])
    made = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    yield made
    made.close()


def exhausted(times: int) -> Callable[..., None]:
    """A hook that runs out of memory this many times."""
    left = [times]

    def fail(*_: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise torch.OutOfMemoryError("no room")

    return fail


def too_small_for_resident(painter: DiffusionRenderer) -> Machine:
    """A card with slightly less free memory than a resident model would take."""
    assert painter._model is not None
    shape = Shape(REQUEST.width_px, REQUEST.height_px, REQUEST.steps)
    sizes = painter._model.residency.sizes
    price = estimate(MemoryPlan(Placement.RESIDENT), sizes, rtx_4090(), shape)
    return dataclasses.replace(rtx_4090(), free_bytes=price.peak_bytes - 1)


def test_the_plan_and_its_reason_are_known(painter: DiffusionRenderer) -> None:
    """The plan and its reason are known before the first picture and returned with each."""
    assert painter.info.plan == "resident" and "GiB" in painter.info.plan_reason
    made = painted(painter)
    assert made.recipe.conditions.plan == "resident" and made.plan_reason


@pytest.mark.parametrize("part", ["text_encoder", "transformer", "vae"])
def test_the_same_job_is_painted_with_less(painter: DiffusionRenderer, part: str) -> None:
    """Running out of memory once, in any phase, steps the plan down; the pixels are the same, and
    the recipe names the plan."""
    whole = painted(painter, LARGE)
    module = getattr(pipeline_of(painter), part)
    module = module.decoder if part == "vae" else module
    forget_prompts(painter)
    with hooked(module, exhausted(1)):
        made = painted(painter, LARGE)
    assert made.raster == whole.raster
    (adaptation,) = made.recipe.adaptations
    assert adaptation.mend is Mend.MEMORY
    assert adaptation.value == made.recipe.conditions.plan != "resident"
    assert "out of memory" in made.plan_reason


def test_it_steps_down_until_nothing_is_left(painter: DiffusionRenderer) -> None:
    """Where quantizing is not allowed, only exact plans are tried; then it is an error with the
    state of the memory, and the next picture is painted."""
    with hooked(pipeline_of(painter).transformer, exhausted(99)):
        made = outcome(painter, LARGE)
    assert isinstance(made, OutOfMemory)
    assert "allocated" in str(made) and "paint smaller pictures" in str(made)
    assert painted(painter, LARGE).recipe.adaptations == ()


def test_quantized_weights_come_last_and_only_if_allowed(
    tiny: Path, painter: DiffusionRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With permission, plans that change pixels follow after those that do not."""

    def tried(allowed: bool) -> list[str]:
        settings = EngineSettings(model=str(tiny), device="cpu", threads=1, allow_quantized=allowed)
        made = DiffusionRenderer.load(settings)
        plans: list[str] = []
        original = made._planner.smaller

        def smaller(*arguments: Any) -> Any:
            choice = original(*arguments)
            plans.append(str(choice.plan))
            return choice

        monkeypatch.setattr(made._planner, "smaller", smaller)
        fails = exhausted(99)
        with hooked(pipeline_of(made).vae.decoder, fails), hooked(pipeline_of(made).vae, fails):
            outcome(made, LARGE)
        made.close()
        return plans

    exact, all_ = tried(False), tried(True)
    assert exact and not any("int8" in plan or "fp8" in plan for plan in exact)
    first = next((i for i, plan in enumerate(all_) if "int8" in plan or "fp8" in plan), len(all_))
    assert all("8" in plan or "sequential" in plan for plan in all_[first:])


def test_the_larger_plan_comes_back(painter: DiffusionRenderer) -> None:
    """After some pictures, the larger plan is tried again."""
    with hooked(pipeline_of(painter).transformer, exhausted(1)):
        painted(painter, LARGE)
    plans = [painted(painter, LARGE).recipe.conditions.plan for _ in range(25)]
    assert plans[0] != "resident" and plans[-1] == "resident"


def test_a_full_card_is_seen_before_each_picture(
    painter: DiffusionRenderer, card: list[Machine]
) -> None:
    """When another program takes the card's memory, the next picture has a smaller plan; when it is
    freed, a larger one."""
    whole = painted(painter)
    card[0] = too_small_for_resident(painter)
    small = painted(painter)
    assert small.recipe.conditions.plan != "resident" and small.raster == whole.raster
    card[0] = rtx_4090()
    assert painted(painter).recipe.conditions.plan == "resident"


def test_exact_plans_are_no_difference(painter: DiffusionRenderer, card: list[Machine]) -> None:
    """A replay under another exact plan is exact, and reported as such."""
    before = painted(painter).recipe
    card[0] = too_small_for_resident(painter)
    after = painted(painter).recipe
    assert after.conditions.plan != before.conditions.plan
    assert before.differences(after) == ()
    quantized = dataclasses.replace(after.conditions, plan="streamed+int8")
    (difference,) = before.conditions.differences(quantized)
    assert difference.name == "plan"


def test_memory_is_given_back_and_taken_again(painter: DiffusionRenderer) -> None:
    """Unloaded, the renderer holds no weights; the next picture is the same as without."""
    whole = painted(painter)
    painter.unload()
    painter.unload()
    assert painter._model is None
    assert painter.count_tokens("a lake") > 0 and painter.info.plan == "resident"
    assert painted(painter).raster == whole.raster


def test_pictures_leave_nothing_behind(painter: DiffusionRenderer) -> None:
    """Tensors do not pile up, picture after picture, even where pictures fail."""

    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    small = dataclasses.replace(REQUEST, steps=1)
    for _ in range(3):
        painted(painter, small)
    before = alive()
    with hooked(pipeline_of(painter).transformer, exhausted(2)):
        painted(painter, small)
    for _ in range(60):
        painted(painter, small)
    assert alive() <= before + 40


def test_a_preview_is_never_worth_a_picture(
    painter: DiffusionRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running out of memory for a preview, or any other error in it, costs only the preview."""
    whole = painted(painter).raster
    for error in (torch.OutOfMemoryError("no room"), ValueError("odd")):

        def fail(*_: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(preview_choice.PreviewMap, "learn", fail)
        monkeypatch.setattr(preview_choice, "bootstrap", fail)
        steps: list[Progress] = []
        task = RenderTask(REQUEST, threading.Event(), previews=True)
        append = steps.append
        (made,) = painter.render([task], on_step=lambda _row, step, append=append: append(step))
        assert isinstance(made, Painted) and made.raster == whole
        assert made.recipe.adaptations == () and all(each.preview is None for each in steps)


def test_nothing_is_held_of_what_was_unloaded(painter: DiffusionRenderer) -> None:
    """After unloading, neither preview nor expander keeps a component alive."""
    painted(painter, dataclasses.replace(REQUEST, expand=True))
    pipeline = pipeline_of(painter)
    parts = [weakref.ref(getattr(pipeline, name)) for name in ("text_encoder", "vae")]
    del pipeline
    painter.unload()
    gc.collect()
    assert [part() for part in parts] == [None, None]


def test_a_model_that_was_changed_meanwhile_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After idle time the same weights are loaded, or none: recipes name what was painted with."""
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    made = DiffusionRenderer.load(EngineSettings(model=str(copy), device="cpu", threads=1))
    made.unload()
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text() + " ")
    assert isinstance(outcome(made), ModelInvalid)
    made.close()


def test_a_sign_of_life_comes_between_the_phases(painter: DiffusionRenderer) -> None:
    """Reading, decoding and reloading after idle time are reported, without counting a step."""
    painter.unload()
    reported: list[int] = []
    task = RenderTask(REQUEST, threading.Event())
    painter.render([task], on_step=lambda _row, step: reported.append(step.step))
    assert reported[:2] == [0, 0] and reported == sorted(reported)
    assert [step for step in dict.fromkeys(reported) if step] == [1, 2, 3]


def test_a_card_too_full_to_be_measured(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card without room for measuring is treated as slow until there is room."""

    def full(_device: Any) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    monkeypatch.setattr(machine, "measured", full)
    made = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    assert isinstance(outcome(made), Painted)
    made.close()


def test_what_torch_says_of_its_memory_is_kept() -> None:
    """The numbers in the error are those of the moment in which memory ran out."""
    said = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 11.76 GiB "
        "of which 512.00 MiB is free. Including non-PyTorch memory, this process has 11.00 GiB "
        "memory in use. Of the allocated memory 10.00 GiB is allocated by PyTorch, and 256.00 MiB "
        "is reserved by PyTorch but unallocated."
    )
    found = out_of_memory(torch.OutOfMemoryError(said), torch.device("cpu"))
    assert found.allocated_bytes == 10 * 2**30
    assert found.reserved_bytes == 10 * 2**30 + 256 * 2**20
    assert found.free_bytes == 512 * 2**20
    unknown = out_of_memory(MemoryError(), torch.device("cpu"))
    assert (unknown.allocated_bytes, unknown.free_bytes) == (None, None)


def test_an_error_names_who_holds_the_memory_and_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs on the card, the largest first and added up by name, but not this one."""
    others = [(pid, f"/opt/{name}", "1024 MiB") for pid, name in enumerate("abcd", 1)]
    printed = with_processes(
        *others, (5, "/opt/c", "2048 MiB"), (os.getpid(), "/opt/python", "9000 MiB")
    )
    install(tmp_path, monkeypatch, printed)
    settings = EngineSettings(memory_plan="resident")
    planner = Planner(settings, SKETCH_FAMILY, torch.device("cuda"))
    found = planner.explained(OutOfMemory(10 * 2**30, 11 * 2**30, 2**29))
    assert str(found) == (
        "out of memory: 10.00 GiB allocated, 11.00 GiB reserved, 0.50 GiB free; held by others: "
        'c 3.00 GiB, a 1.00 GiB, b 1.00 GiB; close other programs, or set memory = "auto" under '
        "[engine], or set allow_quantized = true under [engine], or paint smaller pictures"
    )
    settings = EngineSettings(allow_quantized=True)
    planner = Planner(settings, SKETCH_FAMILY, torch.device("cpu"))
    found = planner.explained(OutOfMemory(needed_bytes=3 * 2**30, free_bytes=2**30))
    assert str(found) == (
        "out of memory: 3.00 GiB needed, 1.00 GiB free; "
        "close other programs, or paint smaller pictures"
    )
