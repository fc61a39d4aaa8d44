"""The most recent pictures: each member's from memory, and the durations of the last ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from bot.accounts.member_cache import MemberCache
from bot.request.prompt.flag_line import line_with_flags
from engine.estimate import Estimator
from engine.types import Recipe
from storage.history import History
from storage.types import StoredPicture

KEPT_PICTURES = 25
"""Pictures and prompts cached for each member: Discord shows at most 25 suggestions."""
READ_PICTURES = 100
"""Pictures whose prompts are looked through: four of one prompt are usual. Chosen by hand."""
KEPT_PEOPLE = 2000
"""Members whose pictures are in memory at the same time. Chosen by hand."""
PRIMED_PICTURES = 16
"""Pictures whose durations prime the estimates. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class _Recent:
    pictures: list[StoredPicture]
    prompts: tuple[str, ...]


class RecentPictures:
    """A cache of each member's newest pictures and their prompts, newest first, at most
    KEPT_PICTURES of each.

    A member who is not in the cache costs one indexed read.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._cache: MemberCache[tuple[int, int], _Recent] = MemberCache(self._read, KEPT_PEOPLE)

    async def of(self, user_id: int, guild_id: int) -> list[StoredPicture]:
        """Return the member's newest pictures on this server."""
        return (await self._cache.get((guild_id, user_id))).pictures

    async def prompts(self, user_id: int, guild_id: int) -> tuple[str, ...]:
        """Return the prompts of the member's newest pictures on this server, each once, without
        flags and so that /imagine reads exactly these words."""
        return (await self._cache.get((guild_id, user_id))).prompts

    def forget(self, user_id: int, guild_id: int) -> None:
        """Drop the member's pictures from the cache after a change."""
        self._cache.forget((guild_id, user_id))

    def forget_all(self) -> None:
        """Drop everybody's pictures after a change to many."""
        self._cache.clear()

    async def _read(self, key: tuple[int, int]) -> _Recent:
        guild_id, user_id = key
        found = await self._history.recent(user_id, guild_id, READ_PICTURES)
        # Off the loop: escaping a long prompt takes some milliseconds.
        prompts = await asyncio.to_thread(_typeable, [each.prompt for each in found])
        return _Recent(found[:KEPT_PICTURES], prompts)


def _typeable(prompts: Sequence[str]) -> tuple[str, ...]:
    """Return the first of these prompts as lines that are read as exactly these words."""
    distinct: Iterable[str] = filter(None, dict.fromkeys(prompts))
    return tuple(line_with_flags(each, (), "") for each in islice(distinct, KEPT_PICTURES))


async def learn_speed(estimator: Estimator, history: History) -> None:
    """Prime the estimator with the durations of the newest pictures."""
    for picture in reversed(await history.newest(PRIMED_PICTURES)):
        with suppress(ValueError):
            estimator.record(Recipe.from_json(picture.recipe).request, picture.duration_s)
