"""`zimagine bench`: what painting and the whole bot take on this machine, compared with others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bot.benchmarks.sections import SECTIONS
from bot.cli.common.errors import FAILED, fail
from bot.cli.common.language import terminal_words
from engine.benchmarks.comparison import BenchmarkFailed
from engine.benchmarks.report import fields, machine, machine_line, table
from engine.benchmarks.sections import Plan, Row
from storage.types import utc_now


@click.command("bench")
@click.argument("sections", nargs=-1, metavar="[SECTION]...", type=click.Choice(tuple(SECTIONS)))
@click.option("--quick", is_flag=True, help="Minutes: a tiny model and small numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=None,
    help="Processes of each kind, which take turns (default: 3, or 1 with --quick).",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the full-size model (20 GB) and the database of a million pictures (3 GB) here.",
)
def command(
    sections: tuple[str, ...],
    quick: bool,
    as_json: bool,
    rounds: int | None,
    folder: Path | None,
) -> None:
    """Measure painting and the bot on this machine, against plain diffusers and a bare bot.

    Sections: sketch (the built-in demo model), text (reading a prompt once for several pictures),
    memory (picture after picture), precision (the demo model in each number format), service (the
    whole bot and its painter alone, against a local stand-in for Discord), acknowledgement (many
    commands at once), scale (10,000 waiting jobs, a million pictures: 5 GB of disk), processor
    (Z-Image in full size with random weights: 20 GB of disk, up to an hour). All if none is named.
    Nothing is downloaded. Exit code 1 if a goal is missed.
    """
    plan = Plan(quick, rounds or (1 if quick else 3), folder)
    today, say = utc_now().date(), terminal_words()
    found: dict[str, list[Row]] = {}
    if not as_json:
        click.echo(machine_line(machine(), today, say))
        if quick:
            click.echo(
                say("A quick run shows that the benchmark works: its numbers are no measure.")
            )
    try:
        for name in dict.fromkeys(sections) or SECTIONS:
            found[name] = []
            for row in SECTIONS[name](plan):
                found[name].append(row)
            if not as_json:
                click.echo("\n".join(["", f"## {name}", "", *table(found[name], say)]))
    except BenchmarkFailed as error:
        fail(say("The benchmark broke off. {reason}", reason=str(error)), FAILED)
    result: dict[str, Any] = fields(found, today, quick)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    if result["missed"] and not quick:
        raise SystemExit(FAILED)
