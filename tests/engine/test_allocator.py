"""Freed memory stays with the process for the next picture, and goes back when it is asked for."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

SIZE = 8 << 20
PROGRAM = f"""
import ctypes, json, resource, threading
from engine.allocator import keep_freed, return_freed

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = (ctypes.c_void_p,)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def used():
    place = library.malloc({SIZE})
    ctypes.memset(place, 1, {SIZE})
    library.free(place)

def measured(found):
    used()
    before = faults()
    for _ in range(5):
        used()
    found.append((faults() - before) / 5)

kept = keep_freed()
found = []
measured(found)
thread = threading.Thread(target=measured, args=(found,))
thread.start()
thread.join()
return_freed()
before = faults()
used()
found.append(faults() - before)
print(json.dumps([kept, *found]))
"""
FEW = 2
"""Page faults. Pages of 2 MiB, the largest that such memory has, would be four."""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have other allocators"
)


def run(**variables: str) -> list[float]:
    """Run the program and return whether it keeps memory, and page faults: of 8 MiB on the main
    thread and on another, and of the first 8 MiB after all was returned."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables,
    )
    return json.loads(done.stdout)


def test_memory_is_kept_and_returned() -> None:
    """The same memory is used again without a page fault, on any thread, until it is returned."""
    kept, here, there, after = run()
    assert kept
    assert max(here, there) < FEW <= after


def test_the_owner_decides() -> None:
    """Whoever sets the allocator's parameters keeps them: here, each piece is returned at once."""
    kept, here, *_ = run(MALLOC_MMAP_THRESHOLD_="131072")
    assert not kept
    assert here >= FEW
