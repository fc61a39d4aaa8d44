"""Retention removes files, keeps rows and favourites, and survives crashes."""

import asyncio
import hashlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.errors import DataFolderUnusable
from storage.files import PictureFiles
from storage.inputs import InputFiles, Inputs
from storage.retention import BATCH_ROWS, Retention
from storage.types import Removed
from tests.storage.dying import die
from tests.storage.fakes import OpenStores, new_job, new_picture
from tests.storage.query_plans import plans_of

SIZE_BYTES = 100


@dataclass
class DailyPictures:
    """Pictures with files, one per day."""

    stores: OpenStores
    files: PictureFiles
    retention: Retention
    data_dir: Path
    ids: list[int] = field(default_factory=list[int])

    async def paint(
        self, count: int = 1, inputs: tuple[str, ...] = (), **fields: object
    ) -> list[int]:
        for _ in range(count):
            written = self.files.write(f"{len(self.ids)}.png", b"x" * SIZE_BYTES)
            job = await self.stores.painting(new_job(inputs=inputs))
            values = {"file": written.file, "size_bytes": SIZE_BYTES} | fields
            (picture,) = await self.stores.jobs.painted(job.id, new_picture(**values))  # pyright: ignore[reportArgumentType]
            await self.stores.deliveries.delivered(job.id)
            self.ids.append(picture.id)
            self.stores.clock.advance(days=1)
        return self.ids[-count:]

    async def set(self, column: str, picture_id: int, value: int | None = 1) -> None:
        async with self.stores.db.transaction() as transaction:
            await transaction.execute(
                f"UPDATE pictures SET {column} = ? WHERE id = ?", (value, picture_id)
            )

    async def kept(self) -> list[int]:
        """Return the ids whose rows claim a file; checks that exactly these files exist."""
        rows = await self.stores.db.fetch_all(
            "SELECT id, file FROM pictures "
            "WHERE deleted_at IS NULL AND file_removed_at IS NULL ORDER BY id"
        )
        assert set(self.files.sizes()) == {row["file"] for row in rows}
        return [row["id"] for row in rows]


@pytest.fixture
async def daily(stores: OpenStores) -> AsyncIterator[DailyPictures]:
    data_dir = stores.db.path.parent
    files = PictureFiles(data_dir, clock=stores.clock)
    yield DailyPictures(stores, files, Retention(stores.db, files, stores.clock), data_dir)


async def test_without_limits_everything_stays(daily: DailyPictures) -> None:
    """Without limits nothing is removed."""
    ids = await daily.paint(3)
    assert await daily.retention.apply(None, None) == Removed(0, 0)
    assert await daily.kept() == ids


async def test_old_files_go_and_their_rows_stay(daily: DailyPictures) -> None:
    """Files older than the limit are removed; their rows and recipes stay and say so."""
    ids = await daily.paint(5)
    assert await daily.retention.apply(3, None) == Removed(2, 2 * SIZE_BYTES)
    assert await daily.kept() == ids[2:]
    assert await daily.retention.apply(3, None) == Removed(0, 0)
    picture = await daily.stores.history.get(ids[0])
    assert picture is not None and not picture.on_disk
    assert picture.recipe == new_picture().recipe


@pytest.mark.parametrize(("limit_bytes", "kept"), [(500, 5), (499, 4), (150, 1), (99, 0), (0, 0)])
async def test_the_oldest_go_until_the_rest_fits(
    daily: DailyPictures, limit_bytes: int, kept: int
) -> None:
    """The oldest files are removed, and no more than needed, until the rest fits."""
    ids = await daily.paint(5)
    removed = await daily.retention.apply(None, limit_bytes)
    assert removed == Removed(5 - kept, (5 - kept) * SIZE_BYTES)
    assert await daily.kept() == ids[5 - kept :]


@pytest.mark.parametrize(("limit_bytes", "kept"), [(550, 5), (549, 4), (440, 4), (109, 0)])
async def test_thumbnails_count_and_go(daily: DailyPictures, limit_bytes: int, kept: int) -> None:
    """Thumbnails count towards the limit, and go with their pictures, no more than needed."""
    ids = await daily.paint(5)
    for file in daily.files.sizes():
        daily.files.write_thumbnail(file, b"x" * 10)
    removed = await daily.retention.apply(None, limit_bytes)
    assert removed == Removed(5 - kept, (5 - kept) * (SIZE_BYTES + 10))
    assert await daily.kept() == ids[5 - kept :]
    assert daily.files.thumbnail_sizes().keys() == daily.files.sizes().keys()


async def test_thumbnails_of_erased_and_old_pictures_go(daily: DailyPictures) -> None:
    """The thumbnail goes with the file of an erased picture, and with one that is too old."""
    erased, _old, kept = await daily.paint(3)
    for file in daily.files.sizes():
        daily.files.write_thumbnail(file, b"x" * 10)
    assert await daily.stores.history.erase(erased) is not None
    assert await daily.retention.apply(1, None) == Removed(2, 2 * (SIZE_BYTES + 10))
    assert await daily.kept() == [kept]
    assert daily.files.thumbnail_sizes().keys() == daily.files.sizes().keys()


async def test_many_batches(daily: DailyPictures) -> None:
    """More files than fit in one batch are removed, including those of the same instant."""
    ids = await daily.paint(2 * BATCH_ROWS + 7)
    async with daily.stores.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET painted_at = 5 WHERE id <> ?", (ids[0],))
    removed = await daily.retention.apply(None, 3 * SIZE_BYTES)
    assert removed.files == len(ids) - 3
    assert await daily.kept() == [ids[0], *ids[-2:]]


async def test_favourites_and_what_is_undelivered_stay(daily: DailyPictures) -> None:
    """Files of favourites and undelivered pictures stay, however old and large."""
    favourite, other = await daily.paint(2)
    written = daily.files.write("pending.png", b"x" * SIZE_BYTES)
    job = await daily.stores.painting()
    (pending,) = await daily.stores.jobs.painted(
        job.id, new_picture(file=written.file, size_bytes=SIZE_BYTES)
    )
    await daily.set("favourite_at", favourite)
    daily.stores.clock.advance(days=100)
    assert await daily.retention.apply(1, 0) == Removed(1, SIZE_BYTES)
    assert other not in await daily.kept()
    assert await daily.kept() == [favourite, pending.id]
    await daily.stores.deliveries.delivered(job.id)
    assert (await daily.retention.apply(1, 0)).files == 1


async def test_a_favourite_at_the_last_moment_stays(
    daily: DailyPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that becomes a favourite just before its file is removed keeps it."""
    first, second = await daily.paint(2)
    original = daily.files.plan_removal
    loop = asyncio.get_running_loop()

    def meanwhile(ids: list[int]) -> None:
        asyncio.run_coroutine_threadsafe(daily.set("favourite_at", first), loop).result()
        original(ids)

    monkeypatch.setattr(daily.files, "plan_removal", meanwhile)
    assert await daily.retention.apply(None, 0) == Removed(1, SIZE_BYTES)
    assert await daily.kept() == [first] and second != first


async def test_what_an_erasure_left_behind_goes(daily: DailyPictures) -> None:
    """An erased picture's file that a crash left is removed once, whatever the limits."""
    erased, gone, kept = await daily.paint(3)
    for picture_id in (erased, gone):
        picture = await daily.stores.history.erase(picture_id)
        assert picture is not None
    daily.files.remove(picture.file)  # as it should have been
    assert await daily.retention.apply(None, None) == Removed(1, SIZE_BYTES)
    assert await daily.kept() == [kept]
    assert await daily.retention.apply(None, None) == Removed(0, 0)


async def with_input(daily: DailyPictures, name: str, size_bytes: int, count: int = 1) -> list[int]:
    """Return pictures that were made from the same input."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    await Inputs(daily.stores.db, daily.stores.clock).write(b"x" * size_bytes, sha256)
    return [picture_id for _ in range(count) for picture_id in await daily.paint(inputs=(sha256,))]


async def test_inputs_go_with_their_last_picture(daily: DailyPictures) -> None:
    """Removing the last picture made from an input removes the input as well."""
    inputs = Inputs(daily.stores.db, daily.stores.clock)
    await with_input(daily, "shared", 30, count=3)
    favourite, _ = await with_input(daily, "favourite", 7, count=2)
    await daily.set("favourite_at", favourite)
    assert await daily.retention.apply(3, None) == Removed(2, 2 * SIZE_BYTES)
    assert await inputs.size_bytes() == 37
    daily.stores.clock.advance(days=1)
    assert await daily.retention.apply(3, None) == Removed(2, SIZE_BYTES + 30)
    daily.stores.clock.advance(days=9)
    assert await daily.retention.apply(3, None) == Removed(1, SIZE_BYTES)
    assert await daily.kept() == [favourite] and await inputs.size_bytes() == 7


async def test_inputs_count_towards_the_limit(daily: DailyPictures) -> None:
    """Pictures and inputs together fit below the limit; freed inputs are counted."""
    first, *_ = await with_input(daily, "one", 500)
    ids = await with_input(daily, "two", 10, count=3)
    assert await daily.retention.apply(None, 910) == Removed()
    assert await daily.kept() == [first, *ids]
    assert await daily.retention.apply(None, 909) == Removed(2, SIZE_BYTES + 500)
    assert await daily.retention.apply(None, 310) == Removed()
    assert await daily.retention.apply(None, 309) == Removed(1, SIZE_BYTES)
    assert await daily.kept() == ids[1:]


async def test_an_erased_pictures_input_that_a_crash_left_goes(
    daily: DailyPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input whose last picture went just before a crash is removed the next time."""
    (picture_id,) = await with_input(daily, "one", 30)
    with monkeypatch.context() as patch:
        patch.setattr(InputFiles, "remove", lambda *_: die_now())
        with pytest.raises(RuntimeError):
            await daily.retention.apply(None, 0)
    assert picture_id not in await daily.kept()
    assert await daily.retention.apply(None, None) == Removed(1, 30)


def die_now() -> None:
    raise RuntimeError("the process ends here")


async def test_unknown_sizes_are_measured(daily: DailyPictures) -> None:
    """Files without a stored size count as well, once they have been measured."""
    ids = await daily.paint(BATCH_ROWS + 3, size_bytes=None)
    assert (await daily.retention.apply(None, 2 * SIZE_BYTES)).files == BATCH_ROWS + 1
    assert await daily.kept() == ids[-2:]


async def test_a_missing_file_is_not_taken_for_a_removed_one(daily: DailyPictures) -> None:
    """Files that cannot be measured, for instance on a detached disk, are left alone."""
    ids = await daily.paint(3, size_bytes=None)
    pictures = daily.data_dir / "pictures"
    pictures.rename(daily.data_dir / "away")
    assert await daily.retention.apply(None, 0) == Removed(0, 0)
    shutil.rmtree(pictures, ignore_errors=True)
    (daily.data_dir / "away").rename(pictures)
    assert await daily.kept() == ids


async def test_a_path_that_leads_out_is_never_followed(
    daily: DailyPictures, tmp_path: Path
) -> None:
    """A row that names a file outside the pictures folder removes nothing."""
    await daily.paint(1)
    (tmp_path / "secret").write_text("x")
    async with daily.stores.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET file = '../secret'")
    assert (await daily.retention.apply(1, 0)).files <= 1
    assert (tmp_path / "secret").exists()


async def test_a_file_that_cannot_be_removed_is_tried_again(
    daily: DailyPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be removed raises an error, and is removed the next time."""
    await daily.paint(1)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    daily.stores.clock.advance(days=9)
    with pytest.raises(DataFolderUnusable):
        await daily.retention.apply(1, None)
    monkeypatch.undo()
    await daily.retention.apply(None, None)
    assert await daily.kept() == []


RETAINING = """
import asyncio, pathlib
from datetime import UTC, datetime
from storage.database import Database
from storage.files import PictureFiles
from storage.retention import Retention

async def main(data_dir):
    async with await Database.open(data_dir / "zimagine.db") as db:
        clock = lambda: datetime(2027, 1, 1, tzinfo=UTC)
        await Retention(db, PictureFiles(data_dir), clock).apply(1, None)

begin()
asyncio.run(main(pathlib.Path(sys.argv[2])))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
async def test_kill_9_at_any_instant_forgets_no_file(daily: DailyPictures, tmp_path: Path) -> None:
    """Killed at any point, the next run completes the removal, even with other limits."""
    erased, *_, favourite = await daily.paint(4)
    await daily.set("favourite_at", favourite)
    assert await daily.stores.history.erase(erased)
    await daily.stores.db.close()
    limit = asyncio.Semaphore(3)

    async def attempt(last: int) -> tuple[bool, int]:
        folder = tmp_path / str(last)
        shutil.copytree(daily.data_dir, folder)
        async with limit:
            code = await die(RETAINING, last, str(folder))
        assert code in (0, -signal.SIGKILL)
        stores = await OpenStores.open(folder / "zimagine.db")
        files = PictureFiles(folder, clock=stores.clock)
        again = DailyPictures(stores, files, Retention(stores.db, files, stores.clock), folder)
        await again.retention.apply(None, None)
        kept = await again.kept()
        await stores.db.close()
        assert favourite in kept
        return code == 0, len(kept)

    ends = await asyncio.gather(*(attempt(last) for last in range(110)))
    assert ends[0] == (False, 3) and ends[-1] == (True, 1)


async def test_a_writer_waits_for_one_batch_at_most(daily: DailyPictures) -> None:
    """While hundreds of files are removed, another transaction can run between two batches."""
    await daily.paint(6 * BATCH_ROWS)
    work = asyncio.create_task(daily.retention.apply(None, 0))
    longest_s, turns = 0.0, 0
    while not work.done():
        begun_s = time.monotonic()
        async with daily.stores.db.transaction() as transaction:
            await transaction.fetch_one("SELECT 1")
        longest_s, turns = max(longest_s, time.monotonic() - begun_s), turns + 1
        await asyncio.sleep(0)
    assert turns >= 6 and longest_s < 1.0


async def fill(stores: OpenStores, count: int) -> None:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    async with stores.db.transaction() as transaction:
        for sql in (
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at, finished_at) "
            "SELECT 10, 20, 30, 'painted', '{}', 'a lake', i, 1, 'en-US', i, i FROM n",
            "INSERT INTO deliveries (job_id, state, channel_id, nonce, settled_at) "
            "SELECT i, 'delivered', 20, 'old-' || i, i FROM n",
            "INSERT INTO pictures (job_id, guild_id, user_id, file, sha256, recipe, seed, "
            "width_px, height_px, duration_s, painted_at, size_bytes) "
            "SELECT i, 10, 30, 'pictures/2026/03/' || i || '.png', 'x', '{}', i, 64, 64, 1.0, "
            "i * 1000000, iif(i % 3, 100, NULL) FROM n",
        ):
            await transaction.execute(numbers + sql)


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
async def test_questions_use_their_index(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch, analysed: bool
) -> None:
    """The total and the oldest files are read from an index, without scanning a table."""
    await fill(stores, 300)
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    erased = await stores.history.erase(7)
    assert erased is not None
    if analysed:
        async with stores.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    retention = Retention(stores.db, files, stores.clock)
    files.plan_removal([3])
    plans = await plans_of(stores, monkeypatch, retention.apply(1, 5000))
    assert any("COVERING INDEX pictures_on_disk" in plan for plan in plans), plans
    assert any("INDEX pictures_to_remove" in plan for plan in plans), plans
    for plan in plans:
        for step in plan.split("; "):
            assert not step.startswith("SCAN") or "USING" in step or "json_each" in step, plan
            assert step != "USE TEMP B-TREE FOR ORDER BY", plan
