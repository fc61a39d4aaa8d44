"""Keeps the database's only writer for itself: `python -m tests.chaos.hold PATH SECONDS`."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time


def main(path: str, seconds: str) -> None:
    """Hold BEGIN IMMEDIATE for so long; a database that cannot be written just now is left."""
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
