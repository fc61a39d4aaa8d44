"""`python -m tests.day --seed 1 --members 1000 --hours 24`: exit code 1 if a promise was broken."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.day.day_run import play
from tests.day.town import Scale


@click.command()
@click.option("--seed", default=1, show_default=True, help="Decides everything but the timing.")
@click.option("--members", default=1000, show_default=True)
@click.option("--hours", default=24, show_default=True, help="Of simulated time.")
@click.option("--kills", default=12, show_default=True, help="How often the bot is killed.")
@click.option("--erasures", default=40, show_default=True, help="Members who are erased.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data folder is kept.")
def main(
    seed: int, members: int, hours: int, kills: int, erasures: int, folder: Path | None
) -> None:
    """Play a day of a public server and compare everything with a reference."""
    chosen = folder or Path(tempfile.mkdtemp(prefix=f"zimagine-day-{seed}-"))
    began_s = time.monotonic()
    click.echo(f"seed {seed}, {members} members, {hours} hours")
    scale = Scale(seed, members, hours, kills=kills, erasures=erasures)
    result = asyncio.run(play(scale, chosen, click.echo))
    for name, count in result.counts.items():
        click.echo(f"{name:44}{count}")
    click.echo(f"{'broken promises':44}{len(result.wrong)}")
    click.echo(f"{'seconds':44}{time.monotonic() - began_s:.0f}")
    if result.wrong:
        click.echo("\n".join(result.wrong), err=True)
        again = f"python -m tests.day --seed {seed} --members {members} --hours {hours}"
        click.echo(f"repeat: {again} --kills {kills} --erasures {erasures}\nin {chosen}", err=True)
        sys.exit(1)
    if folder is None:
        shutil.rmtree(chosen, ignore_errors=True)


if __name__ == "__main__":
    main()
