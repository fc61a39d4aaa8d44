"""Shows what is waiting or painting, within one global budget of edits. Lossy: newest wins."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import structlog

from bot.cards import PaintingCard, WaitingCard
from bot.messenger import Address, Messenger, TryLater, Undeliverable
from engine.job import Job as EngineJob
from engine.service import Engine
from storage.types import Clock

log = structlog.get_logger(__name__)

PER_MESSAGE_S = 3.0
"""A message is edited at most this often."""
BUDGET_S = 0.5
"""All messages together are edited at most this often."""
WAITING_S = 30.0
"""What a waiting message says is corrected at most this often."""
WRONG_BY = 0.25
"""An expected time that is off by a smaller share of the wait is left as it is."""
SHORT_WAIT_S = 20.0
"""Of a shorter wait, a quarter is nothing that anybody would notice."""
LOOKED_AT = 50
"""Waiting messages that are looked at in one turn: ten thousand cost no more than fifty."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class _Shown:
    handle: EngineJob
    address: Address
    card: WaitingCard
    edited_at_s: float
    last: WaitingCard | PaintingCard | None
    editing: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)


class Board:
    """One task edits the status messages; the picture being painted comes first.

    now_s: a monotonic clock in seconds; clock: the time of day, for what people are told.
    """

    def __init__(
        self,
        messenger: Messenger,
        engine: Engine,
        *,
        now_s: Callable[[], float],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._engine = engine
        self._now_s = now_s
        self._clock = clock
        self._sleep = sleep
        self._shown: OrderedDict[int, _Shown] = OrderedDict()
        self._busy = asyncio.Event()

    def show(
        self, handle: EngineJob, address: Address, card: WaitingCard, *, stale: bool = False
    ) -> None:
        """Keep the message up to date from now on; it shows `card` already.

        stale: it shows something older, of a process that is gone, and needs an edit soon.
        """
        if not handle.done:
            last = None if stale else card
            edited_at_s = -math.inf if stale else self._now_s()
            self._shown[handle.id] = _Shown(handle, address, card, edited_at_s, last)
            self._busy.set()

    async def retire(self, job_id: int) -> None:
        """Never edit this job's message again; waits for an edit that is under way."""
        shown = self._shown.pop(job_id, None)
        if shown is not None:
            async with shown.editing:
                pass

    async def run(self) -> None:
        """Edit for ever."""
        while True:
            if not self._shown:
                self._busy.clear()
                await self._busy.wait()
            due = self._due()
            if due is not None:
                await self._edit(*due)
            await self._sleep(BUDGET_S)

    def _due(self) -> tuple[_Shown, WaitingCard | PaintingCard] | None:
        """The message most in need of an edit, and what it is to show."""
        now_s = self._now_s()
        current = self._engine.current
        painting = self._shown.get(current.id) if current is not None else None
        if painting is not None and now_s - painting.edited_at_s >= PER_MESSAGE_S:
            card = self._painting_card(painting)
            if card is not None and card != painting.last:
                return painting, card
        for job_id in list(islice(self._shown, LOOKED_AT)):
            shown = self._shown[job_id]
            self._shown.move_to_end(job_id)  # the next turn begins with others
            if now_s - shown.edited_at_s < WAITING_S or shown is painting:
                continue
            card = self._waiting_card(shown)
            if card is not None and self._is_wrong(shown.last, card):
                return shown, card
        return None

    def _is_wrong(self, last: WaitingCard | PaintingCard | None, card: WaitingCard) -> bool:
        """Whether what a waiting message says is so far off that it has to be corrected."""
        if not isinstance(last, WaitingCard) or last.loading != card.loading:
            return True
        if last.ready_at is None or card.ready_at is None:
            return (last.ready_at, last.ahead) != (card.ready_at, card.ahead)
        wait_s = (card.ready_at - self._clock()).total_seconds()
        off_s = abs((card.ready_at - last.ready_at).total_seconds())
        return off_s > WRONG_BY * max(wait_s, SHORT_WAIT_S)

    def _painting_card(self, shown: _Shown) -> PaintingCard | None:
        progress = shown.handle.latest
        if progress is None:
            return None
        return PaintingCard(
            job_id=shown.handle.id,
            request=shown.card.request,
            requester_id=shown.card.requester_id,
            step=progress.step,
            steps=progress.steps,
            added=shown.card.added,
            notes=shown.card.notes,
            pictures=shown.handle.spec.count,
            asked=shown.card.asked,
            spoiler=shown.card.spoiler,
        )

    def _waiting_card(self, shown: _Shown) -> WaitingCard | None:
        position = self._engine.queue.position(shown.handle.id)
        if position is None:
            return None
        ahead = position + (self._engine.current is not None)
        wait_s = self._engine.waiting_s(shown.handle.id)
        ready_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        return dataclasses.replace(
            shown.card, ahead=ahead, ready_at=ready_at, loading=self._engine.info is None
        )

    async def _edit(self, shown: _Shown, card: WaitingCard | PaintingCard) -> None:
        async with shown.editing:
            if shown.handle.id not in self._shown:
                return
            shown.edited_at_s = self._now_s()
            shown.last = card
            try:
                await self._messenger.edit(shown.address, card)
            except Undeliverable:
                self._shown.pop(shown.handle.id, None)
            except TryLater as error:
                log.debug("progress not shown", job=shown.handle.id, detail=str(error))
