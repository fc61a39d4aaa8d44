"""The evidence of a run: rows, files, messages and log, collected from outside the bot."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.playground.audit import Record
from bot.playground.initial_world import BOT_ID
from bot.playground.model import ChannelType
from bot.playground.standin_server import Playground
from tests.chaos.simulated_users import PAINTING_BUTTONS, SentInteraction

PICTURE_NAME: Final = re.compile(r"(?:SPOILER_)?zimagine-(?P<job>\d+)-(?:\d+(?:-\d+)?|sheet)\.\w+")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnrecordedJob:
    """A job whose picture files were complete when the bot died, but not recorded as finished."""

    job_id: int
    attempts: int
    kill: int


@dataclass(slots=True)
class Evidence:
    """Everything that the verdict is based on.

    records: every message the bot ever created. showing: by job, those that ever showed its
    picture, except where a user asked to see it. person_of: the user of a direct message channel,
    None for others. parent_of: the channel of a thread, None for others and for deleted ones. log:
    the lines the bot wrote. problems: Discord's rules that it broke.
    """

    data_dir: Path
    jobs: Mapping[int, Row]
    deliveries: Mapping[int, Row]
    ledger: Mapping[int, Row]
    pictures: Sequence[Row]
    records: Sequence[Record]
    person_of: Callable[[int], int | None] = lambda _: None
    parent_of: Callable[[int], int | None] = lambda _: None
    sent: Sequence[SentInteraction] = ()
    unrecorded: Sequence[UnrecordedJob] = ()
    log: Sequence[str] = ()
    secrets: Sequence[str] = ()
    problems: Sequence[str] = ()
    faults: frozenset[str] = frozenset()
    database_says: Sequence[str] = ("ok",)
    showing: dict[int, list[Record]] = field(default_factory=dict[int, list[Record]])
    _by_id: dict[int, Record] = field(default_factory=dict[int, Record])

    def __post_init__(self) -> None:
        self._by_id = {each.id: each for each in self.records}
        shown_on_request = {
            each.interaction.id for each in self.sent if each.act not in (None, *PAINTING_BUTTONS)
        }
        for record in self.records:
            if record.answers_id not in shown_on_request:
                for job_id in pictured(record):
                    self.showing.setdefault(job_id, []).append(record)

    def record(self, message_id: int | None) -> Record | None:
        """Return a message that the bot ever created."""
        return None if message_id is None else self._by_id.get(message_id)

    def reaches(self, record: Record, person: int) -> bool:
        """Return whether a user can see a message."""
        owner = self.person_of(record.channel_id)
        return record.reader_id in (None, person) and owner in (None, person)

    def is_private_to(self, record: Record, person: int) -> bool:
        """Return whether only this user can see a message."""
        return record.reader_id == person or self.person_of(record.channel_id) == person


def pictured(record: Record) -> set[int]:
    """Return the jobs whose pictures a message ever showed."""
    found = (PICTURE_NAME.fullmatch(name) for name in record.files)
    return {int(match["job"]) for match in found if match}


def gather(
    playground: Playground,
    data_dir: Path,
    *,
    sent: Sequence[SentInteraction],
    left: Sequence[UnrecordedJob],
    log: Sequence[str],
    problems: Sequence[str],
    faults: frozenset[str],
) -> Evidence:
    """Collect everything, once nothing changes any more."""
    standin = playground.standin
    path = data_dir / "zimagine.db"

    def person_of(channel_id: int) -> int | None:
        channel = standin.world.channel(channel_id)
        if channel is None or channel.type is not ChannelType.DM:
            return None
        return next(each for each in channel.recipients if each != BOT_ID)

    def parent_of(channel_id: int) -> int | None:
        channel = standin.world.channel(channel_id)
        return None if channel is None or not channel.is_thread else channel.parent_id

    with closing(_connect(path)) as db:
        return Evidence(
            data_dir=data_dir,
            jobs={row["id"]: row for row in _rows(db, "SELECT * FROM jobs")},
            deliveries={row["job_id"]: row for row in _rows(db, "SELECT * FROM deliveries")},
            ledger={row["job_id"]: row for row in _rows(db, "SELECT * FROM ledger")},
            pictures=_rows(db, "SELECT * FROM pictures"),
            records=standin.audit.by_author(BOT_ID),
            person_of=person_of,
            parent_of=parent_of,
            sent=sent,
            unrecorded=left,
            log=log,
            secrets=[standin.token, *(each.interaction.token for each in sent)],
            problems=problems,
            faults=faults,
            database_says=_checks(db),
        )


def open_count(path: Path) -> int:
    """Count unfinished jobs and deliveries; 0 if there is no database yet."""
    if not path.exists():
        return 0
    sql = (
        "SELECT (SELECT count(*) FROM jobs WHERE finished_at IS NULL) + "
        "(SELECT count(*) FROM deliveries WHERE state = 'pending')"
    )
    try:
        with closing(_connect(path)) as db:
            return int(db.execute(sql).fetchone()[0])
    except sqlite3.OperationalError:  # not migrated yet, or being recovered right now
        return 1


def counted(path: Path) -> str:
    """Return the jobs by state, in one line."""
    try:
        with closing(_connect(path)) as db:
            found = db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
    except sqlite3.OperationalError:
        return "?"
    return " ".join(f"{state} {number}" for state, number in found)


def unrecorded(data_dir: Path, kill: int) -> list[UnrecordedJob]:
    """Return unfinished jobs whose files are all complete."""
    on_disk = Counter(
        int(match["job"])
        for path in data_dir.glob("pictures/*/*/*")
        if (match := PICTURE_NAME.fullmatch(path.name))
    )
    sql = "SELECT id, attempts, pictures FROM jobs WHERE finished_at IS NULL"
    try:
        with closing(_connect(data_dir / "zimagine.db")) as db:
            live = db.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
    return [
        UnrecordedJob(job_id, attempts, kill)
        for job_id, attempts, pictures in live
        if on_disk[job_id] == pictures
    ]


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def _rows(db: sqlite3.Connection, sql: str) -> list[Row]:
    return [dict(row) for row in db.execute(sql)]


def _checks(db: sqlite3.Connection) -> list[str]:
    found = [str(row[0]) for row in db.execute("PRAGMA integrity_check")]
    return found + [f"foreign key: {tuple(row)}" for row in db.execute("PRAGMA foreign_key_check")]
