"""Blocks together with their jobs, and which moderator messages have to be updated."""

from datetime import timedelta

import pytest

from storage.blocks import ENDED_FOR, Blocks
from storage.reports import Reports
from storage.types import Block, Job, JobState, Place, Verdict
from tests.storage.fakes import ALICE, BOB, MODERATOR, PLENTY, OpenStores, filed, new_job

ELSEWHERE = Place(guild_id=11, channel_id=20, user_id=30)


@pytest.fixture
def reports(stores: OpenStores) -> Reports:
    return Reports(stores.db, stores.clock)


@pytest.fixture
def blocks(stores: OpenStores) -> Blocks:
    return Blocks(stores.db, stores.clock)


async def test_who_is_shut_out_has_nothing_that_waits(stores: OpenStores, blocks: Blocks) -> None:
    """Blocking cancels and refunds a user's jobs in that server and no others."""
    waiting, painting = [await stores.accept() for _ in range(2)]
    await stores.jobs.painting(painting.id)
    await stores.painted()
    others = [await stores.accept(new_job(BOB)), await stores.accept(new_job(ELSEWHERE))]
    block, jobs = await blocks.block_and_cancel(ALICE.guild_id, ALICE.user_id, MODERATOR, "spam")
    assert await blocks.is_blocked(ALICE.guild_id, ALICE.user_id) == block
    assert [each.id for each in jobs] == [waiting.id, painting.id]
    assert all(each.state is JobState.CANCELLED for each in jobs)
    assert await stores.used() == 1
    for each in others:
        still = await stores.jobs.get(each.id)
        assert still is not None and still.state is JobState.QUEUED
    assert (await blocks.block_and_cancel(ALICE.guild_id, ALICE.user_id, MODERATOR, None))[1] == ()


async def test_who_is_blocked_is_not_accepted(stores: OpenStores, blocks: Blocks) -> None:
    """A blocked user's job is refused and nothing is written; other servers still accept it."""
    block = await blocks.block(ALICE.guild_id, ALICE.user_id, MODERATOR, "spam")
    assert await stores.jobs.accept(new_job(), PLENTY) == block
    assert await stores.ledger() == {}
    assert await stores.db.fetch_all("SELECT 1 FROM jobs") == []
    assert isinstance(await stores.jobs.accept(new_job(ELSEWHERE), PLENTY), Job)
    await blocks.unblock(ALICE.guild_id, ALICE.user_id)
    assert isinstance(await stores.jobs.accept(new_job(), PLENTY), Job)


async def test_the_newest_case_of_a_picture(stores: OpenStores, reports: Reports) -> None:
    """The newest case is returned, open or resolved; an erased picture's job is still known."""
    (picture,) = await stores.painted()
    assert await reports.last_for(picture.id) is None
    await filed(reports, picture.id)
    first = await reports.resolve(picture.id, MODERATOR, Verdict.DISMISSED)
    assert await reports.last_for(picture.id) == first
    await filed(reports, picture.id)
    assert await reports.last_for(picture.id) == await reports.open_for(picture.id) != first
    await stores.history.erase(picture.id)
    assert await reports.job_of(picture.id) == picture.job_id
    assert await reports.job_of(999) is None


async def test_what_may_have_to_be_shown_again(stores: OpenStores, reports: Reports) -> None:
    """Open cases without a card, however old, and all recently changed ones are returned."""
    ids = [(await stores.painted())[0].id for _ in range(5)]
    for picture_id in ids[:4]:
        report = await filed(reports, picture_id)
        if picture_id != ids[0]:
            await reports.posted(report.id, 1, 2)
    await reports.resolve(ids[3], MODERATOR, Verdict.DELETED)
    since = stores.clock.advance(days=2)
    assert await reports.changed_since(since) == [ids[0]]
    await reports.resolve(ids[1], MODERATOR, Verdict.DELETED)
    await filed(reports, ids[2], by=41)
    assert await reports.changed_since(since) == ids[:3]


async def test_a_block_ends_by_itself(stores: OpenStores, blocks: Blocks) -> None:
    """From its end on the user is accepted again and not listed, and there is nothing to lift; a
    new block takes the place of the old one with its own end."""
    until = stores.clock() + timedelta(hours=1)
    block = await blocks.block(ALICE.guild_id, ALICE.user_id, MODERATOR, "spam", until)
    assert block.until == until
    assert isinstance(await stores.jobs.accept(new_job(), PLENTY), Block)
    stores.clock.now = until
    assert await blocks.is_blocked(ALICE.guild_id, ALICE.user_id) is None
    assert await blocks.blocked(ALICE.guild_id) == []
    assert not await blocks.unblock(ALICE.guild_id, ALICE.user_id)
    assert isinstance(await stores.jobs.accept(new_job(), PLENTY), Job)
    again = await blocks.block(ALICE.guild_id, ALICE.user_id, MODERATOR, None)
    assert again.until is None and await blocks.blocked(ALICE.guild_id) == [again]


async def test_ended_blocks_are_forgotten(stores: OpenStores, blocks: Blocks) -> None:
    """A day after its end nothing of a block is left; others stay, however old they are."""
    until = stores.clock() + timedelta(hours=1)
    await blocks.block(ALICE.guild_id, ALICE.user_id, MODERATOR, "spam", until)
    lasting = await blocks.block(BOB.guild_id, BOB.user_id, MODERATOR, None)
    stores.clock.now = until + ENDED_FOR - timedelta(seconds=1)
    assert await blocks.sweep() == 0
    stores.clock.advance(seconds=1)
    assert await blocks.sweep() == 1 == len(await stores.db.fetch_all("SELECT 1 FROM blocks"))
    assert await blocks.blocked(BOB.guild_id) == [lasting]


async def test_a_block_holds_again_when_the_clock_was_ahead(
    stores: OpenStores, blocks: Blocks
) -> None:
    """It seemed to have ended; what is decided about others meanwhile takes it from nobody."""
    until = stores.clock() + timedelta(minutes=30)
    held = await blocks.block(ALICE.guild_id, ALICE.user_id, MODERATOR, "spam", until)
    stores.clock.advance(minutes=90)
    assert await blocks.is_blocked(ALICE.guild_id, ALICE.user_id) is None
    await blocks.block(ALICE.guild_id, BOB.user_id, MODERATOR, None)
    assert await blocks.unblock(ALICE.guild_id, BOB.user_id)
    assert not await blocks.unblock(ALICE.guild_id, ALICE.user_id)
    stores.clock.advance(minutes=-90)
    assert await blocks.is_blocked(ALICE.guild_id, ALICE.user_id) == held
