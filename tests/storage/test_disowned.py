"""Jobs that another program answered: undone, whatever state they are in."""

from pathlib import Path

import pytest

from storage import consistency
from storage.errors import IllegalTransition, UnknownRow
from storage.types import DeliveryState, JobState
from tests.storage.fakes import ALICE, OpenStores, new_job


@pytest.mark.parametrize("state", ["queued", "painting", "painted"])
async def test_a_job_is_undone(stores: OpenStores, database_file: Path, state: str) -> None:
    """It is cancelled and refunded, its delivery is dropped, and its pictures are gone."""
    new = new_job(pictures=2, reply_token="t")
    if state == "painted":
        job_id = (await stores.painted(new))[0].job_id
    else:
        job_id = (await (stores.accept if state == "queued" else stores.painting)(new)).id
    assert await stores.used() == 2
    undone = await stores.jobs.disowned(job_id)
    assert len(undone.files) == (2 if state == "painted" else 0)
    assert undone.job.state is JobState.CANCELLED and await stores.jobs.get(job_id) == undone.job
    assert await stores.used() == 0 and await stores.ledger() == {job_id: (2, True)}
    delivery = await stores.deliveries.get(job_id)
    assert delivery is not None and delivery.state is DeliveryState.DROPPED
    assert delivery.reply_token is None
    assert await stores.history.count(ALICE.user_id, ALICE.guild_id) == 0
    assert await stores.history.search(ALICE.user_id, ALICE.guild_id, "lake", None, 5) == []
    assert consistency.check(database_file.parent).wrong() == []
    for again in (stores.jobs.disowned, stores.jobs.cancelled):
        with pytest.raises(IllegalTransition):
            await again(job_id)


async def test_what_has_ended_stays(stores: OpenStores) -> None:
    """A job that was delivered, or ended without a picture, is not undone."""
    (delivered,) = await stores.painted()
    await stores.deliveries.delivered(delivered.job_id, 5)
    failed = await stores.painting()
    await stores.jobs.failed(failed.id, "crashed")
    for job_id in (delivered.job_id, failed.id):
        before = await stores.jobs.get(job_id)
        with pytest.raises(IllegalTransition):
            await stores.jobs.disowned(job_id)
        assert await stores.jobs.get(job_id) == before
    assert await stores.used() == 1
    with pytest.raises(UnknownRow):
        await stores.jobs.disowned(99)
