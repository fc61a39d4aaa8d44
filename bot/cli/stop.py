"""`zimagine stop`: what Ctrl-C does, from another terminal and on every system."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Final

import click

from bot.cli.common.errors import explain_errors, fail, load_settings
from bot.cli.common.playground_folder import FOLDER_NAME
from bot.exit_codes import UNAVAILABLE
from bot.runtime.shutdown import request_stop, withdraw_stop
from storage.errors import DataFolderLocked
from storage.lock import DataFolderLock

MARGIN_S: Final = 30.0
"""What may come on top of `drain_s`: the shutdown itself, twice for a slow machine. By hand."""
_POLL_S: Final = 0.2


@click.command("stop")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
def command(config: Path | None) -> None:
    """Stop the bot or the playground that runs in the data folder, and wait until it has ended.

    The picture in progress is finished first. There is nothing to reload: a changed configuration
    is read at the next start.
    """
    settings = load_settings(config)
    data_dir = settings.storage.data_dir
    for folder, what in ((data_dir / FOLDER_NAME, "playground"), (data_dir, "bot")):
        pid = _holder(folder)
        if pid is None:
            continue
        _stop(folder, settings.engine.drain_s + MARGIN_S)
        whose = f" (process {pid})" if pid else ""
        click.echo(f"The {what}{whose} has stopped.")
        return
    click.echo(f"Nothing is running in {data_dir}.")


def _holder(folder: Path) -> int | None:
    """Return the process that holds a folder, 0 if its number is unknown, None if nobody does."""
    if not folder.is_dir():
        return None
    with explain_errors():
        try:
            with DataFolderLock(folder):
                return None
        except DataFolderLocked as error:
            return error.pid or 0


def _stop(folder: Path, limit_s: float) -> None:
    try:
        request_stop(folder)
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror or error}.", UNAVAILABLE)
    deadline_s = time.monotonic() + limit_s
    while _holder(folder) is not None:
        if time.monotonic() > deadline_s:
            with contextlib.suppress(OSError):
                withdraw_stop(folder)
            fail(f"It has not stopped within {limit_s:.0f} seconds.", UNAVAILABLE)
        time.sleep(_POLL_S)
