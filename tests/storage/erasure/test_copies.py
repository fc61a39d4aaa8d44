"""Backups lose what was erased, and restoring an older one repeats the erasures."""

import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from storage import backup, consistency
from storage.erasure import persons, records
from storage.errors import DataFolderUnusable
from storage.restore import restore
from storage.types import Job, QuotaExceeded
from tests.storage.erasure.planted import Planted, nightly, plant, traces
from tests.storage.fakes import ALICE, OpenStores, new_job, policy


@pytest.fixture
async def planted(stores: OpenStores) -> AsyncIterator[Planted]:
    yield await plant(stores)


async def test_backups_are_written_anew(planted: Planted) -> None:
    """A backup loses the person and keeps the others; a damaged one is removed."""
    kept = await nightly(planted)
    planted.stores.clock.advance(days=1)
    damaged = await nightly(planted)
    damaged.write_bytes(damaged.read_bytes()[:-5000])
    purged = await planted.erase_all()
    assert purged.done and purged.copies_removed == (damaged.name,)
    assert traces(planted.data_dir) == {}
    assert kept.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(kept)) as connection:
        found = connection.execute("SELECT prompt FROM jobs WHERE user_id = 31 ORDER BY id")
        assert [row[0] for row in found] == ["a boat of bob", "what bob made of it"]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_backup_is_written_once(planted: Planted) -> None:
    """What is clean is not touched again, nor is a backup made after the erasure."""
    await nightly(planted)
    await planted.erase_all()
    before = {path: path.stat().st_mtime_ns for path in planted.data_dir.rglob("*.db")}
    planted.stores.clock.advance(days=1)
    await nightly(planted)
    await planted.purge().run()
    assert {path: path.stat().st_mtime_ns for path in before} == before


async def test_an_older_backup_is_restored_without_it(planted: Planted, tmp_path: Path) -> None:
    """A copy that somebody kept elsewhere brings nothing back, and used quota stays used."""
    stores, data_dir = planted.stores, planted.data_dir
    saved = tmp_path / "saved.db"
    await backup.back_up(stores.db.path, saved)
    await planted.erase_all()
    await stores.db.close()
    facts = await restore(data_dir, saved, clock=stores.clock)
    assert facts.erased_again == 1
    assert traces(data_dir) == {}
    again = await OpenStores.open(
        data_dir / "zimagine.db", stores.clock, lambda: secrets.token_hex(12)
    )
    planted.stores = again
    assert (await planted.purge().run()).done
    assert traces(data_dir) == {}
    assert [each.kind for each in consistency.check(data_dir, clock=stores.clock).wrong()] == []
    async with again.db.transaction() as transaction:
        for table in ("blocks", "user_quotas", "server_quotas"):
            await transaction.execute(f"DELETE FROM {table}")
    # Of the picture deleted before: the other one was granted, and what waited or was being
    # painted was given back.
    assert isinstance(await again.jobs.accept(new_job(ALICE), policy(1)), QuotaExceeded)
    assert isinstance(await again.jobs.accept(new_job(ALICE), policy(2)), Job)
    await again.db.close()


async def test_the_list_is_enough(planted: Planted, tmp_path: Path) -> None:
    """If the database is damaged, the list beside it tells what to erase again."""
    stores, data_dir = planted.stores, planted.data_dir
    saved = tmp_path / "saved.db"
    await backup.back_up(stores.db.path, saved)
    await planted.erase_all()
    await stores.db.close()
    (data_dir / "zimagine.db").write_bytes(b"\0" * 50_000)
    assert (await restore(data_dir, saved, clock=stores.clock)).erased_again == 1
    assert traces(data_dir) == {}
    assert len(records.read_list(data_dir)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [(persons.KEY_FILE, None), (persons.KEY_FILE, b"short"), (records.FILE, b"{")],
)
async def test_without_the_key_nothing_is_restored(
    planted: Planted, tmp_path: Path, name: str, content: bytes | None
) -> None:
    """A missing key or a damaged list is refused; the database stays as it is."""
    stores, data_dir = planted.stores, planted.data_dir
    saved = tmp_path / "saved.db"
    await backup.back_up(stores.db.path, saved)
    await planted.erase_all()
    await stores.db.close()
    before = (data_dir / "zimagine.db").read_bytes()
    (data_dir / name).unlink()
    if content is not None:
        (data_dir / name).write_bytes(content)
    persons._key.cache_clear()
    with pytest.raises(DataFolderUnusable) as refused:
        await restore(data_dir, saved, clock=stores.clock)
    assert refused.value.path == data_dir / name
    assert (data_dir / "zimagine.db").read_bytes() == before


async def test_what_was_set_aside_is_cleaned_too(planted: Planted, tmp_path: Path) -> None:
    """A database that a restore replaced loses what is erased later."""
    stores, data_dir = planted.stores, planted.data_dir
    saved = tmp_path / "saved.db"
    await backup.back_up(stores.db.path, saved)
    await stores.db.close()
    await restore(data_dir, saved, clock=stores.clock)
    planted.stores = await OpenStores.open(data_dir / "zimagine.db", stores.clock)
    assert list(data_dir.glob("zimagine.db.before-*"))
    assert (await planted.erase_all()).done
    assert traces(data_dir) == {}
    assert list(data_dir.glob("zimagine.db.before-*"))
    await planted.stores.db.close()


async def test_who_came_back_is_not_erased_again(planted: Planted, tmp_path: Path) -> None:
    """What a person has painted since they were erased survives the restore of a newer backup."""
    stores, data_dir = planted.stores, planted.data_dir
    await planted.erase_all()
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM blocks")
    await stores.painted(new_job(ALICE, prompt="back again"))
    saved = tmp_path / "saved.db"
    await backup.back_up(stores.db.path, saved)
    await stores.db.close()
    assert (await restore(data_dir, saved, clock=stores.clock)).erased_again == 0
    again = await OpenStores.open(data_dir / "zimagine.db", stores.clock)
    assert await again.history.count(ALICE.user_id, 10) == 1
    await again.db.close()
