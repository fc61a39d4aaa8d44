"""Inputs are shared, kept exactly as long as needed, and never outside their folder."""

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import consistency, folders
from storage.errors import DataFolderUnusable, DiskFull, PictureMissing, UnsafePath
from storage.files import PictureFiles
from storage.inputs import InputFiles, Inputs
from storage.retention import Retention
from storage.types import Job, NewJob, QuotaExceeded, Removed, StoredPicture
from tests.fakes import FakeClock
from tests.storage.fakes import ALICE, BOB, PLENTY, START, OpenStores, new_job, new_picture, policy
from tests.storage.query_plans import plans_of


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


ONE, TWO, THREE = sha("one"), sha("two"), sha("three")
DATA = b"not really a picture"


@dataclass
class InputJobs:
    """Jobs with input images, and the files of both."""

    stores: OpenStores
    inputs: Inputs
    files: PictureFiles
    retention: Retention
    data_dir: Path

    async def start(self, *hashes: str, **fields: Any) -> Job:
        for each in hashes:
            await self.inputs.write(DATA, each)
        return await self.stores.accept(new_job(inputs=hashes, **fields))

    async def paint(self, *hashes: str, **fields: Any) -> StoredPicture:
        job = await self.start(*hashes, **fields)
        assert await self.stores.jobs.painting(job.id)
        written = self.files.write(f"{job.id}.png", b"x" * 100)
        painted = new_picture(file=written.file, size_bytes=100)
        (picture,) = await self.stores.jobs.painted(job.id, painted)
        await self.stores.deliveries.delivered(job.id)
        return picture

    def path(self, sha256: str) -> Path:
        return self.data_dir / "inputs" / sha256[:2] / f"{sha256}.png"

    def kept(self) -> set[str]:
        return {path.stem for path in self.data_dir.glob("inputs/*/*.png")}


@pytest.fixture
async def input_jobs(stores: OpenStores) -> AsyncIterator[InputJobs]:
    data_dir = stores.db.path.parent
    files = PictureFiles(data_dir, clock=stores.clock)
    retention = Retention(stores.db, files, stores.clock)
    yield InputJobs(stores, Inputs(stores.db, stores.clock), files, retention, data_dir)


async def test_write_and_read(input_jobs: InputJobs) -> None:
    """An input is read back from a private file named by its hash."""
    await input_jobs.inputs.write(DATA, ONE)
    await input_jobs.inputs.write(DATA + b"!", ONE)
    assert await input_jobs.inputs.read(ONE) == DATA + b"!"
    assert input_jobs.path(ONE).read_bytes() == DATA + b"!"
    assert [each.name for each in input_jobs.path(ONE).parent.iterdir()] == [f"{ONE}.png"]
    if os.name == "posix":
        assert input_jobs.path(ONE).parent.stat().st_mode & 0o777 == 0o700
    assert await input_jobs.inputs.size_bytes() == len(DATA) + 1


async def test_what_is_missing(input_jobs: InputJobs) -> None:
    """A missing input raises an error that names its file."""
    with pytest.raises(PictureMissing) as missing:
        await input_jobs.inputs.read(ONE)
    assert missing.value.file == f"inputs/{ONE[:2]}/{ONE}.png"


@given(
    name=st.one_of(
        st.text(),
        st.from_regex(r"[0-9a-fA-F]{63,65}", fullmatch=True),
        st.sampled_from(
            ["", "..", "../" * 20 + "etc/passwd", "/" + "a" * 63, ONE + "\n", "a" * 65]
        ),
    ).filter(lambda name: not (len(name) == 64 and set(name) <= set("0123456789abcdef")))
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_but_a_hash_becomes_a_path(tmp_path: Path, name: str) -> None:
    """Anything but 64 lower-case hex digits is refused everywhere, and touches nothing."""
    files = InputFiles(tmp_path / "data", clock=FakeClock(START))
    for work in (
        lambda: files.path(name),
        lambda: files.write(DATA, name),
        lambda: files.read(name),
        lambda: files.check_there([name]),
        lambda: files.remove({name: 2**62}),
    ):
        with pytest.raises(UnsafePath):
            work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", ONE[:63], ONE.upper(), "g" * 64])
async def test_no_job_has_a_name_for_a_hash(input_jobs: InputJobs, name: str) -> None:
    """A job whose input is not a hash is refused, and so is such a row in the table."""
    with pytest.raises(UnsafePath):
        await input_jobs.stores.jobs.accept(new_job(inputs=(name,)), PLENTY)
    assert await input_jobs.stores.jobs.get(1) is None and await input_jobs.stores.used() == 0
    job = await input_jobs.stores.accept()
    with pytest.raises(sqlite3.IntegrityError):
        async with input_jobs.stores.db.transaction() as transaction:
            await transaction.execute("INSERT INTO job_inputs VALUES (?, 0, ?)", (job.id, name))


async def test_a_job_knows_what_it_starts_from(input_jobs: InputJobs) -> None:
    """A job's inputs keep their order and duplicates, and do not mix with other jobs'."""
    first, second = await input_jobs.start(TWO, ONE, TWO), await input_jobs.start(THREE)
    assert await input_jobs.inputs.of_job(first.id) == (TWO, ONE, TWO)
    assert await input_jobs.inputs.of_job(second.id) == (THREE,)
    assert await input_jobs.inputs.of_job((await input_jobs.stores.accept()).id) == ()
    await input_jobs.inputs.write(DATA, ONE)
    own = await input_jobs.stores.jobs.record(new_job(inputs=(ONE,)), new_picture())
    assert await input_jobs.inputs.of_job(own.job_id) == (ONE,)


async def test_no_job_without_its_file(input_jobs: InputJobs) -> None:
    """A job is not accepted, charged or recorded until its input is on disk."""
    new = new_job(inputs=(ONE,))
    with pytest.raises(PictureMissing):
        await input_jobs.stores.jobs.accept(new, PLENTY)
    with pytest.raises(PictureMissing):
        await input_jobs.stores.jobs.record(new, new_picture())
    assert await input_jobs.stores.jobs.get(1) is None and await input_jobs.stores.used() == 0
    await input_jobs.inputs.write(DATA, ONE)
    await input_jobs.stores.accept(new)


async def test_a_refused_job_leaves_an_orphan(input_jobs: InputJobs) -> None:
    """The input of a job that the quota refused is removed after an hour."""
    await input_jobs.inputs.write(DATA, ONE)
    refused = await input_jobs.stores.jobs.accept(new_job(inputs=(ONE,)), policy(0))
    assert isinstance(refused, QuotaExceeded)
    assert await input_jobs.inputs.of_job(1) == ()
    input_jobs.stores.clock.advance(minutes=59)
    assert await input_jobs.inputs.sweep() == Removed()
    input_jobs.stores.clock.advance(minutes=1)
    assert await input_jobs.inputs.sweep() == Removed(1, len(DATA))
    assert input_jobs.kept() == set()


@pytest.mark.parametrize("end", ["failed", "cancelled", "expired"])
async def test_what_a_job_without_a_picture_started_from_goes(
    input_jobs: InputJobs, end: str
) -> None:
    """An input stays while its job is unfinished, and goes if the job ends without a picture."""
    job = await input_jobs.start(ONE)
    input_jobs.stores.clock.advance(days=40)
    assert await input_jobs.retention.apply(1, 0) == Removed()
    if end == "failed":
        assert await input_jobs.stores.jobs.painting(job.id)
        assert await input_jobs.retention.apply(1, 0) == Removed()
        await input_jobs.stores.jobs.failed(job.id, "internal")
    else:
        await getattr(input_jobs.stores.jobs, end)(job.id)
    assert await input_jobs.retention.apply(None, None) == Removed(1, len(DATA))


async def test_an_erased_pictures_input_goes_at_once(input_jobs: InputJobs) -> None:
    """An input is removed with the last picture made from it, and not before."""
    first = await input_jobs.paint(ONE, TWO)
    second = await input_jobs.paint(TWO, place=BOB)
    await input_jobs.stores.history.erase(first.id)
    assert input_jobs.kept() == {TWO}
    await input_jobs.stores.history.erase(second.id)
    assert input_jobs.kept() == set()


async def test_a_job_of_several_pictures(input_jobs: InputJobs) -> None:
    """While one picture of a job is left, its input stays."""
    job = await input_jobs.start(ONE, pictures=2)
    assert await input_jobs.stores.jobs.painting(job.id)
    first, second = await input_jobs.stores.jobs.painted(job.id, [new_picture(), new_picture(8)])
    await input_jobs.stores.history.erase(first.id)
    assert input_jobs.kept() == {ONE}
    await input_jobs.stores.history.erase(second.id)
    assert input_jobs.kept() == set()


async def test_an_unfinished_job_needs_it_too(input_jobs: InputJobs) -> None:
    """An input that another unfinished job uses stays, whatever is erased."""
    picture = await input_jobs.paint(ONE)
    job = await input_jobs.start(ONE, place=BOB)
    await input_jobs.stores.history.erase(picture.id)
    assert input_jobs.kept() == {ONE}
    await input_jobs.stores.jobs.cancelled(job.id)
    input_jobs.stores.clock.advance(hours=1)
    await input_jobs.inputs.sweep()
    assert input_jobs.kept() == set()


async def test_what_was_written_again_stays(input_jobs: InputJobs) -> None:
    """Erasing a picture keeps an input that was just written again, so its job can be accepted."""
    picture = await input_jobs.paint(ONE)
    input_jobs.stores.clock.advance(minutes=5)
    await input_jobs.inputs.write(DATA, ONE)
    await input_jobs.stores.history.erase(picture.id)
    assert input_jobs.kept() == {ONE}
    await input_jobs.stores.accept(new_job(BOB, inputs=(ONE,)))
    input_jobs.stores.clock.advance(days=1)
    await input_jobs.inputs.sweep()
    assert input_jobs.kept() == {ONE}


async def test_an_erasure_holds_whatever_the_disk_says(
    input_jobs: InputJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be removed does not make an erasure fail; a later sweep removes it."""
    picture = await input_jobs.paint(ONE)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert await input_jobs.stores.history.erase(picture.id) is not None
        input_jobs.stores.clock.advance(hours=1)
        with pytest.raises(DataFolderUnusable):
            await input_jobs.inputs.sweep()
    assert await input_jobs.stores.history.get(picture.id) is None and input_jobs.kept() == {ONE}
    await input_jobs.inputs.sweep()
    assert input_jobs.kept() == set()


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


async def test_a_full_disk(input_jobs: InputJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves no partial file, and the previous file stays intact."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    await input_jobs.inputs.write(DATA, ONE)
    monkeypatch.setattr(os, "fsync", full)
    for each in (ONE, TWO):
        with pytest.raises(DiskFull):
            await input_jobs.inputs.write(b"longer than before", each)
    monkeypatch.undo()
    assert input_jobs.kept() == {ONE} and await input_jobs.inputs.read(ONE) == DATA
    assert not list(input_jobs.data_dir.glob("inputs/*/.*"))


async def test_strangers_are_left_alone(input_jobs: InputJobs) -> None:
    """Foreign files and folders are neither counted nor removed."""
    await input_jobs.inputs.write(DATA, ONE)
    root = input_jobs.data_dir / "inputs"
    outside = input_jobs.data_dir / "outside.png"
    strangers = [
        root / "mine.png",
        root / ONE[:2] / "mine.png",
        root / ONE[:2] / f"{'0' * 64 if ONE[:2] != '00' else '1' * 64}.png",
        root / ONE[:2] / f"{ONE}.txt",
        outside,
    ]
    for path in strangers:
        path.write_bytes(b"x")
    link = root / ONE[:2] / f"{ONE[:2]}{'0' * 62}.png"
    link.symlink_to(outside)
    input_jobs.stores.clock.advance(days=9999)
    assert await input_jobs.inputs.size_bytes() == len(DATA)
    assert await input_jobs.inputs.sweep() == Removed(1, len(DATA))
    assert all(path.exists() for path in (*strangers, link))


async def test_half_files_go_once_they_are_old(input_jobs: InputJobs) -> None:
    """An unfinished file is removed after an hour, and never counts as an input before."""
    await input_jobs.inputs.write(DATA, ONE)
    part = input_jobs.path(ONE).with_name(".x.part")
    part.write_bytes(b"half")
    at = input_jobs.stores.clock().timestamp()
    os.utime(part, (at, at))
    await input_jobs.inputs.sweep()
    assert part.exists()
    input_jobs.stores.clock.advance(hours=1)
    report = consistency.check(input_jobs.data_dir, clock=input_jobs.stores.clock)
    assert (consistency.FindingKind.UNFINISHED, part) in report.removable
    await input_jobs.inputs.sweep()
    assert not part.exists()


async def test_many_inputs(input_jobs: InputJobs) -> None:
    """Hundreds of inputs are swept in batches, exactly those that nothing needs."""
    files = InputFiles(input_jobs.data_dir, clock=input_jobs.stores.clock)
    hashes = [sha(str(number)) for number in range(600)]
    for path in {files.path(each).parent for each in hashes}:
        path.mkdir(mode=folders.PRIVATE_MODE, parents=True)
    at = input_jobs.stores.clock().timestamp()
    for each in hashes:
        files.path(each).write_bytes(DATA)
        os.utime(files.path(each), (at, at))
    await input_jobs.stores.accept(new_job(inputs=tuple(hashes[::40])))
    input_jobs.stores.clock.advance(days=1)
    assert (await input_jobs.inputs.sweep()).files == 600 - 15
    assert input_jobs.kept() == set(hashes[::40])


async def test_a_job_never_loses_its_file_to_a_sweep(input_jobs: InputJobs) -> None:
    """However sweeps and acceptances interleave, an accepted job's file exists."""

    async def accept(new: NewJob) -> bool:
        try:
            await input_jobs.stores.accept(new)
        except PictureMissing:
            return False
        return True

    for turn in range(30):
        each = sha(f"turn {turn}")
        await input_jobs.inputs.write(DATA, each)
        input_jobs.stores.clock.advance(hours=2)  # the slowest user possible
        new = new_job(ALICE, inputs=(each,))
        if turn % 2:
            _, accepted, _ = await asyncio.gather(
                input_jobs.inputs.sweep(), accept(new), input_jobs.inputs.sweep()
            )
        else:
            accepted, _ = await asyncio.gather(accept(new), input_jobs.inputs.sweep())
        assert (each in input_jobs.kept()) == accepted
        assert await input_jobs.inputs.of_job(turn + 1) in ((), (each,))


async def test_a_cancelled_sweep_keeps_the_lock_until_files_are_gone(
    input_jobs: InputJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled sweep removes nothing after another transaction has started."""
    await input_jobs.inputs.write(DATA, ONE)
    input_jobs.stores.clock.advance(days=1)
    loop, removing = asyncio.get_running_loop(), asyncio.Event()
    original = InputFiles.remove

    def slowly(files: InputFiles, latest_us: dict[str, int]) -> Removed:
        loop.call_soon_threadsafe(removing.set)
        time.sleep(0.1)
        return original(files, latest_us)

    monkeypatch.setattr(InputFiles, "remove", slowly)
    sweep = asyncio.create_task(input_jobs.inputs.sweep())
    await removing.wait()
    sweep.cancel()
    with pytest.raises(PictureMissing):
        await input_jobs.stores.accept(new_job(inputs=(ONE,)))
    with pytest.raises(asyncio.CancelledError):
        await sweep


async def test_questions_use_their_index(
    input_jobs: InputJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an input is needed is looked up by hash and id, without scanning a table."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
    picture = await input_jobs.paint(ONE, TWO)
    async with input_jobs.stores.db.transaction() as transaction:
        for sql in (
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at, finished_at) "
            "SELECT 10, 20, 30, 'failed', '{}', 'a lake', i, 1, 'en-US', i, i FROM n",
            f"INSERT INTO job_inputs SELECT i + 1, 0, '{ONE}' FROM n",
        ):
            await transaction.execute(numbers + sql)

    async def work() -> None:
        await input_jobs.stores.history.erase(picture.id)
        input_jobs.stores.clock.advance(days=1)
        await input_jobs.inputs.sweep()
        await input_jobs.start(THREE)

    plans = await plans_of(input_jobs.stores, monkeypatch, work())
    assert any("job_inputs_by_sha256" in plan for plan in plans), plans
    for plan in plans:
        for step in plan.split("; "):
            assert not step.startswith("SCAN") or "json_each" in step, plan
    assert input_jobs.kept() == {THREE}
