"""Classify the errors of torch and the libraries below it."""

from __future__ import annotations

import re

import torch

from engine.errors import OutOfMemory

_SIGNS = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "can't allocate memory",
)
"""Libraries below torch report it as plain errors; the process can continue after them."""
_SIZE = r"([\d.]+) (KiB|MiB|GiB|bytes)"
_STATED = {
    "allocated": re.compile(f"{_SIZE} is allocated by PyTorch"),
    "reserved": re.compile(f"{_SIZE} is reserved by PyTorch"),
    "free": re.compile(f"of which {_SIZE} is free"),
}
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def is_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def is_sticky(error: BaseException) -> bool:
    """Whether every further call to the device fails in this process."""
    kind = getattr(torch, "AcceleratorError", None)
    text = str(error)
    return (kind is not None and isinstance(error, kind)) or text.startswith("CUDA error:")


def out_of_memory(error: BaseException, device: torch.device) -> OutOfMemory:
    """Convert to an outcome, with the sizes from the message if it has them, else current ones."""
    stated = {name: _bytes(pattern, str(error)) for name, pattern in _STATED.items()}
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        allocated, reserved = torch.cuda.memory_allocated, torch.cuda.memory_reserved
        now = {"allocated": allocated(device), "reserved": reserved(device), "free": free}
    else:
        now = dict.fromkeys(stated)
    known = {name: now[name] if value is None else value for name, value in stated.items()}
    if known["reserved"] is not None and stated["reserved"] is not None:
        # Torch reports what it reserves beyond what is in use; our errors report the total.
        known["reserved"] += known["allocated"] or 0
    return OutOfMemory(known["allocated"], known["reserved"], known["free"])


def _bytes(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return None if found is None else int(float(found[1]) * _UNITS[found[2]])
