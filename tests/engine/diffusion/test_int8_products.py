"""Products of integers: near the exact ones, the same for every batch, and never a lost picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.diffusion import quantized, renderer
from engine.diffusion.conversion import Format, convert
from engine.diffusion.footprint import Weights
from engine.diffusion.guard import InFloat32
from engine.diffusion.quantized import Int8ProductLinear, ProductsFailed, quantize
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR
from engine.types import Mend
from tests.engine.diffusion.rendering import REQUEST, painted, pipeline_of

HERE = torch.device("cpu")
REFUSAL = "CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasLtMatmul`"


def layer(columns: int = 256, rows: int = 384, dtype: torch.dtype = torch.float32) -> nn.Linear:
    torch.manual_seed(1)
    made = nn.Linear(columns, rows).to(dtype).requires_grad_(False)
    nn.init.normal_(made.weight, std=0.02)
    return made


def tokens(count: int, columns: int = 256, seed: int = 2) -> torch.Tensor:
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed))


@contextmanager
def painting(plan: str, model: Path = MODEL_DIR) -> Iterator[DiffusionRenderer]:
    """A renderer with one plan, on one thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "_lower_priority", lambda: None)
        settings = EngineSettings(model=str(model), device="cpu", threads=1, memory_plan=plan)
        made = DiffusionRenderer.load(settings)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_near(dtype: torch.dtype, rotate: bool) -> None:
    """A product deviates by the rounding of two factors, in the input's type and shape."""
    exact = layer(dtype=dtype)
    made = Int8ProductLinear(exact, HERE, rotate=rotate)
    assert made.products and made.rotation == (256 if rotate else None)
    x = tokens(10).view(2, 5, 256).to(dtype)
    got, wanted = made(x), exact(x)
    assert (got.dtype, got.shape) == (dtype, (2, 5, 384))
    assert 0 < float((got - wanted).norm() / wanted.norm()) < 0.02


@pytest.mark.parametrize("rotate", [False, True])
def test_it_is_comfy_kitchens_product(rotate: bool) -> None:
    """ComfyUI's own package computes the same from the same numbers, rotated or not."""
    kitchen: Any = pytest.importorskip("comfy_kitchen")
    made = Int8ProductLinear(layer(), HERE, rotate=rotate)
    x = tokens(50)
    theirs = kitchen.int8_linear(
        x, made.weight, made.scale, made.bias, torch.float32, convrot=rotate, convrot_groupsize=256
    )
    torch.testing.assert_close(made(x), theirs, rtol=1e-6, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 70), st.booleans())
def test_a_token_does_not_depend_on_the_others(count: int, pieces: bool) -> None:
    """Its numbers are the same bits alone, among others, and in whatever pieces they are taken."""
    made = Int8ProductLinear(layer(), HERE)
    x = tokens(70)
    with pytest.MonkeyPatch.context() as patch:
        if pieces:
            patch.setattr(quantized, "_PRODUCT_VALUES", 1)
        assert torch.equal(made(x[:count]), made(x)[:count])
        assert torch.equal(made(x[0]), made(x)[0])


def test_a_rotation_spreads_outliers() -> None:
    """One column that is far larger than the others costs them their bits; rotated, it does not."""
    exact, x = layer(), tokens(64)
    x[:, 7] *= 200
    wanted = exact(x)
    errors = [
        float((Int8ProductLinear(exact, HERE, rotate=each)(x) - wanted).norm() / wanted.norm())
        for each in (False, True)
    ]
    assert errors[1] < errors[0]
    small = Int8ProductLinear(layer(192), HERE, rotate=True)
    assert small.rotation == 64


def test_what_cannot_be_multiplied_is_dequantized() -> None:
    """Sizes that cuBLAS refuses, and layers that are excepted, keep int8 weights alone."""
    for made in (
        Int8ProductLinear(layer(50, 40), HERE),
        Int8ProductLinear(layer(), HERE, products=False),
    ):
        x = tokens(5, made.in_features)
        wanted = nn.functional.linear(x, made.whole(torch.float32), made.bias)
        assert not made.products and torch.equal(made(x), wanted)


def test_a_repeated_step_is_not_rounded() -> None:
    """In float32 the stored weights are multiplied with what comes in as it is."""
    made = Int8ProductLinear(layer(dtype=torch.bfloat16), HERE, rotate=True)
    x = tokens(5).bfloat16()
    with InFloat32():
        exact = made(x)
    wanted = nn.functional.linear(x.float(), made.whole(torch.float32), made.bias.float())
    torch.testing.assert_close(exact, wanted)
    assert not torch.equal(made(x).float(), exact)


def test_nothing_broken_is_hidden() -> None:
    """NaN and infinity come out as such, in their own rows; noughts stay noughts."""
    made = Int8ProductLinear(layer(), HERE)
    x = tokens(4)
    x[1, 3], x[2, 5], x[3] = torch.nan, torch.inf, 0.0
    finite = made(x).isfinite()
    assert finite[0].all() and not finite[1].any() and not finite[2].any()
    assert torch.equal(made(x)[3], made.bias)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (REFUSAL, ProductsFailed),
        ("_int_mm_out_cuda not compiled for this platform.", ProductsFailed),
        ("CUDA error: an illegal memory access was encountered", RuntimeError),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", RuntimeError),
    ],
)
def test_a_refusal_is_told_from_a_broken_device(
    message: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products that a device lacks are one thing, its memory and its death others."""

    def fail(*_: Any) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "_int_mm", fail)
    with pytest.raises(RuntimeError) as caught:
        Int8ProductLinear(layer(), HERE)(tokens(3))
    assert type(caught.value) is kind


def test_which_layers_are_rotated_and_which_are_left() -> None:
    """The lists go by names; everything else that is large multiplies integers."""
    block = nn.ModuleDict({"w1": layer(), "w2": layer(), "adaLN_modulation": layer()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantized, "ROTATED", ("w1",))
        patch.setattr(quantized, "PLAIN_PRODUCTS", ("w2",))
        assert quantize(block, Weights.W8A8, HERE) == 2
    first, second = block["w1"], block["w2"]
    assert isinstance(first, Int8ProductLinear) and isinstance(second, Int8ProductLinear)
    assert (first.rotation, first.products) == (256, True)
    assert (second.rotation, second.products) == (None, False)


def test_a_picture_names_its_products_and_is_near() -> None:
    """The recipe has the plan, and a replay with other weights says what differs."""
    with painting("resident") as exact, painting("resident+w8a8") as products:
        one, other = painted(exact), painted(products)
        assert any(
            isinstance(part, Int8ProductLinear) and part.products
            for part in pipeline_of(products).transformer.modules()
        )
        assert not any(
            isinstance(part, Int8ProductLinear)
            for part in pipeline_of(products).text_encoder.modules()
        )
    assert other.recipe.conditions.plan == "resident+w8a8"
    differences = one.recipe.differences(other.recipe)
    assert [str(each) for each in differences] == ["plan: exact → w8a8"]
    pixels = [
        torch.frombuffer(bytearray(each.raster.rgb), dtype=torch.uint8) for each in (one, other)
    ]
    apart = (pixels[0].float() - pixels[1].float()).square().mean()
    assert 0 < float(apart) < 255**2 / 10**2.5


def test_a_kernel_that_fails_costs_no_picture(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is painted with int8 weights alone, as its recipe says, and so are those after it."""
    calls: list[int] = []

    def fail(*_: Any) -> None:
        calls.append(1)
        raise RuntimeError(REFUSAL)

    with painting("resident+int8") as plain:
        wanted = painted(plain)
    monkeypatch.setattr(torch, "_int_mm", fail)
    with painting("resident+w8a8") as broken, caplog.at_level(logging.WARNING):
        made, again = painted(broken), painted(broken)
    assert made.raster == again.raster == wanted.raster
    assert made.recipe.conditions.plan == again.recipe.conditions.plan == "resident+int8"
    assert "int8" in made.plan_reason and Mend.MEMORY not in {
        each.mend for each in made.recipe.adaptations
    }
    assert len(calls) == 1
    assert [each.getMessage() for each in caplog.records if "products in int8" in each.message] == [
        f"products in int8 fail on this device ({REFUSAL}): resident+w8a8 without them from now on"
    ]


def test_a_file_in_int8_is_multiplied_as_it_is(tiny: Path, tmp_path: Path) -> None:
    """The layers have the file's own numbers and scales, to the bit."""
    from safetensors.torch import load_file

    folder = convert(tiny, tmp_path / "tiny-int8", Format.INT8).folder
    stored = load_file(folder / "transformer/diffusion_pytorch_model.safetensors")
    with painting("resident+w8a8", folder) as painter:
        found = {
            name: part
            for name, part in pipeline_of(painter).transformer.named_modules()
            if isinstance(part, Int8ProductLinear)
        }
        assert found
        for name, part in found.items():
            assert torch.equal(part.weight, stored[f"{name}.weight"])
            assert torch.equal(part.scale, stored[f"{name}.weight_scale"])
        assert painted(painter, REQUEST).recipe.conditions.plan == "resident+w8a8"
