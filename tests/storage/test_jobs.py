"""Jobs: each transition with its effect on ledger and delivery; all others are refused."""

import dataclasses
from datetime import timedelta

import pytest

from storage import consistency
from storage.errors import IllegalTransition, UnknownRow
from storage.jobs import CRASHED, PARTIAL, Jobs
from storage.types import (
    COMMAND_LINE,
    DeliveryState,
    Job,
    JobState,
    PolicySource,
    QuotaExceeded,
    QuotaPolicy,
)
from tests.storage.fakes import (
    ALICE,
    BOB,
    PLENTY,
    START,
    OpenStores,
    new_job,
    new_picture,
    policy,
)

ENDINGS = ["cancelled", "failed", "expired"]


async def end(stores: OpenStores, job_id: int, ending: str) -> Job:
    if ending == "failed":
        return await stores.jobs.failed(job_id, "out_of_memory", "no room for 2 GiB")
    return await getattr(stores.jobs, ending)(job_id)


async def test_accept_charges_queues_and_prepares_delivery(stores: OpenStores) -> None:
    """An accepted job is queued with all its fields, charged, and has a pending delivery."""
    new = new_job(pictures=2, locale="zh-CN", private=True, upload_limit_bytes=8_000_000)
    job = await stores.accept(new)
    assert job == await stores.jobs.get(job.id)
    assert job == Job(
        id=job.id,
        place=ALICE,
        state=JobState.QUEUED,
        request=new.request,
        prompt=new.prompt,
        seed=new.seed,
        pictures=2,
        attempts=0,
        parent_picture_id=None,
        locale="zh-CN",
        private=True,
        accepted_at=START,
        started_at=None,
        finished_at=None,
        error_code=None,
        error_detail=None,
    )
    assert await stores.ledger() == {job.id: (2, False)}
    delivery = await stores.deliveries.get(job.id)
    assert delivery is not None
    assert (delivery.state, delivery.nonce) == (DeliveryState.PENDING, "nonce-1")
    assert delivery.upload_limit_bytes == 8_000_000
    assert delivery.channel_id == ALICE.channel_id


async def test_a_refusal_writes_nothing(stores: OpenStores) -> None:
    """Beyond the quota nothing is written, and the refusal says when the request would fit."""
    first = await stores.accept(fallback=policy(2))
    stores.clock.advance(hours=1)
    refusal = await stores.jobs.accept(new_job(pictures=2), policy(2))
    assert isinstance(refusal, QuotaExceeded)
    assert (refusal.status.used, refusal.status.remaining, refusal.requested) == (1, 1, 2)
    assert refusal.retry_at == refusal.status.next_return_at == START + timedelta(hours=24)
    assert await stores.ledger() == {first.id: (1, False)}
    assert (await stores.jobs.live_counts())[JobState.QUEUED] == 1


async def test_a_refusal_holds_until_the_promised_instant(stores: OpenStores) -> None:
    """A request is refused one microsecond before the promised instant and accepted at it."""
    await stores.accept(fallback=policy(1))
    refusal = await stores.jobs.accept(new_job(), policy(1))
    assert isinstance(refusal, QuotaExceeded) and refusal.retry_at is not None
    stores.clock.now = refusal.retry_at - timedelta(microseconds=1)
    assert isinstance(await stores.jobs.accept(new_job(), policy(1)), QuotaExceeded)
    stores.clock.now = refusal.retry_at
    await stores.accept(fallback=policy(1))


async def test_a_quota_of_zero_and_a_request_above_the_limit_never_fit(stores: OpenStores) -> None:
    """A request that can never fit is refused without a retry time."""
    for limit, requested in [(0, 1), (2, 3)]:
        refusal = await stores.jobs.accept(new_job(pictures=requested), policy(limit))
        assert isinstance(refusal, QuotaExceeded) and refusal.retry_at is None


async def test_the_nearest_policy_decides(stores: OpenStores) -> None:
    """A user's own policy overrides the server's, which overrides the configured one."""
    await stores.quotas.set_default(ALICE.guild_id, 0, 24, by=1)
    refusal = await stores.jobs.accept(new_job(), PLENTY)
    assert isinstance(refusal, QuotaExceeded)
    assert refusal.status.policy == QuotaPolicy(0, 24, PolicySource.SERVER)
    await stores.quotas.set_user(ALICE.guild_id, ALICE.user_id, 1, 24, by=1)
    await stores.accept(fallback=PLENTY)
    assert isinstance(await stores.jobs.accept(new_job(BOB), PLENTY), QuotaExceeded)


async def test_quotas_are_per_server_and_user(stores: OpenStores) -> None:
    """Other users, and the same user in another server, do not use up a quota."""
    elsewhere = dataclasses.replace(ALICE, guild_id=11)
    for place in (ALICE, BOB, elsewhere):
        await stores.accept(new_job(place), policy(1))
        assert isinstance(await stores.jobs.accept(new_job(place), policy(1)), QuotaExceeded)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("begun", [False, True], ids=["queued", "painting"])
async def test_an_end_without_picture_gives_everything_back(
    stores: OpenStores, ending: str, begun: bool
) -> None:
    """A job that ends without pictures refunds exactly what was charged."""
    other = await stores.accept()
    job = await stores.accept(new_job(pictures=3))
    if begun:
        await stores.jobs.painting(job.id)
    stores.clock.advance(minutes=1)
    ended = await end(stores, job.id, ending)
    assert (ended.state, ended.finished_at) == (ending, stores.clock.now)
    assert await stores.jobs.get(job.id) == ended
    assert await stores.ledger() == {other.id: (1, False), job.id: (3, True)}
    assert await stores.used() == 1
    assert [waiting.job for waiting in await stores.deliveries.pending()] == [ended]


async def test_a_failure_keeps_its_reason(stores: OpenStores) -> None:
    """Code and detail of a failure are stored with the job."""
    job = await end(stores, (await stores.painting()).id, "failed")
    assert (job.error_code, job.error_detail) == ("out_of_memory", "no room for 2 GiB")


async def test_painting_counts_attempts(stores: OpenStores) -> None:
    """Starting an attempt counts it and stores its time."""
    job = await stores.accept()
    stores.clock.advance(seconds=5)
    assert await stores.jobs.painting(job.id) is True
    begun = await stores.jobs.get(job.id)
    assert begun is not None
    assert (begun.state, begun.attempts) == (JobState.PAINTING, 1)
    assert begun.started_at == stores.clock.now


async def test_painting_a_job_that_is_not_queued_is_declined(stores: OpenStores) -> None:
    """A job that was cancelled meanwhile, or is already painting, is not started."""
    gone, begun = await stores.accept(), await stores.painting()
    await stores.jobs.cancelled(gone.id)
    for job in (gone, begun):
        before = await stores.jobs.get(job.id)
        assert await stores.jobs.painting(job.id) is False
        assert await stores.jobs.get(job.id) == before


async def test_an_interruption_spends_no_attempt(stores: OpenStores) -> None:
    """A job stopped for a restart returns to the queue without limit."""
    job = await stores.painting()
    for _ in range(5):
        again = await stores.jobs.interrupted(job.id)
        assert (again.state, again.attempts) == (JobState.QUEUED, 0)
        await stores.jobs.painting(job.id)
    assert await stores.ledger() == {job.id: (1, False)}


async def test_painted_stores_pictures_and_keeps_the_charge(stores: OpenStores) -> None:
    """A finished job has its pictures, stays charged, and is ready to be delivered."""
    job = await stores.painting(new_job(pictures=2))
    stores.clock.advance(seconds=9)
    news = [new_picture(1), new_picture(2)]
    pictures = await stores.jobs.painted(job.id, news)
    assert [picture.seed for picture in pictures] == [1, 2]
    for new, picture in zip(news, pictures, strict=True):
        for name in ("file", "sha256", "recipe", "width_px", "height_px", "duration_s"):
            assert getattr(picture, name) == getattr(new, name)
        assert (picture.place, picture.prompt) == (ALICE, job.prompt)
        assert picture.painted_at == stores.clock.now
    assert await stores.history.of_job(job.id) == pictures
    assert await stores.ledger() == {job.id: (2, False)}
    (waiting,) = await stores.deliveries.pending()
    assert (waiting.job.state, waiting.pictures) == (JobState.PAINTED, pictures)


async def test_painted_takes_no_more_than_was_charged(stores: OpenStores) -> None:
    """No pictures, or more than were charged, are refused, and the job continues."""
    job = await stores.painting(new_job(pictures=2))
    for wrong in ([], [new_picture()] * 3):
        with pytest.raises(ValueError, match=r"takes 1\.\.2 pictures"):
            await stores.jobs.painted(job.id, wrong)
    assert await stores.history.of_job(job.id) == ()
    assert await stores.ledger() == {job.id: (2, False)}
    await stores.jobs.painted(job.id, [new_picture(1), new_picture(2)])


@pytest.mark.parametrize(
    ("wanted", "made"), [(wanted, made) for wanted in range(2, 5) for made in range(1, wanted)]
)
async def test_what_was_not_painted_is_not_charged(
    stores: OpenStores, wanted: int, made: int
) -> None:
    """Missing pictures are refunded at once, and the job records how many were finished."""
    other = await stores.accept()
    job = await stores.painting(new_job(pictures=wanted))
    assert await stores.used() == 1 + wanted
    stores.clock.advance(hours=2)
    pictures = await stores.jobs.painted(job.id, [new_picture(seed) for seed in range(made)])
    assert len(pictures) == made and await stores.history.of_job(job.id) == pictures
    assert await stores.ledger() == {other.id: (1, False), job.id: (made, False)}
    assert await stores.used() == 1 + made
    stored = await stores.jobs.get(job.id)
    assert stored is not None and stored.state is JobState.PAINTED
    assert (stored.pictures, stored.error_code, stored.error_detail) == (made, PARTIAL, str(wanted))
    report = consistency.check(stores.db.path.parent)
    kinds = {each.kind for each in report.wrong()}
    assert kinds == {consistency.FindingKind.MISSING}  # these pictures never had files


async def test_a_whole_job_lacks_nothing(stores: OpenStores) -> None:
    """A job with all its pictures has no error."""
    (first, *_) = await stores.painted(new_job(pictures=3))
    job = await stores.jobs.get(first.job_id)
    assert job is not None and (job.pictures, job.error_code) == (3, None)


@pytest.mark.parametrize("ending", ["painted", *ENDINGS])
async def test_an_end_is_final(stores: OpenStores, ending: str) -> None:
    """No transition leads out of a final state, and attempting one changes nothing."""
    job = await stores.painting()
    if ending == "painted":
        await stores.jobs.painted(job.id, new_picture())
    else:
        await end(stores, job.id, ending)
    before = await stores.jobs.get(job.id), await stores.ledger()
    for attempt in ENDINGS:
        with pytest.raises(IllegalTransition) as caught:
            await end(stores, job.id, attempt)
        assert (caught.value.what, caught.value.id) == ("job", job.id)
        assert (caught.value.from_, caught.value.to) == (ending, attempt)
    with pytest.raises(IllegalTransition):
        await stores.jobs.painted(job.id, new_picture())
    with pytest.raises(IllegalTransition):
        await stores.jobs.interrupted(job.id)
    assert (await stores.jobs.get(job.id), await stores.ledger()) == before


async def test_queued_is_not_painted_without_painting(stores: OpenStores) -> None:
    """A queued job can be neither finished nor queued again."""
    job = await stores.accept()
    with pytest.raises(IllegalTransition):
        await stores.jobs.painted(job.id, new_picture())
    with pytest.raises(IllegalTransition):
        await stores.jobs.interrupted(job.id)
    assert await stores.jobs.get(job.id) == job


async def test_unknown_ids_are_named(stores: OpenStores) -> None:
    """A transition of an unknown job raises UnknownRow; reading it returns None."""
    for step in (
        stores.jobs.painting,
        stores.jobs.interrupted,
        stores.jobs.cancelled,
        stores.jobs.expired,
    ):
        with pytest.raises(UnknownRow):
            await step(99)
    assert await stores.jobs.get(99) is None
    with pytest.raises(UnknownRow) as caught:
        await stores.jobs.accept(new_job(parent_picture_id=99), PLENTY)
    assert (caught.value.kind, caught.value.id) == ("picture", 99)
    assert await stores.ledger() == {}


async def test_a_reroll_knows_its_parent(stores: OpenStores) -> None:
    """A job made from a picture keeps that picture's id, even after it is erased."""
    (parent,) = await stores.painted()
    job = await stores.accept(new_job(parent_picture_id=parent.id))
    await stores.history.erase(parent.id)
    stored = await stores.jobs.get(job.id)
    assert stored is not None and stored.parent_picture_id == parent.id


async def test_record_costs_nothing_and_is_delivered(stores: OpenStores) -> None:
    """A picture from the command line is in the history, uncharged and undelivered."""
    picture = await stores.jobs.record(new_job(COMMAND_LINE), new_picture(duration_s=2.5))
    assert await stores.history.latest(user_id=0, guild_id=0) == picture
    job = await stores.jobs.get(picture.job_id)
    assert job is not None and job.state is JobState.PAINTED
    assert job.started_at == START - timedelta(seconds=2.5) and job.finished_at == START
    assert await stores.ledger() == {}
    delivery = await stores.deliveries.get(job.id)
    assert delivery is not None and delivery.state is DeliveryState.DELIVERED
    with pytest.raises(ValueError, match="one picture"):
        await stores.jobs.record(new_job(COMMAND_LINE, pictures=2), new_picture())


async def test_recover_takes_up_what_was_left(stores: OpenStores) -> None:
    """Queued jobs and first attempts are queued in order; second attempts fail with a refund."""
    twice = await stores.painting(new_job(pictures=2))
    await stores.jobs.recover()
    await stores.jobs.painting(twice.id)
    begun, queued = await stores.painting(), await stores.accept()
    await stores.painted()
    again = await stores.painting()
    await stores.jobs.interrupted(again.id)

    recovery = await stores.jobs.recover()
    assert [job.id for job in recovery.queued] == [begun.id, queued.id, again.id]
    assert {job.state for job in recovery.queued} == {JobState.QUEUED}
    (failed,) = recovery.ended
    assert (failed.id, failed.state, failed.error_code) == (twice.id, JobState.FAILED, CRASHED)
    assert (await stores.ledger())[twice.id] == (2, True)
    second = await stores.jobs.recover()
    assert (second.queued, second.ended) == (recovery.queued, ())


async def test_what_waited_too_long_expires_at_the_start(stores: OpenStores) -> None:
    """After a long outage old jobs expire with a refund, and young ones stay."""
    old, begun = await stores.accept(), await stores.painting()
    stores.clock.advance(hours=3)
    young = await stores.accept()
    recovery = await stores.jobs.recover(accepted_after=stores.clock.now - timedelta(hours=2))
    assert [job.id for job in recovery.queued] == [young.id]
    assert {job.id: job.state for job in recovery.ended} == {
        old.id: JobState.EXPIRED,
        begun.id: JobState.EXPIRED,
    }
    assert await stores.ledger() == {old.id: (1, True), begun.id: (1, True), young.id: (1, False)}


async def test_a_poison_job_crashes_twice_at_most(stores: OpenStores) -> None:
    """A job that crashes the process each time is tried twice, then failed and refunded."""
    job = await stores.accept()
    starts = 0
    while (await stores.jobs.recover()).queued:
        assert await stores.jobs.painting(job.id)
        starts += 1
    assert starts == 2
    assert await stores.ledger() == {job.id: (1, True)}


async def test_counts_are_of_the_unfinished(stores: OpenStores) -> None:
    """Accepted, queued and painting jobs are counted, including zeros."""
    await stores.accept()
    await stores.painting()
    await stores.painted()
    assert await stores.jobs.live_counts() == {"accepted": 0, "queued": 1, "painting": 1}


async def test_bad_values_are_refused(stores: OpenStores) -> None:
    """A job without pictures, or a nonce that Discord would refuse, is never stored."""
    with pytest.raises(ValueError, match="at least one"):
        new_job(pictures=0)
    for nonce in ("", "x" * 26):
        jobs = Jobs(stores.db, stores.clock, lambda nonce=nonce: nonce)
        with pytest.raises(ValueError, match="nonce"):
            await jobs.accept(new_job(), PLENTY)
    assert await stores.ledger() == {}
