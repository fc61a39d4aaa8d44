"""Folders and files that only their owner can read, and names that survive a power cut."""

import errno
import os
from pathlib import Path

from storage.errors import DataFolderUnusable, DiskFull

PRIVATE_MODE = 0o700
PRIVATE_FILE_MODE = 0o600

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""No space left on the device or, where the system has it, in this account's disk quota."""


def ensure(folder: Path) -> None:
    """Create the folder with mode 0700 if it is missing; one that exists keeps its mode.

    It may hold other people's files, or be open to a group on purpose. So whatever the bot puts
    into a folder is private by itself: folders have mode 0700, the database and pictures 0600.
    Raises DataFolderUnusable if there cannot be a writable folder at this path. Blocking.
    """
    try:
        folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DataFolderUnusable(folder, "part of the path is a file") from None
    except OSError as error:
        raise unusable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataFolderUnusable(folder, "the folder is not writable")


def ensure_file(path: Path) -> None:
    """Create an empty file with mode 0600 if it is missing; one that exists is left alone.

    Raises DataFolderUnusable or DiskFull. Blocking.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
    except OSError as error:
        raise unusable(path, error) from error


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
