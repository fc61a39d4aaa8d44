"""The queue is bounded, fair, and loses nothing: checked against a small model of it."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.errors import QueueClosed, QueueFull
from engine.job import Job, JobSpec
from engine.queue import FairQueue, Slot
from tests.fakes import a_request

LIMIT = 5
USERS = st.integers(1, 4)


class Model:
    """The same promise in the plainest words: users stand in a circle, each with a line."""

    def __init__(self) -> None:
        self.circle: list[int] = []
        self.lines: dict[int, list[int]] = {}

    def add(self, user: int, job_id: int) -> None:
        line = self.lines.setdefault(user, [])
        if not line:
            self.circle.append(user)
        line.append(job_id)

    def remove(self, job_id: int) -> None:
        for user, line in self.lines.items():
            if job_id in line:
                line.remove(job_id)
                if not line:
                    self.circle.remove(user)

    def order(self) -> list[int]:
        """All waiting ids in the order in which they will be taken."""
        circle = list(self.circle)
        lines = {user: list(line) for user, line in self.lines.items()}
        taken: list[int] = []
        while circle:
            user = circle.pop(0)
            taken.append(lines[user].pop(0))
            if lines[user]:
                circle.append(user)
        return taken

    def take(self) -> int:
        first = self.order()[0]
        user = self.circle.pop(0)
        self.lines[user].remove(first)
        if self.lines[user]:
            self.circle.append(user)
        return first


class QueueMachine(RuleBasedStateMachine):
    """Any interleaving of everything that can be done to a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue = FairQueue(LIMIT)
        self.model = Model()
        self.held: list[Slot] = []
        self.spent: list[Slot] = []
        self.owner: dict[int, int] = {}
        self.gone: list[int] = []
        self.beyond = 0
        self.closed = False

    def teardown(self) -> None:
        self.loop.close()

    def job(self, user: int) -> Job:
        async def make() -> Job:
            return Job(JobSpec(len(self.owner) + 1, a_request()), user, 0)

        job = self.loop.run_until_complete(make())
        self.owner[job.id] = user
        return job

    @property
    def taken_places(self) -> int:
        return len(self.model.order()) + len(self.held)

    @rule(user=USERS)
    def reserve(self, user: int) -> None:
        if self.closed:
            with pytest.raises(QueueClosed):
                self.queue.reserve(user, 0)
        elif self.taken_places >= LIMIT:
            with pytest.raises(QueueFull) as full:
                self.queue.reserve(user, 0)
            assert (full.value.waiting, full.value.limit) == (self.taken_places, LIMIT)
        else:
            self.held.append(self.queue.reserve(user, 0))

    @precondition(lambda self: not self.closed)
    @rule(user=USERS)
    def reserve_beyond_limit(self, user: int) -> None:
        self.beyond += self.taken_places >= LIMIT
        self.held.append(self.queue.reserve(user, 0, beyond_limit=True))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.spent.append(slot)
        if self.closed:
            with pytest.raises(QueueClosed):
                slot.fill(self.job(slot.user_id))
            self.gone.append(len(self.owner))
            return
        job = self.job(slot.user_id)
        slot.fill(job)
        self.model.add(slot.user_id, job.id)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        slot.release()
        self.spent.append(slot)

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def misuse_spent_slot(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.spent))
        slot.release()
        with pytest.raises(RuntimeError):
            slot.fill(self.job(slot.user_id))
        self.gone.append(len(self.owner))

    @precondition(lambda self: self.model.circle)
    @rule()
    def take(self) -> None:
        job = self.loop.run_until_complete(self.queue.take())
        assert job.id == self.model.take()
        self.gone.append(job.id)

    @precondition(lambda self: self.owner)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        job_id = data.draw(st.integers(1, len(self.owner)))
        waits = job_id in self.model.order()
        job = self.queue.discard(job_id)
        assert (job is not None) == waits
        if job is not None:
            assert job.id == job_id
            self.model.remove(job_id)
            self.gone.append(job_id)

    @precondition(lambda self: not self.closed and len(self.owner) > 6)
    @rule()
    def close(self) -> None:
        rest = [job.id for job in self.queue.close()]
        assert rest == self.model.order()
        self.gone += rest
        self.model = Model()
        self.closed = True
        with pytest.raises(QueueClosed):
            self.loop.run_until_complete(self.queue.take())

    @invariant()
    def positions_are_the_takes_before(self) -> None:
        order = self.model.order()
        assert {job_id: self.queue.position(job_id) for job_id in order} == {
            job_id: index for index, job_id in enumerate(order)
        }
        assert all(self.queue.position(job_id) is None for job_id in self.gone)

    @invariant()
    def counts_agree(self) -> None:
        assert (len(self.queue), self.queue.reserved) == (len(self.model.order()), len(self.held))

    @invariant()
    def the_bound_holds(self) -> None:
        assert len(self.queue) + self.queue.reserved <= LIMIT + self.beyond

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert sorted(self.gone + self.model.order()) == sorted(self.owner)

    @invariant()
    def nobody_waits_behind_a_crowd(self) -> None:
        order = self.model.order()
        for index, job_id in enumerate(order):
            before = [self.owner[each] for each in order[:index]]
            turns = before.count(self.owner[job_id]) + 1
            others = set(before) - {self.owner[job_id]}
            assert all(before.count(other) <= turns for other in others)


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestAnyHistory(QueueMachine.TestCase):
    """The queue agrees with its model through any history of calls."""


async def job(number: int, user: int = 1) -> Job:
    return Job(JobSpec(number, a_request()), user, 0)


async def test_take_waits_for_the_first_fill() -> None:
    """A worker that came early gets the first job as soon as it is filled, and not before."""
    queue = FairQueue(3)
    taking = asyncio.create_task(queue.take())
    slot = queue.reserve(1, 0)
    await asyncio.sleep(0.01)
    assert not taking.done()
    first = await job(1)
    slot.fill(first)
    assert await taking is first


async def test_close_wakes_a_waiting_worker() -> None:
    """A worker that waits for a job is told at once that there will be none."""
    queue = FairQueue(3)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert queue.close() == []
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(taking, 1)


async def test_a_cancelled_take_loses_no_job() -> None:
    """Cancelling the wait, even in the moment of a fill, leaves the job for the next taker."""
    queue = FairQueue(3)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.reserve(1, 0).fill(only := await job(1))
    taking.cancel()
    await asyncio.wait({taking})
    assert taking.cancelled()
    assert await queue.take() is only


async def test_leaving_the_slot_gives_the_place_back() -> None:
    """A slot that was not filled is free again after its block, also after an exception."""
    queue = FairQueue(1)
    with pytest.raises(ZeroDivisionError), queue.reserve(1, 0):
        raise ZeroDivisionError
    with queue.reserve(1, 0) as slot:
        slot.fill(await job(1))
    assert (len(queue), queue.reserved) == (1, 0)


async def test_one_id_waits_once() -> None:
    """A second job under an id that is waiting is refused, and its place is given back."""
    queue = FairQueue(3)
    queue.reserve(1, 0).fill(first := await job(1))
    with pytest.raises(ValueError, match="waiting already"):
        queue.reserve(1, 0).fill(await job(1))
    assert (len(queue), queue.reserved) == (1, 0)
    assert queue.get(1) is first


async def test_a_newcomer_waits_for_one_job_of_a_flood() -> None:
    """Somebody's only job is second in line, however many jobs another person has waiting."""
    queue = FairQueue(100)
    for number in range(90):
        queue.reserve(1, 0).fill(await job(number, user=1))
    queue.reserve(2, 0).fill(await job(90, user=2))
    assert queue.position(90) == 1
