"""Checks that the database is intact, agrees with itself, and with the files on disk."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from storage import backup, folders, opening
from storage.database import FILE_NAME
from storage.errors import DatabaseCorrupt, DataFolderUnusable
from storage.faults import translated
from storage.files import PictureFiles, thumbnail_file
from storage.inputs import MIN_AGE_S, UNNEEDED, InputFiles
from storage.migrate import load_migrations
from storage.timestamps import is_old
from storage.types import Clock, utc_now

EXAMPLES: Final = 20
"""How many findings of one kind are kept; further ones are only counted. Chosen by hand."""

_CHUNK_BYTES: Final = 2**20


class FindingKind(StrEnum):
    """A kind of inconsistency, or of something only worth noting."""

    DAMAGED = "damaged"
    DANGLING = "dangling"
    OLD_SCHEMA = "old_schema"
    SEARCH = "search"
    USAGE = "usage"
    NOT_REFUNDED = "not_refunded"
    WRONGLY_REFUNDED = "wrongly_refunded"
    WRONG_CHARGE = "wrong_charge"
    WRONG_PICTURES = "wrong_pictures"
    NO_DELIVERY = "no_delivery"
    NEGATIVE = "negative"
    MISSING = "missing"
    WRONG_SIZE = "wrong_size"
    WRONG_HASH = "wrong_hash"
    LEFT_BEHIND = "left_behind"
    ORPHAN = "orphan"
    UNFINISHED = "unfinished"


HARMLESS: Final = frozenset({FindingKind.OLD_SCHEMA, FindingKind.ORPHAN, FindingKind.UNFINISHED})
"""Kinds that are worth noting but are not errors."""


@dataclass(slots=True)
class Finding:
    """How often one kind occurred, with the first few examples: an id, a file or a detail each."""

    kind: FindingKind
    count: int = 0
    examples: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class ConsistencyReport:
    """Everything a check found.

    `removable`: files of erased pictures, thumbnails without a picture, unneeded inputs and
    unfinished files.
    """

    pictures: int = 0
    files: int = 0
    findings: dict[FindingKind, Finding] = field(default_factory=dict[FindingKind, Finding])
    removable: list[tuple[FindingKind, Path]] = field(
        default_factory=list[tuple[FindingKind, Path]]
    )

    def add(self, kind: FindingKind, examples: Iterable[object]) -> None:
        """Count these findings and keep the first few."""
        for example in examples:
            finding = self.findings.setdefault(kind, Finding(kind))
            finding.count += 1
            if len(finding.examples) < EXAMPLES:
                finding.examples.append(str(example))

    def wrong(self) -> list[Finding]:
        """Return the findings that are errors."""
        return [each for kind, each in self.findings.items() if kind not in HARMLESS]


_LEDGER: Final = {
    FindingKind.NOT_REFUNDED: (
        "SELECT j.id FROM jobs AS j JOIN ledger AS l ON l.job_id = j.id "
        "WHERE j.state IN ('failed', 'cancelled', 'expired') AND l.refunded_at IS NULL "
        "AND j.id NOT IN (SELECT job_id FROM cancelled_painting WHERE charged = 1)"
    ),
    FindingKind.WRONGLY_REFUNDED: (
        "SELECT j.id FROM jobs AS j JOIN ledger AS l ON l.job_id = j.id "
        "WHERE j.state NOT IN ('failed', 'cancelled', 'expired') AND l.refunded_at IS NOT NULL"
    ),
    FindingKind.WRONG_CHARGE: (
        "SELECT j.id FROM jobs AS j JOIN ledger AS l ON l.job_id = j.id WHERE "
        "l.pictures <> j.pictures OR l.guild_id <> j.guild_id OR l.user_id <> j.user_id"
    ),
    FindingKind.WRONG_PICTURES: (
        "SELECT j.id FROM jobs AS j WHERE iif(j.state = 'painted', j.pictures, 0) <> "
        "(SELECT count(*) FROM pictures AS p WHERE p.job_id = j.id)"
    ),
    # Jobs from the command line belong to no user and are never delivered.
    FindingKind.NO_DELIVERY: (
        "SELECT j.id FROM jobs AS j WHERE j.user_id <> 0 AND j.finished_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.job_id = j.id)"
    ),
    FindingKind.NEGATIVE: (
        "SELECT id FROM jobs WHERE accepted_at < 0 OR finished_at < 0 OR attempts < 0 "
        "UNION SELECT job_id FROM pictures WHERE duration_s < 0 OR painted_at < 0 "
        "UNION SELECT job_id FROM ledger WHERE charged_at < 0 OR pictures < 0"
    ),
}
"""Queries that return the ids of inconsistent jobs, by kind."""

# The index's own list of the rows it holds. Whether it holds the right words cannot be checked: it
# does not store them, and its own integrity check needs the write lock.
_SEARCH: Final = (
    "SELECT id FROM (SELECT id FROM pictures_search_docsize "
    "EXCEPT SELECT id FROM pictures WHERE deleted_at IS NULL) "
    "UNION SELECT id FROM (SELECT id FROM pictures WHERE deleted_at IS NULL "
    "EXCEPT SELECT id FROM pictures_search_docsize)"
)
# The same of what channels saw.
_SHOWN_SEARCH: Final = (
    "SELECT id FROM (SELECT id FROM shown_search_docsize "
    "EXCEPT SELECT picture_id FROM shown_pictures) "
    "UNION SELECT picture_id FROM (SELECT picture_id FROM shown_pictures "
    "EXCEPT SELECT id FROM shown_search_docsize)"
)
# Hourly sums, on which quota decisions are based, compared with the charges themselves.
_USAGE: Final = (
    "WITH charged AS (SELECT guild_id, user_id, charged_at / 3600000000 AS hour, "
    "sum(pictures * weight - waived) AS pictures, sum(pictures * weight) AS cost "
    "FROM ledger WHERE refunded_at IS NULL GROUP BY 1, 2, 3), "
    "summed AS (SELECT guild_id, user_id, hour, pictures, cost FROM usage_hours WHERE cost <> 0) "
    "SELECT DISTINCT user_id FROM "
    "(SELECT * FROM (SELECT * FROM charged EXCEPT SELECT * FROM summed) "
    "UNION SELECT * FROM (SELECT * FROM summed EXCEPT SELECT * FROM charged))"
)
# The same of whole servers.
_SERVER_USAGE: Final = (
    "WITH charged AS (SELECT guild_id, charged_at / 3600000000 AS hour, "
    "sum(pictures * weight) AS cost FROM ledger WHERE refunded_at IS NULL GROUP BY 1, 2), "
    "summed AS (SELECT guild_id, hour, cost FROM server_usage_hours) "
    "SELECT DISTINCT 'server ' || guild_id FROM "
    "(SELECT * FROM (SELECT * FROM charged EXCEPT SELECT * FROM summed) "
    "UNION SELECT * FROM (SELECT * FROM summed EXCEPT SELECT * FROM charged))"
)
_SUMS: Final = (
    (FindingKind.SEARCH, _SEARCH),
    (FindingKind.SEARCH, _SHOWN_SEARCH),
    (FindingKind.USAGE, _USAGE),
    (FindingKind.USAGE, _SERVER_USAGE),
)
_ROWS: Final = (
    "SELECT id, file, sha256, size_bytes, deleted_at IS NULL AND file_removed_at IS NULL AS kept "
    "FROM pictures ORDER BY id"
)


def check(data_dir: Path, *, hashes: bool = False, clock: Clock = utc_now) -> ConsistencyReport:
    """Check everything without changing anything; a bot may be running meanwhile. Blocking.

    hashes: read every picture and compare its hash, not only its size. Raises DataFolderUnusable if
    there is no database, DatabaseTooNew, RestoreUnfinished, DatabaseBusy.
    """
    data_dir = data_dir.absolute()
    path = data_dir / FILE_NAME
    opening.refuse_unfinished(path)
    if not path.is_file():
        raise DataFolderUnusable(path, "there is no database")
    report = ConsistencyReport()
    supported = len(load_migrations())
    files, inputs = PictureFiles(data_dir, clock=clock), InputFiles(data_dir, clock=clock)
    try:
        with translated(path), closing(opening.look(path)) as connection:
            connection.row_factory = sqlite3.Row
            stamp = opening.stamp_of(connection)
            opening.check_stamp(path, stamp, supported)
            _check_pages(connection, report)
            if stamp.version < supported:
                report.add(FindingKind.OLD_SCHEMA, [f"{stamp.version} of {supported}"])
            else:
                for kind, sql in _LEDGER.items():
                    report.add(kind, (row[0] for row in connection.execute(sql).fetchall()))
                for kind, sql in _SUMS:
                    report.add(kind, (row[0] for row in connection.execute(sql).fetchall()))
                _check_files(connection, files, report, hashes=hashes)
                _check_inputs(connection, inputs, report)
    except DatabaseCorrupt as error:
        report.add(FindingKind.DAMAGED, [error.detail])
    parts = [*files.unfinished(), *inputs.unfinished(), *backup.leftovers(data_dir, clock())]
    report.add(FindingKind.UNFINISHED, (part.relative_to(data_dir) for part in parts))
    report.removable += ((FindingKind.UNFINISHED, part) for part in parts)
    return report


def remove(removable: Iterable[tuple[FindingKind, Path]], *, clock: Clock = utc_now) -> None:
    """Remove files that a report lists as removable; DataFolderUnusable if the system refuses.

    An input that was written again since the check stays: its job may be about to be accepted.
    """
    now = clock()
    for kind, path in removable:
        try:
            orphan = kind is FindingKind.ORPHAN and path.exists()
            if orphan and not is_old(path.stat().st_mtime, now, MIN_AGE_S):
                continue
            path.unlink(missing_ok=True)
        except OSError as error:
            raise folders.unusable(path, error) from error


def _check_pages(connection: sqlite3.Connection, report: ConsistencyReport) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check").fetchall()]
    if found != ["ok"]:
        report.add(FindingKind.DAMAGED, (" ".join(each.split()) for each in found))
    for row in connection.execute("PRAGMA foreign_key_check").fetchall():
        report.add(FindingKind.DANGLING, [f"{row['table']} {row['rowid']} → {row['parent']}"])


def _check_files(
    connection: sqlite3.Connection, files: PictureFiles, report: ConsistencyReport, *, hashes: bool
) -> None:
    # Rows before files: a picture finished meanwhile shows up as a file without a row, at worst.
    rows = connection.execute(_ROWS).fetchall()
    kept = {row["file"] for row in rows if row["kept"]}
    # Thumbnails first: each is written after its picture.
    thumbnails = files.thumbnail_sizes()
    on_disk = files.sizes()
    report.pictures, report.files = len(kept), len(on_disk)
    missing: list[sqlite3.Row] = []
    for row in rows:
        file = row["file"]
        if row["kept"]:
            if file not in on_disk:
                missing.append(row)
            elif row["size_bytes"] not in (None, on_disk[file]):
                report.add(FindingKind.WRONG_SIZE, [file])
            elif hashes and not _same(files, file, row["sha256"]):
                report.add(FindingKind.WRONG_HASH, [file])
        elif file in on_disk and file not in kept:
            report.add(FindingKind.LEFT_BEHIND, [file])
            report.removable.append((FindingKind.LEFT_BEHIND, files.path(file)))
    report.add(FindingKind.MISSING, _still_missing(connection, missing))
    known = {row["file"] for row in rows}
    report.add(FindingKind.ORPHAN, sorted(on_disk.keys() - known))
    # One whose picture is missing, or has no row yet, waits for it.
    for file in sorted(thumbnails.keys() - kept - (on_disk.keys() - known)):
        kind = FindingKind.LEFT_BEHIND if file in known else FindingKind.ORPHAN
        report.add(kind, [thumbnail_file(file)])
        report.removable.append((kind, files.thumbnail_path(file)))


def _check_inputs(
    connection: sqlite3.Connection, files: InputFiles, report: ConsistencyReport
) -> None:
    # Files before rows: rows no longer need what is removed meanwhile.
    found = {each.sha256: each for each in files.found()}
    known = {row[0] for row in connection.execute("SELECT sha256 FROM job_inputs").fetchall()}
    needed = known - _unneeded(connection, known)
    missing = {each for each in needed - found.keys() if not files.path(each).is_file()}
    report.add(FindingKind.MISSING, sorted(map(files.file, missing)))
    old = files.old()
    for sha256 in sorted(found.keys() - needed):
        if sha256 in old:  # otherwise its job may be about to be accepted
            report.add(FindingKind.ORPHAN, [files.file(sha256)])
            report.removable.append((FindingKind.ORPHAN, files.path(sha256)))


def _unneeded(connection: sqlite3.Connection, hashes: Iterable[str]) -> set[str]:
    return {row[0] for row in connection.execute(UNNEEDED, (json.dumps(list(hashes)),))}


def _still_missing(connection: sqlite3.Connection, missing: list[sqlite3.Row]) -> Iterable[str]:
    """Yield the files of pictures that were not erased or removed during the check."""
    for row in missing:
        claims = connection.execute(
            "SELECT 1 FROM pictures "
            "WHERE id = ? AND deleted_at IS NULL AND file_removed_at IS NULL",
            (row["id"],),
        ).fetchone()
        if claims is not None:
            yield row["file"]


def _same(files: PictureFiles, file: str, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        with files.path(file).open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == sha256
