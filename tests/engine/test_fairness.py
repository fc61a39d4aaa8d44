"""Turns match the plain rule exactly, even among thousands of jobs and with more classes."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fairness import TURNS_BEFORE_LOWER, Precedence
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds, FairQueue, Priority
from tests.engine.reference_queue import ReferenceQueue
from tests.fakes import a_request

COUNTS = st.lists(st.integers(0, 12), min_size=3, max_size=3)


@pytest.mark.parametrize("users", [1, 3, 40, 4000])
async def test_thousands_come_in_the_order_of_the_model(users: int) -> None:
    """Order and positions are exact through a long history with discards in the middle of lines."""
    chance = random.Random(users)
    queue, model = FairQueue(Bounds(100_000)), ReferenceQueue()
    waiting: list[int] = []
    for number in range(9000):
        priority = Priority.RESUMED if chance.random() < 0.2 else Priority.NORMAL
        user = chance.randrange(users)
        job = EngineJob(JobSpec(number, a_request()), user, 0)
        queue.reserve(user, 0, priority=priority).fill(job)
        model.add(priority, user, number)
        waiting.append(number)
        if chance.random() < 0.2:
            taken = (await queue.take()).id
            assert taken == model.take()
            waiting.remove(taken)
        elif chance.random() < 0.2:
            dropped = waiting.pop(chance.randrange(len(waiting)))
            assert queue.discard(dropped)
            model.remove(dropped)
        if number % 1500 == 1499:
            order = model.order()
            assert [queue.position(job_id) for job_id in order] == list(range(len(order)))
    assert len(queue) > 4000
    assert [job.id for job in queue.close()] == model.order()


@given(st.lists(st.tuples(COUNTS, st.integers(0, 9)), max_size=6), COUNTS)
def test_a_place_among_three_classes_is_the_number_of_turns_before(
    history: list[tuple[list[int], int]], waiting: list[int]
) -> None:
    """After any turns, the closed form equals counting them out, for each job of each class."""
    precedence = Precedence(3)
    for counts, turns in history:
        count_out(precedence, counts[:], turns)
    places = {
        (own, rank): precedence.position(own, rank, waiting)
        for own, count in enumerate(waiting)
        for rank in range(count)
    }
    order = count_out(precedence.copy(), waiting[:], sum(waiting))
    ranks = [0, 0, 0]
    for place, own in enumerate(order):
        assert places[own, ranks[own]] == place
        ranks[own] += 1


@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=60, max_size=60))
def test_the_lowest_class_has_its_turn_whatever_the_others_do(busy: list[list[bool]]) -> None:
    """However the higher classes come and go, a job of the third has one turn in every 25."""
    precedence = Precedence(3)
    turns = [precedence.next([*higher, True]) for higher in busy]
    each = (TURNS_BEFORE_LOWER + 1) ** 2
    assert all(2 in turns[begin : begin + each] for begin in range(len(turns) - each))


@given(st.integers(1, 30), st.integers(0, 5), st.randoms())
def test_a_job_is_taken_in_time_from_a_queue_that_is_always_full(
    capacity: int, depth: int, chance: random.Random
) -> None:
    """With `depth` of a user's own jobs before it, at most `depth + 1` rounds of all places pass,
    times five for a normal job among resumed ones, even if others take every free place."""
    queue = FairQueue(Bounds(capacity + depth))
    loop = asyncio.new_event_loop()
    numbers = iter(range(10_000))

    async def fill(user: int) -> None:
        job = EngineJob(JobSpec(next(numbers), a_request()), user, 0)
        queue.reserve(user, 0, priority=priority_of(user)).fill(job)

    def priority_of(user: int) -> Priority:
        return Priority.NORMAL if user == 0 else chance.choice(list(Priority))

    async def takes_until_last() -> int:
        while len(queue) < capacity - 1:
            await fill(chance.randrange(1, 50))
        first = next(numbers) + 1
        for _ in range(depth + 1):
            await fill(0)
        takes = 0
        while queue.position(first + depth) is not None:
            await queue.take()
            takes += 1
            await fill(chance.randrange(1, 50))
        return takes

    takes = loop.run_until_complete(takes_until_last())
    loop.close()
    assert takes <= (depth + 1) * (capacity + depth) * (TURNS_BEFORE_LOWER + 1)


def count_out(precedence: Precedence, waiting: list[int], turns: int) -> list[int]:
    """Simulate turns; return their classes."""
    taken: list[int] = []
    for _ in range(min(turns, sum(waiting))):
        own = precedence.next(waiting)
        waiting[own] -= 1
        taken.append(own)
    return taken


def test_nothing_waits_nobodys_turn() -> None:
    """Where nothing waits there is no turn."""
    with pytest.raises(IndexError):
        Precedence(2).next([0, 0])
