"""What the engine finished is kept: encoded, on the disk, in the database, then told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from bot.studio.live import LiveJob, LiveJobs
from bot.studio.naming import picture_name
from bot.studio.recent import RecentPictures
from engine.encode import RecipeUnreadable, encode_png, inscription
from engine.errors import Cancelled, EngineError, Interrupted
from engine.types import Painted, Recipe, request_from_json
from storage.errors import DataFolderUnusable, DiskFull, IllegalTransition, StorageError, UnknownRow
from storage.files import PictureFiles, WrittenFile
from storage.jobs import Jobs
from storage.types import Job, NewPicture

log = structlog.get_logger(__name__)

T = TypeVar("T")
Ending = Callable[[], Awaitable[object]]
"""Writes down how a job ended."""
RETRY_S = (0.5, 2.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Events:
    """Where the studio tells what happened; all are called on the loop and must not block.

    accepted(job_id): right after a job entered the queue, before anything can become of it.
    settled(job_id): when a job has reached its end in the database. trouble(error): the disk or
    the database would not take something.
    """

    accepted: Callable[[int], object]
    settled: Callable[[int], object]
    trouble: Callable[[StorageError], object] = lambda _: None


class Settling:
    """Follows each job from the engine's outcome to its end in the database."""

    def __init__(
        self,
        jobs: Jobs,
        files: PictureFiles,
        recent: RecentPictures,
        live: LiveJobs,
        events: Events,
    ) -> None:
        self._jobs = jobs
        self._files = files
        self._recent = recent
        self._live = live
        self._events = events
        self._finished: asyncio.Queue[LiveJob] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._stopping = asyncio.Event()

    def follow(self, live: LiveJob) -> None:
        """Settle this job once the engine is done with it; until then it costs no task."""
        live.handle.when_done(lambda: self._finished.put_nowait(live))

    async def run(self) -> None:
        """Keep for ever what the engine finishes."""
        while True:
            self._begin(await self._finished.get())

    def leave(self) -> None:
        """The bot is about to stop: what cannot begin now is left to the next start."""
        self._leaving.set()

    async def finish(self) -> None:
        """After the engine has drained: keep what was painted, leave the rest to the next start."""
        await asyncio.sleep(0)  # lets the last outcome arrive
        self._stopping.set()
        while not self._finished.empty():
            self._begin(self._finished.get_nowait())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def admit(self, job_id: int) -> bool:
        """Write down that painting begins; waits while the database is in trouble.

        False where the job is no longer to be painted. Raises Interrupted while the bot stops.
        """
        begin = partial(self._jobs.painting, job_id)
        try:
            return await self._insist(begin, "painting", job_id, self._leaving)
        except StorageError as error:
            raise Interrupted(f"not begun: {error}") from error

    async def adopt(self, job: Job) -> bool:
        """Take over a picture whose file a crash left whole, just before it was written down."""
        name = picture_name(job.id, job.seed)
        picture = await asyncio.to_thread(self._left_behind, job, name)
        if picture is None:
            return False
        await self._jobs.painted(job.id, picture)
        log.info("picture taken over", job=job.id)
        return True

    def _left_behind(self, job: Job, name: str) -> NewPicture | None:
        file = self._files.find(name)
        if file is None:
            return None
        path = self._files.path(file)
        try:
            data, finished_at_s = path.read_bytes(), path.stat().st_mtime
            found = inscription(data)
        except (RecipeUnreadable, OSError):
            return None
        if not found.untouched or found.recipe.request != request_from_json(job.request):
            return None
        began_at_s = job.started_at.timestamp() if job.started_at else finished_at_s
        written = WrittenFile(file, hashlib.sha256(data).hexdigest(), len(data))
        return _row(written, found.recipe, max(0.0, finished_at_s - began_at_s))

    def _begin(self, live: LiveJob) -> None:
        task = asyncio.create_task(self._settle(live), name=f"settle-{live.row.id}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._over(live.row, done))

    def _over(self, job: Job, task: asyncio.Task[None]) -> None:
        self._live.remove(job.id)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database would not take the outcome. The row still says "painting" (or
            # "queued"), so the next start tries again: nothing is lost.
            log.error("job not settled", job=job.id, exc_info=error)

    async def _settle(self, live: LiveJob) -> None:
        job, picture = live.row, None
        try:
            painted = await live.handle.result()
        except Interrupted:
            end: Ending = partial(self._jobs.interrupted, job.id)
        except Cancelled:
            end = partial(self._jobs.cancelled, job.id)
        except EngineError as error:
            log.warning("job failed", job=job.id, code=error.code, detail=str(error))
            end = partial(self._jobs.failed, job.id, error.code, str(error))
        else:
            if live.over:
                return
            picture, end = await self._keep(job, painted)
        if live.over or not await self._recorded(job, end):
            if picture is not None:  # cancelled while it was being written
                await asyncio.to_thread(self._files.remove, picture.file)
            return
        live.over = True
        self._recent.forget(job.place.user_id, job.place.guild_id)
        self._events.settled(job.id)

    async def _recorded(self, job: Job, end: Ending) -> bool:
        """Whether the end was written down; False where another one came first."""
        try:
            await self._insist(end, "end", job.id, self._stopping)
        except IllegalTransition:
            return False
        return True

    async def _keep(self, job: Job, painted: Painted) -> tuple[NewPicture | None, Ending]:
        """Encode and write, off the loop and off the painting thread; how the job ends by it."""
        log.info(
            "painted",
            job=job.id,
            seconds=round(painted.duration_s, 2),
            plan=painted.recipe.conditions.plan,
            why=painted.plan_reason,
        )
        name = picture_name(job.id, job.seed)
        try:
            picture = await asyncio.to_thread(write_picture, self._files, name, painted)
        except (DiskFull, DataFolderUnusable) as error:
            log.error("picture not written", job=job.id, detail=str(error))
            self._events.trouble(error)
            return None, partial(self._jobs.failed, job.id, "disk", str(error))
        except Exception as error:
            log.error("picture not encoded", job=job.id, exc_info=error)
            return None, partial(self._jobs.failed, job.id, "internal", type(error).__name__)
        return picture, partial(self._jobs.painted, job.id, picture)

    async def _insist(
        self, step: Callable[[], Awaitable[T]], what: str, job_id: int, stopping: asyncio.Event
    ) -> T:
        """Take a step of the database, as often as it takes while that is in trouble.

        Once `stopping` is set it is tried once more and then left to the next start.
        """
        tries = 0
        while True:
            last = stopping.is_set()
            try:
                return await step()
            except (IllegalTransition, UnknownRow):
                raise  # waiting would change nothing
            except StorageError as error:
                self._events.trouble(error)
                if last:
                    raise
                wait_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
                log.warning(f"{what} not recorded", job=job_id, wait_s=wait_s, detail=str(error))
            tries += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await stopping.wait()


def write_picture(files: PictureFiles, name: str, painted: Painted) -> NewPicture:
    """Encode and write one picture (blocking); returns the row it wants to become."""
    written = files.write(name, encode_png(painted.raster, painted.recipe))
    return _row(written, painted.recipe, painted.duration_s)


def _row(written: WrittenFile, recipe: Recipe, duration_s: float) -> NewPicture:
    request = recipe.request
    return NewPicture(
        file=written.file,
        sha256=written.sha256,
        recipe=recipe.to_json(),
        seed=request.seed,
        width_px=request.width_px,
        height_px=request.height_px,
        duration_s=duration_s,
        size_bytes=written.size_bytes,
    )
