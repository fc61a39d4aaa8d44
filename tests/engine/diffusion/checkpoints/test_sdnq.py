"""Folders that SDNQ has quantized are read by its own package, or refused by name.

The package is under GPL-3.0 and no dependency: without it all but the refusals are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from transformers import Qwen3Model

from tests.engine.diffusion.checkpoints.layouts import TRANSFORMER, TinyModel
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_sources import whole

INSTALLED = importlib.util.find_spec("sdnq") is not None
SETTINGS: dict[str, dict[str, Any]] = {
    "int8": {"weights_dtype": "int8"},
    "uint4 with SVD": {"weights_dtype": "uint4", "use_svd": True, "svd_rank": 8},
    "quantized products": {"weights_dtype": "int8", "use_quantized_matmul": True},
    "fp8": {"weights_dtype": "float8_e4m3fn"},
    "rotated": {"weights_dtype": "uint4", "use_hadamard": True, "hadamard_group_size": 16},
}


def describe(folder: Path, component: str, described: Any) -> None:
    path = folder / component / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": described}))


@pytest.mark.skipif(INSTALLED, reason="SDNQ is installed")
def test_without_the_package(model: TinyModel, tmp_path: Path) -> None:
    """A folder of SDNQ's says how to install what reads it."""
    describe(
        whole(model, tmp_path), "transformer", {"quant_method": "sdnq", "weights_dtype": "int8"}
    )
    assert refusal(tmp_path) == (
        "transformer/config.json says that it is quantized by SDNQ, which only its own package "
        "can read: install it with `pip install sdnq` (licensed under GPL-3.0)"
    )


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "quantized by bitsandbytes"),
        ({"quant_method": "torchao"}, "quantized by torchao, which cannot be read"),
        ({"quant_method": "nunchaku"}, "quantized by nunchaku"),
        ({"quant_method": "awq", "bits": 4}, "quantized by awq"),
        (["fp8"], "quantized by ['fp8'], which cannot be read"),
    ],
)
def test_other_methods(described: Any, words: str, model: TinyModel, tmp_path: Path) -> None:
    """A configuration that names any other method is refused by that name."""
    describe(whole(model, tmp_path), "text_encoder", described)
    reason = refusal(tmp_path)
    assert reason.startswith("text_encoder/config.json says that it is ") and words in reason


def quantized(model: TinyModel, folder: Path, **settings: Any) -> dict[str, dict[str, Any]]:
    """Let SDNQ write the folder; return what it dequantizes itself."""
    sdnq: Any = pytest.importorskip("sdnq")
    dequantizer: Any = pytest.importorskip("sdnq.dequantizer")
    whole(model, folder)
    found: dict[str, dict[str, Any]] = {}
    kinds: dict[str, Any] = {"transformer": ZImageTransformer2DModel, "text_encoder": Qwen3Model}
    for name, kind in kinds.items():
        made = sdnq.sdnq_post_load_quant(
            kind.from_pretrained(model.folder / name),
            torch_dtype=torch.float32,
            minimum_allowed_numel=1,
            add_skip_keys=False,
            quantization_device=torch.device("cpu"),
            return_device=torch.device("cpu"),
            **settings,
        )
        shutil.rmtree(folder / name)
        sdnq.save_sdnq_model(made, str(folder / name))
        read = sdnq.load_sdnq_model(str(folder / name), model_cls=kind)
        found[name] = dequantizer.dequantize_sdnq_model(read).state_dict()
    return found


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_folder(
    kind: str, model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bit is the package's own."""
    # Compiled, its sums are rounded in another order, and compiling takes minutes.
    monkeypatch.setitem(os.environ, "SDNQ_USE_TORCH_COMPILE", "0")
    meant = quantized(model, tmp_path, **SETTINGS[kind])
    notes = check(load(tmp_path), model, **meant)
    assert any("SDNQ" in note and "→ float32" in note for note in notes)


def test_a_folder_that_lost_its_scales(
    model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer without its scale is refused, and so are the tensors without their description."""
    from safetensors.torch import load_file, save_file

    monkeypatch.setitem(os.environ, "SDNQ_USE_TORCH_COMPILE", "0")
    quantized(model, tmp_path, weights_dtype="int8")
    path = tmp_path / TRANSFORMER
    tensors = load_file(path)
    layer = "layers.0.attention.to_q"
    save_file({key: value for key, value in tensors.items() if key != f"{layer}.scale"}, path)
    assert f"{layer} is quantized by SDNQ, and the files lack {layer}.scale" in refusal(tmp_path)
    save_file(tensors, path)
    (tmp_path / "transformer" / "quantization_config.json").unlink()
    describe(tmp_path, "transformer", None)
    assert "is quantized by SDNQ" in refusal(tmp_path)
