"""What the engine finished is kept: encoded, on the disk, in the database, then told."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from bot.jobs.active import ActiveJob, ActiveJobs
from bot.pictures.filenames import picture_name
from bot.pictures.recent import RecentPictures
from engine.encode import RecipeUnreadable, embedded_recipe, encode_png
from engine.errors import Cancelled, EngineError, Interrupted
from engine.series import place_in_series, series
from engine.types import ImageRequest, Painted, Recipe, request_from_json
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
class JobEvents:
    """Where the studio tells what happened; all are called on the loop and must not block.

    accepted(job_id): right after a job entered the queue, before anything can become of it.
    settled(job_id): when a job has reached its end in the database. trouble(error): the disk or
    the database would not take something.
    """

    accepted: Callable[[int], object]
    finished: Callable[[int], object]
    storage_failed: Callable[[StorageError], object] = lambda _: None


class CompletionService:
    """Follows each job from the engine's outcome to its end in the database."""

    def __init__(
        self,
        jobs: Jobs,
        files: PictureFiles,
        recent: RecentPictures,
        live: ActiveJobs,
        events: JobEvents,
    ) -> None:
        self._jobs = jobs
        self._files = files
        self._recent = recent
        self._live = live
        self._events = events
        self._finished: asyncio.Queue[ActiveJob] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._stopping = asyncio.Event()
        self._abandoned = False

    def watch(self, live: ActiveJob) -> None:
        """Settle this job once the engine is done with it; until then it costs no task."""
        live.handle.when_done(lambda: self._finished.put_nowait(live))

    async def run(self) -> None:
        """Keep for ever what the engine finishes."""
        while True:
            self._begin(await self._finished.get())

    def begin_shutdown(self) -> None:
        """The bot is about to stop: what cannot begin now is left to the next start."""
        self._leaving.set()

    async def finish(self) -> None:
        """After the engine has drained: keep what was painted, leave the rest to the next start."""
        await asyncio.sleep(0)  # lets the last outcome arrive
        self._stopping.set()
        while not self._finished.empty():
            self._begin(self._finished.get_nowait())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """Record nothing more, not even what is being recorded; the next start recovers it."""
        self._abandoned = True
        for task in self._tasks:
            task.cancel()

    async def admit(self, job_id: int) -> bool:
        """Write down that painting begins; waits while the database is in trouble.

        False where the job is no longer to be painted. Raises Interrupted while the bot stops.
        """
        begin = partial(self._jobs.painting, job_id)
        try:
            return await self._insist(begin, "painting", job_id, self._leaving)
        except StorageError as error:
            raise Interrupted(f"not begun: {error}") from error

    async def recover_finished(self, job: Job) -> bool:
        """Take over pictures whose files a crash left whole, just before they were written down.

        Unless all of the job's are there: they are painted again then, and those that are there
        are removed, since one that fails the next time would leave its file behind for ever.
        """
        pictures = await asyncio.to_thread(self._left_behind, job)
        if len(pictures) < job.pictures:
            await asyncio.to_thread(self._discard, pictures)
            return False
        await self._jobs.painted(job.id, pictures)
        log.info("picture taken over", job=job.id)
        return True

    def _left_behind(self, job: Job) -> list[NewPicture]:
        """Those of a job's pictures that lie whole on the disk."""
        first = request_from_json(job.request)
        found = (self._whole(job, first, each) for each in series(first, job.pictures))
        return [each for each in found if each is not None]

    def _whole(self, job: Job, first: ImageRequest, wanted: ImageRequest) -> NewPicture | None:
        file = self._files.find(_name(job, first, wanted))
        if file is None:
            return None
        path = self._files.path(file)
        try:
            data, finished_at_s = path.read_bytes(), path.stat().st_mtime
            found = embedded_recipe(data)
        except (RecipeUnreadable, OSError):
            return None
        if not found.untouched or not _is_what_became_of(wanted, found.recipe.request):
            return None
        began_at_s = job.started_at.timestamp() if job.started_at else finished_at_s
        duration_s = max(0.0, finished_at_s - began_at_s) / job.pictures
        written = WrittenFile(file, hashlib.sha256(data).hexdigest(), len(data))
        return _row(written, found.recipe, duration_s)

    def _begin(self, live: ActiveJob) -> None:
        if self._abandoned:
            return
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

    async def _settle(self, live: ActiveJob) -> None:
        job, pictures = live.row, list[NewPicture]()
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
            if live.finished:
                return
            for flaw in live.handle.flaws:
                log.warning("picture failed", job=job.id, code=flaw.code, detail=str(flaw))
            pictures, end = await self._keep(job, painted)
        if live.finished or not await self._recorded(job, end):
            # Cancelled while they were being written.
            await asyncio.to_thread(self._discard, pictures)
            return
        live.finished = True
        self._recent.forget(job.place.user_id, job.place.guild_id)
        self._events.finished(job.id)

    async def _recorded(self, job: Job, end: Ending) -> bool:
        """Whether the end was written down; False where another one came first."""
        try:
            await self._insist(end, "end", job.id, self._stopping)
        except IllegalTransition:
            return False
        return True

    async def _keep(self, job: Job, painted: Sequence[Painted]) -> tuple[list[NewPicture], Ending]:
        """Encode and write, off the loop and off the painting thread; how the job ends by it."""
        for each in painted:
            log.info(
                "painted",
                job=job.id,
                seconds=round(each.duration_s, 2),
                plan=each.recipe.conditions.plan,
                why=each.plan_reason,
            )
        try:
            pictures = await asyncio.to_thread(self._write, job, painted)
        except (DiskFull, DataFolderUnusable) as error:
            log.error("picture not written", job=job.id, detail=str(error))
            self._events.storage_failed(error)
            return [], partial(self._jobs.failed, job.id, "disk", str(error))
        except Exception as error:
            log.error("picture not encoded", job=job.id, exc_info=error)
            return [], partial(self._jobs.failed, job.id, "internal", type(error).__name__)
        return pictures, partial(self._jobs.painted, job.id, pictures)

    def _write(self, job: Job, painted: Sequence[Painted]) -> list[NewPicture]:
        """Write every file of the job, or none (blocking)."""
        first, written = request_from_json(job.request), list[NewPicture]()
        try:
            for each in painted:
                name = _name(job, first, each.recipe.request)
                written.append(write_picture(self._files, name, each))
        except BaseException:
            self._discard(written)
            raise
        return written

    def _discard(self, pictures: Sequence[NewPicture]) -> None:
        for picture in pictures:
            try:
                self._files.remove(picture.file)
            except StorageError as error:
                log.warning("file not removed", file=picture.file, detail=str(error))

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
                self._events.storage_failed(error)
                if last:
                    raise
                wait_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
                log.warning(f"{what} not recorded", job=job_id, wait_s=wait_s, detail=str(error))
            tries += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await stopping.wait()


def _name(job: Job, first: ImageRequest, member: ImageRequest) -> str:
    """The file name of one of a job's pictures, the same whether others of them fail or not."""
    number = None if job.pictures == 1 else place_in_series(first, member) + 1
    return picture_name(job.id, member.seed, number)


def _is_what_became_of(wanted: ImageRequest, found: ImageRequest) -> bool:
    """Whether a picture of `found` is the one that was wanted; painting may write its prompt."""
    if wanted.expand:
        text = found.effective_prompt
        wanted = dataclasses.replace(wanted, effective_prompt=text, expand=False)
    return found == wanted


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
