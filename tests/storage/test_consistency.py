"""The consistency check finds every kind of error, and changes nothing."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage import consistency
from storage.consistency import EXAMPLES, HARMLESS, ConsistencyReport, FindingKind
from storage.database import Database
from storage.errors import DatabaseTooNew, DataFolderUnusable, RestoreUnfinished
from storage.files import PictureFiles
from storage.inputs import InputFiles
from storage.migrate import load_migrations
from storage.retention import Retention
from storage.types import utc_now
from tests.fakes import FakeClock
from tests.storage.fakes import ALICE, OpenStores, new_job, new_picture

NOW = FakeClock(utc_now())


class DataFolder:
    """A data folder with jobs in every state, and their pictures."""

    def __init__(self, stores: OpenStores) -> None:
        self.stores = stores
        self.data_dir = stores.db.path.parent
        self.files = PictureFiles(self.data_dir, clock=stores.clock)

    async def paint(self, name: str, pictures: int = 1) -> int:
        """Return the id of a finished and delivered job."""
        job = await self.stores.painting(new_job(ALICE, pictures))
        painted = []
        for number in range(pictures):
            written = self.files.write(f"{name}{number}.png", name.encode())
            fields: dict[str, Any] = {"sha256": written.sha256, "size_bytes": written.size_bytes}
            painted.append(new_picture(file=written.file, **fields))
        await self.stores.jobs.painted(job.id, painted)
        await self.stores.deliveries.delivered(job.id)
        return job.id

    async def write(self, sql: str, *values: object) -> None:
        """Run SQL that the bot itself never would."""
        async with self.stores.db.transaction() as transaction:
            await transaction.execute(sql, values)

    def path(self, name: str) -> Path:
        return self.data_dir / "pictures" / "2026" / "03" / name

    def check(self, **options: Any) -> ConsistencyReport:
        return consistency.check(self.data_dir, clock=NOW, **options)

    def found(self, **options: Any) -> dict[FindingKind, list[str]]:
        return {kind: each.examples for kind, each in self.check(**options).findings.items()}


@pytest.fixture
async def data_folder(stores: OpenStores) -> AsyncIterator[DataFolder]:
    data_folder = DataFolder(stores)
    await data_folder.paint("one")
    await data_folder.paint("two", pictures=2)
    await stores.accept()
    await stores.painting()
    await stores.jobs.cancelled((await stores.accept()).id)
    await stores.jobs.failed((await stores.painting()).id, "internal")
    await stores.jobs.expired((await stores.accept()).id)
    written = data_folder.files.write("own.png", b"own")
    await stores.jobs.record(new_job(), new_picture(file=written.file, sha256=written.sha256))
    yield data_folder


def everything(folder: Path) -> dict[Path, bytes]:
    return {
        each: each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and "-shm" not in each.name
    }


@pytest.mark.parametrize("hashes", [False, True])
async def test_a_sound_folder_has_no_findings(data_folder: DataFolder, hashes: bool) -> None:
    """A healthy folder has no findings, even beside an open database, and not a byte changes."""
    before = everything(data_folder.data_dir)
    report = data_folder.check(hashes=hashes)
    assert report.findings == {} and report.removable == []
    assert (report.pictures, report.files) == (4, 4)
    assert everything(data_folder.data_dir) == before


async def test_a_closed_database_is_left_as_one_file(data_folder: DataFolder) -> None:
    """If nobody has the database open, the check leaves no journal beside it."""
    await data_folder.stores.db.close()
    assert data_folder.check().findings == {}
    assert not list(data_folder.data_dir.glob("zimagine.db-*"))


@pytest.mark.parametrize(
    ("kind", "sql", "found"),
    [
        (
            FindingKind.NOT_REFUNDED,
            "UPDATE ledger SET refunded_at = NULL WHERE job_id > 4",
            "5 6 7",
        ),
        (
            FindingKind.WRONGLY_REFUNDED,
            "UPDATE ledger SET refunded_at = 1 WHERE job_id < 5",
            "1 2 3 4",
        ),
        (FindingKind.WRONG_CHARGE, "UPDATE ledger SET pictures = 1 WHERE job_id = 2", "2"),
        (FindingKind.WRONG_CHARGE, "UPDATE ledger SET user_id = 1 WHERE job_id = 3", "3"),
        (FindingKind.WRONG_PICTURES, "UPDATE pictures SET job_id = 3 WHERE id = 1", "1 3"),
        (FindingKind.NO_DELIVERY, "DELETE FROM deliveries WHERE job_id IN (1, 3)", "1"),
        (FindingKind.NEGATIVE, "UPDATE pictures SET duration_s = -1 WHERE id = 1", "1"),
        (FindingKind.NEGATIVE, "UPDATE jobs SET accepted_at = -1 WHERE id = 4", "4"),
        (
            FindingKind.USAGE,
            f"UPDATE usage_hours SET pictures = 9 WHERE user_id = {ALICE.user_id}",
            "30",
        ),
        (FindingKind.USAGE, f"DELETE FROM usage_hours WHERE user_id = {ALICE.user_id}", "30"),
        (FindingKind.SEARCH, "DELETE FROM pictures_search_docsize WHERE id = 2", "2"),
        (FindingKind.SEARCH, "INSERT INTO pictures_search_docsize VALUES (99, x'00')", "99"),
    ],
)
async def test_what_does_not_add_up_is_found(
    data_folder: DataFolder, kind: FindingKind, sql: str, found: str
) -> None:
    """Each inconsistency within the database is found, with the affected ids."""
    await data_folder.write(sql)
    assert data_folder.found() == {kind: found.split()}
    assert [finding.kind for finding in data_folder.check().wrong()] == [kind]


async def test_rows_that_refer_to_nothing_are_found(data_folder: DataFolder) -> None:
    """A row that refers to a missing one is reported with its table."""
    await data_folder.stores.db.close()
    connection = sqlite3.connect(data_folder.stores.db.path)
    connection.execute("UPDATE ledger SET job_id = 77 WHERE job_id = 1")
    connection.commit()
    connection.close()
    assert data_folder.found() == {FindingKind.DANGLING: ["ledger 77 → jobs"]}


async def test_damage_is_a_finding(data_folder: DataFolder) -> None:
    """A damaged page, or a file that is not a database, is reported and left alone."""
    await data_folder.stores.db.close()
    content = data_folder.stores.db.path.read_bytes()
    for spoilt in (content[: len(content) // 2], b"no database" * 999):
        data_folder.stores.db.path.write_bytes(spoilt)
        assert FindingKind.DAMAGED in data_folder.found()
        assert data_folder.stores.db.path.read_bytes() == spoilt


async def test_files_are_compared_with_their_rows(data_folder: DataFolder) -> None:
    """Missing files, wrong sizes and, with hashes, wrong contents are found."""
    data_folder.path("one0.png").unlink()
    data_folder.path("two0.png").write_bytes(b"larger")
    data_folder.path("two1.png").write_bytes(b"owt")
    expected = {
        FindingKind.WRONG_SIZE: ["pictures/2026/03/two0.png"],
        FindingKind.MISSING: ["pictures/2026/03/one0.png"],
    }
    assert data_folder.found() == expected
    expected[FindingKind.WRONG_HASH] = ["pictures/2026/03/two1.png"]
    assert data_folder.found(hashes=True) == expected


async def test_what_retention_removed_is_not_missing(data_folder: DataFolder) -> None:
    """A file removed by retention is not reported as missing; one that reappeared is found."""
    data_folder.stores.clock.advance(days=9)
    retention = Retention(data_folder.stores.db, data_folder.files, data_folder.stores.clock)
    assert (await retention.apply(1, None)).files == 4
    assert data_folder.found() == {}
    data_folder.path("one0.png").write_bytes(b"x")
    assert data_folder.found() == {FindingKind.LEFT_BEHIND: ["pictures/2026/03/one0.png"]}


async def test_what_is_left_of_erased_pictures_can_be_removed(data_folder: DataFolder) -> None:
    """Only the files of erased pictures are reported as removable."""
    await data_folder.stores.history.erase(1)
    await data_folder.stores.history.erase(2)
    await data_folder.write("UPDATE pictures SET file = 'pictures/2026/03/own.png' WHERE id = 2")
    report = data_folder.check()
    assert report.findings[FindingKind.LEFT_BEHIND].examples == ["pictures/2026/03/one0.png"]
    consistency.remove(report.removable)
    assert not data_folder.path("one0.png").exists() and data_folder.path("own.png").exists()
    assert data_folder.found() == {FindingKind.ORPHAN: ["pictures/2026/03/two0.png"]}


async def test_thumbnails_without_a_picture_can_be_removed(data_folder: DataFolder) -> None:
    """A thumbnail whose picture was erased, or is unknown and nowhere, is found and removable."""
    files = data_folder.files
    for file in files.sizes():
        files.write_thumbnail(file, b"small")
    painted = files.write("unrecorded.png", b"x").file
    files.write_thumbnail(painted, b"small")
    nowhere = files.write("nowhere.png", b"x").file
    files.write_thumbnail(nowhere, b"small")
    files.path(nowhere).unlink()
    await data_folder.stores.history.erase(1)
    files.path("pictures/2026/03/one0.png").unlink()
    data_folder.path("two0.png").unlink()
    expected = {
        FindingKind.LEFT_BEHIND: ["thumbnails/2026/03/one0.png.jpg"],
        FindingKind.MISSING: ["pictures/2026/03/two0.png"],
        FindingKind.ORPHAN: [painted, "thumbnails/2026/03/nowhere.png.jpg"],
    }
    assert data_folder.found() == expected
    orphan = files.thumbnail_path(nowhere)
    at = NOW().timestamp() - 90_000
    os.utime(orphan, (at, at))
    consistency.remove(data_folder.check().removable, clock=NOW)
    assert data_folder.found() == {
        FindingKind.MISSING: ["pictures/2026/03/two0.png"],
        FindingKind.ORPHAN: [painted],
    }
    assert files.read_thumbnail(painted) == b"small"


async def test_strangers_are_noted_and_half_files_are_removable(data_folder: DataFolder) -> None:
    """Files without a row are noted but not removable; old unfinished files are removable."""
    (data_folder.data_dir / "backups").mkdir()
    old = [
        data_folder.path(".x.part"),
        data_folder.data_dir / ".zimagine.db.x.part",
        data_folder.data_dir / "backups" / ".zimagine-1.db.x.part",
    ]
    for path in (*old, data_folder.path(".young.part"), data_folder.path("mine.png")):
        path.write_bytes(b"x")
    at = NOW().timestamp() - 4000
    for path in old:
        os.utime(path, (at, at))
    report = data_folder.check()
    assert (
        set(report.findings)
        == {FindingKind.ORPHAN, FindingKind.UNFINISHED}
        == HARMLESS - {FindingKind.OLD_SCHEMA}
    )
    assert report.wrong() == []
    assert {path for _, path in report.removable} == set(old)
    consistency.remove(report.removable)
    assert data_folder.path("mine.png").exists() and data_folder.path(".young.part").exists()
    assert data_folder.found() == {FindingKind.ORPHAN: ["pictures/2026/03/mine.png"]}


async def test_what_is_erased_meanwhile_is_not_missing(
    data_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that a running bot erases during the check is not reported as missing."""

    def sizes(files: PictureFiles) -> dict[str, int]:
        data_folder.path("one0.png").unlink()
        connection = sqlite3.connect(data_folder.stores.db.path)
        connection.execute("UPDATE pictures SET file_removed_at = 1 WHERE id = 1")
        connection.commit()
        connection.close()
        return original(files)

    original = PictureFiles.sizes
    monkeypatch.setattr(PictureFiles, "sizes", sizes)
    assert data_folder.found() == {}


async def test_many_findings_are_counted(data_folder: DataFolder) -> None:
    """The first few findings of each kind are listed, and all are counted."""
    for number in range(EXAMPLES + 5):
        data_folder.path(f"x{number}.png").write_bytes(b"x")
    finding = data_folder.check().findings[FindingKind.ORPHAN]
    assert (len(finding.examples), finding.count) == (EXAMPLES, EXAMPLES + 5)


async def test_an_older_schema_is_noted(tmp_path: Path) -> None:
    """A database that will be migrated at the next start is noted, not reported as wrong."""
    path = tmp_path / "data" / "zimagine.db"
    await (await Database.open(path, migrations=load_migrations()[:1])).close()
    report = consistency.check(path.parent)
    assert set(report.findings) == {FindingKind.OLD_SCHEMA} and report.wrong() == []


async def test_what_cannot_be_checked_is_refused(data_folder: DataFolder, tmp_path: Path) -> None:
    """A missing or newer database, or an unfinished restore, is an error rather than a finding."""
    with pytest.raises(DataFolderUnusable):
        consistency.check(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    await data_folder.write("PRAGMA user_version = 99")
    with pytest.raises(DatabaseTooNew):
        data_folder.check()
    (data_folder.data_dir / "zimagine.db.restoring").touch()
    with pytest.raises(RestoreUnfinished):
        data_folder.check()


async def with_input(data_folder: DataFolder, sha256: str) -> int:
    """Return the id of a finished job that used this input."""
    InputFiles(data_folder.data_dir, clock=data_folder.stores.clock).write(b"input", sha256)
    job = await data_folder.stores.painting(new_job(ALICE, inputs=(sha256,)))
    written = data_folder.files.write(f"from-{job.id}.png", b"x")
    await data_folder.stores.jobs.painted(
        job.id, new_picture(file=written.file, sha256=written.sha256)
    )
    await data_folder.stores.deliveries.delivered(job.id)
    return job.id


async def test_missing_inputs_are_found(data_folder: DataFolder) -> None:
    """A missing input is an error for a kept picture, and fine for an erased one."""
    one, two = "1" * 64, "2" * 64
    await with_input(data_folder, one)
    erased = await with_input(data_folder, two)
    waiting = await data_folder.stores.accept(new_job(ALICE, inputs=(two,)))
    assert data_folder.found() == {}
    for path in data_folder.data_dir.glob("inputs/*/*.png"):
        path.unlink()
    files = [f"inputs/{each[:2]}/{each}.png" for each in (one, two)]
    assert data_folder.found() == {FindingKind.MISSING: files}
    assert [each.kind for each in data_folder.check().wrong()] == [FindingKind.MISSING]
    await data_folder.stores.jobs.cancelled(waiting.id)
    await data_folder.write("UPDATE pictures SET deleted_at = 1 WHERE job_id = ?", erased)
    assert (
        FindingKind.MISSING in data_folder.found()
        and data_folder.found()[FindingKind.MISSING] == files[:1]
    )


async def test_unneeded_inputs_are_notes_and_removable(data_folder: DataFolder) -> None:
    """An old unneeded input is noted and removable, unless it was written again since."""
    needed, *unneeded = (digit * 64 for digit in "123")
    await with_input(data_folder, needed)
    files = InputFiles(data_folder.data_dir, clock=data_folder.stores.clock)
    for each in unneeded:
        files.write(b"input", each)
    young = InputFiles(data_folder.data_dir, clock=NOW)
    young.write(b"input", "4" * 64)
    report = data_folder.check()
    assert report.findings.keys() == {FindingKind.ORPHAN} and report.wrong() == []
    assert [path for _, path in report.removable] == [files.path(each) for each in unneeded]
    young.write(b"input", unneeded[0])
    consistency.remove(report.removable, clock=NOW)
    consistency.remove(report.removable, clock=NOW)  # by somebody else meanwhile
    left = {path.stem for path in data_folder.data_dir.glob("inputs/*/*.png")}
    assert left == {needed, unneeded[0], "4" * 64}
