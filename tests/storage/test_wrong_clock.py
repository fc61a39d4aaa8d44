"""A clock that was wrong for a while does no harm once it is right."""

import asyncio
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import backup
from storage.files import PictureFiles
from storage.inputs import InputFiles
from storage.proposals import PROPOSAL_LIFE, Proposals, ProposalState
from storage.reports import Reports
from storage.retention import BATCH_ROWS, Retention
from storage.timestamps import is_old
from storage.types import Job, JobState, QuotaExceeded
from tests.fakes import FakeClock
from tests.storage.fakes import ALICE, BOB, START, OpenStores, filed, new_job, new_picture, policy

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
GUILD, USER = ALICE.guild_id, ALICE.user_id
AHEAD = [timedelta(seconds=1), timedelta(hours=2), timedelta(days=40), YEAR, 70 * YEAR]


async def look(stores: OpenStores, limit: int = 5) -> tuple[int, timedelta | None]:
    """Return what Alice has used, and how long until some of it returns."""
    status = await stores.quotas.status(GUILD, USER, policy(limit))
    back = status.next_return_at
    return status.used, None if back is None else back - stores.clock()


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
async def test_a_clock_that_was_ahead_takes_no_quota_away(
    stores: OpenStores, ahead: timedelta
) -> None:
    """What was charged by a clock that was ahead counts for one window from when that is seen."""
    stores.clock.now = START + ahead
    await stores.accept(new_job(pictures=5))
    stores.clock.now = START
    refused = await stores.jobs.accept(new_job(), policy(5))
    assert isinstance(refused, QuotaExceeded) and refused.retry_at == START + timedelta(hours=24)
    stores.clock.now = START + timedelta(hours=24)
    assert await look(stores) == (0, None)
    assert isinstance(await stores.jobs.accept(new_job(pictures=5), policy(5)), Job)


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
async def test_nor_when_the_time_comes_that_it_showed(stores: OpenStores, ahead: timedelta) -> None:
    """A charge that was dated back does not come to count a second time, a year later."""
    stores.clock.now = START + ahead
    await stores.accept(new_job(pictures=5))
    stores.clock.now = START
    assert (await look(stores))[0] == 5
    for beside in (-HOUR, HOUR):
        stores.clock.now = max(START + timedelta(hours=24), START + ahead + beside)
        assert await look(stores) == (0, None)


async def test_charges_keep_their_distance(stores: OpenStores) -> None:
    """Of what was charged within a window while the clock was ahead, each part returns in turn."""
    stores.clock.now = START + YEAR
    await stores.accept(new_job(pictures=1))
    stores.clock.advance(hours=30)
    await stores.accept(new_job(pictures=2))
    stores.clock.advance(hours=10)
    await stores.accept(new_job(pictures=2))
    stores.clock.now = START
    assert await look(stores) == (4, timedelta(hours=14))
    stores.clock.advance(hours=14)
    assert await look(stores) == (2, timedelta(hours=10))


async def test_a_clock_that_is_behind_forgets_nothing(stores: OpenStores) -> None:
    """With a clock in 1970, what was used within a window still counts, and no more than that."""
    await stores.accept(new_job(pictures=3))
    stores.clock.advance(days=300)
    await stores.accept(new_job(pictures=2))
    stores.clock.now = START.replace(year=1970)
    assert await look(stores) == (2, timedelta(hours=24))
    stores.clock.now = START + timedelta(days=301)
    assert await look(stores) == (0, None)


async def test_every_user_is_dated_back_without_asking(stores: OpenStores) -> None:
    """All charges from the future can be found, so that the window begins without a request."""
    stores.clock.now = START + YEAR
    await stores.accept(new_job(pictures=5))
    await stores.accept(new_job(BOB, pictures=5))
    stores.clock.now = START
    assert await stores.quotas.date_back_all() == 2
    assert await stores.quotas.date_back_all() == 0
    stores.clock.now = START + timedelta(hours=24)
    assert await stores.used(ALICE) == await stores.used(BOB) == 0


async def test_refunds_and_other_users_are_left_alone(stores: OpenStores) -> None:
    """Only counting charges of the user who asks are dated back, by the sums as by the ledger."""
    stores.clock.now = START + YEAR
    refunded = await stores.accept(new_job(pictures=3))
    await stores.jobs.cancelled(refunded.id)
    await stores.accept(new_job(BOB))
    stores.clock.now = START
    before = await stores.db.fetch_all("SELECT * FROM ledger ORDER BY job_id")
    assert await look(stores) == (0, None)
    after = await stores.db.fetch_all("SELECT * FROM ledger ORDER BY job_id")
    assert [tuple(row) for row in before] == [tuple(row) for row in after]


moves = st.lists(
    st.tuples(st.sampled_from([0, 1, 5, 30, -1, -30, 9000, -9000]), st.integers(0, 3)), max_size=8
)


@given(moves)
@settings(max_examples=25)
def test_whatever_the_clock_did_a_window_later_all_is_free(steps: list[tuple[int, int]]) -> None:
    """However the clock jumps between charges, one window after the last look nothing is used.

    And the hourly sums agree with the ledger.
    """

    async def live(path: Path) -> None:
        stores = await OpenStores.open(path)
        try:
            for hours, pictures in steps:
                stores.clock.advance(hours=hours)
                if pictures:
                    await stores.accept(new_job(pictures=pictures))
            seen = (await look(stores, 100))[0]
            assert seen <= sum(pictures for _, pictures in steps)
            stores.clock.advance(hours=24)
            assert await look(stores) == (0, None)
            sums = await stores.db.fetch_all(
                "SELECT sum(pictures) FROM usage_hours UNION ALL SELECT sum(pictures) FROM ledger"
            )
            assert sums[0][0] == sums[1][0]
        finally:
            await stores.db.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder, "zimagine.db")))


async def test_a_waiting_job_from_the_future_waits_from_now_on(stores: OpenStores) -> None:
    """At the start it is queued as if accepted now, so that it can expire like any other."""
    stores.clock.now = START + YEAR
    job = await stores.accept()
    stores.clock.now = START
    recovery = await stores.jobs.recover(accepted_after=START - HOUR)
    assert [each.accepted_at for each in recovery.queued] == [START]
    recovery = await stores.jobs.recover(accepted_after=START + HOUR)
    assert [(each.id, each.state) for each in recovery.ended] == [(job.id, JobState.EXPIRED)]


@pytest.mark.parametrize(
    ("shift", "state"),
    [
        (timedelta(), ProposalState.OPEN),
        (timedelta(seconds=-5), ProposalState.OPEN),
        (PROPOSAL_LIFE, ProposalState.EXPIRED),
        (-PROPOSAL_LIFE, ProposalState.EXPIRED),
        (-YEAR, ProposalState.EXPIRED),
    ],
    ids=str,
)
async def test_a_proposal_from_the_far_future_is_too_old(
    stores: OpenStores, shift: timedelta, state: ProposalState
) -> None:
    """A question asked while the clock was ahead cannot be answered for a year, and is removed."""
    proposals = Proposals(stores.db, stores.clock)
    asked = await proposals.ask(ALICE, "{}")
    stores.clock.now += shift
    found = await proposals.get(asked.id)
    assert found is not None and found.state is state
    assert await proposals.sweep() == (state is ProposalState.EXPIRED)


async def test_a_clock_set_back_makes_no_report_recent(stores: OpenStores) -> None:
    """With a clock in 1970, the verdicts of all years are not looked at again."""
    reports = Reports(stores.db, stores.clock)
    (picture,) = await stores.painted()
    await filed(reports, picture.id)
    await reports.posted(1, 20, 99)
    assert await reports.changed_since(START - HOUR) == [picture.id]
    stores.clock.now = START.replace(year=1970)
    assert await reports.changed_since(stores.clock() - HOUR) == []


@pytest.mark.parametrize(
    ("age", "old"), [(0, False), (3599, False), (3600, True), (-3599, False), (-3600, True)]
)
def test_what_is_far_in_the_future_is_old(age: float, old: bool) -> None:
    """An age is reckoned in both directions."""
    assert is_old(START.timestamp() - age, START, 3600.0) is old


def test_leftovers_from_the_future_are_removed(tmp_path: Path) -> None:
    """Unfinished files and unneeded inputs that a clock ahead wrote are not kept for a year."""
    clock = FakeClock(START)
    files, inputs = PictureFiles(tmp_path, clock=clock), InputFiles(tmp_path, clock=clock)
    folder = files.path(files.write("a.png", b"x").file).parent
    inputs.write(b"x", "ab" * 32)
    left = [
        folder / ".x.part",
        tmp_path / "inputs" / "ab" / ".y.part",
        tmp_path / ".zimagine.db.z.part",
    ]
    for each in left:
        each.write_bytes(b"half")
    future_s = (START + YEAR).timestamp()
    for each in (*left, inputs.path("ab" * 32)):
        os.utime(each, (future_s, future_s))
    assert files.unfinished() == left[:1] and inputs.unfinished() == left[1:2]
    assert backup.leftovers(tmp_path, START) == left[2:]
    assert inputs.remove(inputs.old()).files == 1


async def paint(stores: OpenStores, files: PictureFiles, count: int) -> list[int]:
    """Paint pictures of 100 bytes, one a day, and return their ids."""
    ids = []
    for _ in range(count):
        job = await stores.painting()
        written = files.write(f"{job.id}.png", b"x" * 100)
        painted = new_picture(file=written.file, size_bytes=100)
        (picture,) = await stores.jobs.painted(job.id, painted)
        await stores.deliveries.delivered(job.id)
        ids.append(picture.id)
        stores.clock.advance(days=1)
    return ids


async def kept(stores: OpenStores) -> list[int]:
    rows = await stores.db.fetch_all("SELECT id FROM pictures WHERE file_removed_at IS NULL")
    return [row["id"] for row in rows]


@pytest.mark.parametrize("ahead", [timedelta(days=20), YEAR, 50 * YEAR], ids=str)
async def test_pictures_from_the_future_go_in_their_turn(
    stores: OpenStores, ahead: timedelta
) -> None:
    """A picture painted while the clock was ahead is removed with those painted after it."""
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    retention = Retention(stores.db, files, stores.clock)
    before = await paint(stores, files, 2)
    stores.clock.now += ahead
    wrong = await paint(stores, files, 2)
    stores.clock.now -= ahead
    after = await paint(stores, files, 3)
    assert (await retention.apply(5, None)).files == 2
    assert await kept(stores) == wrong + after
    assert (await retention.apply(2, None)).files == 3
    assert await kept(stores) == after[1:]
    assert not set(before) & set(after)


@pytest.mark.parametrize("removed", range(8))
async def test_above_the_limit_the_first_painted_go_first(stores: OpenStores, removed: int) -> None:
    """The order of removal is that of painting, wherever the clock was ahead."""
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    ids = await paint(stores, files, 2)
    for _ in range(2):
        stores.clock.now += YEAR
        ids += await paint(stores, files, 2)
        stores.clock.now -= YEAR
        ids += await paint(stores, files, 1)
    limit_bytes = 100 * (len(ids) - removed)
    await Retention(stores.db, files, stores.clock).apply(None, limit_bytes)
    assert await kept(stores) == ids[removed:]


async def test_many_pictures_from_the_future(stores: OpenStores) -> None:
    """More than fit into one batch are removed, also if nothing was painted after them."""
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    stores.clock.now += YEAR
    ids = await paint(stores, files, 2 * BATCH_ROWS + 3)
    stores.clock.now = START
    removed = await Retention(stores.db, files, stores.clock).apply(None, 200)
    assert removed.files == len(ids) - 2 and await kept(stores) == ids[-2:]


async def test_a_clock_that_is_behind_removes_nothing(stores: OpenStores) -> None:
    """With a clock in 1970 no picture is too old, and above the limit the first ones go."""
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    retention = Retention(stores.db, files, stores.clock)
    ids = await paint(stores, files, 4)
    stores.clock.now = START.replace(year=1970)
    assert (await retention.apply(1, None)).files == 0
    assert (await retention.apply(1, 300)).files == 1
    assert await kept(stores) == ids[1:]
