"""Products and attention in float16: nothing overflows, and a step can be had in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812, torch's own name for it
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.diffusion import capacity, machine
from engine.diffusion.benchmarks.random_model import TINY, write_folder
from engine.diffusion.float16_attention import Float16Attention
from engine.diffusion.footprint import Weights
from engine.diffusion.guard import InFloat32
from engine.diffusion.loading import load_component, load_model
from engine.diffusion.quantized import Fp16Linear, float16_weights, quantize
from engine.settings import EngineSettings
from engine.types import Adaptation, Mend
from tests.engine.diffusion.rendering import hooked, painted, pipeline_of
from tests.engine.diffusion.test_int8_products import HERE, layer, painting, tokens


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-20, 1e30))
def test_no_number_overflows(largest: float) -> None:
    """What exceeds float16 by far, or is lost in it, comes out as in float32, nearly."""
    exact = layer()
    nn.init.zeros_(exact.bias)
    x = tokens(6) * largest
    got, wanted = Fp16Linear(exact, HERE)(x).double(), exact(x).double()
    assert float((got - wanted).norm() / wanted.norm()) < 2e-3


def test_nothing_broken_is_hidden() -> None:
    """NaN and infinity come out as such; a row of noughts gives the bias."""
    made = Fp16Linear(layer(), HERE)
    x = tokens(4)
    x[1, 3], x[2, 5], x[3] = torch.nan, torch.inf, 0.0
    finite = made(x).isfinite()
    assert finite[0].all() and not finite[1].any() and not finite[2].any()
    assert torch.equal(made(x)[3], made.bias)


def test_weights_that_could_overflow_stay_as_they_are() -> None:
    """A row whose sum float16 does not hold is left in the model's format."""
    large = layer()
    large.weight[0] = 1000.0
    module = nn.ModuleDict({"a": layer(), "b": large})
    assert quantize(module, Weights.FP16, HERE) == 1
    assert type(module["b"]) is nn.Linear and type(module["a"]) is Fp16Linear
    assert module["a"].weight.dtype is torch.float16


def test_in_float32_the_stored_weights_are_multiplied_exactly() -> None:
    """A repeated step rounds nothing but what is stored."""
    made = Fp16Linear(layer(), HERE)
    x = tokens(5)
    with InFloat32():
        exact = made(x)
    torch.testing.assert_close(exact, F.linear(x, made.weight.float(), made.bias))
    assert not torch.equal(made(x), exact)


def test_attention_is_computed_in_float16() -> None:
    """Only over float32, only within the context, and not in a repeated step."""
    q, k, v = (torch.randn(1, 2, 8, 16) for _ in range(3))
    v[..., 0] *= 1e6
    mask = torch.zeros(8, 8).masked_fill(torch.ones(8, 8).triu(1).bool(), -torch.inf)
    exact = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    with Float16Attention():
        low = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        assert torch.equal(low[..., 1:], low[..., 1:].half().float())
        with InFloat32():
            assert torch.equal(F.scaled_dot_product_attention(q, k, v, attn_mask=mask), exact)
        double = F.scaled_dot_product_attention(q.double(), k.double(), v.double())
        assert double.dtype is torch.float64
    assert low.dtype is torch.float32 and bool(low.isfinite().all())
    torch.testing.assert_close(low[..., 1:], exact[..., 1:], rtol=0.01, atol=0.01)


def test_a_picture_in_float16() -> None:
    """It is near the exact one, its recipe names the format, and what is small stays float32."""
    with painting("resident") as exact, painting("resident+fp16") as low:
        one, other = painted(exact), painted(low)
        kinds = {part.weight.dtype for part in fp16_layers(low)}
        assert kinds == {torch.float16}
        assert pipeline_of(low).transformer.dtype is torch.float32
    assert other.recipe.conditions.plan == "resident+fp16"
    assert [each.name for each in one.recipe.differences(other.recipe)] == ["plan"]
    pixels = [bytes(each.raster.rgb) for each in (one, other)]
    assert 0 < max(abs(a - b) for a, b in zip(*pixels, strict=True)) < 16


def test_a_broken_step_is_repeated_in_float32() -> None:
    """Where products in float16 fail all the same, the step's guard has them in float32."""
    with painting("resident+fp16") as low:
        module = pipeline_of(low).transformer.layers[0].feed_forward.w2
        assert isinstance(module, Fp16Linear)
        broken: list[int] = []

        def overflowing(part: Any, inputs: Any, answer: torch.Tensor) -> torch.Tensor:
            exact = F.linear(inputs[0], part.weight.float())
            if torch.equal(answer, exact) or broken:
                return answer
            broken.append(1)
            return answer * torch.nan

        with hooked(module, overflowing):
            made = painted(low)
    assert made.recipe.adaptations == (Adaptation(Mend.FLOAT32, "step 1"),)


def fp16_layers(painter: Any) -> list[Fp16Linear]:
    pipeline = pipeline_of(painter)
    parts = (*pipeline.transformer.modules(), *pipeline.text_encoder.modules())
    return [part for part in parts if isinstance(part, Fp16Linear)]


@pytest.fixture
def turing(monkeypatch: pytest.MonkeyPatch) -> None:
    """This processor takes itself for a card that multiplies in float16 and not in bfloat16."""
    for module in (capacity, machine):
        monkeypatch.setattr(module, "pick_products", lambda _device: torch.float16)


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that is taken for Z-Image-Turbo."""
    folder = tmp_path_factory.mktemp("models") / "z-image-turbo"
    write_folder(TINY, folder)
    return folder


@pytest.mark.usefixtures("turing")
def test_a_card_without_bfloat16_loads_float16(
    turbo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The large matrices never are in float32, also when they are loaded again; the plan that is
    chosen stores them so, and the picture is the one of a model that was loaded in float32."""
    settings = EngineSettings(model=str(turbo), device="cpu", threads=1)
    loaded = load_model(settings, HERE)
    assert loaded.narrow and loaded.dtype is torch.float32
    for fresh in (loaded.pipeline.transformer, load_component(loaded, "transformer")):
        kinds = {name: each.dtype for name, each in fresh.named_parameters()}
        large = {name for name, dtype in kinds.items() if dtype is torch.float16}
        assert large == float16_weights(fresh)
        assert set(kinds.values()) == {torch.float16, torch.float32}
    with painting("auto", turbo) as painter:
        made = painted(painter)
        assert painter._model is not None and painter._model.loaded.narrow
        residency = painter._model.residency
        assert not residency.can_use(Weights.FULL) and residency.can_use(Weights.INT8)
    assert made.recipe.conditions.plan == "resident+fp16"
    for module in (capacity, machine):
        monkeypatch.setattr(module, "pick_products", lambda _device: torch.float32)
    with painting("resident+fp16", turbo) as painter:
        assert painter._model is not None and not painter._model.loaded.narrow
        assert painted(painter).raster == made.raster


@pytest.mark.usefixtures("turing")
def test_models_that_are_always_in_float32_stay_so() -> None:
    """The demo model is small; and who names a plan with exact weights gets them."""
    with painting("auto") as painter:
        assert painted(painter).recipe.conditions.plan == "resident"


@pytest.mark.usefixtures("turing")
def test_float32_can_be_named(turbo: Path) -> None:
    """A plan without a format is exact there too."""
    settings = EngineSettings(model=str(turbo), device="cpu", memory_plan="resident")
    loaded = load_model(settings, HERE)
    assert not loaded.narrow
    assert {each.dtype for each in loaded.pipeline.transformer.parameters()} == {torch.float32}
