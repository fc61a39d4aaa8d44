"""Killed at any moment of an erasure, the next start finishes it, or nothing had happened."""

import shutil
from pathlib import Path

import pytest

from bot.pictures.filenames import job_id_of
from storage import consistency
from storage.erasure.purge import Purge
from storage.files import PictureFiles
from tests.storage.dying import die
from tests.storage.erasure.planted import SECRETS, nightly, plant, traces
from tests.storage.fakes import ALICE, OpenStores

ERASE = """
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from bot.pictures.filenames import job_id_of
from storage.cancelled_painting import FreeCancelling
from storage.database import Database
from storage.erasure.erase import Erasing
from storage.erasure.purge import Purge
from storage.files import PictureFiles
from storage.types import PolicySource, QuotaPolicy

async def main():
    folder, user_id = Path(sys.argv[2]), int(sys.argv[3])
    clock = lambda: datetime(2026, 3, 1, 13, tzinfo=UTC)
    async with await Database.open(folder / "zimagine.db") as db:
        begin()
        free = FreeCancelling(600.0, QuotaPolicy(10, 24, PolicySource.CONFIG))
        await Erasing(db, clock, lambda: free).person(user_id)
        files = PictureFiles(folder, clock=clock)
        assert (await Purge(db, files, clock, job_of=job_id_of).run()).done

asyncio.run(main())
"""
EVERY = 17
"""Every so many instants one is tried: all of them would take minutes."""


@pytest.fixture
async def ready(database_file: Path) -> Path:
    """A data folder with a backup, whose database is closed."""
    stores = await OpenStores.open(database_file)
    planted = await plant(stores)
    await nightly(planted)
    await stores.db.close()
    return database_file.parent


async def test_killed_at_any_instant(ready: Path, tmp_path: Path) -> None:
    """Either everything is still there, or the next start leaves nothing in any byte."""
    outcomes: set[bool] = set()
    last, code = 3, -9
    while code == -9:
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(ready, folder)
        code = await die(ERASE, last, str(folder), str(ALICE.user_id))
        assert code in (0, -9)
        stores = await OpenStores.open(folder / "zimagine.db")
        erased = not await stores.db.fetch_all(
            "SELECT 1 FROM jobs WHERE user_id = ?", (ALICE.user_id,)
        )
        outcomes.add(erased)
        files = PictureFiles(folder, clock=stores.clock)
        purged = await Purge(stores.db, files, stores.clock, job_of=job_id_of).run()
        assert purged.done
        if erased:
            assert traces(folder) == {}, last
            assert consistency.check(folder, clock=stores.clock).wrong() == []
        else:
            found = set().union(*traces(folder, [SECRETS["note"].encode()]).values())
            assert SECRETS["note"].encode() in found, last
            assert files.existing(f"pictures/2026/03/zimagine-1-{4242}.png") is not None
        await stores.db.close()
        shutil.rmtree(folder)
        last += EVERY
    assert outcomes == {True, False}
