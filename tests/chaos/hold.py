"""Hold the database's write lock: `python -m tests.chaos.hold PATH SECONDS`."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time


def main(path: str, seconds: str) -> None:
    """Hold BEGIN IMMEDIATE for this long; a database that is locked already is skipped."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=5)
        try:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(float(seconds))
            connection.execute("ROLLBACK")
        finally:
            connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
