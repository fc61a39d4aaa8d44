"""Words of old requests go where no picture is kept, and everything else stays."""

from datetime import timedelta

import pytest

from storage import consistency
from storage.erasure.words import WordRetention
from storage.files import PictureFiles
from storage.lists import Lists
from storage.search import PictureQuery
from tests.storage.erasure.planted import paint
from tests.storage.fakes import ALICE, OpenStores, new_job
from tests.storage.query_plans import plans_of, reads_all


async def prompts(stores: OpenStores) -> list[str]:
    return [row["prompt"] for row in await stores.db.fetch_all("SELECT prompt FROM jobs")]


async def test_words_go_by_age(stores: OpenStores) -> None:
    """Of failed requests and of pictures that are gone; not of those kept, waiting or young."""
    kept = await paint(stores, ALICE, b"kept", prompt="kept")
    favourite = await paint(stores, ALICE, b"x", prompt="favourite")
    await stores.history.favour(favourite.id, ALICE.user_id)
    removed = await paint(stores, ALICE, b"y", prompt="removed")
    await stores.history.write_note(removed.id, ALICE.user_id, "a note")
    failed = await stores.painting(new_job(prompt="failed"))
    await stores.jobs.failed(failed.id, "internal", "failed at words")
    await stores.deliveries.dropped(failed.id)
    await stores.accept(new_job(prompt="waiting"))
    undelivered = await stores.painting(new_job(prompt="undelivered"))
    await stores.jobs.failed(undelivered.id, "internal")
    async with stores.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET file_removed_at = 1 WHERE id > 1")
    PictureFiles(stores.db.path.parent).remove_all([favourite.file, removed.file])
    lists = Lists(stores.db, stores.clock)
    (page_id,) = await lists.keep(ALICE.user_id, 10, PictureQuery("boat"), [0])
    stores.clock.advance(days=10)
    young = await stores.painting(new_job(prompt="young"))
    await stores.jobs.failed(young.id, "internal")
    await stores.deliveries.dropped(young.id)
    words = WordRetention(stores.db, stores.clock)
    assert await words.apply(11) == 0
    assert await lists.get(page_id) is not None
    assert await words.apply(9) == 2
    assert await prompts(stores) == [
        *("kept", "favourite", "", "", "waiting", "undelivered", "young"),
    ]
    assert await lists.get(page_id) is None
    assert await stores.history.get(kept.id) == kept
    assert await stores.history.get(removed.id) is None
    assert await stores.history.search(ALICE.user_id, 10, "note", None, 5) == []
    assert await words.apply(9) == 0
    report = consistency.check(stores.db.path.parent, clock=stores.clock)
    assert report.wrong() == []


async def test_what_was_made_from_it_stays(stores: OpenStores) -> None:
    """A picture made from one whose words are gone stays, without its origin."""
    parent = await paint(stores, ALICE, b"parent", prompt="parent")
    child = await paint(stores, ALICE, b"child", prompt="child", parent_picture_id=parent.id)
    await stores.history.erase(parent.id)
    stores.clock.advance(days=2)
    assert await WordRetention(stores.db, stores.clock).apply(1) == 1
    job = await stores.jobs.get(child.job_id)
    assert job is not None and job.parent_picture_id is None
    assert await stores.history.get(child.id) == child


async def test_it_reads_by_age(filled: OpenStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old requests are found by an index, however many there are."""
    words = WordRetention(filled.db, lambda: filled.clock() - timedelta(days=30))
    plans = await plans_of(filled, monkeypatch, words.apply(20_000))
    assert not any(reads_all(plan) for plan in plans), plans
