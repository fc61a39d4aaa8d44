"""Read weights in torch's own format, without running what is pickled in it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.stored import Stored, TensorInMemory, WeightFile

_WRAPPERS = ("state_dict", "model", "module")
"""Keys below which training programs keep the tensors."""


def read_pickled(path: Path, label: str) -> WeightFile:
    """Return the tensors of a .bin, .pt or .ckpt file, mapped from the disk. Raises Unusable.

    Only tensors and plain values are unpickled; whatever would call anything else is refused.
    """
    if not zipfile.is_zipfile(path):
        raise Unusable(
            f"{label} is damaged, or pickled without torch's archive around it, which is not opened"
        )
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a broken archive makes torch raise nearly anything
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Unusable(
            f"{label} is damaged or holds more than tensors, which is not opened "
            f"({first_line[:120]})"
        ) from error
    return WeightFile(label, _tensors(found, label))


def _tensors(found: Any, label: str) -> dict[str, Stored]:
    if isinstance(found, dict):
        for wrapper in _WRAPPERS:
            if isinstance(found.get(wrapper), dict):
                found = found[wrapper]
    if not isinstance(found, dict) or not found:
        raise Unusable(f"{label} holds no tensors by name")
    others = sorted(str(key) for key, value in found.items() if not isinstance(value, torch.Tensor))
    if others:
        raise Unusable(f"{label} holds more than tensors: {listed(others)}")
    unusual = sorted(
        str(key)
        for key, value in found.items()
        if value.layout is not torch.strided or value.is_meta or value.is_quantized
    )
    if unusual:
        raise Unusable(
            f"{label} holds tensors that are sparse, quantized or empty: {listed(unusual)}"
        )
    return {
        str(key): TensorInMemory(str(key), label, value.detach().contiguous())
        for key, value in found.items()
    }
