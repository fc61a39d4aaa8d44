"""How many unfinished jobs a member may have, and how soon they may ask again."""

from storage.member_limits import CoolingDown, MemberLimits, TooManyPending
from tests.storage.fakes import ALICE, BOB, PLENTY, OpenStores, new_job


async def test_unfinished_jobs_are_counted_on_their_server(stores: OpenStores) -> None:
    """No more are accepted than the limit says, painted ones not counted, all of a batch or none;
    others' jobs do not matter."""
    limits = MemberLimits(pending=2)
    await stores.accept(new_job(BOB))
    await stores.painted()
    first = await stores.jobs.accept_all((new_job(),), PLENTY, None, limits)
    assert isinstance(first, tuple)
    assert await stores.jobs.accept_all((new_job(), new_job()), PLENTY, None, limits) == (
        TooManyPending(1, 2, 2)
    )
    assert isinstance(await stores.jobs.accept_all((new_job(),), PLENTY, None, limits), tuple)
    assert isinstance(
        await stores.jobs.accept_all((new_job(),), PLENTY, None, limits), TooManyPending
    )
    await stores.jobs.cancelled(first[0].id)
    assert isinstance(await stores.jobs.accept_all((new_job(),), PLENTY, None, limits), tuple)


async def test_a_cooldown_begins_with_what_is_charged(stores: OpenStores) -> None:
    """The next request is refused until the time is over to the second, and one that was refunded
    begins none."""
    limits = MemberLimits(cooldown_s=30)
    first = await stores.jobs.accept_all((new_job(ALICE),), PLENTY, None, limits)
    assert isinstance(first, tuple)
    refused = await stores.jobs.accept_all((new_job(ALICE),), PLENTY, None, limits)
    assert isinstance(refused, CoolingDown)
    stores.clock.now = refused.retry_at
    second = await stores.jobs.accept_all((new_job(ALICE),), PLENTY, None, limits)
    assert isinstance(second, tuple)
    await stores.jobs.failed(second[0].id, "broken")
    assert isinstance(await stores.jobs.accept_all((new_job(ALICE),), PLENTY, None, limits), tuple)
