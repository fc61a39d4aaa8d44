"""Erasing a person leaves nothing of them in the data folder, and everything of the others."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest

from bot.pictures.filenames import picture_name
from storage import consistency
from storage.blocks import Blocks
from storage.database import Database
from storage.erasure import persons
from storage.errors import DatabaseBusy
from storage.inputs import Inputs
from storage.presets import Presets
from storage.proposals import Proposals
from storage.reports import Reports
from storage.types import Block, DeliveryState, Job, JobState, QuotaExceeded
from tests.storage.erasure.planted import (
    ELSEWHERE,
    HASHES,
    PICTURE,
    SECRETS,
    Planted,
    nightly,
    plant,
    traces,
)
from tests.storage.fakes import ALICE, BOB, MODERATOR, OpenStores, new_job, policy


@pytest.fixture
async def planted(stores: OpenStores) -> AsyncIterator[Planted]:
    yield await plant(stores)


async def test_everything_is_there_before(planted: Planted) -> None:
    """The search of the bytes finds what was planted: otherwise the tests below prove nothing."""
    found = traces(planted.data_dir, (each.encode() for each in SECRETS.values()))
    assert set().union(*found.values()) >= {each.encode() for each in SECRETS.values()}
    assert any(name.startswith("pictures/") for name in found)
    assert any(name.startswith("thumbnails/") for name in found)
    assert any(name.startswith("inputs/") for name in found)


async def test_no_byte_is_left(planted: Planted) -> None:
    """No file has a word, a picture or an input of the person, while the database is open."""
    purged = await planted.erase_all()
    assert purged.done
    assert traces(planted.data_dir) == {}
    assert (planted.data_dir / "zimagine.db-wal").stat().st_size < 100_000
    assert (planted.data_dir / persons.KEY_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_thumbnail_without_its_picture_goes(planted: Planted) -> None:
    """Whatever a killed process left of a job that was being painted goes, thumbnails too."""
    written = planted.files.write(picture_name(planted.painting.id, 7), PICTURE)
    planted.files.write_thumbnail(written.file, PICTURE)
    planted.files.path(written.file).unlink()
    assert (await planted.erase_all()).done
    assert traces(planted.data_dir) == {}


async def test_the_database_agrees_with_itself(planted: Planted) -> None:
    """Rows that count stay, so that charges, jobs and pictures still agree."""
    counts = "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM pictures)"
    before = await planted.stores.db.fetch_all(counts)
    await planted.erase_all()
    assert [tuple(row) for row in await planted.stores.db.fetch_all(counts)] == [
        tuple(row) for row in before
    ]
    report = consistency.check(planted.data_dir, clock=planted.stores.clock)
    assert report.wrong() == []


async def test_the_others_keep_everything(planted: Planted) -> None:
    """Pictures, presets and inputs of others are as they were."""
    stores = planted.stores
    await planted.erase_all()
    assert await stores.history.get(planted.bobs.id) == planted.bobs
    assert planted.files.existing(planted.bobs.file) is not None
    assert planted.files.read_thumbnail(planted.bobs.file) is not None
    assert await Inputs(stores.db, stores.clock).read(HASHES["shared"]) == b"shared"
    assert len(await Presets(stores.db, stores.clock).of(BOB.user_id)) == 1
    found = await stores.history.search(BOB.user_id, 10, "boat", None, 5)
    assert [each.id for each in found] == [planted.bobs.id]


async def test_what_others_made_of_it_has_lost_its_origin(planted: Planted) -> None:
    """A picture that somebody made from the person's stays, without the copy it started from."""
    stores = planted.stores
    await planted.erase_all()
    assert await stores.history.get(planted.derived.id) == planted.derived
    job = await stores.jobs.get(planted.derived.job_id)
    assert job is not None and job.parent_picture_id is None
    assert not list(planted.data_dir.glob(f"inputs/*/{HASHES['derived']}.png"))
    assert await Inputs(stores.db, stores.clock).of_job(job.id) == ()


async def test_unfinished_jobs_are_cancelled(planted: Planted) -> None:
    """What waits is refunded; what is painted stays charged where cancelling it would be."""
    erased = await planted.erase(free_s=0.0)
    ledger = await planted.stores.ledger()
    assert ledger[planted.waiting.id] == (2, True) and ledger[planted.painting.id] == (1, False)
    assert consistency.check(planted.data_dir, clock=planted.stores.clock).wrong() == []
    assert [(job.id, job.state) for job in erased.jobs] == [
        (planted.waiting.id, JobState.CANCELLED),
        (planted.painting.id, JobState.CANCELLED),
    ]
    assert await planted.stores.deliveries.pending() == []
    for job in erased.jobs:
        delivery = await planted.stores.deliveries.get(job.id)
        assert delivery is not None and delivery.state is DeliveryState.DROPPED
    recovery = await planted.stores.jobs.recover()
    assert recovery.queued == recovery.ended == ()


async def test_messages_are_queued(planted: Planted) -> None:
    """Results, status messages and cards of reports are to be deleted."""
    erased = await planted.erase()
    rows = await planted.stores.db.fetch_all("SELECT channel_id, message_id FROM message_removals")
    found = {(row["channel_id"], row["message_id"]) for row in rows}
    job_id = planted.picture.job_id
    assert {(20, 2000 + job_id), (20, 1000 + job_id), (77, 3001)} <= found
    assert (21, 2000 + planted.elsewhere.job_id) in found
    assert (77, 3002) not in found and (20, 2000 + planted.bobs.job_id) not in found
    assert erased.messages == len(rows)
    assert erased.reported == (planted.bobs.id,)


async def test_a_report_stays_without_its_words(planted: Planted) -> None:
    """Moderators still see that somebody reported, but not who wrote what."""
    await planted.erase_all()
    reports = Reports(planted.stores.db, planted.stores.clock)
    case = await reports.open_for(planted.bobs.id)
    assert case is not None
    (report,) = case.reports
    assert report.reason is None and report.by < 0
    assert (
        await Reports(planted.stores.db, planted.stores.clock).last_for(planted.picture.id) is None
    )


async def test_one_server_only(planted: Planted) -> None:
    """On one server, what the person has on others stays, and so do presets."""
    stores = planted.stores
    await planted.erase_all(ALICE.guild_id)
    assert await stores.history.get(planted.picture.id) is None
    assert await stores.history.get(planted.elsewhere.id) == planted.elsewhere
    assert planted.files.existing(planted.elsewhere.file) is not None
    assert len(await Presets(stores.db, stores.clock).of(ALICE.user_id)) == 1
    (row,) = await stores.db.fetch_all("SELECT guild_id FROM request_defaults WHERE user_id = 30")
    assert row["guild_id"] == ELSEWHERE.guild_id


async def test_a_block_holds(planted: Planted) -> None:
    """Erasing lifts no block and no quota of one's own; the moderator's words are gone."""
    stores = planted.stores
    await planted.erase_all()
    refused = await stores.jobs.accept(new_job(ALICE), policy(1000))
    assert isinstance(refused, Block) and refused.reason is None
    assert (await stores.quotas.policy(10, ALICE.user_id, policy(1))).pictures == 500


async def test_erasing_buys_no_quota(planted: Planted) -> None:
    """What was used counts for the same person until its window ends, and for nobody else."""
    stores = planted.stores
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM blocks")
    before = await stores.used()
    await planted.erase()
    rows = await stores.db.fetch_all("SELECT 1 FROM ledger WHERE user_id = ?", (ALICE.user_id,))
    assert rows == []
    # Refunded: the two pictures that waited, and the one whose painting is free to cancel.
    assert await stores.used() == before - 3
    assert await stores.used(BOB) == 2
    full = policy(before - 3)
    await planted.stores.quotas.clear_user(10, ALICE.user_id)
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM server_quotas")
    assert isinstance(await stores.jobs.accept(new_job(ALICE), full), QuotaExceeded)
    stores.clock.advance(hours=24, seconds=1)
    assert isinstance(await stores.jobs.accept(new_job(ALICE), full), Job)


async def test_asking_again_is_what_counts(planted: Planted) -> None:
    """Without a look in between, a request is refused as before the erasure."""
    stores = planted.stores
    async with stores.db.transaction() as transaction:
        for table in ("blocks", "user_quotas", "server_quotas"):
            await transaction.execute(f"DELETE FROM {table}")
    used = await stores.used() - 3
    await planted.erase()
    assert isinstance(await stores.jobs.accept(new_job(ALICE), policy(used)), QuotaExceeded)
    await planted.erase()
    await planted.erase()
    assert isinstance(await stores.jobs.accept(new_job(ALICE), policy(used)), QuotaExceeded)
    assert isinstance(await stores.jobs.accept(new_job(ALICE), policy(used + 1)), Job)


async def test_an_ended_block_goes(planted: Planted) -> None:
    """A block that has ended by itself is nothing that holds: with it goes the last mention."""
    stores = planted.stores
    async with stores.db.transaction() as transaction:
        for table in ("blocks", "user_quotas"):  # which hold
            await transaction.execute(f"DELETE FROM {table}")
    until = stores.clock() + timedelta(hours=1)
    await Blocks(stores.db, stores.clock).block(10, ALICE.user_id, MODERATOR, "spam", until)
    stores.clock.now = until
    await planted.erase_all()
    assert await stores.db.fetch_all("SELECT 1 FROM blocks") == []


async def test_questions_about_the_person_go(planted: Planted) -> None:
    """An admin's question names whom it is about; it goes with them, also from a backup that has
    nothing else of them, and no other question does."""
    stores, stranger = planted.stores, 7654321
    proposals = Proposals(stores.db, stores.clock)
    for user_id in (ALICE.user_id, stranger):
        await proposals.ask(BOB, f'{{"erase": {user_id}}}')
    kept = await proposals.ask(BOB, '{"erase": 31, "words": "30"}')
    await nightly(planted)
    await planted.erase_all()
    await planted.erasing().person(stranger)
    await planted.purge().run()
    rows = await stores.db.fetch_all("SELECT id FROM proposals WHERE user_id = ?", (BOB.user_id,))
    assert [row["id"] for row in rows] == [kept.id]
    assert traces(planted.data_dir, [str(stranger).encode()]) == {}


async def test_a_look_brings_nothing_back(planted: Planted) -> None:
    """Whoever looks at the quota of somebody who was erased sees what counts, and nothing is
    stored of them; a clock that was set back changes nothing about that."""
    stores = planted.stores
    async with stores.db.transaction() as transaction:
        for table in ("blocks", "user_quotas", "server_quotas"):
            await transaction.execute(f"DELETE FROM {table}")
    before = await stores.used() - 3
    await planted.erase_all()
    for set_back_hours in (0, 2):
        stores.clock.advance(hours=-set_back_hours)
        assert await stores.used() == before > 0
        assert await stores.quotas.refusal(ALICE, policy(before), 1) is not None
        assert await stores.quotas.refusal(ALICE, policy(before + 1), 1) is None
        for table in ("jobs", "ledger", "usage_hours"):
            sql = f"SELECT 1 FROM {table} WHERE user_id = ?"
            assert await stores.db.fetch_all(sql, (ALICE.user_id,)) == [], table


async def test_a_locked_database_changes_nothing(planted: Planted) -> None:
    """If another process holds the lock, nothing is erased, and the next try works."""
    stores = planted.stores
    async with await Database.open(stores.db.path, busy_timeout_s=0.05) as impatient:
        planted.stores.db, held = impatient, stores.db
        with closing(sqlite3.connect(impatient.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusy):
                await planted.erase()
            other.execute("ROLLBACK")
        assert await stores.history.get(planted.picture.id) is not None
        assert traces(planted.data_dir)
        await planted.erase()
        planted.stores.db = held
    assert (await planted.purge().run()).done
    assert traces(planted.data_dir) == {}


async def test_a_failure_in_any_statement_changes_nothing(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever statement fails, the database is as it was."""
    from storage.erasure import rules

    stores = planted.stores
    dump = "SELECT (SELECT group_concat(prompt) FROM jobs), (SELECT count(*) FROM message_removals)"
    before = [tuple(row) for row in await stores.db.fetch_all(dump)]
    whole = list(rules.person_statements())
    for applied in range(len(whole)):
        broken = [*whole[:applied], "INSERT INTO nowhere VALUES (1)"]
        monkeypatch.setattr(rules, "person_statements", lambda broken=broken: iter(broken))
        with pytest.raises(sqlite3.OperationalError):
            await planted.erase()
    assert [tuple(row) for row in await stores.db.fetch_all(dump)] == before


async def test_a_cancelled_erasure_is_whole_or_nothing(planted: Planted) -> None:
    """Cancelled at any moment, either everything is erased or nothing."""
    task = asyncio.create_task(planted.erase())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await planted.stores.history.get(planted.picture.id) is not None


async def test_nobody_cannot_be_erased(planted: Planted) -> None:
    """User 0, whose the anonymous rows are, is refused."""
    with pytest.raises(ValueError, match="nobody"):
        await planted.erasing().person(0)


async def test_a_server_goes_as_a_whole(planted: Planted) -> None:
    """Everything of a server goes, of everybody and of its admins; other servers keep theirs."""
    stores = planted.stores
    erased = await planted.erasing().server(10)
    assert (await planted.purge().run()).done
    assert {job.id for job in erased.jobs} == {planted.waiting.id, planted.painting.id}
    for table in ("jobs", "pictures", "ledger", "usage_hours", "cases", "reports", "blocks"):
        rows = await stores.db.fetch_all(f"SELECT 1 FROM {table} WHERE guild_id = 10")
        assert rows == [], table
    assert await stores.history.get(planted.elsewhere.id) == planted.elsewhere
    assert consistency.check(planted.data_dir, clock=stores.clock).wrong() == []
    names = {path.name for path in planted.data_dir.rglob("*.png")}
    assert names == {planted.elsewhere.file.rpartition("/")[2]}
