"""The queue is bounded, fair, and loses nothing: compared with a plain model of it."""

import asyncio
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.errors import QueueClosed, QueueFull, Scope
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds, FairQueue, Priority, Slot
from tests.engine.reference_queue import TURNS, ReferenceQueue
from tests.fakes import a_request

BOUNDS = Bounds(queue=9, user=5, server=7)
USERS = st.integers(1, 4)
SERVERS = st.integers(0, 1)
PRIORITIES = st.sampled_from(Priority)
Line = tuple[Priority, int]
"""A class and one of its users."""


class QueueMachine(RuleBasedStateMachine):
    """Any interleaving of everything that can be done to a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue = FairQueue(BOUNDS)
        self.model = ReferenceQueue()
        self.held: list[Slot] = []
        self.spent: list[Slot] = []
        self.slots: dict[int, Slot] = {}
        self.made = 0
        self.gone: list[int] = []
        self.closed = False
        self.takes = 0
        # For each line: who had a turn since it last had one, and by which take it will have one.
        self.passed_by: dict[Line, set[int]] = {}
        self.due: dict[Line, int] = {}

    def teardown(self) -> None:
        self.loop.close()

    def job(self, slot: Slot) -> EngineJob:
        async def make() -> EngineJob:
            return EngineJob(JobSpec(self.made, a_request()), slot.user_id, slot.guild_id)

        self.made += 1
        return self.loop.run_until_complete(make())

    def reached(self, user: int, server: int) -> tuple[Scope, int, int] | None:
        """Return the first limit that is reached, in the order in which limits are documented."""
        places = [*self.held, *(self.slots[job_id] for job_id in self.model.order())]
        counts = [
            (Scope.USER, sum(each.user_id == user for each in places), BOUNDS.user),
            (Scope.SERVER, sum(each.guild_id == server for each in places), BOUNDS.server),
            (Scope.QUEUE, len(places), BOUNDS.queue),
        ]
        full = [(scope, count, limit) for scope, count, limit in counts if limit and count >= limit]
        return full[0] if full else None

    @rule(user=USERS, server=SERVERS, priority=PRIORITIES)
    def reserve(self, user: int, server: int, priority: Priority) -> None:
        if self.closed:
            with pytest.raises(QueueClosed):
                self.queue.reserve(user, server)
        elif reached := self.reached(user, server):
            with pytest.raises(QueueFull) as full:
                self.queue.reserve(user, server, priority=priority)
            assert (full.value.scope, full.value.waiting, full.value.limit) == reached
        else:
            self.held.append(self.queue.reserve(user, server, priority=priority))

    @precondition(lambda self: not self.closed)
    @rule(user=USERS, server=SERVERS, priority=PRIORITIES)
    def reserve_beyond_limit(self, user: int, server: int, priority: Priority) -> None:
        slot = self.queue.reserve(user, server, priority=priority, beyond_limit=True)
        self.held.append(slot)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.spent.append(slot)
        job = self.job(slot)
        if self.closed:
            with pytest.raises(QueueClosed):
                slot.fill(job)
            self.gone.append(job.id)
            return
        slot.fill(job)
        self.slots[job.id] = slot
        self.model.add(slot.priority, slot.user_id, job.id)
        self.note_lines()

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
        job = self.job(slot)
        with pytest.raises(RuntimeError):
            slot.fill(job)
        self.gone.append(job.id)

    @precondition(lambda self: len(self.model) > 0)
    @rule()
    def take(self) -> None:
        job = self.loop.run_until_complete(self.queue.take())
        assert job.id == self.model.take()
        self.gone.append(job.id)
        self.takes += 1
        slot = self.slots[job.id]
        line = (slot.priority, slot.user_id)
        assert all(self.takes <= due for due in self.due.values())
        for other, passed_by in self.passed_by.items():
            if other[0] is line[0] and other != line:
                assert slot.user_id not in passed_by, "a second turn while another had none"
                passed_by.add(slot.user_id)
        del self.due[line], self.passed_by[line]
        self.note_lines()

    def note_lines(self) -> None:
        """A line that begins to wait gets its turn within a bound, whatever is added later."""
        lines = [(priority, user) for priority in Priority for user in self.model.circles[priority]]
        for line in lines:
            users = len(self.model.circles[line[0]])
            # Before each turn of a lower class there are at most TURNS of higher ones; a higher one
            # gives way once in TURNS turns, counted from before.
            worst = users * (TURNS + 1) if line[0] else users + (users - 1 + TURNS) // TURNS
            self.due.setdefault(line, self.takes + worst)
            self.passed_by.setdefault(line, set())
        for line in set(self.due) - set(lines):
            del self.due[line], self.passed_by[line]

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.slots)))
        waits = job_id in self.model.order()
        job = self.queue.discard(job_id)
        assert (job is not None) == waits
        if job is not None:
            assert job.id == job_id
            self.model.remove(job_id)
            self.gone.append(job_id)
            self.note_lines()

    @precondition(lambda self: not self.closed and self.made > 12)
    @rule()
    def close(self) -> None:
        rest = [job.id for job in self.queue.close()]
        assert rest == self.model.order()
        self.gone += rest
        self.model = ReferenceQueue()
        self.note_lines()
        self.closed = True
        with pytest.raises(QueueClosed):
            self.loop.run_until_complete(self.queue.take())

    @invariant()
    def positions_are_the_takes_before(self) -> None:
        order = self.model.order()
        assert [self.queue.position(job_id) for job_id in order] == list(range(len(order)))
        assert all(self.queue.position(job_id) is None for job_id in self.gone)

    @invariant()
    def what_is_ahead_comes_in_order(self) -> None:
        order = self.model.order()
        for place, job_id in enumerate(order):
            assert [job.id for job in self.queue.ahead(job_id, 99)] == order[:place]
            assert [job.id for job in self.queue.ahead(job_id, 2)] == order[:place][:2]
        assert all(self.queue.ahead(job_id, 99) == [] for job_id in self.gone)

    @invariant()
    def the_first_of_a_user_comes_before_their_others(self) -> None:
        order = self.model.order()
        for user in range(1, 5):
            own = [job_id for job_id in order if self.slots[job_id].user_id == user]
            first = self.queue.first_of(user)
            assert (first and first.id) == (own[0] if own else None)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert sorted(self.gone + self.model.order()) == list(range(1, self.made + 1))
        assert len(self.queue) == len(self.model)


QueueMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)


class TestAnyHistory(QueueMachine.TestCase):
    """The queue agrees with its model through any history of calls, and nobody starves."""


async def job(number: int, user: int = 1, steps: int = 3) -> EngineJob:
    return EngineJob(JobSpec(number, a_request(steps=steps)), user, 0)


async def test_take_waits_for_the_first_fill() -> None:
    """A worker that comes early gets the first job as soon as it is filled, and not before."""
    queue = FairQueue(Bounds(3))
    taking = asyncio.create_task(queue.take())
    slot = queue.reserve(1, 0)
    await asyncio.sleep(0.01)
    assert not taking.done()
    first = await job(1)
    slot.fill(first)
    assert await taking is first


async def test_close_wakes_a_waiting_worker() -> None:
    """A worker that waits for a job is woken at once when the queue closes."""
    queue = FairQueue(Bounds(3))
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert queue.close() == []
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(taking, 1)


async def test_a_cancelled_take_loses_no_job() -> None:
    """Cancelling the wait, even at the moment of a fill, leaves the job for the next taker."""
    queue = FairQueue(Bounds(3))
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.reserve(1, 0).fill(only := await job(1))
    taking.cancel()
    await asyncio.wait({taking})
    assert taking.cancelled()
    assert await queue.take() is only


async def test_leaving_the_slot_gives_the_place_back() -> None:
    """A slot that was not filled is released after its block, even after an exception."""
    queue = FairQueue(Bounds(1))
    with pytest.raises(ZeroDivisionError), queue.reserve(1, 0):
        raise ZeroDivisionError
    with queue.reserve(1, 0) as slot:
        slot.fill(await job(1))
    with pytest.raises(QueueFull):
        queue.reserve(1, 0)


async def test_one_id_waits_once() -> None:
    """A second job under a waiting id is refused, and its place is released."""
    queue = FairQueue(Bounds(2))
    queue.reserve(1, 0).fill(first := await job(1))
    with pytest.raises(ValueError, match="waiting already"):
        queue.reserve(1, 0).fill(await job(1))
    assert queue.get(1) is first
    queue.reserve(1, 0).fill(await job(2))
    assert len(queue) == 2


async def test_a_newcomer_waits_for_one_job_of_a_flood() -> None:
    """A user's only job is second in line, however many jobs another user has waiting."""
    queue = FairQueue(Bounds(100))
    for number in range(90):
        queue.reserve(1, 0).fill(await job(number, user=1))
    queue.reserve(2, 0).fill(await job(90, user=2))
    assert queue.position(90) == 1


async def test_one_servers_flood_leaves_places_for_others() -> None:
    """With a limit for servers, many users of one server cannot fill the queue."""
    queue = FairQueue(Bounds(10, user=1, server=6))
    refused = Counter[Scope]()
    for user in range(1, 30):
        try:
            queue.reserve(user, 5).fill(await job(user, user))
        except QueueFull as full:
            refused[full.scope] += 1
    assert refused == {Scope.SERVER: 23}
    assert len([queue.reserve(user, 6) for user in (101, 102, 103, 104)]) == 4


async def test_who_has_left_is_forgotten() -> None:
    """However many users ever came, the queue remembers only those who hold a place."""
    queue = FairQueue(Bounds(9, user=3))
    for user in range(1, 9):
        queue.reserve(user, user).fill(await job(user, user))
    queue.discard(3)
    await queue.take()
    queue.reserve(50, 1).release()
    queue.close()
    assert len(queue._held) == 0


async def test_the_mean_work_is_that_of_what_waits() -> None:
    """The mean work follows every job that comes and goes, and is 0 where nothing waits."""
    queue = FairQueue(Bounds(9))
    assert queue.mean_work == 0
    sizes = [await job(number, steps=number) for number in range(1, 6)]
    for each in sizes:
        queue.reserve(1, 0).fill(each)
    step = sizes[0].spec.request.work
    assert queue.mean_work == pytest.approx(3 * step)
    queue.discard(5)
    await queue.take()
    assert queue.mean_work == pytest.approx(3 * step)
    queue.discard(2)
    assert queue.mean_work == pytest.approx(3.5 * step)
    queue.close()
    assert queue.mean_work == 0
