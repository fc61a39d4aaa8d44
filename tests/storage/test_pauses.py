"""Paused servers: their requests are refused where they would be accepted."""

from storage.jobs import NotAccepted
from storage.pauses import Pause, Pauses
from tests.storage.fakes import ALICE, MODERATOR, PLENTY, OpenStores, new_job


async def test_a_paused_server_accepts_nothing(stores: OpenStores) -> None:
    """A request on a paused server is refused with the pause and charges nothing; after the pause
    it is accepted."""
    pauses = Pauses(stores.db, stores.clock)
    paused = await pauses.pause(ALICE.guild_id, MODERATOR, "tea")
    refused = await stores.jobs.accept(new_job(ALICE), PLENTY)
    assert isinstance(refused, NotAccepted) and refused == paused == await pauses.of(10)
    assert await stores.db.fetch_all("SELECT * FROM ledger") == []
    assert await pauses.resume(ALICE.guild_id) and not await pauses.resume(ALICE.guild_id)
    assert not isinstance(await stores.jobs.accept(new_job(ALICE), PLENTY), NotAccepted)


async def test_waiting_jobs_are_cancelled_together(stores: OpenStores) -> None:
    """Jobs that wait are cancelled and refunded; one that is being painted goes on."""
    painting = await stores.painting(new_job(ALICE))
    waiting = [await stores.accept(new_job(ALICE)) for _ in range(2)]
    ended = await stores.jobs.cancelled_waiting([painting.id, *(each.id for each in waiting)])
    assert [each.id for each in ended] == [each.id for each in waiting]
    charged = await stores.db.fetch_all("SELECT job_id FROM ledger WHERE refunded_at IS NULL")
    assert [row["job_id"] for row in charged] == [painting.id]
    assert not isinstance(await Pauses(stores.db, stores.clock).of(10), Pause)
