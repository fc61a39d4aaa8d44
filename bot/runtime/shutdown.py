"""Turn signals into events: to stop, where a second one ends the process at once, and to reload."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

SAME_SIGNAL_S = 0.3
"""Signals this close together are one: a terminal sends Ctrl-C to a wrapper such as make and to the
process, and some wrappers pass theirs on. Chosen by hand."""


CLOSING_LIMIT_S = 5.0
"""How long Windows lets a process live whose console window was closed, by its documentation."""
_REQUEST_FILE = "zimagine.stop"
_REQUEST_POLL_S = 0.5
"""How often a request to stop is looked for. Chosen by hand."""
_STOPPING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""Ctrl-C is SIGINT; a closed terminal is SIGHUP, and on Windows, like Ctrl-Break, SIGBREAK."""
_TERMINAL = Path("/dev/tty")
"""The terminal that controls the process; cannot be opened if it has none, or none any more."""


def stop_signals() -> list[signal.Signals]:
    """Return the signals of this system that stop a process in order.

    SIGHUP is left out where whoever started the process (nohup) had it ignored, to outlive the
    terminal.
    """
    found = [getattr(signal, name) for name in _STOPPING if hasattr(signal, name)]
    return [each for each in found if each.name != "SIGHUP" or not _hangup_ignored()]


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event, reload: asyncio.Event | None = None) -> Iterator[None]:
    """Set `stop` on the first of `stop_signals`; a second one ends the process at once.

    reload: set on SIGHUP instead, unless that says that the terminal was closed in which the
    process was started. Also works on Windows, whose event loop has no signal handlers.
    """
    loop = asyncio.get_running_loop()
    first_s: float | None = None
    # A process without a terminal cannot lose one, and one that nohup started does not mind.
    outlives = _hangup_ignored() or not _has_terminal()

    def handle(number: int, _frame: object) -> None:
        nonlocal first_s
        now_s = time.monotonic()
        if reload is not None and number == _hangup() and (outlives or _has_terminal()):
            loop.call_soon_threadsafe(reload.set)
        elif first_s is None:
            first_s = now_s
            loop.call_soon_threadsafe(stop.set)
        elif now_s - first_s > SAME_SIGNAL_S:
            # As if the process had not handled it, so that whoever started it sees the truth. The
            # next start recovers what was in progress, as after a crash.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    numbers = {*stop_signals(), *([] if reload is None else filter(None, [_hangup()]))}
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        with _console_held_open():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hangup() -> signal.Signals | None:
    """Return SIGHUP; None on Windows."""
    return getattr(signal, "SIGHUP", None)


def _hangup_ignored() -> bool:
    number = _hangup()
    return number is not None and signal.getsignal(number) is signal.SIG_IGN


def _has_terminal() -> bool:
    try:
        _TERMINAL.open("rb", buffering=0).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def stop_on_request(folder: Path, stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when `request_stop` is called for this folder, also from another process.

    The folder must be held by this process. A request from before it was started is dropped.
    """
    loop = asyncio.get_running_loop()
    file = folder / _REQUEST_FILE
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_REQUEST_POLL_S):
            with contextlib.suppress(OSError):
                file.unlink()
                loop.call_soon_threadsafe(stop.set)
                return

    with contextlib.suppress(OSError):
        # Linux knows that time to the second only, which is good enough here.
        if file.stat().st_mtime < psutil.Process().create_time():
            file.unlink()
    # On a thread of its own: the event loop does not wait for the disk.
    threading.Thread(target=watch, name="stop-requests", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def request_stop(folder: Path) -> None:
    """Ask the process that holds a folder to stop in order. Raises OSError."""
    (folder / _REQUEST_FILE).write_text("", encoding="ascii")


def withdraw_stop(folder: Path) -> None:
    """Take the request back, if nobody has read it. Raises OSError."""
    (folder / _REQUEST_FILE).unlink(missing_ok=True)


@contextlib.contextmanager
def _console_held_open() -> Iterator[None]:
    """On Windows, let the process end in order when its console window is closed.

    Windows ends such a process as soon as the handler of the event returns, and Python's only makes
    a note for the main thread. This one, which is asked first, raises the signal itself and waits.
    """
    if sys.platform != "win32":
        yield
        return
    import ctypes

    ended = threading.Event()
    closing = {2, 5, 6}  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT

    @ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
    def wait(event: int) -> int:
        if event not in closing:
            return 0  # not handled here: Python's handler is next
        signal.raise_signal(signal.SIGBREAK)
        ended.wait(CLOSING_LIMIT_S)
        return 1

    ctypes.windll.kernel32.SetConsoleCtrlHandler(wait, 1)
    try:
        yield
    finally:
        ended.set()
        ctypes.windll.kernel32.SetConsoleCtrlHandler(wait, 0)
