"""Who may block whom, and that no job slips past a block."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from bot.moderation.blocks import UserBlocked
from bot.request.outcomes import NotAllowed, NotBlockable, Refused
from storage.types import Block, Job, JobState, NewJob, Place, Verdict
from tests.bot.moderation_harness import (
    ADA,
    ALICE,
    BOB,
    CHANNEL,
    ELSEWHERE,
    GUILD,
    MO,
    OWNER,
    POLICY,
    ModerationHarness,
)


async def test_who_may_block(harness: ModerationHarness):
    """Members can block, unblock and list nobody; moderators see blocks of their own server."""
    await harness.blocks.block(ADA, BOB.user_id, "")
    for actor in (ALICE, BOB):
        for refused in (
            await harness.blocks.block(actor, 5, ""),
            await harness.blocks.unblock(actor, BOB.user_id),
            await harness.blocks.blocked(actor),
        ):
            assert isinstance(refused, Refused) and isinstance(refused.reason, NotAllowed)
    assert await harness.blocks.blocked(ELSEWHERE) == []


async def test_a_moderator_blocks_neither_themself_nor_an_owner(harness: ModerationHarness):
    """Moderators can block neither themselves nor an owner, and such a verdict changes nothing."""
    for user_id in (MO.user_id, OWNER.user_id):
        assert await harness.blocks.block(MO, user_id, "") == Refused(NotBlockable(user_id))
    for renderer in (MO, OWNER):
        picture_id = await harness.painted(renderer)
        await harness.reports.report(BOB, picture_id, "")
        refused = await harness.reports.decide(MO, picture_id, Verdict.BLOCKED)
        assert refused == Refused(NotBlockable(renderer.user_id))
        assert await harness.history.get(picture_id) is not None
        assert await harness.stored_reports.open_for(picture_id) is not None


async def test_blocking_ends_what_waits_here(harness: ModerationHarness):
    """Blocking cancels the user's waiting jobs on this server, and no others."""
    elsewhere = await harness.accepted(dataclasses.replace(BOB, guild_id=2))
    mine = [await harness.accepted(BOB), await harness.accepted(BOB, private=True)]
    for job in (elsewhere, *mine):
        harness.queued(job)
    done = await harness.blocks.block(MO, BOB.user_id, "spam")
    assert isinstance(done, UserBlocked) and done.cancelled == 2 and done.block.reason == "spam"
    assert harness.settled == [each.id for each in mine]
    assert len(harness.engine.queue) == 1
    states = [each and each.state for each in [await harness.jobs.get(j.id) for j in mine]]
    assert states == [JobState.CANCELLED] * 2
    untouched = harness.live.get(elsewhere.id)
    assert untouched is not None and not untouched.finished


async def test_a_job_on_its_way_into_the_queue_is_caught(harness: ModerationHarness):
    """A job accepted before the block and queued after it is cancelled, and reported once."""
    job = await harness.accepted(BOB)
    blocking = asyncio.create_task(harness.blocks.block(MO, BOB.user_id, ""))
    await asyncio.sleep(0.1)
    assert harness.settled == []
    harness.queued(job)
    await blocking
    live = harness.live.get(job.id)
    assert live is not None and live.finished and harness.settled == [job.id]
    assert len(harness.engine.queue) == 0


@pytest.mark.parametrize("first", range(6))
async def test_no_job_slips_past_a_block(harness: ModerationHarness, first: int):
    """Requests before, during and after a block are all refused or cancelled."""

    async def params(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        new = NewJob(Place(GUILD, CHANNEL, BOB.user_id), "{}", "x", 1)
        job = await harness.jobs.accept(new, POLICY)
        assert isinstance(job, Job | Block)
        if isinstance(job, Job):
            harness.queued(job)

    async def later() -> None:
        for _ in range(first):
            await asyncio.sleep(0)
        await harness.blocks.block(MO, BOB.user_id, "")

    await asyncio.gather(*(params(number) for number in range(12)), later())
    assert len(harness.engine.queue) == 0
    assert sum((await harness.jobs.live_counts()).values()) == 0
    new = NewJob(Place(GUILD, CHANNEL, BOB.user_id), "{}", "x", 1)
    assert isinstance(await harness.jobs.accept(new, POLICY), Block)
