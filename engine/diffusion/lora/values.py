"""Check all values of a LoRA without a model, as they are checked before painting."""

from __future__ import annotations

import torch

from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.weights import load


def check_values(shelf: LoraShelf, name: str) -> int:
    """Read a whole file on the CPU and return how many parts of the model it changes.

    Raises LoraUnusable, LoraInvalid with the first tensor whose values are not finite.
    """
    with shelf.opened(name) as lora:
        return len(load(lora, torch.device("cpu"), torch.float32).changes)
