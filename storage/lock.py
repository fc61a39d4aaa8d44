"""One bot per data folder; a second one learns the process id of the first."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import filelock
import psutil

from storage import folders
from storage.errors import DataFolderLocked

_LOCK_FILE: Final = "zimagine.lock"
_PID_FILE: Final = "zimagine.pid"


_CLOCK_SLACK_S: Final = 2.0
"""How much younger than its file a process may look: Linux rounds its start. Chosen by hand."""


def holder(data_dir: Path) -> int | None:
    """Return the process that uses a data folder, without taking the lock; None if nobody does.

    A process that was killed leaves its number behind, which another may have by now: one that was
    started after the file was written is not the one. Blocking, but not for long.
    """
    file = Path(data_dir) / _PID_FILE
    try:
        pid, written_s = int(file.read_text(encoding="ascii")), file.stat().st_mtime
        started_s = psutil.Process(pid).create_time()
    except (OSError, ValueError, psutil.Error):
        return None
    return pid if started_s <= written_s + _CLOCK_SLACK_S else None


class DataFolderLock:
    """Held by the process that uses a data folder, and released when it ends, however it ends.

    The operating system holds the lock on an open file, so a killed process leaves nothing in the
    way. The pid is in a separate file, since Windows lets nobody read a locked one.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._pid_file = self._data_dir / _PID_FILE
        # Not bound to a thread: the event loop may acquire it and an executor release it.
        self._lock = filelock.FileLock(
            self._data_dir / _LOCK_FILE, blocking=False, thread_local=False
        )

    def acquire(self) -> None:
        """Take the lock at once, or raise DataFolderLocked with the holder's pid.

        Raises DataFolderUnusable if the folder cannot be written. Blocking, but not for long.
        """
        folders.ensure(self._data_dir)
        if self._lock.is_locked:
            raise DataFolderLocked(self._data_dir, os.getpid())
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise DataFolderLocked(self._data_dir, self._holder()) from None
        except OSError as error:
            raise folders.unusable(self._data_dir, error) from error
        try:
            self._pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
        except OSError as error:
            self._lock.release()
            raise folders.unusable(self._pid_file, error) from error

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):  # on Windows, another process may be reading it
                self._pid_file.unlink()
            self._lock.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _holder(self) -> int | None:
        try:
            return int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # it is just starting or ending
            return None
