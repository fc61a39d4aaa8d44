"""Complete jobs that the engine has finished: encode, write, record, and notify delivery."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import TypeVar

import structlog

from bot.jobs.active import ActiveJob, ActiveJobs
from bot.jobs.content_check import FinishedPicture, ResultCheck, ResultDecision
from bot.pictures.filenames import picture_name
from bot.pictures.recent import RecentPictures
from bot.pictures.thumbnails import keep_thumbnail
from bot.retry import retry
from engine.errors import Cancelled, EngineError, Interrupted
from engine.png import RecipeUnreadable, embedded_recipe, encode_png
from engine.series import place_in_series, series
from engine.types import ImageRequest, Painted, Recipe, request_from_json
from storage.errors import DataFolderUnusable, DiskFull, IllegalTransition, StorageError, UnknownRow
from storage.files import PictureFiles, WrittenFile
from storage.jobs import Jobs
from storage.types import Job, NewPicture, ShownResult

log = structlog.get_logger(__name__)

T = TypeVar("T")
Ending = Callable[[], Awaitable[object]]
"""Records how a job ended."""
RETRY_S = (0.5, 2.0, 10.0, 30.0)
"""A busy database is free again in moments; a full disk needs a person. Chosen by judgement."""


@dataclass(frozen=True, slots=True)
class JobEvents:
    """Callbacks for what happens to jobs; called on the event loop, so they must not block.

    accepted(job_id): right after a job entered the queue, before anything can happen to it.
    finished(job_id): when its end is recorded in the database. stored(picture_ids): when its
    pictures are, of which a filter may have reported some. storage_failed(error): when the disk
    or the database rejected a write.
    """

    accepted: Callable[[int], object]
    finished: Callable[[int], object]
    storage_failed: Callable[[StorageError], object] = lambda _: None
    stored: Callable[[Sequence[int]], object] = lambda _: None


class CompletionService:
    """Follows each job from the engine's outcome to its end in the database."""

    def __init__(
        self,
        jobs: Jobs,
        files: PictureFiles,
        recent: RecentPictures,
        active_jobs: ActiveJobs,
        events: JobEvents,
        result_check: ResultCheck | None = None,
    ) -> None:
        """result_check: None if nothing is checked that was painted."""
        self._jobs = jobs
        self._files = files
        self._recent = recent
        self._active_jobs = active_jobs
        self._events = events
        self._result_check = result_check
        self._finished: asyncio.Queue[ActiveJob] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._shutting_down = asyncio.Event()
        self._finishing = asyncio.Event()
        self._abandoned = False

    def watch(self, job: ActiveJob) -> None:
        """Complete this job once the engine has finished it; until then it takes no task."""
        job.handle.when_done(lambda: self._finished.put_nowait(job))

    async def run(self) -> None:
        """Complete finished jobs until cancelled."""
        while True:
            self._start_completing(await self._finished.get())

    def begin_shutdown(self) -> None:
        """Announce the shutdown: jobs that cannot be started now are left to the next start."""
        self._shutting_down.set()

    async def finish(self) -> None:
        """After the engine has drained, record its results and leave the rest to the next start."""
        await asyncio.sleep(0)  # lets the last outcome arrive
        self._finishing.set()
        while not self._finished.empty():
            self._start_completing(self._finished.get_nowait())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """Record nothing more, not even what is being recorded; the next start recovers it."""
        self._abandoned = True
        for task in self._tasks:
            task.cancel()

    async def admit(self, job_id: int) -> bool:
        """Record that a job is being painted, retrying while the database is in trouble.

        Returns False if the job must not be painted any more. Raises Interrupted during shutdown.
        """
        begin = partial(self._jobs.painting, job_id)
        try:
            return await self._record(begin, "painting", job_id, self._shutting_down)
        except StorageError as error:
            raise Interrupted(f"not begun: {error}") from error

    async def recover_finished(self, job: Job) -> bool:
        """Take over pictures whose files were complete when a crash kept them from being recorded.

        Only if all pictures of the job are there. Otherwise it is painted again, and the existing
        files are removed: a picture that fails the next time would leave its file behind forever.
        """
        found = await asyncio.to_thread(self._find_finished, job)
        pictures = [picture for picture, _ in found]
        if len(pictures) < job.pictures:
            await asyncio.to_thread(self._discard, pictures)
            return False
        decisions = await self._judge(job, [finished for _, finished in found])
        shown = [each.refused is None for each in decisions]
        if kept := list(compress(pictures, shown)):
            result = _result([each for each in decisions if each.refused is None])
            await self._record_painted(job, kept, result)
        else:
            await _refused(self._jobs, job, decisions)
        await asyncio.to_thread(self._discard, [each for each in pictures if each not in kept])
        log.info("picture taken over", job=job.id)
        return True

    def _find_finished(self, job: Job) -> list[tuple[NewPicture, FinishedPicture]]:
        """Return those of a job's pictures that are complete on disk."""
        first = request_from_json(job.request)
        found = (self._read_finished(job, first, each) for each in series(first, job.pictures))
        return [each for each in found if each is not None]

    def _read_finished(
        self, job: Job, first: ImageRequest, wanted: ImageRequest
    ) -> tuple[NewPicture, FinishedPicture] | None:
        file = self._files.find(_file_name(job, first, wanted))
        if file is None:
            return None
        path = self._files.path(file)
        try:
            data, finished_at_s = path.read_bytes(), path.stat().st_mtime
            found = embedded_recipe(data)
        except (RecipeUnreadable, OSError):
            return None
        if not found.untouched or not matches_request(wanted, found.recipe.request):
            return None
        began_at_s = job.started_at.timestamp() if job.started_at else finished_at_s
        duration_s = max(0.0, finished_at_s - began_at_s) / job.pictures
        written = WrittenFile(file, hashlib.sha256(data).hexdigest(), len(data))
        finished = FinishedPicture(found.recipe.request, data)
        return _new_picture(written, found.recipe, duration_s), finished

    def _start_completing(self, active: ActiveJob) -> None:
        if self._abandoned:
            return
        task = asyncio.create_task(self._complete(active), name=f"completion-{active.row.id}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._task_ended(active.row, done))

    def _task_ended(self, job: Job, task: asyncio.Task[None]) -> None:
        self._active_jobs.remove(job.id)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The database rejected the outcome. The row still says "painting" or "queued", so the
            # next start tries again and nothing is lost.
            log.error("job not settled", job=job.id, exc_info=error)

    async def _complete(self, active: ActiveJob) -> None:
        job, pictures = active.row, list[NewPicture]()
        try:
            painted = await active.handle.result()
        except Interrupted:
            end: Ending = partial(self._jobs.interrupted, job.id)
        except Cancelled:
            end = partial(self._jobs.cancelled, job.id)
        except EngineError as error:
            log.warning("job failed", job=job.id, code=error.code, detail=str(error))
            end = partial(self._jobs.failed, job.id, error.code, str(error))
        else:
            if active.finished:
                return
            for flaw in active.handle.flaws:
                log.warning("picture failed", job=job.id, code=flaw.code, detail=str(flaw))
            pictures, end = await self._write_off_loop(job, painted)
        if active.finished or not await self._record_end(job, end):
            # Cancelled while its pictures were being written.
            await asyncio.to_thread(self._discard, pictures)
            return
        active.finished = True
        self._recent.forget(job.place.user_id, job.place.guild_id)
        self._events.finished(job.id)

    async def _record_end(self, job: Job, end: Ending) -> bool:
        """Record the end; return False if the job had already ended in another way."""
        try:
            await self._record(end, "end", job.id, self._finishing)
        except IllegalTransition:
            return False
        return True

    async def _write_off_loop(
        self, job: Job, painted: Sequence[Painted]
    ) -> tuple[list[NewPicture], Ending]:
        """Encode and write the pictures on another thread; return their rows and the job's end."""
        for each in painted:
            log.info(
                "painted",
                job=job.id,
                seconds=round(each.duration_s, 2),
                plan=each.recipe.conditions.plan,
                why=each.plan_reason,
            )
        try:
            encoded = await asyncio.to_thread(_encoded, painted)
        except Exception as error:
            log.error("picture not encoded", job=job.id, exc_info=error)
            return [], partial(self._jobs.failed, job.id, "internal", type(error).__name__)
        decisions = await self._judge(job, encoded)
        try:
            shown = [each.refused is None for each in decisions]
            pictures = await asyncio.to_thread(
                self._write, job, list(compress(painted, shown)), list(compress(encoded, shown))
            )
        except (DiskFull, DataFolderUnusable) as error:
            log.error("picture not written", job=job.id, detail=str(error))
            self._events.storage_failed(error)
            return [], partial(self._jobs.failed, job.id, "disk", str(error))
        except Exception as error:
            log.error("picture not written", job=job.id, exc_info=error)
            return [], partial(self._jobs.failed, job.id, "internal", type(error).__name__)
        if not pictures:
            return [], partial(_refused, self._jobs, job, decisions)
        result = _result([each for each in decisions if each.refused is None])
        return pictures, partial(self._record_painted, job, pictures, result)

    async def _judge(
        self, job: Job, finished: Sequence[FinishedPicture]
    ) -> Sequence[ResultDecision]:
        """Return what becomes of each picture, before anybody sees one."""
        if self._result_check is None:
            return [ResultDecision()] * len(finished)
        check = partial(self._result_check.judge, job, finished)
        return await self._record(check, "check", job.id, self._finishing)

    async def _record_painted(
        self, job: Job, pictures: Sequence[NewPicture], shown: ShownResult
    ) -> None:
        stored = await self._jobs.painted(job.id, pictures, shown)
        self._events.stored([each.id for each in stored])

    def _write(
        self, job: Job, painted: Sequence[Painted], encoded: Sequence[FinishedPicture]
    ) -> list[NewPicture]:
        """Write every file of the job with its thumbnail, or none (blocking)."""
        first, written = request_from_json(job.request), list[NewPicture]()
        try:
            for each, finished in zip(painted, encoded, strict=True):
                name = _file_name(job, first, each.recipe.request)
                file = self._files.write(name, finished.png)
                written.append(_new_picture(file, each.recipe, each.duration_s))
                keep_thumbnail(self._files, file.file, each.raster)
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

    async def _record(
        self, step: Callable[[], Awaitable[T]], what: str, job_id: int, stopping: asyncio.Event
    ) -> T:
        """Take a database step, retrying while the database is in trouble.

        Once `stopping` is set, it is tried one last time and then left to the next start.
        """

        def failed(error: StorageError, wait_s: float | None) -> None:
            self._events.storage_failed(error)
            if wait_s is not None:
                log.warning(f"{what} not recorded", job=job_id, wait_s=wait_s, detail=str(error))

        async def wait(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stopping.wait()

        return await retry(
            step,
            on=StorageError,
            unless=(IllegalTransition, UnknownRow),  # retrying would change nothing
            waits_s=RETRY_S,
            on_error=failed,
            is_last=stopping.is_set,
            sleep=wait,
        )


def _file_name(job: Job, first: ImageRequest, member: ImageRequest) -> str:
    """Return the file name of one of a job's pictures, whether or not the others failed."""
    number = None if job.pictures == 1 else place_in_series(first, member) + 1
    return picture_name(job.id, member.seed, number)


def matches_request(wanted: ImageRequest, found: ImageRequest) -> bool:
    """Return whether a picture of `found` is the one requested; painting may expand its prompt."""
    if wanted.expand:
        text = found.effective_prompt
        wanted = dataclasses.replace(wanted, effective_prompt=text, expand=False)
    return found == wanted


def write_picture(files: PictureFiles, name: str, painted: Painted) -> NewPicture:
    """Encode and write one picture (blocking), and return its row."""
    written = files.write(name, encode_png(painted.raster, painted.recipe))
    return _new_picture(written, painted.recipe, painted.duration_s)


def _encoded(painted: Sequence[Painted]) -> list[FinishedPicture]:
    """Return the pictures as files (blocking)."""
    return [
        FinishedPicture(each.recipe.request, encode_png(each.raster, each.recipe))
        for each in painted
    ]


def _result(decisions: Sequence[ResultDecision]) -> ShownResult:
    """Return how a result is shown of which these were decided."""
    return ShownResult(
        spoiler=any(each.spoiler for each in decisions),
        direct=any(each.direct for each in decisions),
        reports=tuple(each.report for each in decisions),
    )


async def _refused(jobs: Jobs, job: Job, decisions: Sequence[ResultDecision]) -> None:
    """Record that no picture of a job is shown."""
    refusals = [each.refused for each in decisions if each.refused is not None]
    await jobs.failed(job.id, refusals[0])


def _new_picture(written: WrittenFile, recipe: Recipe, duration_s: float) -> NewPicture:
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
