"""Run the process that compiles, and wait for it without keeping anybody else waiting."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, Final

from engine.diffusion.compilation.process import LENGTH, Order

LIMIT_S: Final = 3600.0
"""How long a compiler may take that only has what painting leaves of the processor. Chosen by hand:
alone it takes less than a minute."""
_POLL_S: Final = 0.2
_MODULE: Final = "engine.diffusion.compilation.process"
_SECRETS: Final = ("TOKEN", "SECRET", "PASSWORD")
"""Parts of the names of variables that the compiler has no use for."""


class CompileFailed(Exception):
    """The block could not be compiled; the message is one line."""


class CompileStopped(Exception):
    """It is not wanted any more."""


def carry_out(order: Order, stop: threading.Event, limit_s: float = LIMIT_S) -> None:
    """Compile what is ordered. Raises CompileFailed, or CompileStopped once `stop` is set.

    Blocks for as long as it takes; the process ends with this one, whatever ends it.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=_environment(),
                # Not in the terminal's group, so that Ctrl-C lets this process end it; but in the
                # same session: Linux weighs priorities only within one.
                process_group=0 if sys.platform != "win32" else None,
            )
        except OSError as error:
            raise CompileFailed(f"its process cannot be started ({error})") from error
        try:
            _send(process, order)
            _wait(process, stop, limit_s)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        if code := process.returncode:
            # Ended from outside, it had no time to say why: its last line is about something else.
            own = "" if code < 0 else _last_line(said)
            raise CompileFailed(own or f"its process ended with {code}")


def _send(process: subprocess.Popen[bytes], order: Order) -> None:
    """Send the order; the pipe stays open, so that the process notices when this one ends."""
    data = pickle.dumps(order)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # then it has ended, and says why
        process.stdin.write(LENGTH.pack(len(data)) + data)
        process.stdin.flush()


def _wait(process: subprocess.Popen[bytes], stop: threading.Event, limit_s: float) -> None:
    end_s = time.monotonic() + limit_s
    while process.poll() is None:
        if stop.wait(_POLL_S):
            raise CompileStopped
        if time.monotonic() > end_s:
            raise CompileFailed(f"it was not done after {limit_s:g} s")


def _environment() -> dict[str, str]:
    given = os.environ.items()
    kept = {name: value for name, value in given if not any(part in name for part in _SECRETS)}
    return kept | {"TORCHINDUCTOR_COMPILE_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
