"""A model gets a number format that suits the machine, and is refused if memory cannot hold it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion import capacity, machine
from engine.diffusion.capacity import FULL_SIZE_WEIGHTS, require_memory, weights_dtype
from engine.diffusion.checkpoints import Checkpoint
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.diffusion.loading import load_model
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import ModelTooLarge, OutOfMemory
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from tests.engine.diffusion.tiny import build_tiny
from tests.fakes import a_request
from tests.scale import fullsize

GIB = 2**30
CPU = torch.device("cpu")
Z_IMAGE_WEIGHTS = 10_262_000_000
"""6.155 of the transformer, 4.02 of the text encoder and 0.08 of the autoencoder."""


def capabilities(monkeypatch: pytest.MonkeyPatch, **has: bool) -> None:
    """Let the processor have these capabilities and no others."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "test"} | has)


@pytest.mark.parametrize(
    ("has", "bfloat16"),
    [
        ({"amx_bf16": True}, True),
        ({"avx512_bf16": True}, True),
        ({"bf16": True, "neon": True}, True),
        ({"sve_bf16": True}, True),
        ({"avx2": True, "avx512_f": True, "amx_bf16": False}, False),
        ({"neon": True, "bf16": False}, False),
        ({}, False),
    ],
)
def test_large_models_use_what_the_processor_computes(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], bfloat16: bool
) -> None:
    """On the CPU full-size models are bfloat16 where it is computed, and small ones float32."""
    capabilities(monkeypatch, **has)
    full = weights_dtype(CPU, Z_IMAGE_TURBO, Z_IMAGE_WEIGHTS)
    assert full is (torch.bfloat16 if bfloat16 else torch.float32)
    assert weights_dtype(CPU, Z_IMAGE_TURBO, FULL_SIZE_WEIGHTS - 1) is torch.float32


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_sketch_stays_in_float32(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The demo model is float32 on every device, whatever that computes in."""
    capabilities(monkeypatch, amx_bf16=True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert weights_dtype(torch.device(kind), SKETCH_FAMILY, 4_000_000) is torch.float32


@pytest.mark.parametrize(
    ("dtype", "free_gib", "swap_gib", "kind", "fits"),
    [
        (torch.bfloat16, 19.8, 0, "cpu", True),
        (torch.bfloat16, 19.5, 0, "cpu", False),
        (torch.bfloat16, 12, 64, "cpu", False),  # painting from swap would not end
        (torch.float32, 24, 0, "cpu", False),
        (torch.float32, 40, 0, "cpu", True),
        (torch.bfloat16, 19.5, 0, "cuda", True),
        (torch.bfloat16, 12, 0, "cuda", False),
        (torch.bfloat16, 12, 16, "cuda", True),  # the weights pass through the host once
        (torch.float32, 24, 0, "mps", False),
    ],
)
def test_what_fits_and_what_does_not(
    monkeypatch: pytest.MonkeyPatch,
    dtype: torch.dtype,
    free_gib: float,
    swap_gib: float,
    kind: str,
    fits: bool,
) -> None:
    """A model is refused if it needs more than is free; the refusal has both numbers."""
    monkeypatch.setattr(machine, "host_free_bytes", lambda: int(free_gib * GIB))
    swap = type("Swap", (), {"free": int(swap_gib * GIB)})
    monkeypatch.setattr(capacity.psutil, "swap_memory", lambda: swap)
    if fits:
        require_memory("m", Z_IMAGE_WEIGHTS, dtype, torch.device(kind))
        return
    with pytest.raises(ModelTooLarge) as refused:
        require_memory("m", Z_IMAGE_WEIGHTS, dtype, torch.device(kind))
    needed = refused.value.needed_bytes / GIB
    assert f"{needed:.2f} GiB" in refused.value.reason
    assert f"{free_gib + (swap_gib if kind == 'cuda' else 0):.2f} GiB" in refused.value.reason


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of full size in bfloat16 whose weights are holes: 20 GB that take no disk."""
    folder = build_tiny(tmp_path_factory.mktemp("models") / "full")
    pipeline: Any = fullsize.build(fullsize.FULL, torch.bfloat16, torch.device("meta"))
    for name in ("transformer", "text_encoder", "vae"):
        component = getattr(pipeline, name)
        for old in (folder / name).glob("*.safetensors"):
            old.unlink()
        component.save_config(folder / name) if name != "text_encoder" else (
            component.config.save_pretrained(folder / name)
        )
        _write_holes(folder / name / "model.safetensors", component.state_dict())
    return folder


def _write_holes(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write a valid safetensors file whose data was never written."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 2
        header[name] = {
            "dtype": "BF16",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)


def test_a_full_size_folder_is_refused_unread(
    full_size: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory is short, a full-size folder is refused by its headers, in either format."""
    monkeypatch.setattr(Checkpoint, "load", _never)
    monkeypatch.setattr(machine, "host_free_bytes", lambda: 16 * GIB)
    for has, needed, name in (
        ({"amx_bf16": True}, "19.6", "bfloat16"),
        ({}, "39.3", "float32"),
    ):
        capabilities(monkeypatch, **has)
        with pytest.raises(ModelTooLarge) as refused:
            load_model(EngineSettings(model=str(full_size)), CPU)
        assert f"needs {needed}" in refused.value.reason
        assert f"in {name}, and 16.00 GiB are free" in refused.value.reason


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("weights were read")


def test_memory_taken_while_it_was_unloaded(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a model that was unloaded no longer fits, the picture fails and a later one is painted."""
    monkeypatch.setattr("engine.diffusion.renderer._lower_priority", lambda: None)
    renderer = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    task = RenderTask(a_request(width_px=128, height_px=128, steps=1), threading.Event())
    renderer.unload()
    with monkeypatch.context() as short:
        short.setattr(machine, "host_free_bytes", lambda: 1000)
        (outcome,) = renderer.render([task], on_step=lambda *_: None)
        assert isinstance(outcome, OutOfMemory)
    (outcome,) = renderer.render([task], on_step=lambda *_: None)
    assert not isinstance(outcome, OutOfMemory)
    renderer.close()


def test_a_picture_that_does_not_fit_fails_alone(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the CPU a picture for which no plan fits is not begun; the error has both numbers."""
    monkeypatch.setattr("engine.diffusion.renderer._lower_priority", lambda: None)
    renderer = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    monkeypatch.setattr(machine, "host_free_bytes", lambda: -10 * GIB)
    task = RenderTask(a_request(width_px=128, height_px=128, steps=1), threading.Event())
    (outcome,) = renderer.render([task], on_step=lambda *_: None)
    assert isinstance(outcome, OutOfMemory) and outcome.needed_bytes
    assert "needed" in str(outcome) and "free" in str(outcome)
    renderer.close()
