"""What was painted last: each person's pictures from memory, and how long they took."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

from engine.estimate import Estimator
from engine.types import Recipe
from storage.history import History
from storage.types import StoredPicture

KEPT_PICTURES = 25
KEPT_PEOPLE = 2000
PRIMED_PICTURES = 16


class RecentPictures:
    """Newest first, at most KEPT_PICTURES a person; one indexed read when somebody is new."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._changes = 0
        self._known: OrderedDict[tuple[int, int], list[StoredPicture]] = OrderedDict()

    async def of(self, user_id: int, guild_id: int) -> list[StoredPicture]:
        """The person's newest pictures in this server."""
        key = (guild_id, user_id)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        changes = self._changes
        found = await self._history.recent(user_id, guild_id, KEPT_PICTURES)
        if changes == self._changes:  # else it may be out of date already
            self._known[key] = found
            while len(self._known) > KEPT_PEOPLE:
                self._known.popitem(last=False)
        return found

    def forget(self, user_id: int, guild_id: int) -> None:
        """Something changed: read again next time."""
        self._changes += 1
        self._known.pop((guild_id, user_id), None)


async def learn_speed(estimator: Estimator, history: History) -> None:
    """Let estimates begin with how long the last pictures took."""
    for picture in reversed(await history.newest(PRIMED_PICTURES)):
        with suppress(ValueError):
            estimator.record(Recipe.from_json(picture.recipe).request, picture.duration_s)
