"""The database and who uses it, beside a running bot: no lock is taken and nothing is changed."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from pathlib import Path

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from storage import backup
from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseTooNew,
    DataFolderUnusable,
    RestoreUnfinished,
    SqliteTooOld,
    StorageError,
)
from storage.examination import DatabaseFacts, examine
from storage.lock import holder

LONG_JOURNAL_BYTES = 256 * 2**20
"""Four times what the log is cut down to once it has been written back. Chosen by hand."""
OLD_BACKUP = timedelta(days=3)
"""Backups are made every night; two may be missed by a machine that is off. Chosen by hand."""
AHEAD = timedelta(hours=1)
"""How far ahead of the clock a record may lie before it is noted. Chosen by hand."""


def running_bot(data_dir: Path) -> int | None:
    """Return the process of the bot that uses the data folder, None if none does."""
    return holder(data_dir)


def check_database(
    data_dir: Path,
    *,
    now: datetime,
    keeps_backups: bool,
    bot: int | None,
    config: Path | None = None,
) -> list[Finding]:
    """Return the state of the database, of its backups, and of the clock by its records.

    keeps_backups: as in the settings. bot: the process that uses the folder, if one does. config:
    the file that the owner named, for the commands that are told.
    """
    found: list[Finding] = []
    if bot is not None:
        found.append(ok(Code.BOT_RUNS, process=bot))
    try:
        facts = examine(data_dir)
    except StorageError as error:
        return [*found, _trouble(error, data_dir, config)]
    if facts is None:
        return [*found, ok(Code.NO_DATABASE)]
    found += _sound(facts)
    found += _backups(data_dir, now, keeps_backups=keeps_backups)
    if facts.newest_at is not None and facts.newest_at - now > AHEAD:
        found.append(
            note(Code.CLOCK_BEHIND_DATABASE, now=_minute(now), newest=_minute(facts.newest_at))
        )
    return found


def _sound(facts: DatabaseFacts) -> list[Finding]:
    found = [ok(Code.DATABASE, version=facts.version, size_bytes=facts.size_bytes)]
    if facts.version < facts.supported:
        found = [note(Code.OLD_SCHEMA, version=facts.version, supported=facts.supported)]
    if facts.journal_bytes > LONG_JOURNAL_BYTES:
        found.append(note(Code.LONG_JOURNAL, size_bytes=facts.journal_bytes))
    return found


def _trouble(error: StorageError, data_dir: Path, config: Path | None) -> Finding:
    match error:
        case DatabaseCorrupt():
            backups = backup.nightlies(data_dir)
            if backups:
                newest = data_dir / backup.FOLDER / backups[0].path.name
                option = "" if config is None else f" --config {shlex.quote(str(config))}"
                command = f"zimagine db restore {shlex.quote(str(newest))}{option}"
                return broken(Code.DAMAGED_WITH_BACKUP, detail=error.detail, command=command)
            return broken(Code.DAMAGED, detail=error.detail)
        case DatabaseTooNew():
            return broken(Code.TOO_NEW, version=error.found, supported=error.supported)
        case RestoreUnfinished():
            return broken(Code.RESTORE_UNFINISHED)
        case SqliteTooOld():
            return broken(Code.SQLITE_TOO_OLD, found=error.found, needed=error.needed)
        case DatabaseBusy():
            return note(Code.DATABASE_BUSY, detail=error.detail)
        case DataFolderUnusable():
            return broken(Code.DATABASE_UNUSABLE, detail=error.detail)
        case _:
            return broken(Code.DATABASE_UNUSABLE, detail=type(error).__name__)


def _backups(data_dir: Path, now: datetime, *, keeps_backups: bool) -> list[Finding]:
    if not keeps_backups:
        return []
    made = [each.made_at for each in backup.nightlies(data_dir) if each.made_at <= now]
    if not made:
        return [note(Code.NO_BACKUP)]
    newest = max(made)
    if now - newest > OLD_BACKUP:
        return [note(Code.BACKUP_OLD, days=(now - newest).days, made=_minute(newest))]
    return [ok(Code.BACKUP, made=_minute(newest))]


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
