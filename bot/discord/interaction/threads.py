"""What is asked of Discord about threads that the client does not keep: the archived ones."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import discord
import structlog

log = structlog.get_logger(__name__)

KEPT_THREADS: Final = 10_000
"""Threads whose channels are remembered, some 100 bytes each. Chosen by hand."""
ASK_AGAIN_S: Final = 600.0
"""After this time a thread that the bot may not see is asked about again. Chosen by hand."""
LIMIT_S: Final = 5.0
"""Timeout of one question; discord.py waits out rate limits meanwhile. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """What never changes of a thread. private: only its members and moderators see it."""

    guild_id: int
    parent_id: int
    private: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: ThreadFacts | None
    until_s: float


class ThreadLookup:
    """Answers from memory or asks Discord; what Discord does not say, nobody is shown."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def is_known(self, thread_id: int) -> bool:
        """Return whether `kept` knows what Discord says of a thread."""
        kept = self._kept.get(thread_id)
        return kept is not None and self._now_s() < kept.until_s

    def kept(self, thread_id: int) -> ThreadFacts | None:
        """Return what is remembered of a thread; None also if it is deleted or out of reach."""
        kept = self._kept.get(thread_id)
        return None if kept is None else kept.facts

    async def facts(self, client: discord.Client, thread_id: int) -> ThreadFacts | None:
        """Return what is remembered of a thread, or ask Discord; None if it does not say."""
        if self.is_known(thread_id):
            return self.kept(thread_id)
        facts, until_s = None, float("inf")
        try:
            async with asyncio.timeout(LIMIT_S):
                found = await client.fetch_channel(thread_id)
            if isinstance(found, discord.Thread):
                facts = ThreadFacts(found.guild.id, found.parent_id, found.is_private())
        except discord.NotFound:
            pass  # deleted: no other thread ever gets its id
        except discord.Forbidden:
            until_s = self._now_s() + ASK_AGAIN_S
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            # TimeoutError is an OSError
            log.warning("thread not looked up", thread=thread_id, detail=str(error)[:200])
            return None
        self._kept[thread_id] = _Kept(facts, until_s)
        self._kept.move_to_end(thread_id)
        while len(self._kept) > KEPT_THREADS:
            self._kept.popitem(last=False)
        return facts

    async def is_member(self, client: discord.Client, thread_id: int, user_id: int) -> bool:
        """Return whether a user is a member of a thread now; False too if Discord does not say."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await client.http.get_thread_member(thread_id, user_id)
        except (discord.NotFound, discord.Forbidden):
            return False
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("thread member not looked up", thread=thread_id, detail=str(error)[:200])
            return False
        return True
