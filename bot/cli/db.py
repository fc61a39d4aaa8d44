"""`zimagine db`: check the database, back it up, restore it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli.common.errors import FAILED, explain_errors, fail, load_settings
from bot.exit_codes import BAD_INPUT, UNAVAILABLE
from storage import backup, consistency
from storage.consistency import HARMLESS, ConsistencyReport, Finding, FindingKind
from storage.database import FILE_NAME
from storage.errors import DatabaseBusy, DatabaseCorrupt, DatabaseTooNew, DataFolderUnusable
from storage.lock import DataFolderLock
from storage.opening import restoring_file
from storage.restore import RestoreFacts, restore

WORDING = {
    FindingKind.DAMAGED: "the database is damaged: {}",
    FindingKind.DANGLING: "a row refers to a missing row: {}",
    FindingKind.OLD_SCHEMA: "the schema has version {}; the bot updates it at its next start, and "
    "only then can the rest be checked",
    FindingKind.SEARCH: "the search index does not match picture {}",
    FindingKind.USAGE: "the hourly usage of user {} does not match what they were charged",
    FindingKind.NOT_REFUNDED: "job {} ended without a picture and was not refunded",
    FindingKind.WRONGLY_REFUNDED: "job {} was painted or is still waiting, but was refunded",
    FindingKind.WRONG_CHARGE: "job {} was charged to the wrong user or for too many or too "
    "few pictures",
    FindingKind.WRONG_PICTURES: "job {} has the wrong number of pictures",
    FindingKind.NO_DELIVERY: "job {} is finished but has no delivery",
    FindingKind.NEGATIVE: "job {} has a negative duration, time or number",
    FindingKind.MISSING: "a picture's file is missing: {}",
    FindingKind.WRONG_SIZE: "a picture's file has a different size than when it was painted: {}",
    FindingKind.WRONG_HASH: "a picture's file has different content than when it was painted: {}",
    FindingKind.LEFT_BEHIND: "the file of an erased or removed picture is still there: {}",
    FindingKind.ORPHAN: "this file belongs to no picture: {}",
    FindingKind.UNFINISHED: "left behind by an interrupted write: {}",
}

CONFIG = click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")


@click.group("db")
def command() -> None:
    """Check, back up or restore the database."""


@command.command("check")
@CONFIG
@click.option(
    "--hash", "hashes", is_flag=True, help="Read every picture and compare it with its stored hash."
)
@click.option(
    "--fix", is_flag=True, help="Remove files of erased pictures and of interrupted writes."
)
def check(config: Path | None, hashes: bool, fix: bool) -> None:
    """Check the database and the picture files; the bot may be running. Exit code 1 on problems.

    Nothing is changed without --fix, which never touches files that are not from zimagine.
    """
    data_dir = load_settings(config).storage.data_dir
    _need_database(data_dir)
    with explain_errors():
        report = consistency.check(data_dir, hashes=hashes)
        removed = report.removable if fix else []
        consistency.remove(removed)
    gone = Counter(kind for kind, _ in removed)
    for finding in report.findings.values():
        _print(finding, removed=gone[finding.kind] == finding.count)
    for kind in gone:
        report.findings.pop(kind)
    if gone:
        click.echo(f"Removed {_count(gone.total(), 'file')}.")
    _close(report)


def _print(finding: Finding, *, removed: bool) -> None:
    mark = "note" if finding.kind in HARMLESS else "wrong"
    for example in finding.examples:
        click.echo(f"{'removed' if removed else mark}: {WORDING[finding.kind].format(example)}")
    more = finding.count - len(finding.examples)
    if more:
        click.echo(f"  … and {more} more like this, {finding.count} in all")


def _close(report: ConsistencyReport) -> None:
    wrong = sum(finding.count for finding in report.wrong())
    looked_at = f"{_count(report.pictures, 'picture')}, {_count(report.files, 'file')}"
    if not wrong:
        click.echo(f"All is well: {looked_at}.")
        return
    click.echo(f"Found {_count(wrong, 'problem')}; checked {looked_at}.")
    raise SystemExit(FAILED)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
@click.option("--replace", is_flag=True, help="Replace FILE if it already exists.")
def back_up(file: Path, config: Path | None, replace: bool) -> None:
    """Copy the database to FILE or a folder; the bot may be running.

    Pictures are not copied: back up their folder with your own tools.
    """
    data_dir = load_settings(config).storage.data_dir
    _need_database(data_dir)
    if file.is_dir():
        file /= backup.file_name(datetime.now(UTC))
    with explain_errors():
        try:
            made = asyncio.run(backup.back_up(data_dir / FILE_NAME, file, replace=replace))
        except DataFolderUnusable as error:
            if error.path != file.absolute():
                raise
            hint = " Use --replace to replace it." if file.is_file() and not replace else ""
            fail(f"{error}{hint}", BAD_INPUT)
    click.echo(f"{file}: {_count(made.pictures, 'picture')}, {made.size_bytes} bytes.")


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
def put_back(file: Path, config: Path | None) -> None:
    """Restore the database from FILE; the current one is set aside. Stop the bot first."""
    data_dir = load_settings(config).storage.data_dir
    if not file.is_file():
        fail(f"There is no file {file}.", BAD_INPUT)
    with explain_errors(), DataFolderLock(data_dir):
        try:
            facts = asyncio.run(restore(data_dir, file))
        except DatabaseBusy as error:
            fail(
                f"{error.path} is open in another program (a playground, zimagine imagine or db, "
                "sqlite3): close it first.",
                UNAVAILABLE,
            )
        except (DataFolderUnusable, DatabaseCorrupt, DatabaseTooNew) as error:
            if error.path != file.absolute():
                raise
            fail(f"{str(error).rstrip('.')}. Nothing was changed.", BAD_INPUT)
    _tell(facts, data_dir)


def _tell(facts: RestoreFacts, data_dir: Path) -> None:
    until = "" if facts.newest_at is None else f", up to {facts.newest_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"Restored {_count(facts.pictures, 'picture')}{until}.")
    if facts.given_up:
        click.echo(f"{_count(facts.given_up, 'unfinished job')} given up and refunded.")
    if facts.set_aside is not None:
        click.echo(f"The previous database is now {data_dir / facts.set_aside.name}.")


def _need_database(data_dir: Path) -> None:
    path = data_dir / FILE_NAME
    if not path.exists() and not restoring_file(path).exists():
        fail(f"There is no database in {data_dir}: the bot has never run there.", UNAVAILABLE)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
