"""Which erasures there were: in the database, and in a file beside it for whoever restores a copy.

The file says what the table says, and is there when the database is damaged. Neither names anybody.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from storage import folders
from storage.database import Reads
from storage.errors import DataFolderUnusable
from storage.files import write_whole

FILE: Final = "erasures.json"
"""Name of the list in the data folder. Whoever copies a data folder has to copy it too."""
SINCE_VERSION: Final = 16
"""The schema version that introduced erasures."""
_ALL: Final = "SELECT id, person, guild_id, hours, erased_at, purged_at FROM erasures"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: whose, as a keyed hash, or None for all of a server; on which server, or None
    for all. hours: how long used quota counts. Times in microseconds since 1970."""

    id: str
    person: str | None
    guild_id: int | None
    hours: int
    erased_at: int
    purged_at: int | None = None


async def erasures(reads: Reads) -> list[Erasure]:
    """Return all erasures that a database knows, the oldest first."""
    return _in_order(Erasure(**row) for row in await reads.fetch_all(_ALL))


def erasures_in(connection: sqlite3.Connection, version: int) -> list[Erasure]:
    """Return the erasures that a copy of this schema version knows. Raises sqlite3.Error.
    Blocking."""
    if version < SINCE_VERSION:
        return []
    return _in_order(Erasure(*row) for row in connection.execute(_ALL))


def write_list(data_dir: Path, known: Iterable[Erasure]) -> None:
    """Write the list anew, whole or not at all; nothing if it says the same. Blocking.

    Raises DataFolderUnusable or DiskFull.
    """
    path = Path(data_dir).absolute() / FILE
    text = json.dumps([asdict(each) for each in _in_order(known)], indent=1) + "\n"
    try:
        if path.exists() and path.read_text(encoding="ascii") == text:
            return
        write_whole(path, text.encode("ascii"))
    except OSError as error:
        raise folders.unusable(path, error) from error


def read_list(data_dir: Path) -> list[Erasure]:
    """Return the list; empty if there is none. DataFolderUnusable if it is damaged. Blocking."""
    path = Path(data_dir).absolute() / FILE
    try:
        plain = json.loads(path.read_text(encoding="ascii"))
        return _in_order(Erasure(**each) for each in plain)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise folders.unusable(path, error) from error
    except (ValueError, TypeError):
        raise DataFolderUnusable(path, "the list of erasures is damaged") from None


def _in_order(found: Iterable[Erasure]) -> list[Erasure]:
    return sorted(found, key=lambda each: (each.erased_at, each.id))
