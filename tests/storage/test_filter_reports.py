"""What a filter found in a job, its list of pictures, and a reported picture that is taken back."""

import pytest

from bot.moderation.filter.picture_hash import hash_of_file
from storage import filter_pictures, job_filters
from storage.filter_pictures import FilterPicture, FilterPictures, TooManyPictures
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.types import FILTER_USER_ID, JobFilter, JobState, ShownResult
from tests.bot.moderation.filter.test_picture_hash import a_scene, saved
from tests.storage.fakes import MODERATOR, OpenStores, filed, new_job, new_picture

GUILD = 10


async def test_what_was_found_lives_as_long_as_the_job(stores: OpenStores) -> None:
    """It is stored with the job and forgotten when that ends; a job without any has nothing."""
    found = JobFilter((3, 5), "rule: word")
    job = await stores.accept(new_job(filter=found))
    plain = await stores.accept(new_job())
    assert await job_filters.find(stores.db, job.id) == found
    assert await job_filters.find(stores.db, plain.id) == JobFilter()
    await stores.jobs.cancelled(job.id)
    assert await stores.db.fetch_all("SELECT * FROM job_filters") == []


async def test_the_first_picture_is_reported_for_its_prompt(stores: OpenStores) -> None:
    """Each other picture only for itself, in the transaction that stores them."""
    job = await stores.painting(new_job(pictures=2, filter=JobFilter((), "rule: word")))
    pictures = await stores.jobs.painted(
        job.id, [new_picture(), new_picture()], ShownResult(reports=("looks odd", None))
    )
    reports = Reports(stores.db, stores.clock)
    first, second = [await reports.open_for(each.id) for each in pictures]
    assert first is not None and second is None
    (report,) = first.reports
    assert (report.by, report.reason) == (FILTER_USER_ID, "rule: word; looks odd")


async def test_a_reported_picture_is_taken_back(stores: OpenStores) -> None:
    """A job that another program answered for leaves no report, no message about it and no picture,
    and is refunded."""
    job = await stores.painting(new_job(filter=JobFilter((), "rule: word")))
    (picture,) = await stores.jobs.painted(job.id, new_picture())
    reports, messages = Reports(stores.db, stores.clock), ReportMessages(stores.db, stores.clock)
    await filed(reports, picture.id, 40, "me too")
    assert len(await messages.answer(picture.id, MODERATOR, "Which part?")) == 1
    taken = await stores.jobs.disowned(job.id)
    assert taken.files == (picture.file,) and taken.job.state is JobState.CANCELLED
    for table in ("report_messages", "reports", "cases", "pictures", "job_filters"):
        assert await stores.db.fetch_all(f"SELECT * FROM {table}") == [], table
    assert (await stores.ledger())[job.id] == (1, True)


async def test_a_listed_picture_is_found_in_a_copy(stores: OpenStores) -> None:
    """The same pixels have the same hash in another file; one that was saved again at low quality
    and smaller is alike, another picture is not."""
    listed = FilterPictures(stores.db, stores.clock)
    scene = a_scene(3)
    original = hash_of_file(saved(scene))
    assert original.perceptual is not None
    picture = FilterPicture(original.sha256, f"{original.perceptual:016x}", 7)
    assert await listed.add(GUILD, picture, MODERATOR)
    again = hash_of_file(saved(scene, "PNG", optimize=True))
    assert not await listed.add(GUILD, FilterPicture(again.sha256, None), MODERATOR)
    (stored,) = await listed.of(GUILD)
    assert stored == picture and stored.perceptual is not None
    kept = type(original)(stored.sha256, int(stored.perceptual, 16))
    copy = hash_of_file(saved(scene.resize((300, 200)), "JPEG", quality=50))
    assert copy.sha256 != stored.sha256 and kept.is_like(copy)
    assert not kept.is_like(hash_of_file(saved(a_scene(4))))
    assert await listed.of(GUILD + 1) == ()
    assert await listed.remove(GUILD, [stored.sha256, "0" * 64]) == 1
    assert await listed.of(GUILD) == ()


async def test_a_list_has_an_end(stores: OpenStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full list refuses another picture and knows those that it has."""
    monkeypatch.setattr(filter_pictures, "MAX_FILTER_PICTURES", 2)
    listed = FilterPictures(stores.db, stores.clock)
    for name in ("a", "b"):
        assert await listed.add(GUILD, FilterPicture(name * 64, None), MODERATOR)
    assert not await listed.add(GUILD, FilterPicture("a" * 64, None), MODERATOR)
    with pytest.raises(TooManyPictures):
        await listed.add(GUILD, FilterPicture("c" * 64, None), MODERATOR)
    assert await listed.add(GUILD + 1, FilterPicture("c" * 64, None), MODERATOR)
