"""Paint and reroll: from a wish to an accepted job."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import structlog

from bot.accounts.delivery_settings import (
    DeliverySettingsService,
    EffectiveSettings,
    shows_previews,
)
from bot.accounts.permissions import Actor
from bot.jobs.active import ActiveJob, ActiveJobs
from bot.jobs.completion import CompletionService, JobEvents
from bot.jobs.input_fetch import input_loader
from bot.jobs.submission import JobSubmission, missing_reason, quota_refusal, token_problem
from bot.pictures.recent import learn_speed
from bot.request.apply_flags import apply_flags
from bot.request.ids import parse_id
from bot.request.outcomes import (
    Accepted,
    Blocked,
    NoPictures,
    OutOfRange,
    QueueIsFull,
    Refused,
    ResolvedRequest,
    ShuttingDown,
    StorageUnavailable,
    UnknownPicture,
)
from bot.request.params import GenerationParams
from bot.request.resolve import SeedSource, resolve, resolve_reroll
from engine.diffusion.families import Family
from engine.errors import QueueClosed, QueueFull
from engine.job import EngineJob as EngineJob
from engine.job import JobSpec
from engine.queue import Priority, Slot
from engine.series import MAX_PICTURES
from engine.service import Engine
from engine.types import (
    Conditions,
    Recipe,
    request_from_json,
)
from storage.blocks import Blocks
from storage.errors import StorageError
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.types import (
    Block,
    Clock,
    Job,
    NewJob,
    QuotaExceeded,
    QuotaPolicy,
    StoredPicture,
)

log = structlog.get_logger(__name__)

ACCEPT_LIMIT_S = 2.0
"""Discord waits three seconds for an answer: a database that takes longer is in trouble."""


class GenerationService:
    """Accepts wishes: from what a person asked for to a job in the database and in the queue."""

    def __init__(
        self,
        *,
        engine: Engine,
        family: Family,
        jobs: Jobs,
        history: History,
        completion: CompletionService,
        live: ActiveJobs,
        fallback: QuotaPolicy,
        seeds: SeedSource,
        clock: Clock,
        events: JobEvents,
        max_wait: timedelta,
        inputs: Inputs,
        blocks: Blocks,
        preferences: DeliverySettingsService,
        previews: bool = True,
    ) -> None:
        """previews: whether there are any, for who wants them."""
        self.engine = engine
        self.family = family
        self._events = events
        self._jobs = jobs
        self._history = history
        self._completion = completion
        self._live = live
        self._fallback = fallback
        self._seeds = seeds
        self._clock = clock
        self._max_wait = max_wait
        self._inputs = inputs
        self._blocks = blocks
        self._late: set[asyncio.Task[tuple[Job, ...] | QuotaExceeded | Block]] = set()
        self._preferences = preferences
        self._previews = previews

    async def imagine(
        self, actor: Actor, params: GenerationParams, *, private: bool = False, count: int = 1
    ) -> Accepted | Refused:
        """Paint what the person asked for, flags in the prompt included. private: for nobody
        else's eyes. count: how many pictures, 1..MAX_PICTURES."""
        asked = apply_flags(params, count, private)
        if isinstance(asked, Refused):
            return asked
        params, count, private = asked.params, asked.count, asked.private
        if not 1 <= count <= MAX_PICTURES:
            return Refused(OutOfRange("count", count, 1, MAX_PICTURES))
        # Not on the loop: a long prompt takes tens of milliseconds to be read and enhanced.
        resolved = await asyncio.to_thread(
            resolve, params, self.family, self._seeds, self.engine.count_tokens
        )
        if isinstance(resolved, Refused):
            return resolved
        return await self.accept(actor, resolved, count=count, private=private)

    async def reroll(
        self,
        actor: Actor,
        *,
        picture: str | None = None,
        seed: int | None = None,
        anyones: bool = False,
        whole: bool = False,
    ) -> Accepted | Refused:
        """Paint a picture again, with exactly `seed` or with a fresh one; who asks, pays.

        picture, anyones: as for find(). whole: with all that were painted with it.
        """
        original = await self.find(actor, picture, anyones=anyones)
        if isinstance(original, Refused):
            return original
        recipe = Recipe.from_json(original.recipe)
        resolved = resolve_reroll(recipe.request, seed, self.family, self._seeds)
        if isinstance(resolved, Refused):
            return resolved
        exact = resolved.request.seed == recipe.request.seed
        replay = recipe.conditions if exact else None
        return await self.accept(
            actor,
            resolved,
            parent_id=original.id,
            replay=replay,
            private=original.private,
            count=await self._count_of(original.job_id) if whole else 1,
        )

    async def resume(self) -> list[ActiveJob]:
        """At start: queue again what the last process left, in the order it was accepted.

        A picture that was on the disk already is taken over, not painted again.
        """
        for job in await self._jobs.interrupted_painting():
            await self._completion.recover_finished(job)
        recovery = await self._jobs.recover(accepted_after=self._clock() - self._max_wait)
        resumed = []
        for job in recovery.queued:
            place = job.place
            priority = Priority.RESUMED if job.attempts else Priority.NORMAL
            slot = self.engine.reserve(
                place.user_id, place.guild_id, priority=priority, beyond_limit=True
            )
            with slot:
                spec = self._spec(job, await self._replay_of(job))
                resumed.append(self._submit(slot, job, spec))
        if recovery.queued or recovery.ended:
            log.info("resumed", queued=len(recovery.queued), given_up=len(recovery.ended))
        await learn_speed(self.engine.estimator, self._history)
        return resumed

    def handle_of(self, job_id: int) -> EngineJob | None:
        """The engine's handle of a job that is not over."""
        live = self._live.get(job_id)
        return None if live is None or live.finished else live.handle

    async def _count_of(self, job_id: int) -> int:
        job = await self._jobs.get(job_id)
        return 1 if job is None else min(job.pictures, MAX_PICTURES)

    async def block_refusal(self, actor: Actor) -> Refused | None:
        """Why this person may not paint here at all, before any work is done for them.

        Whether or not somebody asked, accept() refuses who is blocked.
        """
        block = await self._blocks.is_blocked(actor.guild_id, actor.user_id)
        return None if block is None else Refused(Blocked(block.reason))

    async def find(
        self, actor: Actor, picture: str | None, *, anyones: bool = False
    ) -> StoredPicture | Refused:
        """The picture to start from. picture: its id; None = their last one in this server.

        anyones: True where they see the picture before them; an id that is merely typed finds
        their own alone, or people could read each other's prompts by counting.
        """
        if (barred := await self.block_refusal(actor)) is not None:
            return barred
        if picture is None:
            latest = await self._history.latest(actor.user_id, actor.guild_id)
            return Refused(NoPictures()) if latest is None else latest
        picture_id = parse_id(picture)
        found = None if picture_id is None else await self._history.get(picture_id)
        if found is None or found.place.guild_id != actor.guild_id:
            return Refused(UnknownPicture(picture))
        own = found.place.user_id == actor.user_id
        return found if own or (anyones and not found.private) else Refused(UnknownPicture(picture))

    def storage_failed(self, error: StorageError) -> None:
        """Tell of a disk that took nothing."""
        self._events.storage_failed(error)

    async def accept(
        self,
        actor: Actor,
        resolved: ResolvedRequest,
        *,
        parent_id: int | None = None,
        replay: Conditions | None = None,
        private: bool = False,
        count: int = 1,
    ) -> Accepted | Refused:
        """Put what was composed into the database and the queue, or say why not.

        parent_id: the picture that it is painted from. replay: the conditions to repeat.
        """
        wanted = JobSubmission(resolved, count, private, parent_id, replay)
        accepted = await self.accept_all(actor, (wanted,))
        return accepted if isinstance(accepted, Refused) else accepted[0]

    async def accept_all(
        self, actor: Actor, wanted: Sequence[JobSubmission], proposal_id: int | None = None
    ) -> tuple[Accepted, ...] | Refused:
        """The same for several jobs: all of them are accepted and charged, or none.

        proposal_id: the question that they are the answer to; it is taken with them.
        """
        with ExitStack() as places:
            slots = self._reserve(actor, wanted, places)
            if isinstance(slots, Refused):
                return await self.block_refusal(actor) or slots
            until_s = asyncio.get_running_loop().time() + ACCEPT_LIMIT_S
            held = await self._effective_settings(actor, until_s)
            if isinstance(held, Refused):
                return held
            rows = [each.new_job(actor, held) for each in wanted]
            jobs = await self._write_jobs(rows, proposal_id, until_s)
            if isinstance(jobs, Refused):
                return jobs
            accepting = zip(slots, jobs, wanted, strict=True)
            entered = [self._enqueue(slot, job, each) for slot, job, each in accepting]
        answers = zip(jobs, wanted, entered, strict=True)
        return tuple(self._accepted(job, each.resolved, inside) for job, each, inside in answers)

    def check(self, actor: Actor, wanted: Sequence[JobSubmission]) -> Refused | None:
        """Why these would not be accepted at this moment, quota aside; nothing is held."""
        with ExitStack() as places:
            slots = self._reserve(actor, wanted, places)
        return slots if isinstance(slots, Refused) else None

    def _reserve(
        self, actor: Actor, wanted: Sequence[JobSubmission], places: ExitStack
    ) -> list[Slot] | Refused:
        """A place in the queue for each, until `places` is left."""
        for each in wanted:
            long = token_problem(each.resolved.request, self.engine.count_tokens, self.family)
            if long is not None:
                return Refused(long)
        slots: list[Slot] = []
        try:
            for _ in wanted:
                slot = self.engine.reserve(actor.user_id, actor.guild_id)
                slots.append(places.enter_context(slot))
        except QueueFull as error:
            return self._queue_full(error, actor, held=len(slots), requested=len(wanted))
        except QueueClosed:
            return Refused(ShuttingDown())
        return slots

    def _enqueue(self, slot: Slot, job: Job, wanted: JobSubmission) -> bool:
        """Put an accepted job into its place in the queue."""
        try:
            self._submit(slot, job, self._spec(job, wanted.replay))
        except QueueClosed:
            # Stopping between the two: the job is in the database and the next start has it.
            return False
        self._events.accepted(job.id)
        return True

    def _queue_full(self, error: QueueFull, actor: Actor, *, held: int, requested: int) -> Refused:
        """held: places that were free, and are held for nothing now."""
        waiting = error.waiting - held
        reason = QueueIsFull(waiting, error.limit, error.scope, requested)
        wait_s = self.engine.place_free_s(error.scope, actor.user_id) if requested == 1 else None
        return Refused(
            reason, None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        )

    async def _effective_settings(
        self, actor: Actor, until_s: float
    ) -> EffectiveSettings | Refused:
        """Where and how the person's pictures are to be shown here."""
        try:
            async with asyncio.timeout_at(until_s):
                return await self._preferences.of(actor)
        except TimeoutError:
            log.warning("the database took too long")
        except StorageError as error:
            self._events.storage_failed(error)
        return Refused(StorageUnavailable())

    async def _write_jobs(
        self, news: Sequence[NewJob], proposal_id: int | None, until_s: float
    ) -> tuple[Job, ...] | Refused:
        """The jobs as accepted in the database, soon enough to be answered, or why they are not."""
        accepting = asyncio.create_task(self._jobs.accept_all(news, self._fallback, proposal_id))
        try:
            left_s = max(0.0, until_s - asyncio.get_running_loop().time())
            await asyncio.wait({accepting}, timeout=left_s)
        finally:
            if not accepting.done():
                # Nothing stays accepted of a call that was cancelled, however long that takes.
                self._late.add(accepting)
                accepting.add_done_callback(self._too_late)
                accepting.cancel()
        if not accepting.done():
            log.warning("the database took too long")
            return Refused(StorageUnavailable())
        try:
            jobs = accepting.result()
        except StorageError as error:
            lost = missing_reason(error)
            if lost is None:
                self._events.storage_failed(error)
            return Refused(lost or StorageUnavailable())
        if isinstance(jobs, Block):
            return Refused(Blocked(jobs.reason))
        return quota_refusal(jobs) if isinstance(jobs, QuotaExceeded) else jobs

    def _too_late(self, accepting: asyncio.Task[tuple[Job, ...] | QuotaExceeded | Block]) -> None:
        self._late.discard(accepting)
        if not accepting.cancelled() and (error := accepting.exception()) is not None:
            log.warning("not accepted", detail=str(error))

    def _accepted(self, job: Job, resolved: ResolvedRequest, inside: bool) -> Accepted:
        """inside: the job is in the queue; else the next start will see to it."""
        ahead, ready_at = 0, None
        if inside:
            ahead = (self.engine.queue.position(job.id) or 0) + (self.engine.current is not None)
            wait_s = self.engine.waiting_s(job.id)
            ready_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        return Accepted(
            job.id,
            resolved,
            ahead,
            ready_at,
            job.private,
            job.pictures,
            spoiler=job.spoiler,
            delivery=job.delivery,
        )

    async def _replay_of(self, job: Job) -> Conditions | None:
        """The original's conditions if a resumed job repeats its very seed."""
        if job.parent_picture_id is None:
            return None
        parent = await self._history.get(job.parent_picture_id)
        if parent is None or parent.seed != job.seed:
            return None
        return Recipe.from_json(parent.recipe).conditions

    def _spec(self, job: Job, replay: Conditions | None) -> JobSpec:
        request = request_from_json(job.request)
        return JobSpec(
            id=job.id,
            request=request,
            replay=replay,
            admit=partial(self._completion.admit, job.id),
            inputs=input_loader(self._inputs, request),
            count=job.pictures,
            previews=self._previews and shows_previews(job),
        )

    def _submit(self, slot: Slot, job: Job, spec: JobSpec) -> ActiveJob:
        live = self._live.add(job, self.engine.submit(slot, spec))
        self._completion.watch(live)
        return live
