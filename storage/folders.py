"""Folders that only their owner can read and that survive a power cut."""

import contextlib
import errno
import os
import stat
import time
from pathlib import Path

from storage.errors import DataFolderUnusable, DiskFull

PRIVATE_MODE = 0o700
OPEN_LIMIT_S = 1.0
"""Chosen by hand."""

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""No space left on the device or, where the system has it, in this account's disk quota."""


def make_private(folder: Path) -> None:
    """Create the folder with mode 0700 if missing; restrict an existing one owned by this user.

    Raises DataFolderUnusable if there cannot be a writable folder at this path. Blocking.
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
    # It will contain private prompts and tokens. The permissions of a folder owned by another user
    # are theirs to decide, and a mode that cannot be changed (on a mounted share) is no reason to
    # refuse the folder.
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        found = folder.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == os.geteuid() and mode & 0o077:
            folder.chmod(mode & ~0o077)


def replace(source: Path, target: Path) -> None:
    """Rename a file over another one. Raises OSError. Blocking.

    On Windows a file that anybody has open cannot be replaced, and virus scanners open every new
    one for a moment: it is tried again for OPEN_LIMIT_S.
    """
    deadline_s = time.monotonic() + OPEN_LIMIT_S
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return


def sync_folder(folder: Path) -> None:
    """Make a file created or renamed in this folder survive a power cut. Blocking."""
    if os.name == "nt":  # folders cannot be opened there, and NTFS journals its names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(path: Path, error: OSError) -> DataFolderUnusable | DiskFull:
    """Return the storage error for an operating system error at this path."""
    detail = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        return DiskFull(path, detail)
    return DataFolderUnusable(path, detail)
