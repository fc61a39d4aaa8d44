"""`zimagine run`: run the bot until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from bot.cli.common.errors import explain_errors, fail, load_settings
from bot.cli.common.language import terminal_language, terminal_words
from bot.exit_codes import BAD_CONFIG
from bot.proxies import ProxyRefused
from bot.setting_names import misspelt_token
from bot.settings import InvalidSetting, Settings
from bot.wording.exits import no_token

DISCORD = "https://discord.com"


@click.command("run")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
@click.option(
    "--status-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep in this file, as JSON, what pictures are painted with and the memory in use.",
)
def command(config: Path | None, status_file: Path | None) -> None:
    """Run the bot until SIGTERM or Ctrl-C; the picture in progress is finished first.

    A second signal ends it at once. SIGHUP reads the configuration file anew.
    """
    settings = load_settings(config)
    token = settings.discord.token
    if token is None or not token.get_secret_value().strip():
        fail(no_token(misspelt_token(os.environ), terminal_words()), BAD_CONFIG)
    from bot.runtime.log_config import configure_logging

    secrets = frozenset({token.get_secret_value()}) | _proxy_secrets(settings)

    def configure_log(settings: Settings) -> None:
        configure_logging(settings.log.level, settings.log.format, secrets)

    configure_log(settings)
    _check_usable(settings)
    with explain_errors():
        asyncio.run(_serve_and_leave(settings, config, configure_log, status_file))


async def _serve_and_leave(
    settings: Settings,
    config: Path | None,
    configure_log: Callable[[Settings], None],
    status_file: Path | None,
) -> NoReturn:
    """Run the bot and end the process with its exit code."""
    from bot.runtime.app import serve

    # A bot's owners speak the language of the terminal that it was started from.
    code = await serve(
        settings,
        lambda text: click.echo(f"zimagine: {text}", err=True),
        terminal_language(),
        config=config,
        on_reload=configure_log,
        status_file=status_file,
    )
    # Everything that has to be closed is closed. What would come next is left out: asyncio waits
    # without a limit for tasks that swallowed their cancellation and for threads (a lookup of a
    # name can take half a minute), and the interpreter crashes if a model is still being loaded.
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed or missing
            stream.flush()
    os._exit(code)


def _check_usable(settings: Settings) -> None:
    """Exit if a setting names something that cannot be used."""
    from bot.runtime.live_values import check_usable

    try:
        check_usable(settings)
    except InvalidSetting as error:
        fail(error.said(terminal_words()), BAD_CONFIG)


def _proxy_secrets(settings: Settings) -> frozenset[str]:
    """Return what must not be logged of the proxy; exit if it cannot be used."""
    try:
        proxy = settings.discord.proxies.for_url(DISCORD)
    except ProxyRefused as error:
        sentence = str(error)
        fail(f"{sentence[:1].upper()}{sentence[1:]}.", BAD_CONFIG)
    return frozenset() if proxy is None else proxy.secrets
