"""The renderer on a real pipeline: exact, cancellable, guarded, and usable after any error."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from engine.diffusion import renderer
from engine.diffusion.loading import load_model
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import (
    Cancelled,
    Defunct,
    ModelUnavailable,
    NonFinite,
    OutOfMemory,
    PromptTooLong,
    RenderFailed,
)
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import Painted, Progress
from tests.engine.diffusion.rasters import furthest
from tests.engine.diffusion.rendering import (
    REQUEST,
    forget_prompts,
    hooked,
    module_of,
    outcome,
    painted,
    pipeline_of,
    plain_pipeline,
)
from tests.engine.diffusion.tiny import COMPONENTS


def test_the_same_request_gives_the_same_bytes(painter: DiffusionRenderer):
    """Twice in a row the pixels are equal; another seed gives others."""
    first = painted(painter).raster
    assert painted(painter).raster == first
    other = painted(painter, dataclasses.replace(REQUEST, seed=6)).raster
    assert other.rgb != first.rgb
    assert len(first.rgb) == 128 * 128 * 3


@pytest.mark.parametrize(
    ("guidance", "negative", "pipeline_guidance"),
    [(1.0, "", 0.0), (1.5, "", 0.5), (2.0, "fog", 1.0)],
)
def test_guidance_is_classic(
    painter: DiffusionRenderer, tiny: Path, guidance: float, negative: str, pipeline_guidance: float
):
    """Classic 1 is the pipeline's 0: pictures equal those of a direct call with one less, but for
    what rounding does: it reads a prompt with its padding."""
    request = dataclasses.replace(REQUEST, guidance=guidance, negative_prompt=negative)
    ours = painted(painter, request).raster
    direct = plain_pipeline(tiny)
    torch.set_num_threads(1)
    image = direct(
        prompt="a lake",
        negative_prompt=negative,
        height=128,
        width=128,
        num_inference_steps=3,
        guidance_scale=pipeline_guidance,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="pt",
    ).images[0]
    theirs = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    assert furthest(ours, theirs.numpy()) <= 1


def test_a_negative_prompt_acts_only_with_guidance(painter: DiffusionRenderer):
    """A negative prompt changes nothing at guidance 1, and has an effect above it."""
    without = painted(painter).raster
    assert painted(painter, dataclasses.replace(REQUEST, negative_prompt="fog")).raster == without
    guided = dataclasses.replace(REQUEST, guidance=2.0)
    with_fog = dataclasses.replace(guided, negative_prompt="fog")
    assert painted(painter, guided).raster != painted(painter, with_fog).raster


def test_every_step_is_reported(painter: DiffusionRenderer):
    """Steps 1 to n of n are reported in order, from the painting thread."""
    steps: list[Progress] = []
    painted(painter, steps=steps)
    assert steps == [Progress(1, 3), Progress(2, 3), Progress(3, 3)]


def test_a_cancelled_picture_stops_at_the_next_step(painter: DiffusionRenderer):
    """At most one more step follows a cancellation, and the next picture is painted as usual."""
    before = painted(painter).raster
    steps: list[Progress] = []
    request = dataclasses.replace(REQUEST, steps=8)
    assert isinstance(outcome(painter, request, cancel_at=2, steps=steps), Cancelled)
    assert [each.step for each in steps] == [1, 2]
    assert painted(painter).raster == before


@pytest.mark.parametrize("part", ["transformer", "vae.decoder", "text_encoder"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_broken_numbers_never_become_a_picture(painter: DiffusionRenderer, part: str, bad: float):
    """NaN or infinity in any component fails the job and leaves the renderer usable."""
    before = painted(painter).raster
    pipeline: Any = pipeline_of(painter)

    def spoil(_module: Any, _inputs: Any, answer: Any) -> Any:
        if part == "transformer":
            return ([each * bad for each in answer[0]],)
        if part == "text_encoder":
            answer.hidden_states = tuple(each * bad for each in answer.hidden_states)
            return answer
        return answer * bad

    forget_prompts(painter)
    with hooked(module_of(pipeline, part), spoil):
        made = outcome(painter)
    assert isinstance(made, NonFinite), made
    stages = {"transformer": "step 1", "vae.decoder": "decoding", "text_encoder": "reading"}
    assert made.stage == stages[part]
    assert painted(painter).raster == before


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_one_broken_pixel_is_enough(painter: DiffusionRenderer, bad: float):
    """A single non-finite pixel spoils the picture, even one that clamping would hide."""

    def spoil(_module: Any, _inputs: Any, answer: torch.Tensor) -> torch.Tensor:
        answer = answer.clone()
        answer[0, 1, 40, 50] = bad
        return answer

    pipeline: Any = pipeline_of(painter)
    with hooked(pipeline.vae.decoder, spoil):
        made = outcome(painter)
    assert isinstance(made, NonFinite) and made.stage == "decoding"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("no room"), OutOfMemory),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), Defunct),
        (ValueError("something else"), RenderFailed),
    ],
)
def test_errors_of_the_libraries_become_outcomes(
    painter: DiffusionRenderer, error: Exception, kind: type
):
    """Out of memory, a lost device and other errors become outcomes, and nothing is raised."""

    def fail(*_: Any) -> None:
        raise error

    pipeline: Any = pipeline_of(painter)
    with hooked(pipeline.transformer, fail):
        assert isinstance(outcome(painter), kind)
    painted(painter)


def test_a_prompt_is_never_cut_off(painter: DiffusionRenderer):
    """One token too many is refused with both numbers; the longest that fits is painted."""
    spare = painter._family.max_tokens - painter.count_tokens("")
    fits = dataclasses.replace(REQUEST, effective_prompt="x" * spare, steps=1)
    painted(painter, fits)
    made = outcome(painter, dataclasses.replace(fits, effective_prompt="x" * (spare + 1)))
    assert isinstance(made, PromptTooLong)
    assert (made.tokens, made.limit_tokens) == (513, 512)


def test_the_recipe_says_what_changes_bits(painter: DiffusionRenderer):
    """Device, threads, number format, attention, batch and libraries are in the recipe."""
    recipe = painted(painter).recipe
    conditions = recipe.conditions
    assert recipe.request == REQUEST and recipe.revision == painter.info.revision
    assert conditions.device.startswith("cpu") and conditions.device == painter.info.device
    assert (conditions.threads, conditions.dtype) == (1, "float32")
    assert (conditions.batch_size, conditions.batch_row) == (1, 0)
    assert conditions.versions["torch"] == torch.__version__
    assert "/" not in recipe.model and "\\" not in recipe.model


def test_a_replay_restores_the_thread_count(painter: DiffusionRenderer):
    """A picture of two threads is painted with two again; afterwards the count is as before."""
    original = painted(painter).recipe.conditions
    two = dataclasses.replace(original, threads=2)
    seen: list[int] = []

    def watch(*_: Any) -> None:
        seen.append(torch.get_num_threads())

    pipeline: Any = pipeline_of(painter)
    with hooked(pipeline.transformer, watch):
        assert painted(painter, replay=two).recipe.conditions == two
    assert set(seen) == {2}
    assert torch.get_num_threads() == 1
    assert painted(painter).recipe.conditions == original


def test_a_senseless_thread_count_is_bounded(painter: DiffusionRenderer):
    """A forged recipe cannot make the renderer start a billion threads."""
    original = painted(painter).recipe.conditions
    absurd = dataclasses.replace(original, threads=10**9)
    threads = painted(painter, replay=absurd).recipe.conditions.threads
    assert threads is not None and threads < 10_000


def test_a_batch_paints_each_as_if_alone(painter: DiffusionRenderer):
    """Each task has its own outcome; the failure of one does not affect the others."""
    alone = painted(painter).raster
    cancelled = threading.Event()
    cancelled.set()
    tasks = [
        RenderTask(REQUEST, threading.Event()),
        RenderTask(REQUEST, cancelled),
        RenderTask(REQUEST, threading.Event()),
    ]
    first, second, third = painter.render(tasks, on_step=lambda _row, _step: None)
    assert isinstance(first, Painted) and isinstance(third, Painted)
    assert isinstance(second, Cancelled)
    assert first.raster == third.raster == alone


def test_weights_in_float16_are_never_computed_in_it(copy: Path):
    """A model saved in float16 is loaded in a format that does not paint black."""
    plain_pipeline(copy).to(torch.float16).save_pretrained(copy)
    loaded: Any = load_model(EngineSettings(model=str(copy)), torch.device("cpu")).pipeline
    for name in COMPONENTS:
        assert {each.dtype for each in getattr(loaded, name).parameters()} == {torch.float32}


def test_exactness_is_switched_on(monkeypatch: pytest.MonkeyPatch):
    """Loading turns off what another library may have turned on."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    torch.set_float32_matmul_precision("high")
    renderer._exact_arithmetic()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.benchmark


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are a thing of Linux")
def test_only_the_painting_thread_is_slowed_down():
    """The renderer yields to the event loop: only its own thread has the lower priority."""

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def lowered() -> int:
        renderer._lower_priority()
        return priority()

    before = priority()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lowered).result() == renderer.CPU_NICENESS > before
    assert priority() == before


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are a thing of Linux")
def test_a_model_is_loaded_before_the_thread_is_slowed_down(monkeypatch: pytest.MonkeyPatch):
    """Importing holds the interpreter's lock: at low priority, it would block the event loop."""
    seen: list[tuple[int, int]] = []

    def loading(*_: object) -> NoReturn:
        seen.append(_priority_and_threads())
        raise ModelUnavailable("nowhere", "not there")

    monkeypatch.setattr(renderer, "load_model", loading)
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(_priority_and_threads).result()
        with pytest.raises(ModelUnavailable):
            pool.submit(DiffusionRenderer.load, EngineSettings(device="cpu")).result()
        assert pool.submit(_priority_and_threads).result() == before
    assert seen == [(before[0], 1)]


def _priority_and_threads() -> tuple[int, int]:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), torch.get_num_threads()


def test_arithmetic_stays_exact(painter: DiffusionRenderer):
    """No TF32, no kernels chosen by measuring, and no float16 anywhere in the pipeline."""
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cudnn.benchmark
    pipeline: Any = pipeline_of(painter)
    for name in ("transformer", "text_encoder", "vae"):
        kinds = {weight.dtype for weight in getattr(pipeline, name).parameters()}
        assert kinds == {torch.float32}
