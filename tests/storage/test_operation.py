"""What owners decided outlives the process, and what was painted of late is counted by an index."""

from __future__ import annotations

from datetime import timedelta

from storage.announcements import Announcements, PostState
from storage.log_channels import LogChannels
from storage.log_entries import LogEvent
from storage.painting_control import ControlState, PaintingControls
from storage.recent_work import FailedWork, RecentWork
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, new_picture

HOUR = timedelta(hours=1)


async def test_the_state_is_the_one_that_was_written_last(stores: OpenStores) -> None:
    """Everything is as usual at first; afterwards it is what the last owner decided."""
    controls = PaintingControls(stores.db, stores.clock)
    assert await controls.read() == ControlState()
    for state in (
        ControlState(painting=False),
        ControlState(accepting=False, resumed_at=stores.clock()),
    ):
        await controls.write(state, 1)
        assert await controls.read() == state


async def test_owners_are_told_once(stores: OpenStores) -> None:
    """Only while nothing is accepted and painting goes on there is something to tell, once."""
    controls = PaintingControls(stores.db, stores.clock)
    assert not await controls.tell()
    await controls.write(ControlState(painting=False, accepting=False), 1)
    assert not await controls.tell()
    await controls.write(ControlState(accepting=False), 1)
    assert [await controls.tell(), await controls.tell()] == [True, False]
    assert (await controls.read()).told


async def test_an_announcement_is_attempted_once_a_server(stores: OpenStores) -> None:
    """It goes to the servers that chose a channel; each post is handed out once, and counted."""
    kept, channels = Announcements(stores.db, stores.clock), LogChannels(stores.db, stores.clock)
    event = LogEvent.ANNOUNCEMENTS
    for guild_id in (10, 11, 12):
        await channels.choose(guild_id, event, 100 + guild_id, 1, "en-US")
    await channels.choose(12, event, None, 1, "en-US")
    await channels.choose(13, LogEvent.AUDIT, 113, 1, "en-US")
    assert await kept.channels() == {10: 110, 11: 111}
    begun = await kept.begin("news", [10, 11, 12, 13], 1)
    assert await kept.unfinished() == [begun]
    first = await kept.attempt(begun.id)
    assert first is not None and (first.guild_id, first.channel_id) == (10, 110)
    await kept.settle(first, PostState.POSTED)
    assert await kept.attempt(begun.id) is not None and await kept.attempt(begun.id) is None
    counts = await kept.counts(begun.id)
    assert counts == {**dict.fromkeys(PostState, 0), PostState.POSTED: 1, PostState.ATTEMPTED: 1}
    await kept.finish(begun.id)
    assert await kept.unfinished() == []


async def test_recent_work_is_counted(stores: OpenStores) -> None:
    """Pictures and failures count that ended within the time, whoever asked for them."""
    recent = RecentWork(stores.db, stores.clock)
    assert (await recent.painted(HOUR)).mean_s is None
    old = await stores.painting(new_job(ALICE))
    await stores.jobs.painted(old.id, new_picture(duration_s=100.0))
    stores.clock.advance(hours=2)
    for place, took in ((ALICE, 2.0), (BOB, 4.0)):
        job = await stores.painting(new_job(place))
        await stores.jobs.painted(job.id, new_picture(duration_s=took))
    for code in ("blank", "disk", "blank"):
        job = await stores.painting(new_job(BOB))
        stores.clock.advance(seconds=1)
        await stores.jobs.failed(job.id, code, f"detail of {job.id}")
    painted = await recent.painted(HOUR)
    assert (painted.pictures, painted.mean_s) == (2, 3.0)
    blank, disk = await recent.failed(HOUR)
    assert blank == FailedWork("blank", 2, f"detail of {job.id}", stores.clock())
    assert (disk.code, disk.jobs) == ("disk", 1)
    last = await recent.last_of(BOB.user_id, BOB.guild_id)
    assert last is not None and last.id == job.id
    assert await recent.last_of(BOB.user_id, 999) is None
