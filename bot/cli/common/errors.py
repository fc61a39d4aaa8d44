"""Errors that end a command: one sentence and an exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_CONFIG, BAD_INPUT, INTERRUPTED, RESTART, UNAVAILABLE
from bot.settings import InvalidSetting, Settings, load
from bot.wording.exits import damage_sentence, engine_sentence, storage_sentence
from engine.errors import Defunct, EngineError, LoraUnusable, ModelUnavailable, PromptTooLong
from storage.errors import DatabaseCorrupt, DataFolderLocked, StorageError

FAILED = 1


class CommandError(click.ClickException):
    """A sentence for standard error and the exit code that goes with it."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code  # pyright: ignore[reportAttributeAccessIssue]

    def show(self, file: Any = None) -> None:
        """Print the sentence alone: no usage, no traceback."""
        click.echo(f"zimagine: {self.message}", file=file, err=True)


def fail(sentence: str, exit_code: int) -> NoReturn:
    """End the command with a sentence on standard error."""
    raise CommandError(sentence, exit_code)


def leave_at_once(sentence: str) -> NoReturn:
    """End the process after Ctrl-C, while a thread of it may still load a model or paint."""
    click.echo(f"zimagine: {sentence}", err=True)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never there
            stream.flush()
    # Skip the interpreter's shutdown: a model that is still loading in its thread would crash it.
    # Everything that has to be closed is closed.
    os._exit(INTERRUPTED)


def load_settings(path: Path | None, **override: dict[str, Any]) -> Settings:
    """Return the settings, or exit with one sentence and code 78."""
    try:
        return load(path, **override)
    except InvalidSetting as error:
        fail(error.said(terminal_words()), BAD_CONFIG)


@contextlib.contextmanager
def explain_errors() -> Iterator[None]:
    """Turn errors of engine and storage into a sentence and an exit code."""
    try:
        yield
    except DatabaseCorrupt as error:
        fail(_what_to_do(error), BAD_CONFIG)
    except StorageError as error:
        code = UNAVAILABLE if isinstance(error, DataFolderLocked) else BAD_CONFIG
        fail(storage_sentence(error, terminal_words()), code)
    except EngineError as error:
        fail(engine_sentence(error, terminal_words()), _exit_code(error))


def _exit_code(error: EngineError) -> int:
    match error:
        case ModelUnavailable() | LoraUnusable():
            return UNAVAILABLE
        case PromptTooLong():
            return BAD_INPUT
        case Defunct():
            return RESTART
        case _:
            return FAILED


def _what_to_do(error: DatabaseCorrupt) -> str:
    from storage.backup import nightlies

    context = click.get_current_context(silent=True)
    config = None if context is None else context.params.get("config")
    option = f" --config {shlex.quote(str(config))}" if config else ""
    backups = nightlies(error.path.parent)
    if backups:
        newest = shlex.quote(str(backups[0].path))
        command = f"zimagine db restore {newest}{option}"
    else:
        command = f"sqlite3 {shlex.quote(str(error.path))} .recover"
    return damage_sentence(error, command, terminal_words(), backup=bool(backups))
