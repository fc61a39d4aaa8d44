"""What everybody in a channel saw: by channel, newest first, and nothing else."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from storage import search
from storage.cancelled_painting import FreeCancelling
from storage.database import Database
from storage.erasure.erase import Erasing
from storage.migrate import load_migrations
from storage.search import PictureQuery
from storage.shown import ShownPictures
from storage.types import Place, Route, StoredPicture
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, new_picture, policy
from tests.storage.query_plans import BY_WORDS, plans_of, reads_all

GUILD = ALICE.guild_id


async def delivered(
    stores: OpenStores,
    place: Place = ALICE,
    route: Route = Route.EDIT,
    *,
    private: bool = False,
    prompt: str = "a mountain lake at dawn",
    **fields: Any,
) -> StoredPicture:
    """Return a new picture whose result arrived on this route. fields: of the picture."""
    job = await stores.painting(new_job(place, private=private, prompt=prompt))
    (picture,) = await stores.jobs.painted(job.id, new_picture(**fields))
    thread_id = 77 if route is Route.THREAD else None
    await stores.deliveries.attempt(picture.job_id, route, thread_id)
    await stores.deliveries.delivered(picture.job_id, 5)
    return picture


async def test_only_what_was_shown_to_all(stores: OpenStores) -> None:
    """Public results count where they were delivered; private, direct, kept and waiting ones do
    not, nor do those of another server."""
    shown = ShownPictures(stores.db)
    edited = await delivered(stores)
    posted = await delivered(stores, BOB, Route.POST)
    in_thread = await delivered(stores, route=Route.THREAD)
    await delivered(stores, private=True)
    await delivered(stores, route=Route.REPLY)
    await delivered(stores, route=Route.DIRECT)
    (kept,) = await stores.painted()
    await stores.deliveries.kept(kept.job_id, "closed")
    (waiting,) = await stores.painted()
    await stores.deliveries.attempt(waiting.job_id, Route.EDIT)
    await delivered(stores, dataclasses.replace(ALICE, guild_id=11))
    assert await shown.channels(GUILD) == [ALICE.channel_id, 77]
    assert await shown.page(GUILD, [ALICE.channel_id], None, 9) == [posted, edited]
    assert await shown.page(GUILD, [77], None, 9) == [in_thread]
    assert await shown.channel_of(in_thread.id) == 77
    assert await shown.channel_of(waiting.id) is None
    await stores.deliveries.delivered(waiting.job_id, 6)
    assert await shown.channel_of(waiting.id) == ALICE.channel_id


async def test_pages_of_several_channels(stores: OpenStores) -> None:
    """Pages go through all channels together, newest first and back; what is erased is gone."""
    shown = ShownPictures(stores.db)
    elsewhere = dataclasses.replace(BOB, channel_id=21)
    mine = [await delivered(stores, (ALICE, elsewhere)[number % 2]) for number in range(7)]
    channels, seen, before_id = await shown.channels(GUILD), list[StoredPicture](), None
    assert channels == [ALICE.channel_id, 21]
    while page := await shown.page(GUILD, channels, before_id, 3):
        seen += page
        before_id = page[-1].id
    assert seen == mine[::-1]
    assert await shown.after(GUILD, channels, mine[2].id, 3) == mine[2:5]
    await stores.history.erase(mine[5].id)
    assert await shown.page(GUILD, [21], None, 9) == [mine[3], mine[1]]
    assert await shown.page(GUILD, [], None, 9) == [] and await shown.channels(12) == []
    with pytest.raises(ValueError, match="at least one"):
        await shown.page(GUILD, channels, None, 0)


async def test_pages_walk_their_index(filled: OpenStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pages nor the list of channels read a table, or sort one, from end to end."""
    async with filled.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO shown_pictures SELECT id, 10, 20 + id % 3 FROM pictures"
        )
    shown = ShownPictures(filled.db)
    plans = await plans_of(filled, monkeypatch, shown.page(10, [20], None, 5))
    plans += await plans_of(filled, monkeypatch, shown.after(10, [20], 5, 5))
    assert sum("COVERING INDEX shown_pictures_in" in plan for plan in plans) == 2, plans
    for plan in plans:
        assert not reads_all(plan.replace("SCAN json_each", "")), plan
    walks = [plan for plan in plans if "shown_pictures_in" in plan]
    assert not any("TEMP B-TREE" in plan for plan in walks), walks
    assert await shown.channels(10) == [20, 21, 22]


async def test_pictures_of_earlier_versions_are_there(old_file: Path) -> None:
    """After an upgrade, the public results of before are found where they were delivered."""
    await (await Database.open(old_file, migrations=load_migrations()[:13])).close()
    stores = await OpenStores.open(old_file)
    rows = await stores.db.fetch_all(
        "SELECT p.id FROM pictures AS p JOIN deliveries AS d ON d.job_id = p.job_id "
        "WHERE d.state = 'delivered' AND d.road IN ('edit', 'post') AND p.deleted_at IS NULL"
    )
    shown = await stores.db.fetch_all("SELECT picture_id FROM shown_pictures")
    assert rows and sorted(map(tuple, rows)) == sorted(map(tuple, shown))
    await stores.db.close()


async def test_what_was_shown_is_found(stores: OpenStores) -> None:
    """Words, seeds, days and names find what was shown, in any language, and nothing else."""
    shown = ShownPictures(stores.db)
    lake = await delivered(stores, ALICE, prompt="A mountain lake", seed=7)
    dusk = await delivered(stores, BOB, prompt="山间日落", seed=8)
    await delivered(stores, ALICE, prompt="a lake alone", private=True)
    await delivered(
        stores, dataclasses.replace(ALICE, guild_id=11), prompt="a lake on another server"
    )
    await stores.history.write_note(lake.id, ALICE.user_id, "birthday")
    here = [ALICE.channel_id, BOB.channel_id]

    async def found(wanted: PictureQuery, channels: list[int] = here) -> list[int]:
        return [each.id for each in await shown.find(GUILD, channels, wanted, None, 9)]

    assert await found(PictureQuery("LAKE mountain")) == [lake.id]
    assert await found(PictureQuery("间日")) == [dusk.id]
    assert await found(PictureQuery(seed=7)) == [lake.id]
    assert await found(PictureQuery(since=date(2026, 1, 1))) == [dusk.id, lake.id]
    assert await found(PictureQuery(until=date(2025, 12, 31))) == []
    assert await found(PictureQuery("birthday")) == await found(PictureQuery("alone")) == []
    assert await found(PictureQuery("lake"), [77]) == await found(PictureQuery("lake"), []) == []
    assert await found(PictureQuery("lake"), [*here, *range(1000, 1300)]) == [lake.id]
    assert await found(PictureQuery()) == [dusk.id, lake.id]


async def test_pages_of_what_is_found(stores: OpenStores) -> None:
    """What is found is paged to and fro, each picture once, also where letters mislead."""
    shown, wanted = ShownPictures(stores.db), PictureQuery("abcde")
    mine = [await delivered(stores, ALICE, prompt=f"abcde {n}") for n in range(7)]
    for _ in range(9):
        await delivered(stores, ALICE, prompt="abc cde bcd")
    channels, seen, before_id = [ALICE.channel_id], list[StoredPicture](), None
    while page := await shown.find(GUILD, channels, wanted, before_id, 3):
        seen += page
        before_id = page[-1].id
    assert seen == mine[::-1]
    assert await shown.find_after(GUILD, channels, wanted, mine[2].id, 3) == mine[2:5]


async def indexed(stores: OpenStores) -> list[int]:
    """Return the rows of the index; it agrees with itself and with what is shown."""
    async with stores.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO shown_search (shown_search) VALUES ('integrity-check')"
        )
    rows = await stores.db.fetch_all("SELECT id FROM shown_search_docsize ORDER BY id")
    return [row["id"] for row in rows]


async def matches(stores: OpenStores, wanted: PictureQuery) -> list[int]:
    """Return what the index alone finds on the server."""
    sql = "SELECT rowid FROM shown_search WHERE shown_search MATCH ?"
    found = await stores.db.fetch_all(sql, (search.match_shown(GUILD, (), wanted),))
    return [row["rowid"] for row in found]


async def test_the_index_forgets_what_changes(stores: OpenStores) -> None:
    """After an erasure, a changed prompt or a changed recipe nothing of what was is found."""
    erased = await delivered(stores, ALICE, prompt="a secret")
    changed = await delivered(stores, ALICE, prompt="another secret", seed=5)
    kept = await delivered(stores, BOB, prompt="a lake")
    assert await indexed(stores) == [erased.id, changed.id, kept.id]
    await stores.history.erase(erased.id)
    assert await indexed(stores) == [changed.id, kept.id]
    async with stores.db.transaction() as transaction:
        await transaction.execute(
            "UPDATE jobs SET prompt = 'plain' WHERE id = ?", (changed.job_id,)
        )
        await transaction.execute(
            "UPDATE pictures SET seed = 6, recipe = ? WHERE id = ?",
            ('{"request": {"model": "other"}}', changed.id),
        )
    assert await matches(stores, PictureQuery("secret")) == []
    assert await matches(stores, PictureQuery(seed=5)) == []
    assert await matches(stores, PictureQuery("plain")) == [changed.id]
    assert await matches(stores, PictureQuery(seed=6, model="other")) == [changed.id]
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM shown_pictures WHERE picture_id = ?", (kept.id,))
    assert await indexed(stores) == [changed.id]
    assert await matches(stores, PictureQuery("lake")) == []


async def test_an_erased_person_leaves_no_term(stores: OpenStores) -> None:
    """Erasing a person in one transaction takes their pictures out of the index, whole."""
    await delivered(stores, ALICE, prompt="a secret", seed=5)
    kept = await delivered(stores, BOB, prompt="a secret too", seed=6)
    free = FreeCancelling(600.0, policy(50))
    await Erasing(stores.db, stores.clock, lambda: free).person(ALICE.user_id)
    assert await indexed(stores) == [kept.id]
    assert await matches(stores, PictureQuery("secret")) == [kept.id]
    assert await matches(stores, PictureQuery(seed=5)) == []


async def test_what_was_shown_before_is_found(old_file: Path) -> None:
    """A database of before the index finds what was shown then, all of it."""
    await (await Database.open(old_file, migrations=load_migrations()[:21])).close()
    stores = await OpenStores.open(old_file)
    rows = await stores.db.fetch_all("SELECT picture_id FROM shown_pictures ORDER BY picture_id")
    assert rows and await indexed(stores) == [row["picture_id"] for row in rows]
    shown = ShownPictures(stores.db)
    everywhere = await shown.channels(GUILD)
    found = await shown.find(GUILD, everywhere, PictureQuery("lake dawn"), None, 100)
    everything = await shown.page(GUILD, everywhere, None, 1000)
    assert found == [each for each in everything if search.holds(each.prompt, ["lake", "dawn"])]
    assert found
    await stores.db.close()


@pytest.mark.parametrize(
    "wanted",
    [
        PictureQuery("lake"),
        PictureQuery("日落 a lake"),
        PictureQuery(seed=7),
        PictureQuery(since=date(2026, 1, 3), until=date(2026, 9, 5)),
        PictureQuery(model="other"),
        PictureQuery(lora="paper"),
    ],
    ids=["words", "two languages", "seed", "days", "model", "LoRA"],
)
async def test_a_search_reads_its_index_newest_first(
    filled: OpenStores, monkeypatch: pytest.MonkeyPatch, wanted: PictureQuery
) -> None:
    """No search reads a table, or sorts one, from end to end."""
    async with filled.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO shown_pictures SELECT id, 10, 20 + id % 3 FROM pictures"
        )
    shown = ShownPictures(filled.db)
    for channels in ([20, 21], list(range(20, 400))):
        plans = await plans_of(filled, monkeypatch, shown.find(10, channels, wanted, None, 5))
        plans += await plans_of(filled, monkeypatch, shown.find_after(10, channels, wanted, 5, 5))
        assert sum(bool(BY_WORDS.search(plan)) for plan in plans) == 2, plans
        assert not any("TEMP B-TREE" in plan for plan in plans), plans
        # The list of channels is walked.
        walked = [plan.replace("SCAN json_each", "") for plan in plans]
        assert not any(map(reads_all, walked)), plans
