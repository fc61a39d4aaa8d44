"""The C library's allocator: memory that painting gives back is kept for the next picture.

GNU's allocator returns what is freed in large pieces to the system at once, and the system clears
each page again when it is next touched. On a processor every operation of a network allocates its
result, so that a picture cost ten thousand page faults.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from typing import Any, Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""The numbers of these parameters in GNU's malloc.h."""
_LARGEST: Final = 32 << 20
"""Bytes. The largest piece that the allocator can take from memory it keeps."""
_KEPT: Final = 256 << 20
"""Bytes that may stay with the process. By hand: twice what a picture of 512 × 512 px takes."""
_OWNERS: Final = (
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_ARENA_MAX",
    "GLIBC_TUNABLES",
)


def keep_freed() -> bool:
    """Keep freed memory for the next allocation; return whether that is possible here.

    Call it before other threads allocate: a thread's own memory is returned however little it is.
    Where the environment sets the allocator's parameters, they stay as they are.
    """
    library = _library()
    if library is None or any(name in os.environ for name in _OWNERS):
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, _KEPT))
    return all(library.mallopt(name, value) for name, value in wanted)


def return_freed() -> None:
    """Return everything that was kept to the system."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


def _library() -> Any:
    """Return GNU's C library; None where there is another."""
    if platform.libc_ver()[0] != "glibc":
        return None
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt") and hasattr(library, "malloc_trim"):
            return library
    return None
