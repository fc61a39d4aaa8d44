"""The most recent pictures: each member's from memory, and the durations of the last ones."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

from engine.estimate import Estimator
from engine.types import Recipe
from storage.history import History
from storage.types import StoredPicture

KEPT_PICTURES = 25
"""Pictures cached for each member: Discord shows at most 25 suggestions."""
KEPT_PEOPLE = 2000
"""Members whose pictures are in memory at the same time. Chosen by hand."""
PRIMED_PICTURES = 16
"""Pictures whose durations prime the estimates. Chosen by hand."""


class RecentPictures:
    """A cache of each member's newest pictures, newest first, at most KEPT_PICTURES of them.

    A member who is not in the cache costs one indexed read.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._changes = 0
        self._known: OrderedDict[tuple[int, int], list[StoredPicture]] = OrderedDict()

    async def of(self, user_id: int, guild_id: int) -> list[StoredPicture]:
        """Return the member's newest pictures on this server."""
        key = (guild_id, user_id)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        changes = self._changes
        found = await self._history.recent(user_id, guild_id, KEPT_PICTURES)
        if changes == self._changes:  # otherwise the result may already be out of date
            self._known[key] = found
            while len(self._known) > KEPT_PEOPLE:
                self._known.popitem(last=False)
        return found

    def forget(self, user_id: int, guild_id: int) -> None:
        """Drop the member's pictures from the cache after a change."""
        self._changes += 1
        self._known.pop((guild_id, user_id), None)


async def learn_speed(estimator: Estimator, history: History) -> None:
    """Prime the estimator with the durations of the newest pictures."""
    for picture in reversed(await history.newest(PRIMED_PICTURES)):
        with suppress(ValueError):
            estimator.record(Recipe.from_json(picture.recipe).request, picture.duration_s)
