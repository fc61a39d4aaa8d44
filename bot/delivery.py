"""What is painted reaches its person exactly once: durable, retried, over a Messenger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.cards import Card, FailureCard, KeptCard, MovedCard, PictureCard
from bot.messenger import (
    REPLY_TOKEN_LIFE,
    Address,
    Messenger,
    Obstacle,
    TryLater,
    Undeliverable,
)
from bot.progress import Board
from bot.studio.outcomes import Note, NotExact
from engine.prompts import addition
from engine.types import ImageRequest, Recipe, request_from_json
from storage.deliveries import Deliveries
from storage.errors import IllegalTransition, StorageError
from storage.files import PictureFiles
from storage.history import History
from storage.types import Clock, Job, JobState, PendingDelivery, Road, StoredPicture

log = structlog.get_logger(__name__)

NOTIFY_AFTER = timedelta(seconds=30)
"""Who waited longer has looked away: an edit notifies nobody, so a new message mentions them."""
PLACING_LIMIT_S = 30.0
"""How long a result waits to learn which message answers its command."""
AT_ONCE = 4
RETRY_S = (2.0, 5.0, 15.0, 60.0, 300.0)


class NeverAnswered(Exception):
    """The command of a job got no answer: its person believes that nothing will come."""


class Delivery:
    """Carries finished jobs out of the database to Discord.

    A command tells `expect` when its job is accepted, then `placed` (with the message that
    answers it) or `unplaced`. The road, edit or new message, is written down before the first
    try and kept, so that a crash in between never shows the same result twice.
    """

    def __init__(
        self,
        *,
        messenger: Messenger,
        board: Board,
        deliveries: Deliveries,
        history: History,
        files: PictureFiles,
        notes: Callable[[ImageRequest], tuple[Note, ...]],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._messenger = messenger
        self._board = board
        self._deliveries = deliveries
        self._history = history
        self._files = files
        self._request_notes = notes
        self._clock = clock
        self._sleep = sleep
        self._placing: dict[int, asyncio.Event] = {}
        self._wakes: asyncio.Queue[int] = asyncio.Queue()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def status_message(
        self, job_id: int, *, accepted_at: datetime | None = None
    ) -> int | None:
        """The job's status message; asks Discord where a crash kept it from being written down.

        accepted_at: None = just now. The answer is None if the message is not known (any more).
        Raises NeverAnswered, Undeliverable, TryLater.
        """
        delivery = await self._deliveries.get(job_id)
        if delivery is None or delivery.message_id is not None or delivery.reply_token is None:
            return None if delivery is None else delivery.message_id
        if accepted_at is not None and self._clock() - accepted_at > REPLY_TOKEN_LIFE:
            return None
        message_id = await self._messenger.find_answer(delivery.reply_token)
        if message_id is None:
            raise NeverAnswered
        await self.placed(job_id, message_id)
        return message_id

    def expect(self, job_id: int) -> None:
        """The answer to the job's command is on its way; its message will be known soon."""
        self._placing[job_id] = asyncio.Event()

    async def placed(self, job_id: int, message_id: int) -> None:
        """The job's status message is `message_id`."""
        try:
            await self._deliveries.placed(job_id, message_id)
        finally:
            self.unplaced(job_id)

    def unplaced(self, job_id: int) -> None:
        """No (further) word on the status message will come."""
        if (event := self._placing.pop(job_id, None)) is not None:
            event.set()

    def wake(self, job_id: int) -> None:
        """The job has reached its end: deliver what became of it."""
        self._wakes.put_nowait(job_id)

    async def run(self) -> None:
        """Deliver for ever, beginning with what the last process left."""
        for pending in await self._deliveries.pending():
            self.wake(pending.job.id)
        while True:
            self._start(await self._wakes.get())

    async def drain(self, limit_s: float) -> None:
        """Give what is under way `limit_s` to arrive; the rest is delivered at the next start."""
        while not self._wakes.empty():
            self._start(self._wakes.get_nowait())
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=limit_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Whether anything is under way right now."""
        return bool(self._running) or not self._wakes.empty()

    def _start(self, job_id: int) -> None:
        if job_id not in self._running:
            task = asyncio.create_task(self._deliver(job_id), name=f"delivery-{job_id}")
            self._running[job_id] = task
            task.add_done_callback(lambda done: self._over(job_id, done))

    def _over(self, job_id: int, task: asyncio.Task[None]) -> None:
        self._running.pop(job_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery broke off", job=job_id, exc_info=error)

    async def _deliver(self, job_id: int) -> None:
        if (placing := self._placing.get(job_id)) is not None:
            try:
                async with asyncio.timeout(PLACING_LIMIT_S):
                    await placing.wait()
            except TimeoutError:
                self.unplaced(job_id)
        await self._board.retire(job_id)
        tries = 0
        while True:
            try:
                await self._deliver_once(job_id)
                return
            except IllegalTransition:
                # Its picture was erased under way; the loop looks again and finds nothing to do.
                log.info("erased while it was delivered", job=job_id)
                wait_s = 0.0
            except (TryLater, StorageError) as error:
                wait_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
                log.warning("delivery delayed", job=job_id, wait_s=wait_s, detail=str(error))
            tries += 1
            await self._sleep(wait_s)

    async def _deliver_once(self, job_id: int) -> None:
        """Raises TryLater and StorageError where it has to be tried again."""
        pending = await self._deliveries.pending_for(job_id)
        if pending is None:
            return
        try:
            async with self._places:
                await self._try(pending)
        except Undeliverable as error:
            log.warning("not deliverable", job=job_id, obstacle=error.obstacle.value)
            await self._keep(pending, str(error))

    async def _try(self, pending: PendingDelivery) -> None:
        job, delivery = pending.job, pending.delivery
        message_id = delivery.message_id
        if message_id is None:
            with contextlib.suppress(NeverAnswered):
                message_id = await self.status_message(job.id, accepted_at=job.accepted_at)
        if message_id is None and job.state is JobState.CANCELLED:
            # Its person never saw an answer: there is nothing to correct.
            await self._deliveries.dropped(job.id)
            return
        road = delivery.road or self._road(job, message_id)
        delivery = await self._deliveries.attempt(job.id, road)
        status = Address(job.place.guild_id, job.place.channel_id, message_id, job.locale)
        if delivery.road is Road.POST or not await self._edit(pending, status):
            await self._post(pending, status)

    async def _edit(self, pending: PendingDelivery, status: Address) -> bool:
        """Turn the status message into the result; False if it is gone."""
        job_id = pending.job.id
        try:
            await self._messenger.edit(status, await self._card(pending, mention=False))
        except Undeliverable as error:
            if error.obstacle is not Obstacle.MESSAGE_GONE:
                raise
            await self._deliveries.switch(job_id, Road.POST)
            return False
        await self._deliveries.delivered(job_id, status.message_id)
        return True

    async def _post(self, pending: PendingDelivery, status: Address) -> None:
        """Send the result as a message of its own, which mentions its person."""
        card = await self._card(pending, mention=True)
        message_id = await self._messenger.post(status, card, pending.delivery.nonce)
        # Written down before anything else: what is posted must never be posted again.
        await self._deliveries.delivered(pending.job.id, message_id)
        await self._shrink(status, pending.job.request, message_id)

    def _road(self, job: Job, message_id: int | None) -> Road:
        if message_id is None:
            return Road.POST
        late = self._clock() - job.accepted_at > NOTIFY_AFTER
        return Road.POST if late else Road.EDIT

    async def _keep(self, pending: PendingDelivery, why: str) -> None:
        """Leave the result in the history, and say so where that is still possible."""
        job = pending.job
        kept = await self._deliveries.kept(job.id, why)
        if kept.message_id is None:
            return
        status = Address(job.place.guild_id, job.place.channel_id, kept.message_id, job.locale)
        painted = job.state is JobState.PAINTED
        card = KeptCard(request_from_json(job.request), job.place.user_id, painted)
        with contextlib.suppress(Undeliverable, TryLater):
            await self._messenger.edit(status, card)

    async def _shrink(self, status: Address, request: str, message_id: int) -> None:
        """Turn the status message into a link to its result; nothing is lost if that fails."""
        if status.message_id is None:
            return
        moved = MovedCard(
            request_from_json(request), status.guild_id, status.channel_id, message_id
        )
        try:
            await self._messenger.edit(status, moved)
        except (Undeliverable, TryLater) as error:
            log.info("status message not shrunk", message=status.message_id, detail=str(error))

    async def _card(self, pending: PendingDelivery, *, mention: bool) -> Card:
        job = pending.job
        request = request_from_json(job.request)
        if job.state is not JobState.PAINTED or not pending.pictures:
            return FailureCard(
                request=request,
                requester_id=job.place.user_id,
                state=job.state.value,
                code=job.error_code or "",
                detail=job.error_detail or "",
                mention=mention,
            )
        picture = pending.pictures[0]
        recipe = Recipe.from_json(picture.recipe)
        return PictureCard(
            picture_id=picture.id,
            request=recipe.request,
            requester_id=job.place.user_id,
            path=self._files.path(picture.file),
            file_name=picture.file.rpartition("/")[2],
            duration_s=picture.duration_s,
            model=recipe.model,
            added=addition(recipe.request.prompt, recipe.request.effective_prompt),
            notes=await self._notes(job.parent_picture_id, picture, recipe),
            mention=mention,
        )

    async def _notes(
        self, parent_id: int | None, picture: StoredPicture, recipe: Recipe
    ) -> tuple[Note, ...]:
        """Remarks on the request; a replay of a seed also says where its pixels may differ."""
        notes = self._request_notes(recipe.request)
        parent = None if parent_id is None else await self._history.get(parent_id)
        if parent is None or parent.seed != picture.seed:
            return notes
        differences = Recipe.from_json(parent.recipe).differences(recipe)
        return (*notes, NotExact(differences)) if differences else notes
