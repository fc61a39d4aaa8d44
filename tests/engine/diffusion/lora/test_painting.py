"""LoRAs through the real pipeline: from the prompt to clean latents, under every memory plan."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion import latents
from engine.diffusion.families import SKETCH_FAMILY, Prompt
from engine.diffusion.footprint import MemoryPlan, Placement, Weights
from engine.diffusion.guard import InFloat32
from engine.diffusion.loading import Loaded, load_component, load_model
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from engine.diffusion.residency import Residency
from engine.diffusion.sampling import SamplingRun, levels, predictor
from engine.settings import EngineSettings
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.writing import DIALECTS

ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied, as to a GPU."""
LORAS = {"fox": writing.low_rank(alpha=2.0, seed=1), "ink": writing.kronecker(seed=2)}
STEPS = 3


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> Loaded:
    """The tiny model as the renderer loads it."""
    return load_model(EngineSettings(model=str(tiny), device="cpu"), torch.device("cpu"))


@pytest.fixture
def shelf(loaded: Loaded, tmp_path: Path) -> LoraShelf:
    for name, factors in LORAS.items():
        writing.save(tmp_path / f"{name}.safetensors", DIALECTS["kohya, musubi"](factors))
    return LoraShelf(tmp_path, Targets.of(loaded.pipeline.transformer))


@torch.no_grad()
def painted(
    pipeline: Any, stages: Residency, adapters: Adapters, weights: Mapping[str, float]
) -> torch.Tensor:
    """Clean latents of a fixed request, computed as the renderer does."""
    with stages.encoding():
        prompt = Prompt(SKETCH_FAMILY.embed(pipeline, "a fox in snow", ELSEWHERE))
    noise = latents.noise(7, 16, 128, 128).to(ELSEWHERE)
    plan = levels(SKETCH_FAMILY, pipeline.scheduler, STEPS, 1.0, noise.shape, ELSEWHERE)
    with stages.denoising(), adapters.applied(pipeline.transformer, weights):
        run = SamplingRun(
            predict=predictor(SKETCH_FAMILY, pipeline.transformer, prompt),
            levels=plan,
            guidance=1.0,
            watch=lambda _: None,
            exact=InFloat32,
            adaptations=[],
        )
        return run(noise)


PLANS = [
    *(MemoryPlan(placement) for placement in Placement),
    MemoryPlan(Placement.STREAMED, Weights.INT8),
    MemoryPlan(Placement.RESIDENT, Weights.FP8),
    MemoryPlan(Placement.STREAMED, Weights.W8A8),
    MemoryPlan(Placement.RESIDENT, Weights.FP16),
]


def test_every_plan_in_turn(loaded: Loaded, shelf: LoraShelf) -> None:
    """From plan to plan, with weights that move, are quantized and loaded again between requests:
    each exact plan paints the same bits, with LoRAs and without."""
    pipeline = deepcopy(loaded.pipeline)
    own = replace(loaded, pipeline=pipeline)
    stages = Residency(
        pipeline,
        ELSEWHERE,
        SKETCH_FAMILY,
        reload_transformer=partial(load_component, own, "transformer"),
        reload_encoder=partial(load_component, own, "text_encoder"),
    )
    adapters = Adapters(shelf, ELSEWHERE, torch.float32)
    requests = ({}, {"fox": 0.8}, {"fox": 0.5, "ink": -0.7}, {})
    exact: list[torch.Tensor] = []
    for plan in (*PLANS, PLANS[0]):
        stages.use(plan)
        got = [painted(pipeline, stages, adapters, weights) for weights in requests]
        assert torch.equal(got[0], got[3])
        exact = exact or got
        for one, wanted in zip(got, exact, strict=True):
            if plan.weights is Weights.FULL:
                assert torch.equal(one, wanted), plan
            else:
                assert 0 < float((one - wanted).norm() / wanted.norm()) < 0.15
    merged = deepcopy(pipeline)
    for weights, wanted in zip(requests, exact, strict=True):
        loras = [(LORAS[name], weight) for name, weight in weights.items()]
        merged.transformer = writing.merged(loaded.pipeline.transformer, *loras)
        mine = Residency(merged, ELSEWHERE, SKETCH_FAMILY)
        mine.use(PLANS[0])
        other = painted(merged, mine, adapters, {})
        torch.testing.assert_close(other, wanted, rtol=1e-3, atol=1e-4)
    assert not torch.equal(exact[0], exact[1])
    assert not torch.equal(exact[1], exact[2])
