"""Broken computations are recovered where possible, and never delivered."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion import renderer, sampling
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import BlankPicture, NonFinite
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import Adaptation, ImageRequest, Mend, Painted, Progress
from tests.engine.diffusion.rendering import (
    REQUEST,
    forget_prompts,
    hooked,
    module_of,
    outcome,
    painted,
    pipeline_of,
)

NAN = float("nan")
GUIDED = dataclasses.replace(REQUEST, guidance=1.8, negative_prompt="fog")


def spoiling(*calls: int, bad: float = NAN) -> Callable[..., Any]:
    """A forward hook that breaks these calls, counted from 1; none = every one."""
    counted = itertools.count(1)

    def spoil(_module: Any, _inputs: Any, answer: Any) -> Any:
        if calls and next(counted) not in calls:
            return answer
        if isinstance(answer, torch.Tensor):
            return answer * bad
        if isinstance(answer, tuple):
            return ([each * bad for each in answer[0]],)
        answer.hidden_states = tuple(each * bad for each in answer.hidden_states)
        return answer

    return spoil


@pytest.mark.parametrize("bad", [NAN, float("inf"), float("-inf")])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_step_that_breaks_once_is_taken_again(
    painter: DiffusionRenderer, step: int, bad: float
) -> None:
    """Painting resumes from the last good latents: the picture is the same, every step is reported
    once, and the recipe says what happened."""
    whole = painted(painter)
    steps: list[Progress] = []
    with hooked(pipeline_of(painter).transformer, spoiling(step, bad=bad)):
        made = painted(painter, steps=steps)
    assert made.raster == whole.raster
    assert [each.step for each in steps] == [1, 2, 3]
    assert made.recipe.adaptations == (Adaptation(Mend.FLOAT32, f"step {step}"),)
    assert painted(painter).recipe.adaptations == ()


@pytest.mark.parametrize("step", [1, 2, 3])
def test_guidance_is_lowered_first(painter: DiffusionRenderer, step: int) -> None:
    """With guidance, the broken step and those after it get half of it."""
    milder = painted(painter, dataclasses.replace(GUIDED, guidance=1.4))
    with hooked(pipeline_of(painter).transformer, spoiling(step)):
        made = painted(painter, GUIDED)
    assert made.recipe.adaptations == (Adaptation(Mend.GUIDANCE, f"step {step}", "1.4"),)
    assert made.recipe.request.guidance == 1.8
    assert (made.raster == milder.raster) == (step == 1)
    assert made.raster != painted(painter, GUIDED).raster


def test_float32_follows_on_lower_guidance(painter: DiffusionRenderer) -> None:
    """A step that breaks again is computed in float32, with the requested guidance."""
    whole = painted(painter, GUIDED)
    with hooked(pipeline_of(painter).transformer, spoiling(2, 3)):
        made = painted(painter, GUIDED)
    assert made.recipe.adaptations == (Adaptation(Mend.FLOAT32, "step 2"),)
    assert made.raster == whole.raster


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("request_", [REQUEST, GUIDED], ids=["plain", "guided"])
def test_what_nothing_helps_against_is_an_error(
    painter: DiffusionRenderer, step: int, request_: ImageRequest
) -> None:
    """A step that always breaks is named, no step follows it, and the renderer stays usable."""
    before = painted(painter).raster
    steps: list[Progress] = []
    with hooked(pipeline_of(painter).transformer, spoiling(*range(step, step + 9))):
        made = outcome(painter, request_, steps=steps)
    assert isinstance(made, NonFinite) and made.stage == f"step {step}"
    assert [each.step for each in steps] == list(range(1, step))
    assert painted(painter).raster == before


@pytest.mark.parametrize(
    ("part", "stage"), [("text_encoder", "reading"), ("vae.decoder", "decoding")]
)
def test_the_other_parts_are_asked_again(painter: DiffusionRenderer, part: str, stage: str) -> None:
    """Text encoder and autoencoder get their second try in float32 as well."""
    whole = painted(painter)
    forget_prompts(painter)
    with hooked(module_of(pipeline_of(painter), part), spoiling(1)):
        made = painted(painter)
    assert made.raster == whole.raster
    assert made.recipe.adaptations == (Adaptation(Mend.FLOAT32, stage),)


def test_the_second_try_is_in_float32(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that only bfloat16 breaks on are recovered: the second try uses none of it."""
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    painter = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    transformer = pipeline_of(painter).transformer.to(torch.bfloat16)
    seen: list[torch.dtype] = []

    def overflowing(_module: Any, inputs: Any, answer: torch.Tensor) -> torch.Tensor:
        seen.append(inputs[0].dtype)
        return answer * NAN if inputs[0].dtype is torch.bfloat16 else answer

    with hooked(transformer.layers[0].feed_forward.w1, overflowing):
        made = painted(painter)
    assert [each.mend for each in made.recipe.adaptations] == [Mend.FLOAT32] * 3
    assert set(seen) == {torch.bfloat16, torch.float32}
    assert {weight.dtype for weight in transformer.parameters()} == {torch.bfloat16}


def test_one_broken_job_leaves_its_neighbours_alone(painter: DiffusionRenderer) -> None:
    """In a batch with a broken picture, each other one is as it would be alone."""
    alone = painted(painter).raster
    other = dataclasses.replace(REQUEST, seed=6)
    tasks = [RenderTask(each, threading.Event()) for each in (REQUEST, other, REQUEST)]
    # The second of three pictures of three steps, tried twice.
    with hooked(pipeline_of(painter).transformer, spoiling(*range(4, 6))):
        first, second, third = painter.render(tasks, on_step=lambda _row, _step: None)
    assert isinstance(first, Painted) and isinstance(third, Painted)
    assert isinstance(second, NonFinite)
    assert first.raster == third.raster == alone


def flat(level: float) -> Callable[..., torch.Tensor]:
    """A forward hook for a decoder that returns only one colour. level: -1..1."""
    return lambda _module, _inputs, answer: torch.full_like(answer, level)


@pytest.mark.parametrize("level", [-1.0, 1.0, 0.1])
def test_a_blank_picture_is_refused(painter: DiffusionRenderer, level: float) -> None:
    """One flat colour that the prompt does not ask for is an error, after a second try."""
    calls: list[int] = []
    decoder = pipeline_of(painter).vae.decoder
    with hooked(decoder, flat(level)), hooked(decoder, lambda *_: calls.append(1)):
        assert isinstance(outcome(painter), BlankPicture)
    assert len(calls) == 2


def test_a_blank_picture_may_be_right(painter: DiffusionRenderer) -> None:
    """A prompt for a black square on black gets it, with a note."""
    asked = dataclasses.replace(REQUEST, prompt="a black square on black")
    with hooked(pipeline_of(painter).vae.decoder, flat(-1.0)):
        made = painted(painter, asked)
    assert set(made.raster.rgb) == {0}
    assert made.recipe.adaptations == (Adaptation(Mend.BLANK, "painting"),)


def test_a_picture_that_comes_out_blank_once(painter: DiffusionRenderer) -> None:
    """A decoder that fails once costs a second try and nothing else."""
    whole = painted(painter)
    calls = itertools.count(1)

    def once(_module: Any, _inputs: Any, answer: torch.Tensor) -> torch.Tensor:
        return torch.full_like(answer, -1.0) if next(calls) == 1 else answer

    with hooked(pipeline_of(painter).vae.decoder, once):
        made = painted(painter)
    assert made.raster == whole.raster
    assert made.recipe.adaptations == (Adaptation(Mend.AGAIN, "painting"),)


def test_fog_is_a_picture(painter: DiffusionRenderer) -> None:
    """A picture of nearly one colour is painted twice and then delivered, with a note."""

    def faint(_module: Any, _inputs: Any, answer: torch.Tensor) -> torch.Tensor:
        ramp = torch.linspace(0.0, 0.08, answer.shape[-1])
        return torch.zeros_like(answer) + ramp

    with hooked(pipeline_of(painter).vae.decoder, faint):
        made = painted(painter)
    assert made.recipe.adaptations == (Adaptation(Mend.BLANK, "painting"),)


def test_the_check_costs_next_to_nothing(painter: DiffusionRenderer) -> None:
    """Finiteness is checked once per step and component, and each answer read once."""
    asked: list[int] = []
    original = sampling.Finiteness

    class Counting(original):
        def __init__(self, tensor: torch.Tensor) -> None:
            asked.append(tensor.numel())
            super().__init__(tensor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "Finiteness", Counting)
        painted(painter)
    assert asked == [16 * 16 * 16] * REQUEST.steps
