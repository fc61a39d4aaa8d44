"""Run the command line in the test process."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from PIL import Image

from bot.cli import group

QUICK = ["--steps", "2", "--size", "128x128"]


def zimagine(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run the command line."""
    return CliRunner().invoke(group, list(arguments), input=stdin, catch_exceptions=False)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let processes that are started here be stopped by SIGINT, and by SIGHUP where there is one.

    A shell without job control starts background commands with SIGINT ignored, nohup with SIGHUP,
    children inherit that, and a child that ignores a signal is right to go on.
    """
    handlers: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def painted(*arguments: str, code: int = 0, stdin: bytes | None = None) -> list[dict[str, Any]]:
    """Run `imagine --json`, check its exit code, and return the JSON objects that it printed."""
    done = zimagine("imagine", *arguments, "--json", stdin=stdin)
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(*arguments: str) -> str:
    """Return the one sentence with which `imagine` exits with code 2 without writing anything."""
    done = zimagine("imagine", *arguments)
    assert done.exit_code == 2 and done.stdout == "", done.output
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def names(folder: str) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in Path(folder).iterdir())


def pixels(file: str | Path) -> bytes:
    """Return the pixels of a picture, independent of its encoding."""
    with Image.open(file) as image:
        return image.tobytes()
