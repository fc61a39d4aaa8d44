"""Load what a test has written, and compare it with the model that was meant."""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.loading import Loaded, load_model
from engine.errors import ModelInvalid
from engine.settings import EngineSettings
from tests.engine.diffusion.checkpoints.layouts import Tensors, TinyModel

CPU = torch.device("cpu")


def load(source: Path, dtype: torch.dtype = torch.float32, **settings: Any) -> Loaded:
    return load_model(EngineSettings(model=str(source), **settings), CPU, dtype)


def refusal(source: Path, **settings: Any) -> str:
    """Return the reason of a refusal; checks that it is one line that an owner can be shown."""
    with pytest.raises(ModelInvalid) as caught:
        load(source, **settings)
    reason = caught.value.reason
    assert reason.strip() == reason != "" and "\n" not in reason
    return reason


def check(loaded: Loaded, model: TinyModel, **meant: Tensors) -> tuple[str, ...]:
    """Check every bit of every component, and return the notes.

    meant: tensors of components that are not the model's own.
    """
    pipeline = loaded.pipeline
    for name, own in model.parts().items():
        module = getattr(pipeline, name)
        expected = meant.get(name, own)
        found = module.state_dict()
        assert found.keys() == expected.keys(), name
        for key, value in expected.items():
            assert found[key].dtype == loaded.dtype
            assert torch.equal(found[key], value.to(loaded.dtype)), f"{name}: {key}"
        everything = chain(module.parameters(), module.buffers())
        assert not any(tensor.is_meta for tensor in everything)
        assert not module.training
    assert pipeline.vae.config.scaling_factor == 0.3611
    assert pipeline.vae.config.shift_factor == 0.1159
    assert pipeline.scheduler.config.shift == 3.0
    assert pipeline.transformer.config.rope_theta == 256.0
    assert pipeline.transformer.config.axes_dims == [4, 6, 6]
    assert pipeline.text_encoder.config.rope_parameters["rope_theta"] == 1_000_000.0
    assert pipeline.text_encoder.config.rms_norm_eps == 1e-6
    assert loaded.checkpoint is not None
    return loaded.checkpoint.notes


def tokenizer_of(model: TinyModel, folder: Path) -> Path:
    """Put the tokenizer where it is found."""
    return Path(shutil.copytree(model.folder / "tokenizer", folder / "tokenizer"))
