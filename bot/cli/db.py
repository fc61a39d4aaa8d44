"""`zimagine db`: check the database, back it up, restore it, erase a person or a server."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli.common.errors import FAILED, explain_errors, fail, load_settings
from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_INPUT, UNAVAILABLE
from bot.i18n import Words, paragraph, translatable
from bot.pictures.filenames import job_id_of
from storage import backup, consistency
from storage.cancelled_painting import FreeCancelling
from storage.consistency import HARMLESS, ConsistencyReport, Finding, FindingKind
from storage.database import FILE_NAME, Database
from storage.erasure.erase import Erased, Erasing
from storage.erasure.purge import Purge
from storage.errors import DatabaseBusy, DatabaseCorrupt, DatabaseTooNew, DataFolderUnusable
from storage.files import PictureFiles
from storage.lock import DataFolderLock
from storage.opening import restoring_file
from storage.restore import RestoreFacts, restore
from storage.types import PolicySource, QuotaPolicy, utc_now

WORDING = {
    FindingKind.DAMAGED: translatable("the database is damaged: {example}"),
    FindingKind.DANGLING: translatable("a row refers to a missing row: {example}"),
    FindingKind.OLD_SCHEMA: translatable(
        "the schema has version {example}; the bot updates it at its next start, and "
        "only then can the rest be checked"
    ),
    FindingKind.SEARCH: translatable("the search index does not match picture {example}"),
    FindingKind.USAGE: translatable(
        "the hourly usage of user {example} does not match what they were charged"
    ),
    FindingKind.NOT_REFUNDED: translatable(
        "job {example} ended without a picture and was not refunded"
    ),
    FindingKind.WRONGLY_REFUNDED: translatable(
        "job {example} was painted or is still waiting, but was refunded"
    ),
    FindingKind.WRONG_CHARGE: translatable(
        "job {example} was charged to the wrong user or for too many or too few pictures"
    ),
    FindingKind.WRONG_PICTURES: translatable("job {example} has the wrong number of pictures"),
    FindingKind.NO_DELIVERY: translatable("job {example} is finished but has no delivery"),
    FindingKind.NEGATIVE: translatable("job {example} has a negative duration, time or number"),
    FindingKind.MISSING: translatable("a picture's file is missing: {example}"),
    FindingKind.WRONG_SIZE: translatable(
        "a picture's file has a different size than when it was painted: {example}"
    ),
    FindingKind.WRONG_HASH: translatable(
        "a picture's file has different content than when it was painted: {example}"
    ),
    FindingKind.LEFT_BEHIND: translatable(
        "the file of an erased or removed picture is still there: {example}"
    ),
    FindingKind.ORPHAN: translatable("this file belongs to no picture: {example}"),
    FindingKind.UNFINISHED: translatable("left behind by an interrupted write: {example}"),
}

CONFIG = click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")


@click.group("db")
def command() -> None:
    """Check, back up or restore the database, or erase a person or a server."""


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
        say = terminal_words()
        click.echo(say.plural("Removed {n} file.", "Removed {n} files.", gone.total()))
    _close(report)


def _print(finding: Finding, *, removed: bool) -> None:
    say = terminal_words()
    mark = say("note") if finding.kind in HARMLESS else say("wrong")
    for example in finding.examples:
        value = say(WORDING[finding.kind], example=example)
        click.echo(say("{name}: {value}", name=say("removed") if removed else mark, value=value))
    more = finding.count - len(finding.examples)
    if more:
        shown = say.plural(
            "… and {n} more like this, {count} in all",
            "… and {n} more like this, {count} in all",
            more,
            count=finding.count,
        )
        click.echo(f"  {shown}")


def _close(report: ConsistencyReport) -> None:
    wrong = sum(finding.count for finding in report.wrong())
    say = terminal_words()
    pictures = _pictures(report.pictures, say)
    files = say.plural("{n} file", "{n} files", report.files)
    if not wrong:
        click.echo(say("All is well: {pictures}, {files}.", pictures=pictures, files=files))
        return
    found = say.plural(
        "Found {n} problem; checked {pictures}, {files}.",
        "Found {n} problems; checked {pictures}, {files}.",
        wrong,
        pictures=pictures,
        files=files,
    )
    click.echo(found)
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
            replaceable = file.is_file() and not replace
            hint = terminal_words()("Use --replace to replace it.") if replaceable else ""
            fail(paragraph(str(error), hint), BAD_INPUT)
    say = terminal_words()
    pictures = _pictures(made.pictures, say)
    size = made.size_bytes
    click.echo(say("{file}: {pictures}, {size} bytes.", file=file, pictures=pictures, size=size))


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
def put_back(file: Path, config: Path | None) -> None:
    """Restore the database from FILE; the current one is set aside. Stop the bot first."""
    data_dir = load_settings(config).storage.data_dir
    if not file.is_file():
        fail(terminal_words()("There is no file {file}.", file=file), BAD_INPUT)
    with explain_errors(), DataFolderLock(data_dir):
        try:
            facts = asyncio.run(restore(data_dir, file))
        except DatabaseBusy as error:
            sentence = terminal_words()(
                "{path} is open in another program (a playground, zimagine imagine or db, "
                "sqlite3): close it first.",
                path=error.path,
            )
            fail(sentence, UNAVAILABLE)
        except (DataFolderUnusable, DatabaseCorrupt, DatabaseTooNew) as error:
            if error.path != file.absolute():
                raise
            unchanged = terminal_words()("Nothing was changed.")
            fail(paragraph(f"{str(error).rstrip('.')}.", unchanged), BAD_INPUT)
    _tell(facts, data_dir)


def _tell(facts: RestoreFacts, data_dir: Path) -> None:
    say = terminal_words()
    pictures = _pictures(facts.pictures, say)
    if facts.newest_at is None:
        click.echo(say("Restored {pictures}.", pictures=pictures))
    else:
        until = f"{facts.newest_at:%Y-%m-%d %H:%M} UTC"
        click.echo(say("Restored {pictures}, up to {until}.", pictures=pictures, until=until))
    if facts.given_up:
        given_up = say.plural(
            "{n} unfinished job given up and refunded.",
            "{n} unfinished jobs given up and refunded.",
            facts.given_up,
        )
        click.echo(given_up)
    if facts.erased_again:
        again = say.plural(
            "{n} erasure since then repeated.",
            "{n} erasures since then repeated.",
            facts.erased_again,
        )
        click.echo(again)
    if facts.set_aside is not None:
        aside = data_dir / facts.set_aside.name
        click.echo(say("The previous database is now {file}.", file=aside))


@command.command("erase")
@CONFIG
@click.option("--user", type=click.IntRange(1, 2**63 - 1), help="The Discord id of a person.")
@click.option(
    "--server",
    type=click.IntRange(1, 2**63 - 1),
    help="The id of a server: everything of it, or with --user what it has of that person.",
)
@click.option("--yes", is_flag=True, help="Do not ask back.")
def erase(config: Path | None, user: int | None, server: int | None, yes: bool) -> None:
    """Erase a person or a server for good, from backups too. Stop the bot first.

    The bot deletes its messages that show what was erased at its next start.
    """
    say = terminal_words()
    settings = load_settings(config)
    data_dir = settings.storage.data_dir
    if user is None and server is None:
        fail(say("Name a person with --user, or a server with --server."), BAD_INPUT)
    _need_database(data_dir)
    with explain_errors(), DataFolderLock(data_dir):
        if not yes:
            click.confirm(say("Erase it for good?"), abort=True)
        fallback = QuotaPolicy(settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG)
        free = FreeCancelling(settings.quota.cancelled_s, fallback)
        erased, done = asyncio.run(_erase(data_dir, free, user, server))
    click.echo(say("Erased {pictures}.", pictures=_pictures(erased.pictures, say)))
    if erased.messages:
        waiting = say.plural(
            "{n} message of the bot is deleted at its next start.",
            "{n} messages of the bot are deleted at its next start.",
            erased.messages,
        )
        click.echo(waiting)
    if not done:
        click.echo(say("The rest of the files and backups is cleaned at the bot's next start."))


async def _erase(
    data_dir: Path, free: FreeCancelling, user: int | None, server: int | None
) -> tuple[Erased, bool]:
    """Erase, and do what is left to be done; returns whether nothing is."""
    async with await Database.open(data_dir / FILE_NAME, check=True) as db:
        erasing = Erasing(db, utc_now, lambda: free)
        if user is not None:
            erased = await erasing.person(user, server)
        else:
            assert server is not None
            erased = await erasing.server(server)
        files = PictureFiles(data_dir, clock=utc_now)
        purged = await Purge(db, files, utc_now, job_of=job_id_of).run(quiet=True)
    return erased, purged.done


def _need_database(data_dir: Path) -> None:
    path = data_dir / FILE_NAME
    if not path.exists() and not restoring_file(path).exists():
        sentence = terminal_words()(
            "There is no database in {folder}: the bot has never run there.", folder=data_dir
        )
        fail(sentence, UNAVAILABLE)


def _pictures(number: int, say: Words) -> str:
    return say.plural("{n} picture", "{n} pictures", number)
