"""Call a library that torch's AOTInductor made, through its C interface.

torch's own way to call one from Python keeps the interpreter's lock for as long as it computes. On
a processor that is half a second for a large block, in which the event loop would stand still.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

_AOTI: Any = torch._C._aoti  # pyright: ignore[reportAttributeAccessIssue]


class Container:
    """A library in memory; called from one thread. Raises RuntimeError or OSError."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self._device = device
        self._library = ctypes.CDLL(str(path))
        self._handle = ctypes.c_void_p()
        create = self._library.AOTInductorModelContainerCreateWithDevice
        self._check(create(ctypes.byref(self._handle), _size(1), str(device).encode(), None))

    def run(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the single answer for these tensors, which stay as they are."""
        stream = None
        if self._device.type == "cuda":
            stream = ctypes.c_void_p(torch.cuda.current_stream(self._device).cuda_stream)
        # References of the library's own, which it gives up itself.
        given = _AOTI.unsafe_alloc_void_ptrs_from_tensors(list(tensors))
        handles = (ctypes.c_void_p * len(given))(*(_pointer(each, None) for each in given))
        answers = (ctypes.c_void_p * 1)()
        run = self._library.AOTInductorModelContainerRunSingleThreaded
        counts = _size(len(given)), _size(1)
        self._check(run(self._handle, handles, counts[0], answers, counts[1], stream, None))
        capsule: Any = _capsule(answers[0], None, None)
        (answer,) = _AOTI.alloc_tensors_by_stealing_from_void_ptrs([capsule])
        return answer

    def close(self) -> None:
        """Free what the library holds."""
        handle, self._handle = self._handle, ctypes.c_void_p()
        if handle:
            self._library.AOTInductorModelContainerDelete(handle)

    def _check(self, code: int) -> None:
        if code:
            text = ctypes.c_char_p()
            self._library.AOTInductorGetLastError(ctypes.byref(text))
            said = (text.value or b"").decode("utf-8", errors="replace").strip()
            raise RuntimeError(said.partition("\n")[0] or f"it ended with code {code}")


_size = ctypes.c_size_t
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
