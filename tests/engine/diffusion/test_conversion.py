"""A converted copy loads as what it was made from, within the bits that it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.diffusion.conversion import Format, convert
from engine.diffusion.loading import load_model
from engine.diffusion.quantized import in_steps, large_layers
from engine.errors import ModelInvalid
from engine.hub.errors import DiskTooSmall
from engine.settings import EngineSettings
from tests.engine.diffusion.tiny import COMPONENTS

SHARD_BYTES = 200_000
"""Small enough for several files of the tiny model."""


def weights(folder: Path, dtype: torch.dtype) -> dict[str, dict[str, torch.Tensor]]:
    """Return the weights of every component, as the renderer gets them."""
    settings = EngineSettings(model=str(folder))
    pipeline: Any = load_model(settings, torch.device("cpu"), dtype).pipeline
    return {name: getattr(pipeline, name).state_dict() for name in COMPONENTS}


def test_bfloat16_equals_a_cast(tiny: Path, tmp_path: Path) -> None:
    """Each weight is bit for bit what loading the original in bfloat16 gives."""
    told: list[str] = []
    target = tmp_path / "tiny-bf16"
    convert(tiny, target, Format.BF16, lambda name, _: told.append(name), shard_bytes=SHARD_BYTES)
    assert sorted(told) == sorted(COMPONENTS)
    assert (target / "transformer/diffusion_pytorch_model.safetensors.index.json").is_file()
    before, after = weights(tiny, torch.bfloat16), weights(target, torch.bfloat16)
    for name in COMPONENTS:
        assert before[name].keys() == after[name].keys()
        assert all(torch.equal(value, after[name][key]) for key, value in before[name].items())


def test_int8_is_the_nearest_step(tiny: Path, tmp_path: Path) -> None:
    """Large matrices are within half a step of their row; all others are bfloat16, exactly."""
    target = convert(tiny, tmp_path / "tiny-int8", Format.INT8).folder
    before, after = weights(tiny, torch.float32), weights(target, torch.float32)
    settings = EngineSettings(model=str(tiny))
    pipeline: Any = load_model(settings, torch.device("cpu")).pipeline
    for name in COMPONENTS:
        large = {f"{layer}.weight" for layer, _ in large_layers(getattr(pipeline, name))}
        assert large or name == "vae"
        for key, value in before[name].items():
            if name == "vae" or key not in large:
                rounded = value.bfloat16().float() if value.is_floating_point() else value
                assert torch.equal(after[name][key], rounded), key
                continue
            step = value.abs().amax(dim=1, keepdim=True) / 127
            assert bool(((after[name][key] - value).abs() <= step * 0.5001).all()), key
            assert not torch.equal(after[name][key], value)


def test_the_layout_is_comfyuis(tiny: Path, tmp_path: Path) -> None:
    """A matrix is int8 with a column of float32 and a description; the scale is never nought."""
    target = convert(tiny, tmp_path / "tiny-int8", Format.INT8).folder
    stored = load_file(target / "transformer/diffusion_pytorch_model.safetensors")
    weight = stored["layers.0.feed_forward.w1.weight"]
    scale = stored["layers.0.feed_forward.w1.weight_scale"]
    assert (weight.dtype, scale.dtype) == (torch.int8, torch.float32)
    assert scale.shape == (weight.shape[0], 1)
    described = bytes(stored["layers.0.feed_forward.w1.comfy_quant"].tolist())
    assert described == b'{"format": "int8_tensorwise"}'
    steps, scale = in_steps(torch.zeros(2, 3))
    assert not steps.any() and bool((scale > 0).all())


def test_it_is_made_once(tiny: Path, tmp_path: Path) -> None:
    """A copy that is there is used; what a kill has left of one is not."""
    target = tmp_path / "tiny-bf16"
    (tmp_path / ".tiny-bf16.partial" / "transformer").mkdir(parents=True)
    assert not convert(tiny, target, Format.BF16).was_there
    assert convert(tmp_path / "gone", target, Format.BF16).was_there
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-bf16"]


def test_what_cannot_be_converted(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken model, and a disk that is too small, are refused and leave nothing behind."""
    target = tmp_path / "made" / "int8"
    real = shutil.disk_usage
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: real(path)._replace(free=1000))
        with pytest.raises(DiskTooSmall):
            convert(copy, target, Format.INT8)
    (copy / "transformer/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelInvalid, match="transformer"):
        convert(copy, target, Format.INT8)
    assert list(target.parent.iterdir()) == []
