"""The order of turns: users of a class take turns, and a lower class is never starved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sortedcontainers import SortedDict, SortedList

from engine.job import EngineJob

TURNS_BEFORE_LOWER = 4
"""Consecutive turns a higher class may take before a waiting lower class gets one: by hand."""


class _Lane:
    """The waiting jobs of one user, by arrival; a lane is never empty.

    place: its rank among the lanes; each turn puts it behind all others. served: the number of
    turns it has had.
    """

    def __init__(self, user_id: int, place: int) -> None:
        self.user_id = user_id
        self.place = place
        self.served = 0
        self.jobs: SortedDict[int, EngineJob] = SortedDict()


@dataclass(frozen=True, slots=True)
class _Turn:
    """The turn `number` of a lane, counted over the lane's whole life.

    Turns are ordered by depth (how many turns its lane has before it), then by the lane's place.
    Serving a lane changes both, and yet no two turns swap their order: the lane was first of all,
    so its first turn of depth 1 becomes the last of depth 0, and likewise at every depth. That is
    why a sorted list of turns stays sorted without being touched.
    """

    lane: _Lane
    number: int

    @property
    def depth(self) -> int:
        """How many turns its lane has before this one; also the index of its job in the lane."""
        return self.number - self.lane.served

    def __lt__(self, other: _Turn) -> bool:
        mine, others = self.number - self.lane.served, other.number - other.lane.served
        return mine < others or (mine == others and self.lane.place < other.lane.place)


class RoundRobin:
    """Users take turns; each user's own jobs keep the order of their arrival.

    No operation costs more than a search among the waiting jobs. A lane holds its jobs, the list
    their turns: when a job is discarded, its lane gives up its last turn and the jobs behind move
    up. `arrival` is a number that grows with every job.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}
        self._turns: SortedList[_Turn] = SortedList()
        self._places = itertools.count()

    def __len__(self) -> int:
        return len(self._turns)

    def __iter__(self) -> Iterator[EngineJob]:
        """Iterate over the jobs in the order of their turns."""
        for turn in self._turns:
            yield turn.lane.jobs.peekitem(turn.depth)[1]

    def add(self, user_id: int, arrival: int, job: EngineJob) -> None:
        """Add a job behind the user's others; a user who had none waits behind everybody."""
        lane = self._lanes.get(user_id)
        if lane is None:
            lane = self._lanes[user_id] = _Lane(user_id, next(self._places))
        self._turns.add(_Turn(lane, lane.served + len(lane.jobs)))
        lane.jobs[arrival] = job

    def take(self) -> EngineJob:
        """Remove the next job. Raises IndexError if none waits."""
        lane = self._turns.pop(0).lane
        job = lane.jobs.popitem(0)[1]
        lane.served += 1
        lane.place = next(self._places)
        self._drop_if_empty(lane)
        return job

    def rank(self, user_id: int, arrival: int) -> int:
        """Return how many jobs of this class come before a waiting one."""
        lane = self._lanes[user_id]
        return self._turns.bisect_left(_Turn(lane, lane.served + lane.jobs.index(arrival)))

    def discard(self, user_id: int, arrival: int) -> None:
        """Remove a waiting job."""
        lane = self._lanes[user_id]
        del lane.jobs[arrival]
        self._turns.remove(_Turn(lane, lane.served + len(lane.jobs)))
        self._drop_if_empty(lane)

    def first_of(self, user_id: int) -> EngineJob | None:
        """Return the user's next job."""
        lane = self._lanes.get(user_id)
        return None if lane is None else lane.jobs.peekitem(0)[1]

    def _drop_if_empty(self, lane: _Lane) -> None:
        if not lane.jobs:
            del self._lanes[lane.user_id]


class Precedence:
    """Decides which class has the next turn: the highest, unless a lower class is owed one.

    Class 0 is the highest; all classes below one share its lower turns by the same rule. `waiting`
    is how many jobs wait in each class.
    """

    def __init__(self, classes: int) -> None:
        # By class: its turns since the last one of a lower class that waited throughout.
        self._ahead = [0] * classes

    def copy(self) -> Precedence:
        """Return a copy to simulate the next turns with."""
        twin = Precedence(0)
        twin._ahead = self._ahead.copy()
        return twin

    def next(self, waiting: Sequence[int]) -> int:
        """Return the class of the next turn and take that turn. Raises IndexError if none waits."""
        for each, count in enumerate(waiting):
            lower_waits = any(waiting[each + 1 :])
            if count and not (lower_waits and self._ahead[each] == TURNS_BEFORE_LOWER):
                self._ahead[each] = self._ahead[each] + 1 if lower_waits else 0
                return each
            self._ahead[each] = 0
        raise IndexError("nothing waits")

    def position(self, own: int, rank: int, waiting: Sequence[int]) -> int:
        """Return how many turns come before the job with `rank` jobs of its `own` class ahead."""
        lower_turns = (self._ahead[own] + rank) // TURNS_BEFORE_LOWER
        place = rank + min(lower_turns, sum(waiting[own + 1 :]))
        for higher in reversed(range(own)):
            # Before the lower turn number n (from 0), the higher class has its quota n + 1 times.
            turns = (place + 1) * TURNS_BEFORE_LOWER - self._ahead[higher]
            place += min(turns, waiting[higher])
        return place
