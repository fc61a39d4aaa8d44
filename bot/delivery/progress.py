"""Keep status messages up to date while jobs wait and run, within one global budget of edits.

Updates are lossy: only the newest state is shown.
"""

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

from bot.delivery.attachments import encode_preview
from bot.delivery.cards import ModelLoading, PaintingCard, Preview, WaitingCard, number_at
from bot.delivery.messenger import Address, Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.status_messages import StatusEditor, token_lives
from engine.job import EngineJob as EngineJob
from engine.service import Engine
from storage.types import Clock

log = structlog.get_logger(__name__)

MESSAGE_INTERVAL_S = 3.0
"""The shortest time between two edits of one message."""
EDIT_INTERVAL_S = 0.5
"""The shortest time between two edits of any messages."""
WAITING_INTERVAL_S = 30.0
"""The shortest time between two corrections of a waiting message."""
TOLERATED_ERROR = 0.25
"""An expected time is left alone while it is off by a smaller share of the remaining wait."""
MIN_WAIT_S = 20.0
"""Waits shorter than this are treated as this long when judging the error."""
SCAN_LIMIT = 50
"""How many waiting messages are checked per turn, however many there are."""
MAX_CONCURRENT = 3
"""The maximum number of edits in flight, however slow Discord is. Waiting messages always leave one
free for the job on the GPU."""
_PREVIEW_OBSTACLES = frozenset({Obstacle.TOO_LARGE, Obstacle.REJECTED, Obstacle.FORBIDDEN})
"""A message that cannot be edited for one of these reasons may still accept text without a file."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class _StatusMessage:
    """A message that is kept up to date.

    last_card: what it shows, apart from the preview. quiet: it shows no previews. skip_preview: the
    next edit has no preview, because the last edit, which had one, failed. by_token: only its token
    could edit it the last time.
    """

    handle: EngineJob
    address: Address
    card: WaitingCard
    edited_at_s: float
    last_card: WaitingCard | PaintingCard | None
    quiet: bool = False
    skip_preview: bool = False
    by_token: bool = False
    editing: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)


class ProgressUpdater:
    """Edits status messages in turn; the job on the GPU has priority.

    A slow edit delays no other message, and the next edit of the same message shows the newest
    state. now_s: a monotonic clock in seconds. clock: the time of day, for expected times shown to
    members.
    """

    def __init__(
        self,
        editor: StatusEditor,
        engine: Engine,
        *,
        now_s: Callable[[], float],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._editor = editor
        self._engine = engine
        self._now_s = now_s
        self._clock = clock
        self._sleep = sleep
        self._tracked: OrderedDict[int, _StatusMessage] = OrderedDict()
        self._has_messages = asyncio.Event()
        self._edits: set[asyncio.Task[None]] = set()

    def track(
        self,
        handle: EngineJob,
        address: Address,
        card: WaitingCard,
        *,
        stale: bool = False,
        quiet: bool = False,
    ) -> None:
        """Keep the message up to date from now on. card: what it already shows.

        A token whose age the address does not know counts as new.
        stale: it shows something older, posted by a previous process, and needs an edit soon.
        quiet: it shows text but no previews.
        """
        if not handle.done:
            if address.token_since is None:
                address = dataclasses.replace(address, token_since=self._clock())
            last = None if stale else card
            edited_at_s = -math.inf if stale else self._now_s()
            self._tracked[handle.id] = _StatusMessage(
                handle, address, card, edited_at_s, last, quiet
            )
            self._has_messages.set()

    async def stop_tracking(self, job_id: int) -> None:
        """Never edit this job's message again. Waits for an edit that is in flight."""
        message = self._tracked.pop(job_id, None)
        if message is not None:
            async with message.editing:
                pass

    async def run(self) -> None:
        """Edit messages until cancelled."""
        try:
            while True:
                if not self._tracked:
                    self._has_messages.clear()
                    await self._has_messages.wait()
                next_edit = self._next_edit()
                if next_edit is not None:
                    self._start_edit(*next_edit)
                await self._sleep(EDIT_INTERVAL_S)
        finally:
            for edit in self._edits:
                edit.cancel()

    def _start_edit(self, message: _StatusMessage, card: WaitingCard | PaintingCard) -> None:
        edit = asyncio.create_task(self._edit(message, card), name=f"edit-{message.handle.id}")
        self._edits.add(edit)
        edit.add_done_callback(self._edits.discard)

    def _next_edit(self) -> tuple[_StatusMessage, WaitingCard | PaintingCard] | None:
        """Return the message most in need of an edit and the card to show, or None."""
        now_s = self._now_s()
        free_edits = MAX_CONCURRENT - len(self._edits)
        current = self._engine.current
        painting = self._tracked.get(current.id) if current is not None else None
        if (
            free_edits > 0
            and painting is not None
            and self._may_edit(painting, now_s, MESSAGE_INTERVAL_S)
        ):
            card = self._painting_card(painting) or self._loading_card(painting)
            if card is not None and card != painting.last_card:
                return painting, card
        if free_edits <= 1:
            return None
        for job_id in list(islice(self._tracked, SCAN_LIMIT)):
            message = self._tracked[job_id]
            self._tracked.move_to_end(job_id)  # the next turn starts with others
            if message is painting or not self._may_edit(message, now_s, WAITING_INTERVAL_S):
                continue
            card = self._waiting_card(message)
            if card is not None and self._needs_correction(message.last_card, card):
                return message, card
        return None

    def _may_edit(self, message: _StatusMessage, now_s: float, every_s: float) -> bool:
        return not message.editing.locked() and now_s - message.edited_at_s >= every_s

    def _needs_correction(self, last: WaitingCard | PaintingCard | None, card: WaitingCard) -> bool:
        """Return whether a waiting message is too far off the truth to be left as it is."""
        if not isinstance(last, WaitingCard):
            return True
        if (last.loading, last.paused) != (card.loading, card.paused):
            return True
        if last.ready_at is None or card.ready_at is None:
            return (last.ready_at, last.ahead) != (card.ready_at, card.ahead)
        wait_s = (card.ready_at - self._clock()).total_seconds()
        error_s = abs((card.ready_at - last.ready_at).total_seconds())
        return error_s > TOLERATED_ERROR * max(wait_s, MIN_WAIT_S)

    def _painting_card(self, message: _StatusMessage) -> PaintingCard | None:
        progress = message.handle.latest
        if progress is None:
            return None
        return PaintingCard(
            job_id=message.handle.id,
            request=message.card.request,
            requester_id=message.card.requester_id,
            step=progress.step,
            steps=progress.steps,
            notes=message.card.notes,
            pictures=message.handle.spec.count,
            asked=message.card.asked,
            spoiler=message.card.spoiler,
        )

    def _loading_card(self, message: _StatusMessage) -> WaitingCard | None:
        """Return what is shown while the model of the next job is loaded; None if it is there."""
        models = self._engine.models
        if models.loading is None:
            return None
        loading = ModelLoading(models.loading, models.load_s(models.loading))
        return dataclasses.replace(message.card, ready_at=None, model_loading=loading)

    def _waiting_card(self, message: _StatusMessage) -> WaitingCard | None:
        position = self._engine.queue.position(message.handle.id)
        if position is None:
            return None
        ahead = position + (self._engine.current is not None)
        wait_s = self._engine.waiting_s(message.handle.id)
        ready_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        return dataclasses.replace(
            message.card,
            ahead=ahead,
            ready_at=ready_at,
            loading=self._engine.info is None,
            paused=self._engine.paused,
        )

    async def _edit(self, message: _StatusMessage, card: WaitingCard | PaintingCard) -> None:
        async with message.editing:
            message.edited_at_s = self._now_s()
            message.last_card = card
            if message.by_token and not token_lives(message.address, self._clock()):
                # Perhaps it was only the preview that the channel refused; if not, this is the end.
                message.quiet = True
            if isinstance(card, PaintingCard):
                card = dataclasses.replace(card, preview=await self._preview(message, card))
            # Checked last: an edit after `stop_tracking`, or of a finished job, could overwrite the
            # result.
            if self._tracked.get(message.handle.id) is not message or message.handle.done:
                return
            try:
                message.by_token = await self._editor.edit(message.address, card)
            except Exception as error:
                self._handle_failure(message, card, error)
            else:
                message.skip_preview = False
            message.edited_at_s = self._now_s()

    def _handle_failure(
        self, message: _StatusMessage, card: WaitingCard | PaintingCard, error: Exception
    ) -> None:
        """Decide what to do after a failed edit; progress never affects the job itself."""
        job_id = message.handle.id
        previewed = isinstance(card, PaintingCard) and card.preview is not None
        if isinstance(error, TemporaryFailure):
            message.skip_preview = message.skip_preview or previewed
            log.debug("progress not shown", job=job_id, detail=str(error))
        elif (
            isinstance(error, Undeliverable) and previewed and error.obstacle in _PREVIEW_OBSTACLES
        ):
            message.quiet, message.last_card = True, None
            log.info("preview not shown", job=job_id, detail=str(error))
        else:
            self._tracked.pop(job_id, None)
            if not isinstance(error, Undeliverable):
                log.error("progress broke off", job=job_id, exc_info=error)

    async def _preview(self, message: _StatusMessage, card: PaintingCard) -> Preview | None:
        """Return the newest preview of the picture the card names, or None."""
        seen = message.handle.previewed
        if message.quiet or message.skip_preview or seen is None or seen.preview is None:
            return None
        # Sampling may since have gone back a few steps, or on to the next picture.
        number = number_at(seen.step, seen.steps, card.pictures)
        if seen.step > card.step or number != card.number:
            return None
        try:
            data = await asyncio.to_thread(
                encode_preview, seen.preview, card.request.width_px, card.request.height_px
            )
        except Exception as error:  # a preview must never affect anything else
            log.warning("preview not encoded", job=card.job_id, detail=str(error))
            return None
        return Preview(data, seen.step)
