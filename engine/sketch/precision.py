"""The number format that training computes its products in."""

import torch

from engine.diffusion.devices import computes_bfloat16


def products() -> torch.dtype:
    """Return bfloat16 where this processor multiplies matrices in it, else float32.

    Emulated, bfloat16 is a hundred times slower: a convolution took 0.05 s in float32 and 5 s in
    bfloat16 on a processor with AVX2 alone.
    """
    return torch.bfloat16 if computes_bfloat16() else torch.float32


def mixed_precision() -> torch.autocast:
    """Return a context that computes products in `products()`, and all else as it is."""
    return torch.autocast("cpu", torch.bfloat16, enabled=products() is torch.bfloat16)
