"""A small disk for the bot's data that can be filled up and freed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 4096


class SmallDisk:
    """A mounted tmpfs. Every method blocks, but only briefly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, left_bytes: int = 0) -> None:
        """Use up all space but `left_bytes`."""
        found = os.statvfs(self.folder)
        room = found.f_bavail * found.f_frsize - left_bytes
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            for _ in range(room // _BLOCK_BYTES):
                os.write(descriptor, b"x" * _BLOCK_BYTES)
        except OSError:  # another process took the last of it
            pass
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Free the space again."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[SmallDisk | None]:
    """Mount a small disk at `folder`; yields None if this machine or account cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (sys.platform == "linux" and os.geteuid() == 0 and _mount(folder, size_mib)):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _mount(folder: Path, size_mib: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=700", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False
