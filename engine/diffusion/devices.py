"""The device to paint on, and its number format."""

from __future__ import annotations

import torch

from engine.errors import ModelUnavailable
from engine.types import Remark


def pick_device(wanted: str, model: str) -> torch.device:
    """Return the device for "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises ModelUnavailable if this machine or this build of torch does not have it.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ModelUnavailable(model, f"{wanted!r} is not a device") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            build = "has no CUDA" if torch.version.cuda is None else "finds no GPU"
            raise ModelUnavailable(model, f"no CUDA device: torch {torch.__version__} {build}")
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ModelUnavailable(
                model, f"{wanted} does not exist: torch finds {count} CUDA device(s)"
            )
        return torch.device("cuda", device.index or 0)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelUnavailable(model, "no Apple GPU here")
    if device.type not in {"cpu", "mps"}:
        raise ModelUnavailable(model, f"zimagine does not paint on {device.type!r} devices")
    return device


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it, else float32.

    Never float16: in it T5 overflows, and other models' pictures become black. Products alone may
    be in it: see `pick_products`.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def pick_products(device: torch.device) -> torch.dtype:
    """Return the number format for products of large matrices.

    float16 on NVIDIA's cards that multiply in it and not in bfloat16 (Volta and Turing: the
    20-series, T4, V100); older ones are slower in it. Else `pick_dtype`.
    """
    dtype = pick_dtype(device)
    if dtype is torch.float32 and device.type == "cuda" and torch.version.hip is None:
        fast = torch.cuda.get_device_capability(device) >= (7, 0)
        return torch.float16 if fast else dtype
    return dtype


def computes_bfloat16() -> bool:
    """Whether this processor multiplies matrices in bfloat16 itself; emulated, it is very slow."""
    has = torch.cpu.get_capabilities()
    return any(has.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))


def remarks(device: torch.device) -> tuple[Remark, ...]:
    """Return what the owner should know: everything but a GPU with bfloat16 paints slowly."""
    if device.type == "cuda":
        products = pick_products(device)
        if products is torch.bfloat16:
            return ()
        return (Remark.FLOAT16 if products is torch.float16 else Remark.NO_BFLOAT16,)
    return (Remark.MPS,) if device.type == "mps" else (Remark.CPU,)
