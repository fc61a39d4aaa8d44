"""Folders that only their owner may read, and that survive a power cut."""

import contextlib
import errno
import os
import stat
from pathlib import Path

from storage.errors import DataFolderUnusable, DiskFull

PRIVATE_MODE = 0o700

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""No space on the device; and, where it exists, no space left to this account."""


def make_private(folder: Path) -> None:
    """Create the folder, mode 0700, if it is missing; an existing one of ours is closed to others.

    Raises DataFolderUnusable when there cannot be a writable folder at this path. Blocking.
    """
    try:
        folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DataFolderUnusable(folder, "part of the path is a file") from None
    except OSError as error:
        raise unusable(folder, error) from error
    _close_to_others(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataFolderUnusable(folder, "the folder is not writable")


def _close_to_others(folder: Path) -> None:
    # Private prompts and tokens lie below. A folder of another user is theirs to decide on, and
    # where a mode cannot be changed (a mounted share) it is no reason to refuse the folder.
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        found = folder.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == os.geteuid() and mode & 0o077:
            folder.chmod(mode & ~0o077)


def sync_folder(folder: Path) -> None:
    """Make a file that was created or renamed in the folder survive a power cut. Blocking."""
    if os.name == "nt":  # a folder cannot be opened there, and NTFS journals its names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(path: Path, error: OSError) -> DataFolderUnusable | DiskFull:
    """What an error of the operating system means for this path."""
    detail = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        return DiskFull(path, detail)
    return DataFolderUnusable(path, detail)
