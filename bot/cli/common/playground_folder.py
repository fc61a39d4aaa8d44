"""The folder of the playground in the data folder: one playground at a time, found by the next."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from bot.cli.common.errors import explain_errors, fail
from bot.exit_codes import UNAVAILABLE
from bot.playground.process import POINTED
from storage import folders
from storage.errors import DataFolderLocked
from storage.lock import DataFolderLock

FOLDER_NAME: Final = "playground"
_ADDRESS_FILE: Final = "address"
ADDRESS_WAIT_S: Final = 3.0
"""How long a playground that has just been started may take to open its port. Chosen by hand."""
LEFTOVER_WAIT_S: Final = 75.0
"""How long the bot of a killed playground may take: `drain_s` and what follows. Chosen by hand."""
_POLL_S: Final = 0.2


class PlaygroundFolder:
    """The chat of the playground of a data folder; held by one process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def at(self, url: str) -> Iterator[None]:
        """Let a second `zimagine playground` know the address, as long as it is served."""
        file = self.path / _ADDRESS_FILE
        # In one step, so that nobody reads half an address.
        draft = file.with_suffix(".new")
        draft.write_text(url, encoding="utf-8")
        draft.replace(file)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # on Windows, a second one may be reading it
                file.unlink()


@contextlib.contextmanager
def hold(data_dir: Path, report: Callable[[str], None]) -> Iterator[PlaygroundFolder]:
    """Hold the folder of the playground, and wait until no bot is left in the data folder.

    Exits with one sentence and UNAVAILABLE if another playground or bot runs there: the sentence
    says where the other one is. report: called with a sentence if there is something to wait for.
    Blocking.
    """
    with explain_errors():
        folders.ensure(data_dir)
    path = data_dir / FOLDER_NAME
    lock = DataFolderLock(path)
    with explain_errors():
        try:
            lock.acquire()
        except DataFolderLocked as error:
            fail(_where_it_runs(data_dir, path, error.pid), UNAVAILABLE)
    try:
        (path / _ADDRESS_FILE).unlink(missing_ok=True)  # of one that was killed
        _wait_for_leftover(data_dir, report)
        yield PlaygroundFolder(path)
    finally:
        lock.release()


def _where_it_runs(data_dir: Path, path: Path, pid: int | None) -> str:
    """Return the sentence about the playground that holds the folder."""
    whose = "" if pid is None else f" (process {pid})"
    address = _address(path)
    if not address:
        return f"A playground{whose} is just starting or stopping in {data_dir}; please try again."
    return (
        f"The playground already runs at {address}{whose}. To stop it, press Ctrl-C where it was "
        f"started, or run `zimagine stop`; to run a second one, set another data_dir than "
        f"{data_dir}."
    )


def _address(path: Path) -> str:
    deadline_s = time.monotonic() + ADDRESS_WAIT_S
    while True:
        with contextlib.suppress(OSError, UnicodeError):
            if address := (path / _ADDRESS_FILE).read_text(encoding="utf-8").strip():
                return address
        if time.monotonic() > deadline_s:
            return ""
        time.sleep(_POLL_S)


def _wait_for_leftover(data_dir: Path, report: Callable[[str], None]) -> None:
    """Wait for the bot of a playground that was killed; any other bot ends this command."""
    deadline_s = time.monotonic() + LEFTOVER_WAIT_S
    told = False
    while True:
        with explain_errors():
            try:
                with DataFolderLock(data_dir):
                    return
            except DataFolderLocked as error:
                if not _is_leftover(error.pid) or time.monotonic() > deadline_s:
                    raise
                if not told:
                    report(
                        f"Waiting for the bot of a killed playground (process {error.pid}), "
                        "which is still finishing its work."
                    )
                told = True
        time.sleep(_POLL_S)


def _is_leftover(pid: int | None) -> bool:
    """Return whether a process is the bot of a playground, which is stopping without it."""
    if pid is None:  # it is just ending
        return True
    try:
        return POINTED in psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
