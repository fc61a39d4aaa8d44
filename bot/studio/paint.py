"""Paint and reroll: from a wish to an accepted job, and from its pixels to a kept picture."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from bot.rights import Person
from bot.studio.compose import Seeds, Wish, compose, recompose
from bot.studio.outcomes import (
    Accepted,
    Composed,
    NothingPainted,
    QueueIsFull,
    QuotaSpent,
    Refused,
    Stopping,
    TooManyTokens,
    UnknownPicture,
)
from bot.studio.recent import RecentPictures
from engine.diffusion.families import Family
from engine.encode import encode_png
from engine.errors import Cancelled, EngineError, QueueClosed, QueueFull
from engine.job import Job as EngineJob
from engine.job import JobSpec
from engine.queue import Slot
from engine.service import Engine
from engine.types import (
    Conditions,
    ImageRequest,
    Painted,
    Recipe,
    request_from_json,
    request_to_json,
)
from storage.errors import DataFolderUnusable, DiskFull, IllegalTransition, StorageError, UnknownRow
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.types import (
    Clock,
    Job,
    NewJob,
    NewPicture,
    Place,
    QuotaExceeded,
    QuotaPolicy,
    StoredPicture,
)

log = structlog.get_logger(__name__)

Ending = Callable[[], Awaitable[object]]
"""Writes down how a job ended."""
RECORD_RETRY_S = (0.5, 2.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Events:
    """Where the studio tells what happened; all are called on the loop and must not block.

    accepted(job_id): right after a job entered the queue, before anything can become of it.
    settled(job_id): when a job has reached its end in the database.
    """

    accepted: Callable[[int], None]
    settled: Callable[[int], None]


def picture_name(job_id: int, seed: int) -> str:
    """The file name of a job's picture; the id in it finds the picture again anywhere."""
    return f"zimagine-{job_id}-{seed}.png"


class Painter:
    """Accepts wishes, follows each job to its end, keeps what was painted."""

    def __init__(
        self,
        *,
        engine: Engine,
        family: Family,
        jobs: Jobs,
        history: History,
        files: PictureFiles,
        recent: RecentPictures,
        fallback: QuotaPolicy,
        seeds: Seeds,
        clock: Clock,
        events: Events,
    ) -> None:
        self.engine = engine
        self.family = family
        self.recent = recent
        self._events = events
        self._jobs = jobs
        self._history = history
        self._files = files
        self._fallback = fallback
        self._seeds = seeds
        self._clock = clock
        self._live: dict[int, EngineJob] = {}
        self._finished: asyncio.Queue[tuple[Job, EngineJob]] = asyncio.Queue()
        self._settling: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def imagine(self, person: Person, wish: Wish) -> Accepted | Refused:
        """Paint what the person asked for."""
        composed = compose(wish, self.family, self._seeds)
        if isinstance(composed, Refused):
            return composed
        return await self._accept(person, composed)

    async def reroll(
        self,
        person: Person,
        *,
        picture: str | None = None,
        seed: int | None = None,
        anyones: bool = False,
    ) -> Accepted | Refused:
        """Paint a picture again, with exactly `seed` or with a fresh one; who asks, pays.

        picture: its id; None = the person's last one in this server. anyones: True where they
        see the picture before them; an id that is merely typed finds their own alone, or people
        could read each other's prompts by counting.
        """
        if picture is None:
            original = await self._history.latest(person.user_id, person.guild_id)
            if original is None:
                return Refused(NothingPainted())
        else:
            original = await self._find(picture, person, anyones=anyones)
            if original is None:
                return Refused(UnknownPicture(picture))
        recipe = Recipe.from_json(original.recipe)
        composed = recompose(recipe.request, seed, self.family, self._seeds)
        if isinstance(composed, Refused):
            return composed
        exact = composed.request.seed == recipe.request.seed
        replay = recipe.conditions if exact else None
        return await self._accept(person, composed, parent_id=original.id, replay=replay)

    async def resume(self) -> list[tuple[Job, EngineJob]]:
        """At start: queue again what the last process left, in the order it was accepted."""
        recovery = await self._jobs.recover()
        resumed = []
        for job in recovery.queued:
            slot = self.engine.reserve(job.place.user_id, job.place.guild_id, beyond_limit=True)
            with slot:
                spec = self._spec(job, await self._replay_of(job))
                resumed.append((job, self._submit(slot, job, spec)))
        if recovery.queued or recovery.failed:
            log.info("resumed", queued=len(recovery.queued), given_up=len(recovery.failed))
        return resumed

    async def withdraw(self, job_id: int) -> None:
        """Take a job back; what it took is refunded. Harmless if it is over."""
        handle = self._live.get(job_id)
        if handle is not None:
            self.engine.cancel(handle)

    async def run(self) -> None:
        """Keep for ever what the engine finishes; a job that waits costs no task."""
        while True:
            self._begin_to_settle(await self._finished.get())

    async def finish(self) -> None:
        """After the engine has drained: keep what was painted, leave the rest to the next start."""
        await asyncio.sleep(0)  # lets the last outcome arrive
        self._stopping.set()
        while not self._finished.empty():
            self._begin_to_settle(self._finished.get_nowait())
        await asyncio.gather(*self._settling, return_exceptions=True)

    def live(self, job_id: int) -> EngineJob | None:
        """The engine's handle of a job that is not over."""
        return self._live.get(job_id)

    async def _find(self, picture: str, person: Person, *, anyones: bool) -> StoredPicture | None:
        digits = picture.strip().lstrip("#")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            return None
        found = await self._history.get(int(digits))
        if found is None or found.place.guild_id != person.guild_id:
            return None
        return found if anyones or found.place.user_id == person.user_id else None

    async def _accept(
        self,
        person: Person,
        composed: Composed,
        *,
        parent_id: int | None = None,
        replay: Conditions | None = None,
    ) -> Accepted | Refused:
        too_long = self._too_long(composed.request)
        if too_long is not None:
            return Refused(too_long)
        try:
            slot = self.engine.reserve(person.user_id, person.guild_id)
        except QueueFull as error:
            return Refused(QueueIsFull(error.waiting, error.limit))
        except QueueClosed:
            return Refused(Stopping())
        new = NewJob(
            place=Place(person.guild_id, person.channel_id, person.user_id),
            request=request_to_json(composed.request),
            prompt=composed.request.prompt,
            seed=composed.request.seed,
            parent_picture_id=parent_id,
            locale=person.locale,
            reply_token=person.reply_token,
        )
        with slot:
            try:
                job = await self._jobs.accept(new, self._fallback)
            except UnknownRow:  # somebody deleted the original this very moment
                return Refused(UnknownPicture(str(parent_id)))
            if isinstance(job, QuotaExceeded):
                policy = job.status.policy
                spent = QuotaSpent(job.status.used, policy.pictures, policy.hours)
                return Refused(spent, job.retry_at)
            try:
                self._submit(slot, job, self._spec(job, replay))
            except QueueClosed:
                # Stopping between the two: the job is in the database and the next start has it.
                return Accepted(job.id, composed, 0, None)
        self._events.accepted(job.id)
        return self._accepted(job, composed)

    def _too_long(self, request: ImageRequest) -> TooManyTokens | None:
        """Tokens can be counted once the model is loaded; before that the painter finds out."""
        read = (request.effective_prompt, request.negative_prompt if request.guidance > 1 else "")
        for text in filter(None, read):
            tokens = self.engine.count_tokens(text)
            if tokens is not None and tokens > self.family.max_tokens:
                return TooManyTokens(tokens, self.family.max_tokens)
        return None

    def _accepted(self, job: Job, composed: Composed) -> Accepted:
        ahead = self.engine.queue.position(job.id) or 0
        ahead += self.engine.current is not None
        wait_s = self.engine.waiting_s(job.id)
        ready_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        return Accepted(job.id, composed, ahead, ready_at)

    async def _replay_of(self, job: Job) -> Conditions | None:
        """The original's conditions if a resumed job repeats its very seed."""
        if job.parent_picture_id is None:
            return None
        parent = await self._history.get(job.parent_picture_id)
        if parent is None or parent.seed != job.seed:
            return None
        return Recipe.from_json(parent.recipe).conditions

    def _spec(self, job: Job, replay: Conditions | None) -> JobSpec:
        return JobSpec(
            id=job.id,
            request=request_from_json(job.request),
            replay=replay,
            admit=partial(self._jobs.painting, job.id),
        )

    def _submit(self, slot: Slot, job: Job, spec: JobSpec) -> EngineJob:
        handle = self.engine.submit(slot, spec)
        self._live[job.id] = handle
        handle.when_done(lambda: self._finished.put_nowait((job, handle)))
        return handle

    def _begin_to_settle(self, finished: tuple[Job, EngineJob]) -> None:
        task = asyncio.create_task(self._settle(*finished), name=f"settle-{finished[0].id}")
        self._settling.add(task)
        task.add_done_callback(lambda done: self._over(finished[0], done))

    def _over(self, job: Job, task: asyncio.Task[None]) -> None:
        self._live.pop(job.id, None)
        self._settling.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database would not take the outcome. The row still says "painting" (or
            # "queued"), so the next start tries again: nothing is lost.
            log.error("job not settled", job=job.id, exc_info=error)

    async def _settle(self, job: Job, handle: EngineJob) -> None:
        try:
            painted = await handle.result()
        except Cancelled:
            end: Ending = partial(self._jobs.cancelled, job.id)
        except EngineError as error:
            log.warning("job failed", job=job.id, code=error.code, detail=str(error))
            end = partial(self._jobs.failed, job.id, error.code, str(error))
        else:
            end = await self._keep(job, painted)
        await self._record(job, end)
        self.recent.forget(job.place.user_id, job.place.guild_id)
        self._events.settled(job.id)

    async def _keep(self, job: Job, painted: Painted) -> Ending:
        """Encode and write, off the loop and off the painting thread; how the job ends by it."""
        try:
            picture = await asyncio.to_thread(self._write, job, painted)
        except (DiskFull, DataFolderUnusable) as error:
            log.error("picture not written", job=job.id, detail=str(error))
            return partial(self._jobs.failed, job.id, "disk", str(error))
        except Exception as error:
            log.error("picture not encoded", job=job.id, exc_info=error)
            return partial(self._jobs.failed, job.id, "internal", type(error).__name__)
        return partial(self._jobs.painted, job.id, picture)

    async def _record(self, job: Job, end: Ending) -> None:
        """Write the job's end down, as often as it takes while the database is in trouble.

        While the bot stops it is tried once more and then left to the next start.
        """
        tries = 0
        while True:
            last = self._stopping.is_set()
            try:
                await end()
                return
            except (IllegalTransition, UnknownRow):
                raise  # waiting would change nothing
            except StorageError as error:
                if last:
                    raise
                wait_s = RECORD_RETRY_S[min(tries, len(RECORD_RETRY_S) - 1)]
                log.warning("end not recorded", job=job.id, wait_s=wait_s, detail=str(error))
            tries += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()

    def _write(self, job: Job, painted: Painted) -> NewPicture:
        return write_picture(self._files, picture_name(job.id, job.seed), painted)


def write_picture(files: PictureFiles, name: str, painted: Painted) -> NewPicture:
    """Encode and write one picture (blocking); returns the row it wants to become."""
    written = files.write(name, encode_png(painted.raster, painted.recipe))
    return NewPicture(
        file=written.file,
        sha256=written.sha256,
        recipe=painted.recipe.to_json(),
        seed=painted.recipe.request.seed,
        width_px=painted.raster.width_px,
        height_px=painted.raster.height_px,
        duration_s=painted.duration_s,
    )
