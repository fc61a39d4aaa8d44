"""Pictures with many stars: shown once, in the channel that admins chose, and gone with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.reports import Reports
from storage.star_posts import StarChannel, StarChannels, StarPosts
from storage.stars import Stars
from storage.types import Place, StoredPicture
from tests.storage.erasure.planted import paint
from tests.storage.fakes import ALICE, BOB, OpenStores, filed, new_job
from tests.storage.query_plans import plans_of

SHOWN = 77


async def chosen(stores: OpenStores, stars: int = 2, channel_id: int = SHOWN) -> StarPosts:
    """Choose a channel of Alice's server."""
    channels = StarChannels(stores.db, stores.clock)
    await channels.choose(
        ALICE.guild_id, StarChannel(channel_id, stars), by=BOB.user_id, locale="zh-CN"
    )
    return StarPosts(stores.db, stores.clock)


async def starred(stores: OpenStores, picture: StoredPicture, count: int) -> None:
    """Give a picture so many stars of others."""
    stars = Stars(stores.db, stores.clock)
    for number in range(count):
        assert await stars.toggle(picture.id, 500 + number)


async def removals(stores: OpenStores) -> list[tuple[int | None, ...]]:
    """Return which messages are to be removed: channel, message, job."""
    rows = await stores.db.fetch_all(
        "SELECT channel_id, message_id, job_id FROM message_removals "
        "WHERE channel_id = ? ORDER BY id",
        (SHOWN,),
    )
    return [tuple(row) for row in rows]


async def test_a_picture_is_due_once(stores: OpenStores) -> None:
    """With enough stars, its owner's mark among them; posted, it never is again."""
    posts, picture = await chosen(stores), await paint(stores, ALICE, b"1")
    await starred(stores, picture, 1)
    assert await posts.due(picture.id) is None and not await posts.begin(picture.id)
    await stores.history.favour(picture.id, ALICE.user_id)
    due = await posts.due(picture.id)
    assert due is not None and due.begun_at is None
    assert (due.channel_id, due.shown_in, due.locale) == (SHOWN, ALICE.channel_id, "zh-CN")
    assert await posts.begin(picture.id) and not await posts.begin(picture.id)
    await stores.history.unfavour(picture.id, ALICE.user_id)
    due = await posts.due(picture.id)
    assert due is not None and due.begun_at == stores.clock()
    await posts.posted(picture.id, 9)
    await stores.history.favour(picture.id, ALICE.user_id)
    await chosen(stores, channel_id=78)
    assert await posts.due(picture.id) is None


async def test_a_refused_post_is_due_again(stores: OpenStores) -> None:
    """What Discord refused is no post; what is posted stays."""
    posts, picture = await chosen(stores), await paint(stores, ALICE, b"1")
    await starred(stores, picture, 2)
    await posts.begin(picture.id)
    await posts.failed(picture.id)
    assert await posts.begin(picture.id)
    await posts.posted(picture.id, 9)
    await posts.failed(picture.id)
    assert await posts.due(picture.id) is None


async def test_what_is_never_due(stores: OpenStores) -> None:
    """Neither private pictures, nor undelivered ones, nor reported ones, nor any without a channel
    or of the channel itself."""
    private = await paint(stores, ALICE, b"1", private=True)
    (unseen,) = await stores.painted(new_job(ALICE))
    reported = await paint(stores, ALICE, b"2")
    elsewhere = await paint(stores, Place(11, 21, ALICE.user_id), b"3")
    same = await paint(stores, Place(ALICE.guild_id, SHOWN, ALICE.user_id), b"4")
    await filed(Reports(stores.db, stores.clock), reported.id)
    posts = await chosen(stores, 1)
    for picture in (private, unseen, reported, elsewhere, same):
        await starred(stores, picture, 3)
        assert await posts.due(picture.id) is None and not await posts.begin(picture.id)
    assert await posts.due(99) is None


async def test_it_goes_with_its_picture(stores: OpenStores) -> None:
    """The message is removed, known or perhaps on its way; another picture's stays."""
    posts = await chosen(stores, 1)
    posted, begun, other = [await paint(stores, ALICE, b"%d" % n) for n in range(3)]
    for picture in (posted, begun, other):
        await starred(stores, picture, 1)
        assert await posts.begin(picture.id)
    await posts.posted(posted.id, 9)
    await posts.posted(other.id, 10)
    for picture in (posted, begun):
        await stores.history.erase(picture.id)
    await posts.posted(begun.id, 11)
    assert await removals(stores) == [(SHOWN, 9, None), (SHOWN, None, begun.job_id)]
    rows = await stores.db.fetch_all("SELECT picture_id FROM star_posts")
    assert [row["picture_id"] for row in rows] == [other.id]


async def test_what_was_left_is_found(stores: OpenStores) -> None:
    """Posts that were begun, and stars of the last time, since the channel was chosen."""
    early, begun, late, marked = [await paint(stores, ALICE, b"%d" % n) for n in range(4)]
    await starred(stores, early, 2)
    stores.clock.advance(days=2)
    posts = await chosen(stores)
    await starred(stores, begun, 2)
    await posts.begin(begun.id)
    await starred(stores, late, 2)
    await starred(stores, marked, 1)
    await stores.history.favour(marked.id, ALICE.user_id)
    day = timedelta(days=1)
    assert sorted(await posts.unfinished(day)) == [begun.id, late.id, marked.id]
    stores.clock.advance(days=2)
    assert await posts.unfinished(day) == [begun.id]


async def test_no_channel_any_more(stores: OpenStores) -> None:
    """Without a channel nothing is due."""
    posts, picture = await chosen(stores), await paint(stores, ALICE, b"1")
    channels = StarChannels(stores.db, stores.clock)
    assert await channels.of(ALICE.guild_id) == StarChannel(SHOWN, 2)
    await starred(stores, picture, 2)
    await channels.choose(ALICE.guild_id, None, by=BOB.user_id, locale="en-US")
    assert await channels.of(ALICE.guild_id) is None
    assert await posts.due(picture.id) is None


async def test_a_star_reads_no_table_from_end_to_end(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what is due nor a post does."""
    posts, picture = await chosen(stores), await paint(stores, ALICE, b"1")
    await starred(stores, picture, 2)
    plans = await plans_of(stores, monkeypatch, posts.due(picture.id))
    plans += await plans_of(stores, monkeypatch, posts.begin(picture.id))
    assert plans and not any("SCAN" in plan for plan in plans), plans
