"""Checkpoints of a training that can be stopped and resumed; each is complete or absent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    """A model, an optimizer or a schedule."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


def save_checkpoint(path: Path, parts: Mapping[str, Stateful], step: int) -> None:
    """Write all parts and the number of finished steps, replacing the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    torch.save({"step": step, **{name: part.state_dict() for name, part in parts.items()}}, draft)
    draft.replace(path)


def load_checkpoint(path: Path, parts: Mapping[str, Stateful]) -> int:
    """Restore all parts; return the number of finished steps, 0 if there is no file."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])
