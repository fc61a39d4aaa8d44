"""Weights that are parts of mapped files: their memory goes back to the system after their use.

A mapped file's pages count as this process's memory from their first use on. Without this a text
encoder, which reads a prompt in seconds, keeps 8 GB for as long as the transformer paints. The
system still has the pages in its cache of files, as long as nobody else needs the memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from torch import nn

LEAST_BYTES: Final = 2**30
"""Modules with fewer bytes of weights keep their pages: to ask takes milliseconds. By hand."""

_PAGEMAP: Final = Path("/proc/self/pagemap")
_PRESENT: Final = np.uint64(1 << 63)
_SWAPPED: Final = np.uint64(1 << 62)
_OF_A_FILE: Final = np.uint64(1 << 61)
"""What the system says of each page: https://docs.kernel.org/admin-guide/mm/pagemap.html"""


@contextlib.contextmanager
def passing(module: nn.Module) -> Iterator[None]:
    """Give back each block's pages after its forward, and those of the whole module at the end.

    Only what still is as in its file: a weight that was changed in place stays. Does nothing for a
    module with less than LEAST_BYTES, for weights on a device, and on other systems than Linux.
    """
    weights = sum(each.nbytes for each in module.parameters() if each.device.type == "cpu")
    if weights < LEAST_BYTES or not sys.platform.startswith("linux"):
        yield
        return

    def forget(block: nn.Module, *_: Any) -> None:
        give_back_pages(block)

    lists = [part for part in module.children() if isinstance(part, nn.ModuleList)]
    hooks = [block.register_forward_hook(forget) for blocks in lists for block in blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        give_back_pages(module)


def give_back_pages(module: nn.Module) -> int:
    """Give back the pages of a module's weights that are as in their files; return their bytes."""
    given = 0
    with contextlib.suppress(OSError), _PAGEMAP.open("rb", buffering=0) as pagemap:
        for start, stop in _whole_pages(module):
            if _is_as_in_its_file(pagemap, start, stop) and _advise(start, stop - start):
                given += stop - start
    return given


def _whole_pages(module: nn.Module) -> Iterator[tuple[int, int]]:
    """Yield where the weights lie on the host: the pages that belong to one of them alone."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in (*module.parameters(), *module.buffers())
        if tensor.device.type == "cpu"
    }
    for address, size in storages.items():
        start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        stop = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
        if start < stop:
            yield start, stop


def _is_as_in_its_file(pagemap: BinaryIO, start: int, stop: int) -> bool:
    """Whether no page of a range is a copy of this process's own, or no file's at all."""
    count = (stop - start) // mmap.PAGESIZE
    pagemap.seek(start // mmap.PAGESIZE * 8)
    pages = np.frombuffer(pagemap.read(count * 8), np.uint64)
    own = ((pages & _PRESENT) != 0) & ((pages & _OF_A_FILE) == 0)
    return len(pages) == count and not (own | ((pages & _SWAPPED) != 0)).any()


def _advise(address: int, size: int) -> bool:
    """Tell the system that pages are not needed; the next use reads them from the file again."""
    libc = ctypes.CDLL(None)
    return libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), mmap.MADV_DONTNEED) == 0
