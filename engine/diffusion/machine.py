"""Measure the machine: free memory of device and host, and their speeds."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from engine.diffusion.devices import pick_products
from engine.diffusion.footprint import Machine
from engine.renderer import DeviceMemory

CGROUPS = Path("/sys/fs/cgroup")
_SIDES = (4096, 2048, 1024, 512)
"""Sides of the multiplied matrices; the smaller ones where a device is nearly full."""
_CPU_SIDE = 512
"""Sides and repetitions were chosen by hand: a measurement takes well under a second."""
_RUNS = 3


@dataclass(frozen=True, slots=True)
class Speeds:
    """Speeds of a device.

    copy, pageable: bytes per second from pinned and from ordinary host memory to the device.
    memory: bytes per second within it, read and written. flops: of its matrix product.
    """

    copy_bytes_per_s: float
    pageable_bytes_per_s: float
    memory_bytes_per_s: float
    flops_per_s: float


def read(
    device: torch.device,
    *,
    host_held_bytes: int = 0,
    speeds: Callable[[torch.device], Speeds] | None = None,
    float32_only: bool = False,
) -> Machine:
    """Return the current state of the machine; speeds are measured at the first call and kept.

    host_held_bytes: host memory that the model itself takes now. It counts as free, as does all
    device memory that this process holds. float32_only: whether the model keeps its quality in
    nothing else.
    """
    speed = (speeds or measured)(device)
    return Machine(
        kind=device.type,
        free_bytes=free_bytes(device),
        total_bytes=total_bytes(device),
        host_free_bytes=host_free_bytes() + host_held_bytes,
        copy_bytes_per_s=speed.copy_bytes_per_s,
        pageable_bytes_per_s=speed.pageable_bytes_per_s,
        memory_bytes_per_s=speed.memory_bytes_per_s,
        flops_per_s=speed.flops_per_s,
        fp8_units=has_fp8_units(device),
        int8_units=has_int8_units(device),
        fp16_instead=pick_products(device) is torch.float16 and not float32_only,
    )


def free_bytes(device: torch.device) -> int | None:
    """Return the device memory that a model may take: free, or already held by this process.

    None where the device shares the host's memory.
    """
    if device.type != "cuda":
        return None
    return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)


def total_bytes(device: torch.device) -> int:
    """Return all memory of the device, or what it may use of the host's."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return psutil.virtual_memory().total


def memory_use(device: torch.device) -> DeviceMemory:
    """Return how much of the memory is in use, by whatever program."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return DeviceMemory(total - free, total)
    total = host_bytes()
    return DeviceMemory(max(0, total - host_free_bytes()), total, shared=True)


def has_fp8_units(device: torch.device) -> bool:
    """Whether the device computes in fp8 rather than only storing it: Ada, Hopper and later."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9)


def has_int8_units(device: torch.device) -> bool:
    """Whether it multiplies matrices of int8: NVIDIA's cards from Turing on, and processors."""
    if device.type != "cuda" or torch.version.hip is not None:
        return device.type == "cpu"
    return torch.cuda.get_device_capability(device) >= (7, 5)


def host_free_bytes(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return the host memory that is free and that this process may take.

    In a container, the container's limit applies too.
    """
    return min([psutil.virtual_memory().available, *_bounds(cgroups, own)])


def host_bytes(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return all memory of the host, or what a container's limit allows of it."""
    return min([psutil.virtual_memory().total, *_limits(cgroups, own)])


@functools.cache
def measured(device: torch.device) -> Speeds:
    """Return the device's speeds, measured once in a process.

    Raises torch.OutOfMemoryError if the device does not even have room for that.
    """
    return measure(device)


def cautious(_device: torch.device) -> Speeds:
    """Return the speeds of an old and slow card, for a device without room for measuring."""
    return Speeds(6e9, 3e9, 200e9, 10e12)


def measure(device: torch.device, clock: Callable[[], float] = time.perf_counter) -> Speeds:
    """Copy and multiply for well under a second. `clock` counts seconds."""
    if device.type == "cpu":
        return _measure(device, _CPU_SIDE, clock)
    for side in _SIDES[:-1]:
        try:
            return _measure(device, side, clock)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    return _measure(device, _SIDES[-1], clock)


def _measure(device: torch.device, side: int, clock: Callable[[], float]) -> Speeds:
    dtype = pick_products(device)
    ordinary = torch.ones(side, 2 * side)  # as many bytes as two of the matrices in bfloat16
    pinned = ordinary.pin_memory() if device.type == "cuda" else ordinary
    there = ordinary.to(device, copy=True)
    other = torch.empty_like(there)
    matrix = torch.ones(side, side, dtype=dtype, device=device)
    product = torch.empty_like(matrix)

    def seconds(work: Callable[[], object]) -> float:
        work()
        _finish(device)
        began = clock()
        for _ in range(_RUNS):
            work()
        _finish(device)
        return max((clock() - began) / _RUNS, 1e-9)

    return Speeds(
        copy_bytes_per_s=there.nbytes / seconds(lambda: there.copy_(pinned, non_blocking=True)),
        pageable_bytes_per_s=there.nbytes / seconds(lambda: there.copy_(ordinary)),
        memory_bytes_per_s=2 * there.nbytes / seconds(lambda: other.copy_(there)),
        flops_per_s=2 * side**3 / seconds(lambda: torch.mm(matrix, matrix, out=product)),
    )


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _bounds(cgroups: Path, own: Path) -> list[int]:
    """Return what is left under each limit on this process's control group and its ancestors."""
    found: list[int] = []
    for group in _groups(cgroups, own):
        for limit_name, used_name, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _number(group / limit_name), _number(group / used_name)
            if limit is not None and used is not None:
                # The page cache counts as used, but is freed on demand.
                found.append(max(0, limit - used + _entry(group / "memory.stat", cache_name)))
    return found


def _limits(cgroups: Path, own: Path) -> list[int]:
    """Return each limit on this process's control group and its ancestors.

    Version 1 has a number near 2**63 for none.
    """
    groups = _groups(cgroups, own)
    names = ("memory.max", "memory.limit_in_bytes")
    found = [_number(group / name) for group in groups for name in names]
    return [limit for limit in found if limit is not None]


def _groups(cgroups: Path, own: Path) -> list[Path]:
    groups = [cgroups, cgroups / "memory"]
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return groups
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers in ("", "memory"):
            place = (cgroups / "memory" if controllers else cgroups) / path.lstrip("/")
            groups += [place, *(above for above in place.parents if cgroups in above.parents)]
    return list(dict.fromkeys(groups))


def _number(file: Path) -> int | None:
    """Return the number in a file; None for "max", and where there is no such file."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _entry(file: Path, name: str) -> int:
    try:
        pairs = (line.split() for line in file.read_text(encoding="ascii").splitlines())
        return next(int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == name)
    except (OSError, ValueError, StopIteration):
        return 0
