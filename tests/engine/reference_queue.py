"""The queue's order as a model that is slow and obviously right, to compare the queue with."""

from __future__ import annotations

import copy
from collections import OrderedDict, deque

from engine.queue import Priority

TURNS = 4


class ReferenceQueue:
    """In each class, users stand in a circle, each with a line; every fifth turn is for a lower
    class.

    turns: of the higher class in a row, while a job of the lower one waited.
    """

    def __init__(self) -> None:
        self.circles: dict[Priority, OrderedDict[int, deque[int]]] = {
            each: OrderedDict() for each in Priority
        }
        self.turns = 0

    def add(self, priority: Priority, user: int, job_id: int) -> None:
        """Add a job behind the user's others; a user who had none goes to the end of the circle."""
        self.circles[priority].setdefault(user, deque()).append(job_id)

    def remove(self, job_id: int) -> None:
        """Remove the job from its line."""
        for circle in self.circles.values():
            for user, line in circle.items():
                if job_id in line:
                    line.remove(job_id)
                    if not line:
                        del circle[user]
                    return

    def next_class(self) -> Priority:
        """Return the class that has the next turn."""
        higher, lower = (self.circles[each] for each in Priority)
        if higher and not (lower and self.turns == TURNS):
            return Priority.RESUMED
        return Priority.NORMAL

    def take(self) -> int:
        """Remove and return the next job; its user goes to the end of the circle."""
        priority = self.next_class()
        if priority is Priority.RESUMED and self.circles[Priority.NORMAL]:
            self.turns += 1
        else:
            self.turns = 0
        circle = self.circles[priority]
        user, line = next(iter(circle.items()))
        job_id = line.popleft()
        if line:
            circle.move_to_end(user)
        else:
            del circle[user]
        return job_id

    def order(self) -> list[int]:
        """Return all waiting ids in the order in which they will be taken."""
        trial = copy.deepcopy(self)
        return [trial.take() for _ in range(len(self))]

    def __len__(self) -> int:
        return sum(len(line) for circle in self.circles.values() for line in circle.values())
