"""The devices that memory plans are measured on: a card with its own memory, or this host."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import torch

from engine.diffusion import machine, offloaded_weights
from engine.diffusion.footprint import Machine
from tests.engine.diffusion.cards import rtx_4090

GB: Final = 10**9
_HOST: Final = torch.device("cpu")
_HOST_CARD_BYTES: Final = 24 * GB


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the device's memory: taken by tensors, and reserved for them."""

    allocated_bytes: int
    reserved_bytes: int


class TooFull(Exception):
    """Less memory is free than is to be left free."""


class CudaCard:
    """A real card. All calls come from one thread."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._taken: list[ctypes.c_uint64] = []
        torch.cuda.set_device(device)
        torch.cuda.init()
        machine.measured(device)  # measured once, now, so that it is not part of any plan
        self.clear()

    def describe(self) -> str:
        """Its name and the driver's."""
        total_gb = torch.cuda.mem_get_info(self.device)[1] / GB
        name = torch.cuda.get_device_name(self.device)
        return f"{name}, {total_gb:.1f} GB, driver {_driver_version()}, CUDA {torch.version.cuda}"

    def finish(self) -> None:
        """Wait until everything is computed."""
        torch.cuda.synchronize(self.device)

    def reset(self) -> None:
        """Start a new peak."""
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> Memory | None:
        """The most memory used since `reset`; None where it is not counted."""
        self.finish()
        cuda = torch.cuda
        return Memory(cuda.max_memory_allocated(self.device), cuda.max_memory_reserved(self.device))

    def now(self) -> Memory | None:
        """The memory used now."""
        self.finish()
        cuda = torch.cuda
        return Memory(cuda.memory_allocated(self.device), cuda.memory_reserved(self.device))

    def fill(self, leave_bytes: int) -> None:
        """Allocate all free memory but `leave_bytes`, as another program would. Raises TooFull."""
        # Past torch's allocator, because the renderer counts what that holds as its own. Torch's
        # memory fraction would not do either, because the renderer asks the driver what is free.
        self.clear()
        free_bytes = torch.cuda.mem_get_info(self.device)[0]
        if free_bytes < leave_bytes:
            raise TooFull(f"only {free_bytes / GB:.2f} GB are free")
        if free_bytes > leave_bytes:
            address = ctypes.c_uint64()
            size = ctypes.c_size_t(free_bytes - leave_bytes)
            status = _driver().cuMemAlloc_v2(ctypes.byref(address), size)
            if status:
                raise RuntimeError(f"cuMemAlloc of {size.value} bytes: error {status}")
            self._taken.append(address)

    def empty(self) -> None:
        """Free what `fill` allocated."""
        while self._taken:
            _driver().cuMemFree_v2(self._taken.pop())

    def clear(self) -> None:
        """Return to the device what a renderer has left."""
        gc.collect()
        torch.cuda.synchronize(self.device)
        offloaded_weights.give_back(self.device)
        offloaded_weights.give_back_host()


class HostCard:
    """The CPU, which the renderer treats as a card with its own memory; use it in `with`.

    model_share: bytes of the painted model per byte of the full-size one, so that the rest of a
    filled card is equally scarce for both.
    """

    def __init__(self, model_share: float) -> None:
        # Another name of the same memory, to which tensors are really copied, as to a GPU.
        self.device = torch.device("cpu", 0)
        self._model_share = model_share
        self._free_bytes = _HOST_CARD_BYTES

    def __enter__(self) -> HostCard:
        self._undo = contextlib.ExitStack()
        self._undo.enter_context(mock.patch.object(machine, "read", self._read))
        self._undo.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)  # such small products are slower on two
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _read(self, *_: object, **_options: object) -> Machine:
        return dataclasses.replace(rtx_4090(), free_bytes=self._free_bytes)

    def describe(self) -> str:
        return "CPU (a rehearsal with a tiny model: nothing is measured)"

    def finish(self) -> None: ...
    def reset(self) -> None: ...
    def clear(self) -> None: ...

    def peak(self) -> Memory | None:
        return None

    def now(self) -> Memory | None:
        return None

    def fill(self, leave_bytes: int) -> None:
        if leave_bytes > _HOST_CARD_BYTES:
            raise TooFull(f"only {_HOST_CARD_BYTES / GB:.2f} GB are free")
        self._free_bytes = int(leave_bytes * self._model_share)

    def empty(self) -> None:
        self._free_bytes = _HOST_CARD_BYTES


Card = CudaCard | HostCard


@contextlib.contextmanager
def filled(card: Card, leave_bytes: int | None) -> Iterator[None]:
    """Leave no more than this much free for the duration; None = as it is. Raises TooFull."""
    if leave_bytes is not None:
        card.fill(leave_bytes)
    try:
        yield
    finally:
        card.empty()


def _driver() -> Any:
    """Return the driver's own library, in the context that torch has made current on this thread.

    Raises OSError where there is none, as on AMD.
    """
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _driver_version() -> str:
    with contextlib.suppress(OSError):
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
        if found := re.search(r"\b\d{3}\.[\d.]+\b", text):
            return found[0]
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return answer.stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"
