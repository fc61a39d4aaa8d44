"""A state machine over jobs, deliveries and the ledger, compared with a small model."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from storage.errors import IllegalTransition
from storage.types import DeliveryState, Place, QuotaExceeded, Route
from tests.fakes import FakeClock
from tests.storage.fakes import START, OpenStores, counting_nonces, new_job, new_picture, policy

USERS = (1, 2)
LIMIT, HOURS = 6, 2
QUOTA = policy(LIMIT, HOURS)
ENDINGS = ("cancelled", "failed", "expired")


@dataclass
class ModelJob:
    """A job as the model knows it."""

    user_id: int
    pictures: int
    accepted_at: datetime
    state: str = "queued"
    attempts: int = 0
    delivery: str = "pending"
    route: Route | None = None

    @property
    def charged(self) -> bool:
        return self.state not in ENDINGS

    @property
    def over(self) -> bool:
        return self.state in (*ENDINGS, "painted")


class StoredJobMachine(RuleBasedStateMachine):
    """Random job histories, with restarts in between."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = FakeClock(START)
        self.nonce = counting_nonces()
        self.model: dict[int, ModelJob] = {}
        self.stores = self.run(self.open())

    def open(self):
        return OpenStores.open(Path(self.folder.name) / "zimagine.db", self.clock, self.nonce)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stores.db.close())
        self.runner.close()
        self.folder.cleanup()

    def used(self, user_id: int) -> int:
        window = timedelta(hours=HOURS)
        return sum(
            job.pictures
            for job in self.model.values()
            if job.user_id == user_id and job.charged and self.clock.now - job.accepted_at < window
        )

    def expect(self, allowed: bool, work: Any) -> None:
        """Run a step, which must raise IllegalTransition exactly when it is not allowed."""
        try:
            self.run(work)
        except IllegalTransition:
            assert not allowed
        else:
            assert allowed

    @rule(target=jobs, user_id=st.sampled_from(USERS), pictures=st.integers(1, 4))
    def accept(self, user_id: int, pictures: int) -> int:
        fits = self.used(user_id) + pictures <= LIMIT
        place = Place(guild_id=1, channel_id=1, user_id=user_id)
        outcome = self.run(self.stores.jobs.accept(new_job(place, pictures), QUOTA))
        if isinstance(outcome, QuotaExceeded):
            assert not fits
            return 0
        assert fits
        self.model[outcome.id] = ModelJob(user_id, pictures, self.clock.now)
        return outcome.id

    @rule(minutes=st.sampled_from([1, 30, 61, 121]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule(job_id=jobs)
    def painting(self, job_id: int) -> None:
        if job := self.model.get(job_id):
            begun = self.run(self.stores.jobs.painting(job_id))
            assert begun == (job.state == "queued")
            if begun:
                job.state, job.attempts = "painting", job.attempts + 1

    @rule(job_id=jobs)
    def interrupted(self, job_id: int) -> None:
        if job := self.model.get(job_id):
            allowed = job.state == "painting"
            self.expect(allowed, self.stores.jobs.interrupted(job_id))
            if allowed:
                job.state, job.attempts = "queued", job.attempts - 1

    @rule(job_id=jobs)
    def painted(self, job_id: int) -> None:
        if job := self.model.get(job_id):
            allowed = job.state == "painting"
            pictures = [new_picture(seed) for seed in range(job.pictures)]
            self.expect(allowed, self.stores.jobs.painted(job_id, pictures))
            if allowed:
                job.state = "painted"

    @rule(job_id=jobs, ending=st.sampled_from(ENDINGS))
    def ends(self, job_id: int, ending: str) -> None:
        if job := self.model.get(job_id):
            arguments = ("broken",) if ending == "failed" else ()
            allowed = not job.over
            self.expect(allowed, getattr(self.stores.jobs, ending)(job_id, *arguments))
            if allowed:
                job.state = ending

    @rule(job_id=jobs, route=st.sampled_from(Route))
    def attempt(self, job_id: int, route: Route) -> None:
        if job := self.model.get(job_id):
            allowed = job.over and job.delivery == "pending"
            self.expect(allowed, self.stores.deliveries.attempt(job_id, route))
            if allowed:
                job.route = job.route or route

    @rule(job_id=jobs)
    def missed(self, job_id: int) -> None:
        if (job := self.model.get(job_id)) and job.route is not None:
            self.expect(job.delivery == "pending", self.stores.deliveries.missed(job_id))

    @rule(job_id=consumes(jobs), settled=st.sampled_from(["delivered", "kept", "dropped"]))
    def settle(self, job_id: int, settled: str) -> None:
        if job := self.model.get(job_id):
            allowed = job.delivery == "pending" and (job.over or settled == "dropped")
            arguments = ("no permission",) if settled == "kept" else ()
            self.expect(allowed, getattr(self.stores.deliveries, settled)(job_id, *arguments))
            if allowed:
                job.delivery = settled

    @rule()
    def restart(self) -> None:
        self.run(self.stores.db.close())
        self.stores = self.run(self.open())
        recovery = self.run(self.stores.jobs.recover())
        failed = [
            i for i, job in self.model.items() if job.state == "painting" and job.attempts == 2
        ]
        for job_id in failed:
            self.model[job_id].state = "failed"
        for job in self.model.values():
            if job.state == "painting":
                job.state = "queued"
        assert [job.id for job in recovery.ended] == failed
        queued = [i for i, job in self.model.items() if job.state == "queued"]
        assert [job.id for job in recovery.queued] == queued

    @invariant()
    def ledger_is_what_unrefunded_jobs_took(self) -> None:
        expected = {i: (job.pictures, not job.charged) for i, job in self.model.items()}
        assert self.run(self.stores.ledger()) == expected
        for user_id in USERS:
            place = Place(guild_id=1, channel_id=1, user_id=user_id)
            assert self.run(self.stores.used(place, QUOTA)) == self.used(user_id) <= LIMIT

    @invariant()
    def jobs_are_in_their_states(self) -> None:
        found = self.run(self.stores.db.fetch_all("SELECT id, state, attempts FROM jobs"))
        expected = {i: (job.state, job.attempts) for i, job in self.model.items()}
        assert {row["id"]: (row["state"], row["attempts"]) for row in found} == expected

    @invariant()
    def finished_and_unsettled_is_pending(self) -> None:
        pending = self.run(self.stores.deliveries.pending())
        expected = {
            i: (job.state, job.route, job.pictures if job.state == "painted" else 0)
            for i, job in self.model.items()
            if job.over and job.delivery == DeliveryState.PENDING
        }
        found = {p.job.id: (p.job.state, p.delivery.route, len(p.pictures)) for p in pending}
        assert found == expected


StoredJobMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestJobs(StoredJobMachine.TestCase):
    """In any order of events, jobs, deliveries and the ledger agree with the model."""
