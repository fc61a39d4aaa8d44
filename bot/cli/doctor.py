"""`zimagine doctor`: what works here, what does not, and what helps, on one page."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import warnings
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from bot.cli.common.errors import FAILED
from bot.cli.common.language import terminal_words, width, wrapped
from bot.diagnosis.findings import Code, Finding, Level, ok
from bot.diagnosis.report import Setup, diagnose, is_broken
from bot.i18n import Words
from bot.settings import InvalidSetting, Settings, load
from bot.wording.diagnosis.sentences import heading, level_name, remedy, sentence, summary
from storage.types import utc_now

COLUMNS = 80
"""Lines are no longer than this, however wide the terminal is."""


@click.command("doctor")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
@click.option("--online", is_flag=True, help="Also ask Discord about the application.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path | None, online: bool, as_json: bool) -> None:
    """Check the machine, the model, the data folder and the settings, and say what helps.

    A bot may be running: nothing is changed. Without --online no network is used. Exit code 1 if
    something is broken.
    """
    settings, problem = _load(config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch warns of, a driver for instance, is found
        findings = diagnose(Setup(settings, problem, config))
    findings += _ask_discord(settings, findings) if online else [ok(Code.NOT_ASKED)]
    say = terminal_words()
    if as_json:
        click.echo(json.dumps(_fields(findings, say), ensure_ascii=False, indent=2))
    else:
        columns = min(COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns)
        click.echo("\n".join(page(findings, say, columns)))
    if is_broken(findings):
        raise SystemExit(FAILED)


def page(findings: list[Finding], say: Words, columns: int) -> list[str]:
    """Return the lines of the page: sections, findings in them, and what helps below each."""
    marks = max(width(level_name(level, say)) for level in Level)
    lines: list[str] = []
    for section, found in groupby(findings, key=lambda each: each.section):
        lines += [heading(section, say)]
        for each in found:
            mark = level_name(each.level, say)
            before = f"  {mark}{' ' * (marks - width(mark))}  "
            lines += _block(before, sentence(each, say), columns)
            help_text = remedy(each, say)
            if help_text is not None:
                lines += _block(f"{' ' * (marks + 4)}→ ", help_text, columns)
        lines.append("")
    return [*lines, summary(findings, say)]


def _block(before: str, text: str, columns: int) -> list[str]:
    """Return a text in lines, the first behind `before` and the others below it."""
    indent = width(before)
    first, *rest = wrapped(text, columns - indent)
    return [before + first, *(" " * indent + line for line in rest)]


def _load(config: Path | None) -> tuple[Settings | None, str | None]:
    try:
        return load(config), None
    except InvalidSetting as error:
        return None, error.said(terminal_words())


def _ask_discord(settings: Settings | None, findings: list[Finding]) -> list[Finding]:
    token = None if settings is None else settings.discord.token
    if settings is None or token is None or not any(each.code is Code.TOKEN for each in findings):
        return [ok(Code.NOTHING_TO_ASK)]
    # Its warnings say nothing that the findings do not; without a handler they are printed.
    logging.getLogger("discord").addHandler(logging.NullHandler())
    from bot.discord.application_check import OnlineSetup, check_application
    from bot.runtime.wiring import SYNC_FILE

    return asyncio.run(
        check_application(
            OnlineSetup(
                token.get_secret_value(),
                settings.discord.proxies,
                settings.discord.guilds,
                settings.storage.data_dir / SYNC_FILE,
                utc_now,
            )
        )
    )


def _fields(findings: list[Finding], say: Words) -> dict[str, Any]:
    return {
        "broken": sum(each.level is Level.BROKEN for each in findings),
        "notes": sum(each.level is Level.NOTE for each in findings),
        "findings": [
            {
                "code": each.code,
                "section": each.section,
                "level": each.level,
                "sentence": sentence(each, say),
                "remedy": remedy(each, say),
                "values": dict(each.values),
            }
            for each in findings
        ],
    }
