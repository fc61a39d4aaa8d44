"""`python -m tests.chaos --seed 1 --kills 100`: exit code 1 if a promise was broken."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import click

from tests.chaos.chaos_run import ChaosResult, ChaosSettings, run_chaos
from tests.chaos.report import table, trail
from tests.chaos.verdict import Violation, judge


@click.command()
@click.option("--seed", default=1, show_default=True, help="Decides everything but the timing.")
@click.option("--kills", default=100, show_default=True, help="How often the bot is killed.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where log, steps and database are kept."
)
def main(seed: int, kills: int, folder: Path | None) -> None:
    """Kill the real bot again and again while faults occur, then check every request's outcome."""
    chosen = folder or Path(tempfile.mkdtemp(prefix=f"zimagine-chaos-{seed}-"))
    settings = ChaosSettings(seed, kills, chosen, say=lambda line: click.echo(line))
    result, violations = asyncio.run(run_and_judge(settings))
    click.echo(table(result, violations))
    if violations:
        click.echo(trail(settings, violations), err=True)
        sys.exit(1)
    if folder is None:
        shutil.rmtree(chosen, ignore_errors=True)


async def run_and_judge(settings: ChaosSettings) -> tuple[ChaosResult, list[Violation]]:
    """Run and judge; the database is kept next to the steps."""
    judged: list[Violation] = []

    def look(result: ChaosResult) -> None:
        judged.extend(judge(result.evidence))
        with (
            closing(sqlite3.connect(result.evidence.data_dir / "zimagine.db")) as source,
            closing(sqlite3.connect(settings.folder / "zimagine.db")) as copy,
        ):
            source.backup(copy)

    result = await run_chaos(settings, look)
    if not result.settled and not judged:
        judged.append(Violation("stuck", "not everything finished in time"))
    if result.exit_code:
        judged.append(Violation("exit", f"the last stop ended with exit code {result.exit_code}"))
    return result, judged


if __name__ == "__main__":
    main()
