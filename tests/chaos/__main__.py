"""`python -m tests.chaos --seed 1 --kills 100`: exit code 1 where a promise was broken."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import click

from tests.chaos.report import table, trail
from tests.chaos.storm import ChaosSettings, ChaosResult, run_chaos
from tests.chaos.verdict import Violation, judge


@click.command()
@click.option("--seed", default=1, show_default=True, help="Decides everything but the timing.")
@click.option("--kills", default=100, show_default=True, help="How often the bot is killed.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the story is kept.")
def main(seed: int, kills: int, folder: Path | None) -> None:
    """Kill the real bot again and again in bad weather, then judge what became of every wish."""
    chosen = folder or Path(tempfile.mkdtemp(prefix=f"zimagine-chaos-{seed}-"))
    orders = ChaosSettings(seed, kills, chosen, say=lambda line: click.echo(line))
    outcome, violations = asyncio.run(storm_and_verdict(orders))
    click.echo(table(outcome, violations))
    if violations:
        click.echo(trail(orders, violations), err=True)
        sys.exit(1)
    if folder is None:
        shutil.rmtree(chosen, ignore_errors=True)


async def storm_and_verdict(orders: ChaosSettings) -> tuple[ChaosResult, list[Violation]]:
    """A storm, judged; the database is kept beside the steps."""
    judged: list[Violation] = []

    def look(outcome: ChaosResult) -> None:
        judged.extend(judge(outcome.evidence))
        with (
            closing(sqlite3.connect(outcome.evidence.data_dir / "zimagine.db")) as source,
            closing(sqlite3.connect(orders.folder / "zimagine.db")) as copy,
        ):
            source.backup(copy)

    outcome = await run_chaos(orders, look)
    if not outcome.settled and not judged:
        judged.append(Violation("stuck", "not everything came to its end in time"))
    if outcome.exit_code:
        judged.append(Violation("exit", f"the last stop ended with {outcome.exit_code}"))
    return outcome, judged


if __name__ == "__main__":
    main()
