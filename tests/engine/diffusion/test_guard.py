"""Broken pictures are detected, and dull but valid ones are not."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.families import SKETCH_FAMILY
from engine.diffusion.footprint import MemoryPlan, Placement
from engine.diffusion.guard import BLANK_SPREAD, FAINT_SPREAD, Finiteness, InFloat32, spread
from engine.diffusion.residency import Residency


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_broken_number_is_enough(value: float, dtype: torch.dtype) -> None:
    """A single NaN or infinity anywhere is detected."""
    latents = torch.zeros(1, 16, 8, 8, dtype=dtype)
    latents[0, 9, 3, 5] = value
    assert not Finiteness(latents).read()


def test_large_numbers_are_finite() -> None:
    """The largest numbers of a format are not taken for infinity."""
    for dtype in (torch.float32, torch.bfloat16):
        limits = torch.finfo(dtype)
        assert Finiteness(torch.tensor([limits.min, limits.max], dtype=dtype)).read()


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_one_flat_colour_is_blank(colour: tuple[int, int, int]) -> None:
    """Black, white and any other single colour is a blank picture."""
    assert spread(torch.tensor(colour, dtype=torch.uint8).expand(32, 48, 3)) == 0.0


def test_rounding_noise_is_blank() -> None:
    """A flat colour that flickers by one step is still blank."""
    noise = torch.randint(127, 129, (64, 64, 3), generator=torch.manual_seed(1), dtype=torch.uint8)
    assert spread(noise) < BLANK_SPREAD


def test_dull_pictures_pass() -> None:
    """Fog and a small boat on a black night are pictures; the fog deserves a second look."""
    fog = torch.linspace(120, 126, 64).to(torch.uint8)[:, None, None].expand(64, 64, 3)
    assert BLANK_SPREAD < spread(fog) < FAINT_SPREAD
    night = torch.zeros(64, 64, 3, dtype=torch.uint8)
    night[30:34, 30:34, 0] = 255
    assert spread(night) > FAINT_SPREAD


def test_everything_is_computed_in_float32(tiny: Path) -> None:
    """Inside the context, a bfloat16 model computes exactly like its float32 copy, in every part;
    outside it is unchanged."""
    load: Any = ZImagePipeline.from_pretrained
    low = load(str(tiny), dtype=torch.bfloat16)
    exact = load(str(tiny), dtype=torch.bfloat16)
    for name in ("transformer", "text_encoder", "vae"):
        getattr(exact, name).float()
    latents = torch.randn(1, 16, 8, 8, generator=torch.manual_seed(3))

    @torch.no_grad()
    def answers(pipeline: Any) -> list[torch.Tensor]:
        dtype = pipeline.transformer.dtype
        prompt = pipeline._encode_prompt(["a lake"], torch.device("cpu"), max_sequence_length=64)
        given = [latents[0].unsqueeze(1).to(dtype)]
        predicted = pipeline.transformer(given, torch.tensor([0.3]), prompt, return_dict=False)[0]
        return [*prompt, *predicted, pipeline.vae.decode(latents.to(dtype), return_dict=False)[0]]

    wanted, before = answers(exact), answers(low)
    with InFloat32():
        inside = answers(low)
    assert all(map(torch.equal, inside, wanted))
    assert not any(map(torch.equal, before, wanted))
    assert all(map(torch.equal, answers(low), before))


def test_weights_can_be_moved_while_everything_is_computed_in_float32(tiny: Path) -> None:
    """An offload plan may move weights in the middle of a step; their type and bits stay."""
    load: Any = ZImagePipeline.from_pretrained
    pipeline = load(str(tiny), dtype=torch.bfloat16)
    transformer = pipeline.transformer
    before = [weight.clone() for weight in transformer.parameters()]
    residency = Residency(pipeline, torch.device("cpu"), SKETCH_FAMILY)
    given = [torch.randn(16, 1, 8, 8, generator=torch.manual_seed(3))]
    words = [torch.randn(5, transformer.config.cap_feat_dim, generator=torch.manual_seed(4))]

    @torch.no_grad()
    def answer() -> torch.Tensor:
        return transformer(given, torch.tensor([0.3]), words, return_dict=False)[0][0]

    with InFloat32():
        wanted = answer()
    for placement in Placement:
        residency.use(MemoryPlan(placement))
        with residency.denoising(), InFloat32():
            inside = answer()
        with InFloat32(), residency.denoising():
            around = answer()
        assert torch.equal(inside, wanted) and torch.equal(around, wanted), placement
    residency.unload()
    assert all(map(torch.equal, transformer.parameters(), before))
    assert {weight.dtype for weight in transformer.parameters()} == {torch.bfloat16}


def test_what_is_assigned_stays_assigned() -> None:
    """Assigning a tensor's data is not arithmetic: it changes the tensor itself."""
    weight = torch.nn.Parameter(torch.zeros(4, dtype=torch.bfloat16))
    target, fresh = torch.zeros(4, dtype=torch.bfloat16), torch.ones(4, dtype=torch.bfloat16)
    with InFloat32():
        weight.data = fresh.to("cpu", copy=True)
        target.copy_(torch.full((4,), 2.0))
        target[0] = torch.tensor(3.0)
        assert (weight + 1).dtype is torch.float32
    assert weight.tolist() == [1.0] * 4 and weight.dtype is torch.bfloat16
    assert target.tolist() == [3.0, 2.0, 2.0, 2.0] and target.dtype is torch.bfloat16
