"""The queue as members see it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.jobs.queue_overview import NEXT_SHOWN
from tests.bot.inspection_harness import (
    ADA,
    ALICE,
    BOB,
    InspectionHarness,
    open_inspection,
)
from tests.fakes import a_request


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[InspectionHarness]:
    """Open the harness on an empty database."""
    async with open_inspection(tmp_path) as harness:
        yield harness


async def test_the_queue_in_the_order_of_painting(harness: InspectionHarness):
    """Members see their own jobs here, the first ones in full and all of them counted."""
    for number in range(NEXT_SHOWN + 2):
        await harness.queue_job(ALICE, f"wish {number}")
    await harness.queue_job(BOB, "bob's")
    own = harness.queue.own(ALICE)
    assert own.total == NEXT_SHOWN + 2
    assert [each.prompt for each in own.jobs] == [f"wish {n}" for n in range(NEXT_SHOWN)]
    assert [each.ahead for each in own.jobs] == [0, 2, 3, 4, 5]
    assert own.jobs[0].ready_at is None  # nothing has been painted yet
    elsewhere = dataclasses.replace(ALICE, guild_id=2)
    assert harness.queue.own(elsewhere).total == 0


async def test_times_by_the_measured_speed(harness: InspectionHarness):
    """Times are estimated from the measured speed, and unknown before the first picture."""
    first, second = await harness.queue_job(ALICE, "one"), await harness.queue_job(ALICE, "two")
    assert harness.queue.whole(ALICE).empty_at is None
    harness.engine.estimator.record(a_request(), 10.0)
    now = harness.clock()
    own = harness.queue.own(ALICE)
    expected = {first: now + timedelta(seconds=10), second: now + timedelta(seconds=20)}
    assert {each.id: each.ready_at for each in own.jobs} == expected
    whole = harness.queue.whole(ALICE)
    assert (whole.waiting, whole.people, whole.painting) == (2, 1, 0)
    assert whole.empty_at == now + timedelta(seconds=20)


async def test_only_who_may_cancel_sees_others_jobs(harness: InspectionHarness):
    """Members see totals; an admin also sees the next jobs of others here, but no private
    prompt."""
    await harness.queue_job(ALICE, "open")
    await harness.queue_job(BOB, "hush", private=True)
    await harness.queue_job(dataclasses.replace(ALICE, guild_id=2), "far away")
    whole = harness.queue.whole(ALICE)
    assert (whole.waiting, whole.people, whole.following) == (3, 2, None)
    following = harness.queue.whole(ADA).following
    assert following is not None
    assert {(each.user_id, each.prompt) for each in following} == {(100, "open"), (200, None)}
    own = harness.queue.own(BOB)
    assert [each.prompt for each in own.jobs] == ["hush"]
