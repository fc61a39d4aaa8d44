"""Layouts that ComfyUI's own package writes become the numbers that it dequantizes.

comfy-kitchen is a development dependency; without it these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.checkpoints.quantization.scales import with_scales
from engine.diffusion.checkpoints.safetensors_file import read_safetensors
from tests.engine.diffusion.checkpoints.layouts import (
    Quantized,
    Tensors,
    TinyModel,
    comfy_transformer,
    described,
    matrices,
    write,
)
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_quantized_files import meant
from tests.engine.diffusion.checkpoints.test_sources import comfy

kitchen: Any = pytest.importorskip("comfy_kitchen.tensor")

TRANSFORMER = "diffusion_models/z_image_turbo.safetensors"
ENCODER = "text_encoders/qwen_3_4b.safetensors"
LAYER = "layers.0.feed_forward.w2"
"""Its 256 columns can be rotated in groups of any size that is used here."""

ROTATED = {"format": "int8_tensorwise", "convrot": True}
FORMATS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "nvfp4": ("TensorCoreNVFP4Layout", {}, {"format": "nvfp4"}),
    "mxfp8": ("TensorCoreMXFP8Layout", {}, {"format": "mxfp8"}),
    "int8 rows": (
        "TensorWiseINT8Layout",
        {"per_channel": True},
        {"format": "int8_tensorwise"},
    ),
    "convrot": (
        "TensorWiseINT8Layout",
        {"per_channel": True, "convrot": True, "convrot_groupsize": 16},
        ROTATED | {"convrot_groupsize": 16},
    ),
    "convrot, settings one level deeper": (
        "TensorWiseINT8Layout",
        {"per_channel": True, "convrot": True, "convrot_groupsize": 16},
        {"format": "int8_tensorwise", "params": {"convrot": True, "convrot_groupsize": 16}},
    ),
    "convrot in groups of 256": (
        "TensorWiseINT8Layout",
        {"per_channel": True, "convrot": True},
        ROTATED,
    ),
    "convrot in four bits": (
        "TensorCoreConvRotW4A4Layout",
        {"convrot_groupsize": 64},
        {"format": "convrot_w4a4", "convrot_groupsize": 64},
    ),
    "codes of four bits": (
        "AsymW4A8Int8Layout",
        {"convrot_groupsize": 16},
        {"format": "asym_w4a8_int8", "group_size": 16, "convrot_groupsize": 16},
    ),
    "codes of four bits, corrected": (
        "AsymW4A8Int8Layout",
        {"convrot_groupsize": 16, "symmetric": False, "codebook": False, "group_size": 32},
        {"format": "asym_w4a8_int8", "group_size": 32, "convrot_groupsize": 16},
    ),
    "codes of six bits": (
        "AsymW4A8Int8Layout",
        {"convrot_groupsize": 16, "bits": 6},
        {"format": "asym_w4a8_int8", "group_size": 16, "convrot_groupsize": 16},
    ),
}


def quantized(tensors: Tensors, form: str, *, as_bytes: bool = False) -> Quantized:
    """Let the package quantize each matrix that the format can hold, as ComfyUI saves it.

    as_bytes: write fp8 as integers, as was done before files knew fp8.
    """
    layout, options, description = FORMATS[form]
    # NVFP4 and MXFP8 fill a matrix up where the others need whole groups.
    divisor = {"convrot in groups of 256": 256, "convrot in four bits": 64, "nvfp4": 1, "mxfp8": 1}
    stored, meant = dict(tensors), dict(tensors)
    for key in matrices(tensors):
        if tensors[key].shape[1] % divisor.get(form, 32):
            continue
        one = kitchen.QuantizedTensor.from_float(tensors[key], layout, **options)
        for name, part in one.state_dict(key).items():
            fp8 = part.dtype.itemsize == 1 and part.dtype.is_floating_point
            stored[name] = part.view(torch.uint8) if as_bytes and fp8 else part
        stored[f"{key.removesuffix('.weight')}.comfy_quant"] = described(description)
        meant[key] = one.dequantize()
    assert len(stored) > len(tensors)
    return Quantized(stored, meant)


@pytest.mark.parametrize(
    ("form", "dtype"),
    [
        *((form, torch.float32) for form in FORMATS),
        ("nvfp4", torch.bfloat16),
        ("convrot", torch.bfloat16),
    ],
)
def test_a_transformer(form: str, dtype: torch.dtype, model: TinyModel, tmp_path: Path) -> None:
    """Each bit is the package's in float32, and that rounded once in bfloat16."""
    made = quantized(comfy_transformer(model.transformer), form)
    write(comfy(model, tmp_path) / TRANSFORMER, made.stored)
    notes = check(load(tmp_path, dtype), model, transformer=meant(made.meant))
    assert any(f"→ {dtype}".replace("torch.", "") in note for note in notes)


@pytest.mark.parametrize("form", ["nvfp4", "mxfp8", "codes of four bits"])
def test_fp8_that_is_stored_as_bytes(form: str, model: TinyModel, tmp_path: Path) -> None:
    """What older programs wrote as integers is read as the fp8 that its description names."""
    made = quantized(comfy_transformer(model.transformer), form, as_bytes=True)
    write(comfy(model, tmp_path) / TRANSFORMER, made.stored)
    check(load(tmp_path), model, transformer=meant(made.meant))


@pytest.mark.parametrize("form", ["nvfp4", "mxfp8"])
def test_a_matrix_that_is_filled_up(form: str, model: TinyModel, tmp_path: Path) -> None:
    """Rows that only fill a matrix up are cut off, or refused where they hide its size."""
    made = quantized(model.text_encoder, form)
    path = comfy(model, tmp_path) / ENCODER
    write(path, made.stored)
    assert "which hides how many heads of 8 it has" in refusal(tmp_path)
    (path.parent / "config.json").write_bytes(
        (model.folder / "text_encoder" / "config.json").read_bytes()
    )
    check(load(tmp_path), model, text_encoder=made.meant)


@pytest.mark.parametrize("form", ["nvfp4", "mxfp8"])
def test_rows_and_columns_that_are_filled_up(form: str, tmp_path: Path) -> None:
    """A matrix of any size comes back without its filling; a third of one does not."""
    matrix = torch.randn(60, 40, generator=torch.Generator().manual_seed(2))
    made = quantized({"layers.0.weight": matrix}, form)
    tensors = dict(read_safetensors(write(tmp_path / "a.safetensors", made.stored), "a").tensors)
    weight = with_scales(tensors, {}, lambda layer: layer).weights["layers.0.weight"]
    assert weight.shape != (60, 40)
    fitted = weight.fitted((60, 40)).load(torch.float32).tensor
    assert torch.equal(fitted, made.meant["layers.0.weight"])
    assert weight.fitted((60, 8)) is weight
    third = replace(weight, stop=20, shape=(20, weight.shape[1]))
    assert third.fitted((18, 40)) is third


def without(ending: str) -> Callable[[Tensors], None]:
    def change(stored: Tensors) -> None:
        del stored[f"{LAYER}.{ending}"]

    return change


def with_part(ending: str, part: torch.Tensor) -> Callable[[Tensors], None]:
    def change(stored: Tensors) -> None:
        stored[f"{LAYER}.{ending}"] = part

    return change


def description(**changed: Any) -> Callable[[Tensors], None]:
    return with_part("comfy_quant", described(ROTATED | changed))


@pytest.mark.parametrize(
    ("form", "change", "words"),
    [
        ("nvfp4", without("weight_scale_2"), f"1 layers are nvfp4 without a scale, {LAYER}"),
        ("nvfp4", without("comfy_quant"), "as nvfp4 has, and nothing says how it is quantized"),
        ("mxfp8", without("comfy_quant"), "as mxfp8 has, and nothing says how it is quantized"),
        (
            "nvfp4",
            with_part("weight_scale", torch.ones(96, 16).to(torch.float8_e4m3fn)),
            "its weight_scale has the shape [96, 16], not [128, 16]",
        ),
        (
            "nvfp4",
            with_part("weight_scale_2", torch.tensor(0.0)),
            "a scale that is not a positive number",
        ),
        (
            "mxfp8",
            with_part("weight_scale", torch.full((128, 8), 255, dtype=torch.uint8)),
            f"{LAYER}.weight holds values that are not finite numbers",
        ),
        ("mxfp8", with_part("weight_scale", torch.ones(96, 1)), "weight_scale is stored as F32"),
        ("convrot", description(convrot_groupsize=32), "in groups of 32, which is no power of"),
        ("convrot", description(convrot_groupsize=1024), "cannot be divided into groups of 1024"),
        ("convrot", description(convrot_groupsize="16"), "has the convrot_groupsize '16'"),
        (
            "codes of six bits",
            with_part("comfy_quant", described({"format": "asym_w4a8_int8", "group_size": 32})),
            "has rows of 192 bytes, which is not four or six bits for each of 512 columns",
        ),
        (
            "convrot",
            with_part("weight_scale_2", torch.tensor(1.0)),
            f"{LAYER} is int8_tensorwise, and has a weight_scale_2 as well",
        ),
    ],
)
def test_half_of_a_layout(
    form: str,
    change: Callable[[Tensors], None],
    words: str,
    model: TinyModel,
    tmp_path: Path,
) -> None:
    """A layout that lacks a part, or contradicts its description, is refused by what is wrong."""
    stored = quantized(comfy_transformer(model.transformer), form).stored
    change(stored)
    write(comfy(model, tmp_path) / TRANSFORMER, stored)
    assert words in refusal(tmp_path)
