"""The mark of a database: whose ids are whose, through backups, restores and upgrades."""

import re
import secrets
import shutil
from pathlib import Path

import pytest

from storage import backup
from storage.database import FILE_NAME, Database
from storage.marks import MARK_CHARS, MARKED_SINCE, DatabaseMark, read_mark
from storage.migrate import load_migrations
from storage.restore import restore
from storage.types import Place
from tests.fakes import FakeClock
from tests.storage.fakes import START, OpenStores, new_job

CLOCK = FakeClock(START)
OLDER = load_migrations()[: MARKED_SINCE - 1]


async def mark_of(path: Path) -> DatabaseMark:
    """Open a database, creating or upgrading it, and return its mark."""
    async with await Database.open(path) as db:
        return await read_mark(db)


async def with_jobs(path: Path, *prompts: str, older: bool = False) -> Path:
    """Write a database with painted jobs. older: as a release without marks wrote it."""
    await (await Database.open(path, migrations=OLDER if older else None)).close()
    if not older:
        stores = await OpenStores.open(path, nonce=lambda: secrets.token_hex(12))
        for prompt in prompts:
            await stores.painted(new_job(prompt=prompt))
        await stores.db.close()
        return path
    async with await Database.open(path, migrations=OLDER) as db, db.transaction() as transaction:
        for prompt in prompts:
            job_id = await transaction.insert(
                "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
                "pictures, locale, accepted_at, finished_at) "
                "VALUES (1, 2, 3, 'painted', '{}', ?, 5, 1, 'en-US', 6, 7)",
                (prompt,),
            )
            await transaction.execute(
                "INSERT INTO deliveries (job_id, state, channel_id, nonce, settled_at) "
                "VALUES (?, 'delivered', 2, ?, 8)",
                (job_id, secrets.token_hex(12)),
            )
    return path


async def test_every_new_database_has_its_own_mark(tmp_path: Path) -> None:
    """New databases have different marks, keep them, and know no ids without a mark."""
    marks = [await mark_of(tmp_path / str(number) / FILE_NAME) for number in range(20)]
    assert len({each.text for each in marks}) == 20
    assert all(re.fullmatch(f"[0-9a-f]{{{MARK_CHARS}}}", each.text) for each in marks)
    assert all(each.ids_before is None for each in marks)
    for number, mark in enumerate(marks):
        assert await mark_of(tmp_path / str(number) / FILE_NAME) == mark


async def test_an_upgraded_database_knows_the_ids_it_gave(old_file: Path) -> None:
    """After the upgrade, ids without a mark count up to those that were given before it."""
    mark = await mark_of(old_file)
    assert mark.ids_before == {"jobs": 112, "pictures": 24, "proposals": 0}
    stores = await OpenStores.open(old_file, nonce=lambda: secrets.token_hex(12))
    (picture,) = await stores.painted(new_job(place=Place(1, 2, 3)))
    assert (picture.job_id, picture.id) == (113, 25)  # the deleted row's id is not given again
    await stores.db.close()
    assert await mark_of(old_file) == mark


async def test_an_older_database_without_ids_counts_as_new(database_file: Path) -> None:
    """A database of an earlier release that gave no ids has no buttons of its own to keep alive."""
    await with_jobs(database_file, older=True)
    assert (await mark_of(database_file)).ids_before is None


@pytest.mark.parametrize("lost", ["nothing", "the database", "the data folder"])
async def test_a_backup_keeps_the_mark(database_file: Path, tmp_path: Path, lost: str) -> None:
    """A restored database has the mark of the one that the backup was made of."""
    await with_jobs(database_file, "a lake", "a boat")
    mark = await mark_of(database_file)
    saved = (await backup.back_up(database_file, tmp_path / "saved.db")).path
    await with_jobs(database_file, "since")
    if lost == "the database":
        for each in database_file.parent.glob(f"{FILE_NAME}*"):
            each.unlink()
        assert (await mark_of(database_file)).text != mark.text
    elif lost == "the data folder":
        shutil.rmtree(database_file.parent)
    await restore(database_file.parent, saved, clock=CLOCK)
    assert await mark_of(database_file) == mark


async def test_a_backup_from_before_marks_gets_its_databases_mark(
    database_file: Path, tmp_path: Path
) -> None:
    """A backup made before the upgrade is restored with the mark that buttons carry since."""
    await with_jobs(database_file, "a lake", "a boat", older=True)
    saved = (await backup.back_up(database_file, tmp_path / "saved.db")).path
    mark = await mark_of(database_file)
    assert mark.ids_before == {"jobs": 2, "pictures": 0, "proposals": 0}
    await with_jobs(database_file, "since the upgrade")
    await restore(database_file.parent, saved, clock=CLOCK)
    assert await mark_of(database_file) == mark


async def test_another_databases_backup_keeps_out_of_this_ones_buttons(
    database_file: Path, tmp_path: Path
) -> None:
    """An unmarked backup of another database does not get the mark of the one it replaces."""
    await with_jobs(database_file, "a lake", "a boat")
    mark = await mark_of(database_file)
    other = await with_jobs(tmp_path / "other" / FILE_NAME, "a house", "a hill", older=True)
    await restore(database_file.parent, other, clock=CLOCK)
    found = await mark_of(database_file)
    assert found.text != mark.text and found.ids_before == {
        "jobs": 2,
        "pictures": 0,
        "proposals": 0,
    }


async def test_a_mark_that_cannot_be_read_stops_no_restore(
    database_file: Path, tmp_path: Path
) -> None:
    """If the replaced database is damaged, an unmarked backup gets a mark of its own."""
    await with_jobs(database_file, "a lake", older=True)
    saved = (await backup.back_up(database_file, tmp_path / "saved.db")).path
    database_file.write_bytes(b"SQLite format 3\0" + secrets.token_bytes(8192))
    await restore(database_file.parent, saved, clock=CLOCK)
    assert (await mark_of(database_file)).ids_before == {"jobs": 1, "pictures": 0, "proposals": 0}
