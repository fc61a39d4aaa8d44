"""Proposals: accepted at most once, in one transaction with their jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from storage import backup, restore
from storage.database import FILE_NAME, Database
from storage.errors import IllegalTransition, PictureMissing, UnknownRow
from storage.proposals import PROPOSAL_LIFE, Proposals, ProposalState
from storage.types import Job, QuotaExceeded
from tests.fakes import FakeClock
from tests.storage.fakes import (
    ALICE,
    BOB,
    PLENTY,
    START,
    Interruptions,
    OpenStores,
    new_job,
    policy,
)

SEVERAL = tuple(new_job(prompt=f"lake {number}", pictures=2) for number in range(3))


@pytest.fixture
def proposals(stores: OpenStores) -> Proposals:
    return Proposals(stores.db, stores.clock)


async def state(proposals: Proposals, proposal_id: int) -> ProposalState | None:
    found = await proposals.get(proposal_id)
    return None if found is None else found.state


async def counted(stores: OpenStores, table: str) -> int:
    (row,) = await stores.db.fetch_all(f"SELECT count(*) AS n FROM {table}")
    return row["n"]


async def test_a_question_is_kept_as_it_was_asked(stores: OpenStores, proposals: Proposals) -> None:
    """Place, request and time are stored; an unknown proposal is None."""
    asked = await proposals.ask(ALICE, '{"prompt": "{a, b} 湖"}')
    assert await proposals.get(asked.id) == asked
    assert (asked.place, asked.state, asked.asked_at) == (ALICE, "open", stores.clock())
    assert await proposals.get(asked.id + 1) is None


async def test_taken_with_its_jobs_and_only_once(stores: OpenStores, proposals: Proposals) -> None:
    """All jobs are queued and charged with it; accepting it again changes nothing."""
    asked = await proposals.ask(ALICE, "{}")
    jobs = await stores.jobs.accept_all(SEVERAL, PLENTY, asked.id)
    assert isinstance(jobs, tuple) and [each.prompt for each in jobs] == [
        "lake 0",
        "lake 1",
        "lake 2",
    ]
    assert {each.state for each in jobs} == {"queued"} and await stores.used() == 6
    assert await state(proposals, asked.id) is ProposalState.TAKEN
    with pytest.raises(IllegalTransition):
        await stores.jobs.accept_all(SEVERAL, PLENTY, asked.id)
    with pytest.raises(IllegalTransition):
        await proposals.decline(asked.id)
    assert await stores.used() == 6 and await counted(stores, "jobs") == 3


async def test_of_many_at_once_one_takes_it(stores: OpenStores, proposals: Proposals) -> None:
    """However many confirmations arrive at once, the jobs are accepted once."""
    asked = await proposals.ask(ALICE, "{}")
    answers = (stores.jobs.accept_all(SEVERAL, PLENTY, asked.id) for _ in range(10))
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(isinstance(each, tuple) for each in outcomes) == 1
    assert sum(isinstance(each, IllegalTransition) for each in outcomes) == 9
    assert await counted(stores, "jobs") == 3 == await counted(stores, "deliveries")


@pytest.mark.parametrize("left", range(8))
async def test_all_or_none_under_any_quota(
    stores: OpenStores, proposals: Proposals, left: int
) -> None:
    """If the quota does not cover all pictures, nothing is written and the proposal stays open."""
    asked = await proposals.ask(ALICE, "{}")
    outcome = await stores.jobs.accept_all(SEVERAL, policy(left), asked.id)
    if left >= 6:
        assert isinstance(outcome, tuple) and await stores.used() == 6
    else:
        assert isinstance(outcome, QuotaExceeded)
        assert (outcome.requested, outcome.status.remaining) == (6, left)
        assert await counted(stores, "jobs") == 0 == await counted(stores, "ledger")
        assert await state(proposals, asked.id) is ProposalState.OPEN


async def test_one_that_cannot_be_accepted_keeps_all_out(
    stores: OpenStores, proposals: Proposals
) -> None:
    """If a parent picture or input is missing, nothing is written and the proposal stays open."""
    asked = await proposals.ask(ALICE, "{}")
    for bad, error in (
        (replace(SEVERAL[2], parent_picture_id=99), UnknownRow),
        (replace(SEVERAL[2], inputs=("ab" * 32,)), PictureMissing),
    ):
        with pytest.raises(error):
            await stores.jobs.accept_all((*SEVERAL[:2], bad), PLENTY, asked.id)
    for wrong in ((), (SEVERAL[0], replace(SEVERAL[1], place=BOB))):
        with pytest.raises(ValueError, match="same place"):
            await stores.jobs.accept_all(wrong, PLENTY, asked.id)
    assert await counted(stores, "jobs") == 0
    assert await state(proposals, asked.id) is ProposalState.OPEN


async def test_cancelled_anywhere_nothing_stays_accepted(tmp_path: Path) -> None:
    """Cancelled at any point, all jobs are accepted, or none and the proposal is open."""
    for again in (False, True):
        for at in range(60):
            stores = await OpenStores.open(tmp_path / f"{again}-{at}" / "zimagine.db")
            proposals = Proposals(stores.db, stores.clock)
            asked = await proposals.ask(ALICE, "{}")
            interruptions = Interruptions(at, again)
            work = stores.jobs.accept_all(SEVERAL, PLENTY, asked.id)
            task = asyncio.create_task(interruptions.run(work))
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, tuple):
                assert await stores.used() == 6
            else:
                assert isinstance(outcome, asyncio.CancelledError)
                assert await stores.used() == 0
                assert await state(proposals, asked.id) is ProposalState.OPEN
                recovery = await stores.jobs.recover()
                assert recovery.queued == () == recovery.ended
            waits = interruptions.waits
            await stores.db.close()
            if waits <= at:
                break
        else:
            raise AssertionError("never got through uninterrupted")


async def test_declined_it_is_closed(stores: OpenStores, proposals: Proposals) -> None:
    """A declined proposal cannot be accepted any more."""
    asked = await proposals.ask(ALICE, "{}")
    await proposals.decline(asked.id)
    assert await state(proposals, asked.id) is ProposalState.DECLINED
    with pytest.raises(IllegalTransition) as caught:
        await stores.jobs.accept_all(SEVERAL, PLENTY, asked.id)
    assert caught.value.from_ == "declined" and await counted(stores, "jobs") == 0


async def test_it_expires_to_the_microsecond_and_is_forgotten(
    stores: OpenStores, proposals: Proposals
) -> None:
    """It can be answered until its lifetime ends; then it expires, and a sweep removes it."""
    old, young = await proposals.ask(ALICE, "{}"), await proposals.ask(BOB, "{}")
    stores.clock.now += PROPOSAL_LIFE
    stores.clock.advance(microseconds=-1)
    assert await state(proposals, old.id) is ProposalState.OPEN and await proposals.sweep() == 0
    taken = await stores.jobs.accept_all((new_job(BOB),), PLENTY, young.id)
    assert isinstance(taken, tuple)
    stores.clock.advance(microseconds=1)
    assert await state(proposals, old.id) is ProposalState.EXPIRED
    assert await state(proposals, young.id) is ProposalState.TAKEN
    for step in (stores.jobs.accept_all(SEVERAL, PLENTY, old.id), proposals.decline(old.id)):
        with pytest.raises(IllegalTransition) as caught:
            await step
        assert caught.value.from_ == "expired"
    assert await proposals.sweep() == 2 and await proposals.sweep() == 0
    for step in (stores.jobs.accept_all(SEVERAL, PLENTY, old.id), proposals.decline(old.id)):
        with pytest.raises(UnknownRow):
            await step
    again = await proposals.ask(ALICE, "{}")
    assert again.id > young.id  # no id is ever used twice
    assert isinstance(await stores.jobs.get(taken[0].id), Job)


async def test_a_refusal_is_known_before_it_is_charged(stores: OpenStores) -> None:
    """The quota check returns what accepting would, without charging anything."""
    fallback = policy(5)
    assert await stores.quotas.refusal(ALICE, fallback, 5) is None
    refusal = await stores.quotas.refusal(ALICE, fallback, 6)
    assert refusal == await stores.jobs.accept(new_job(pictures=6), fallback)
    assert await stores.used() == 0


async def test_a_restored_backup_has_no_question_and_gives_no_id_again(tmp_path: Path) -> None:
    """A restore removes open proposals, which may have been accepted since, and reuses no id."""
    live = tmp_path / "data" / FILE_NAME
    stores = await OpenStores.open(live)
    proposals = Proposals(stores.db, stores.clock)
    await proposals.ask(ALICE, "{}")
    copy = tmp_path / "copy.db"
    await backup.back_up(live, copy)
    last = [await proposals.ask(ALICE, "{}") for _ in range(3)][-1]
    await stores.db.close()
    await restore.restore(live.parent, copy, clock=FakeClock(START))
    async with await Database.open(live) as db:
        restored = Proposals(db, FakeClock(START))
        assert await restored.get(1) is None
        assert (await restored.ask(ALICE, "{}")).id > last.id
