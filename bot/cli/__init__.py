"""The command line. Each command is a separate module, imported only when it is called."""

from __future__ import annotations

import difflib
import errno
import importlib
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from bot.cli.common.language import terminal_words
from bot.cli.common.spoken_help import SpokenGroup, spoken

COMMANDS = {
    "run": "Run the bot.",
    "imagine": "Paint pictures on this machine, without Discord.",
    "download": "Fetch a model from Hugging Face or ModelScope.",
    "explain": "Show how a prompt is read, and what would be added to it.",
    "lora": "List LoRA files, or check one before it is offered.",
    "inspect": "Print the recipe stored in a picture.",
    "doctor": "Check machine, model and settings, and say what helps.",
    "bench": "Measure painting on this machine, compared with plain diffusers.",
    "settings": "Show every setting, its value and where it comes from.",
    "db": "Check, back up or restore the database.",
    "stop": "Stop the bot or the playground that runs in the data folder.",
    "playground": "Try the bot in a browser, without Discord.",
    "invite": "Print the link that adds the bot to a server.",
}


_OF_THE_SYSTEM = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP)
)
"""Errors of files that say nothing about the program: whoever called it can mend them."""

_MEANT = {
    "start": "run",
    "serve": "run",
    "bot": "run",
    "quit": "stop",
    "paint": "imagine",
    "generate": "imagine",
    "draw": "imagine",
    "try": "playground",
    "demo": "playground",
    "recipe": "inspect",
    "fetch": "download",
    "pull": "download",
    "get": "download",
    "backup": "db backup",
    "restore": "db restore",
    "check": "db check",
    "config": "settings",
    "configuration": "settings",
    "diagnose": "doctor",
    "health": "doctor",
    "benchmark": "bench",
    "speed": "bench",
}
"""What people type for a command who know other programs, or /recipe."""


class LazyGroup(SpokenGroup):
    """A group that knows its commands by name and help, and imports a command when it is needed.

    Importing all of them would delay `zimagine --help` by a second.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `bot.cli.<name>` and return its `command`."""
        if cmd_name not in COMMANDS:
            return None
        return spoken(importlib.import_module(f"bot.cli.{cmd_name}").command, terminal_words())

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a full disk, or a name that is too long, ends it with one sentence."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno not in _OF_THE_SYSTEM:
                raise
            from bot.cli.common.errors import FAILED, fail

            if error.filename is None:  # what was printed, and would be again at the end
                with suppress(OSError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                    os.dup2(nowhere.fileno(), sys.stdout.fileno())
            what = "The output" if error.filename is None else str(error.filename)
            fail(f"{what} cannot be used: {error.strerror}.", FAILED)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a prompt or another program's command gets the one that was meant."""
        word = args[0]
        if word not in COMMANDS and not word.startswith("-"):
            if len(word.split()) > 1 or not word.isascii():
                meant = f'to paint a picture: zimagine imagine "{word}"'
                raise click.UsageError(f"“{word}” is no command; {meant}", ctx)
            if (meant := _MEANT.get(word.lower())) is not None:
                raise click.UsageError(f"No such command '{word}'. Did you mean '{meant}'?", ctx)
            alike = difflib.get_close_matches(word.lower(), COMMANDS, 1)
            if alike:
                raise click.UsageError(f"No such command '{word}'. Did you mean '{alike[0]}'?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            say = terminal_words()
            formatter.write_dl([(name, say(text)) for name, text in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zimagine", prog_name="zimagine")
def group() -> None:
    """zimagine: a self-hosted Discord bot that paints with Z-Image-Turbo."""


def main(arguments: list[str] | None = None) -> Any:
    """Run `zimagine`; exits with one of the codes in bot.exit_codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal may not support Chinese: escapes are better than no output.
            stream.reconfigure(errors="backslashreplace")
    return group.main(args=arguments, prog_name="zimagine")
