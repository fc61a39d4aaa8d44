"""Servers that removed the bot are due after a time, unless they come back."""

from datetime import timedelta

from storage.erasure.departures import DepartedServers
from storage.preferences import Preferences
from tests.storage.fakes import OpenStores, new_job

GRACE = timedelta(days=30)


async def test_a_server_is_due_after_its_time(stores: OpenStores) -> None:
    """Not a second earlier; leaving twice does not begin the time anew."""
    departed = DepartedServers(stores.db, stores.clock)
    await departed.left(10)
    stores.clock.advance(days=29)
    await departed.left(10)
    assert await departed.due(GRACE) == []
    stores.clock.advance(days=1)
    assert await departed.due(GRACE) == [10]


async def test_coming_back_stops_it(stores: OpenStores) -> None:
    """A server that is back in time is not due, and begins anew when it leaves again."""
    departed = DepartedServers(stores.db, stores.clock)
    await departed.left(10)
    stores.clock.advance(days=29)
    assert await departed.returned(10)
    assert not await departed.returned(10)
    await departed.left(10)
    stores.clock.advance(days=29)
    assert await departed.due(GRACE) == []


async def test_servers_are_compared(stores: OpenStores) -> None:
    """What happened while the bot was stopped is noticed, where anything is stored."""
    departed = DepartedServers(stores.db, stores.clock)
    await stores.accept(new_job())
    await Preferences(stores.db, stores.clock).set_server(12, by=1, quiet=True)
    await departed.left(11)
    assert await departed.compare([11, 12, 13]) == 1
    assert await departed.due(timedelta()) == [10]
    assert await departed.compare([10]) == 1
    assert await departed.due(timedelta()) == [12]
    assert await departed.compare([10]) == 0


async def test_the_command_line_is_no_server(stores: OpenStores) -> None:
    """What the command line painted belongs to no server, and never goes."""
    departed = DepartedServers(stores.db, stores.clock)
    async with stores.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, "
            "pictures, locale, accepted_at, finished_at) "
            "VALUES (0, 0, 0, 'failed', '{}', 'x', 1, 1, 'en-US', 1, 2)"
        )
    assert await departed.compare([]) == 0
