"""Collect the prompts of a call from its arguments, a file and standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from bot.request.prompt.pasted.parameters_text import joined_lines

STDIN: Final = "-"
MAX_FILE_BYTES: Final = 16 * 2**20
"""Chosen by hand."""
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")  # splitlines() also splits at other characters


def gather(words: Sequence[str], file: Path | None) -> tuple[str, ...]:
    """Return every prompt in order, or exit with one sentence and code 2.

    "-" among the words stands for the lines of standard input.
    """
    if (*words, str(file)).count(STDIN) > 1:
        fail("Standard input can only be read once: give - only once.", BAD_INPUT)
    prompts: list[str] = []
    for word in words:
        prompts += _from_stdin() if word == STDIN else [word]
    if file is not None:
        prompts += _from_stdin() if str(file) == STDIN else _from_file(file)
    return tuple(prompts)


def lines(data: bytes) -> list[str]:
    """Split a file into prompts, one per line, without blank lines and "#" comments.

    The negative prompt and the settings of another program's text, on lines of their own, belong to
    the prompt before them.

    data: UTF-8, with or without a byte order mark. Raises UnicodeDecodeError.
    """
    stripped = (line.strip() for line in _LINE_ENDS.split(data.decode("utf-8-sig")))
    return joined_lines([line for line in stripped if line and not line.startswith("#")])


def _from_stdin() -> list[str]:
    if sys.stdin is None:
        fail("There is no standard input to read prompts from.", BAD_INPUT)
    return _read(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "Standard input")


def _from_file(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            return _read(stream.read(MAX_FILE_BYTES + 1), str(file))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", BAD_INPUT)


def _read(data: bytes, name: str) -> list[str]:
    if len(data) > MAX_FILE_BYTES:
        fail(f"{name} is too large: the limit is 16 MiB.", BAD_INPUT)
    try:
        prompts = lines(data)
    except UnicodeDecodeError:
        fail(f"{name} is not UTF-8 text: save the prompts as UTF-8.", BAD_INPUT)
    if not prompts:
        fail(f"{name} contains no prompts.", BAD_INPUT)
    return prompts
