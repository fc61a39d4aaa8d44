"""A new database for a test, without migrating it from nothing each time."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from storage.database import Database


def place_new_database(file: Path) -> None:
    """Put an empty database of the current version at `file`, unless something is there.

    Opening it afterwards does what opening any existing database does. Tests of the first opening
    and of migrations do not use this.
    """
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(_migrated())
    file.chmod(0o600)


@cache
def _migrated() -> bytes:
    async def migrate(file: Path) -> None:
        async with await Database.open(file):
            pass

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        file = Path(folder, "data", "zimagine.db")
        # On another thread: on this one a loop may be running.
        pool.submit(lambda: asyncio.run(migrate(file))).result()
        return file.read_bytes()
