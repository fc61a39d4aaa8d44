"""The number format that training computes its products in."""

from typing import Final

import torch

from engine.diffusion.devices import computes_bfloat16

CPU: Final = torch.device("cpu")


def products(device: torch.device = CPU) -> torch.dtype:
    """Return bfloat16 where a device multiplies matrices in it, else float32.

    Emulated, bfloat16 is a hundred times slower: a convolution took 0.05 s in float32 and 5 s in
    bfloat16 on a processor with AVX2 alone.
    """
    emulated = device.type == "cpu" and not computes_bfloat16()
    return torch.float32 if emulated else torch.bfloat16


def mixed_precision(device: torch.device = CPU) -> torch.autocast:
    """Return a context that computes products in `products()`, and all else as it is."""
    wanted = products(device) is torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)
