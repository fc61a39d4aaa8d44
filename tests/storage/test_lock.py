"""The data folder lock: one holder, known to the next, and released with its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import DataFolderLocked, DataFolderUnusable
from storage.lock import DataFolderLock

HOLDER = (
    "import sys, pathlib\n"
    "from storage.lock import DataFolderLock\n"
    "with DataFolderLock(pathlib.Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def hold(data_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_learns_the_pid_of_the_first(tmp_path: Path) -> None:
    """While another process holds the folder, acquiring raises with its pid; then it works."""
    with hold(tmp_path) as process:
        with pytest.raises(DataFolderLocked) as caught:
            DataFolderLock(tmp_path).acquire()
        assert (caught.value.pid, caught.value.path) == (process.pid, tmp_path)
        process.communicate()
    with DataFolderLock(tmp_path):
        pass


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    """After the holder is killed, the next process acquires at once and its pid is reported."""
    with hold(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with DataFolderLock(tmp_path):
        with pytest.raises(DataFolderLocked) as caught:
            DataFolderLock(tmp_path).acquire()
        assert caught.value.pid == os.getpid()


def test_a_holder_that_cannot_be_read_is_nobody(tmp_path: Path) -> None:
    """Without a readable pid the error has None instead of failing."""
    with DataFolderLock(tmp_path):
        (tmp_path / "zimagine.pid").write_text("")
        with pytest.raises(DataFolderLocked) as caught:
            DataFolderLock(tmp_path).acquire()
        assert caught.value.pid is None


def test_one_lock_is_taken_once(tmp_path: Path) -> None:
    """The same lock object cannot be acquired twice, but can be after its release."""
    lock = DataFolderLock(tmp_path)
    with lock, pytest.raises(DataFolderLocked):
        lock.acquire()
    lock.release()
    with lock:
        pass


def test_creates_the_folder(tmp_path: Path) -> None:
    """A missing data folder is created; a file in its place is reported."""
    with DataFolderLock(tmp_path / "new" / "data"):
        assert (tmp_path / "new" / "data").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderUnusable):
        DataFolderLock(tmp_path / "file").acquire()
