"""Painting without Discord: the same wishes, the same painter, no queue of others, no quota."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.studio.outcomes import Composed
from bot.studio.settling import write_picture
from engine.encode import encode_png, pixels_sha256
from engine.job import Job, JobSpec
from engine.service import Engine
from engine.types import Conditions, Painted, Progress, request_to_json
from storage.files import PictureFiles
from storage.jobs import Jobs
from storage.types import COMMAND_LINE, Clock, NewJob


@dataclass(frozen=True, slots=True)
class LocalPicture:
    """A picture on the disk."""

    file: Path
    painted: Painted
    pixels_sha256: str


class Keeper(Protocol):
    """Where a painted picture is put."""

    async def keep(self, painted: Painted) -> Path:
        """Write the picture and return its file."""
        ...


class OutKeeper:
    """Writes where the person said: to one PNG file, or to fresh names in a folder.

    A file that was named is replaced; the second picture of a run gets "-2" before ".png".
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._kept = itertools.count(1)

    async def keep(self, painted: Painted) -> Path:
        """Write the picture. Raises OSError."""
        return await asyncio.to_thread(self._write, painted, next(self._kept))

    def _write(self, painted: Painted, number: int) -> Path:
        data = encode_png(painted.raster, painted.recipe)
        named = self._out.suffix.lower() == ".png" and not self._out.is_dir()
        if named:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            target = _numbered(self._out, number)
            target.write_bytes(data)
            return target
        self._out.mkdir(parents=True, exist_ok=True)
        first = self._out / f"zimagine-{painted.recipe.request.seed}.png"
        for number in itertools.count(1):
            target = _numbered(first, number)
            try:
                with target.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                continue
            return target
        raise AssertionError("itertools.count ended")


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_stem(f"{path.stem}-{number}")


class HistoryKeeper:
    """Writes into the data folder and records the picture in the history."""

    def __init__(
        self, files: PictureFiles, jobs: Jobs, clock: Clock, suffix: Callable[[], str]
    ) -> None:
        self._files = files
        self._jobs = jobs
        self._clock = clock
        self._suffix = suffix

    async def keep(self, painted: Painted) -> Path:
        """Write and record the picture. Raises StorageError."""
        request = painted.recipe.request
        name = f"zimagine-{self._clock():%Y%m%d-%H%M%S}-{request.seed}-{self._suffix()}.png"
        picture = await asyncio.to_thread(write_picture, self._files, name, painted)
        new = NewJob(COMMAND_LINE, request_to_json(request), request.prompt, request.seed)
        await self._jobs.record(new, picture)
        return self._files.path(picture.file)


async def paint_local(
    engine: Engine,
    keeper: Keeper,
    number: int,
    composed: Composed,
    replay: Conditions | None,
    on_step: Callable[[Progress], None],
) -> LocalPicture:
    """Paint one picture and keep it. Raises EngineError, StorageError, OSError."""
    with engine.reserve(0, 0) as slot:
        job = engine.submit(slot, JobSpec(number, composed.request, replay))
    painting = asyncio.create_task(_painted(job, on_step))
    failure = asyncio.create_task(engine.failure())
    try:
        await asyncio.wait({painting, failure}, return_when=asyncio.FIRST_COMPLETED)
        if not painting.done():
            # A lost device leaves its job open, for a bot to try again: here nobody would.
            raise failure.result()
        painted = await painting
    finally:
        engine.cancel(job)
        painting.cancel()
        failure.cancel()
    return LocalPicture(await keeper.keep(painted), painted, pixels_sha256(painted.raster))


async def _painted(job: Job, on_step: Callable[[Progress], None]) -> Painted:
    async for progress in job.progress():
        on_step(progress)
    return await job.result()
