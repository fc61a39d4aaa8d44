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
    FindingKind.DANGLING: "a row refers to one that is not there: {}",
    FindingKind.OLD_SCHEMA: "the schema has version {}; the next start of the bot brings it up to "
    "date, and only then can the rest be checked",
    FindingKind.SEARCH: "the search does not fit picture {}",
    FindingKind.USAGE: "what user {} has used by the hour is not what they were charged",
    FindingKind.NOT_REFUNDED: "job {} ended without a picture and was not refunded",
    FindingKind.WRONGLY_REFUNDED: "job {} is painted or still waits, and was refunded",
    FindingKind.WRONG_CHARGE: "job {} is charged for another person or number of pictures than "
    "its own",
    FindingKind.WRONG_PICTURES: "job {} has another number of pictures than it should",
    FindingKind.NO_DELIVERY: "job {} is finished and has no delivery",
    FindingKind.NEGATIVE: "job {} has a duration, an instant or a number below zero",
    FindingKind.MISSING: "a picture's file is missing: {}",
    FindingKind.WRONG_SIZE: "a picture's file has another size than when it was painted: {}",
    FindingKind.WRONG_HASH: "a picture's file has another content than when it was painted: {}",
    FindingKind.LEFT_BEHIND: "the file of an erased or removed picture is still there: {}",
    FindingKind.ORPHAN: "no picture has this file: {}",
    FindingKind.UNFINISHED: "a write that was interrupted left this: {}",
}

CONFIG = click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")


@click.group("db")
def command() -> None:
    """Check the database, back it up, restore it."""


@command.command("check")
@CONFIG
@click.option("--hash", "hashes", is_flag=True, help="Read every picture and compare its content.")
@click.option("--fix", is_flag=True, help="Remove files of erased pictures and unfinished ones.")
def check(config: Path | None, hashes: bool, fix: bool) -> None:
    """Look whether all is well; a bot may be running. Exit code 1 if something is wrong.

    Nothing is changed without --fix, which leaves alone what did not come from zimagine.
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
    verb = "thing is" if wrong == 1 else "things are"
    click.echo(f"{wrong} {verb} wrong; looked at {looked_at}.")
    raise SystemExit(FAILED)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
@click.option("--replace", is_flag=True, help="Replace FILE if it is there already.")
def back_up(file: Path, config: Path | None, replace: bool) -> None:
    """Copy the database to FILE (or into a folder); a bot may be running. Pictures stay."""
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
            fail(str(error), BAD_INPUT)
    click.echo(f"{file}: {_count(made.pictures, 'picture')}, {made.size_bytes} bytes.")


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
def put_back(file: Path, config: Path | None) -> None:
    """Make the backup FILE the database; what is replaced is set aside. Stop the bot first."""
    data_dir = load_settings(config).storage.data_dir
    if not file.is_file():
        fail(f"There is no file {file}.", BAD_INPUT)
    with explain_errors(), DataFolderLock(data_dir):
        try:
            facts = asyncio.run(restore(data_dir, file))
        except DatabaseBusy as error:
            fail(
                f"{error.path} is open in another program (a playground, zimagine imagine or db, "
                "sqlite3): end it first.",
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
        click.echo(f"The database that was replaced is {data_dir / facts.set_aside.name}.")


def _need_database(data_dir: Path) -> None:
    path = data_dir / FILE_NAME
    if not path.exists() and not restoring_file(path).exists():
        fail(f"There is no database in {data_dir}: no bot has been started there.", UNAVAILABLE)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
