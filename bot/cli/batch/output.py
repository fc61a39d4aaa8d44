"""Generate pictures without Discord, and write them to a folder or to the history."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bot.jobs.completion import write_picture
from bot.request.outcomes import ResolvedRequest
from engine.job import JobSpec
from engine.png import encode_png, pixels_sha256
from engine.service import Engine
from engine.types import Conditions, ImageRequest, Painted, Progress, Raster, request_to_json
from engine.uploads import Upload, canonical
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.settling import settle
from storage.types import COMMAND_LINE, Clock, NewJob

MAX_SLUG_CHARS: Final = 60
"""Chosen by hand, to keep names readable."""
MAX_SLUG_BYTES: Final = 180
"""File systems allow 255 bytes, and a seed, a label, a number and a suffix follow."""
NAMELESS: Final = "zimagine"
_BAD_NAME: Final = frozenset({errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG})
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])")


@dataclass(frozen=True, slots=True)
class LocalPicture:
    """A picture on the disk. steps: the files of its previews, if they were requested."""

    file: Path
    painted: Painted
    pixels_sha256: str
    steps: tuple[Path, ...] = ()


class PictureSink(Protocol):
    """A destination of generated pictures."""

    async def keep(self, painted: Painted, inputs: Sequence[Upload] = (), label: str = "") -> Path:
        """Write the picture and return its file.

        inputs: its source images. label: distinguishes it from others of its prompt and seed.
        """
        ...


class FolderSink:
    """Writes to the path that the user gave: to one PNG file, or to new files in a folder.

    A named file is overwritten; the second picture of a run gets "-2" before ".png". In a folder,
    pictures are named by their prompt and seed, and nothing is ever overwritten.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._numbers = itertools.count(1)

    async def keep(self, painted: Painted, inputs: Sequence[Upload] = (), label: str = "") -> Path:
        """Write the picture, without the inputs, which are the user's own files. Raises OSError."""
        return await settle(asyncio.to_thread(self._write, painted, label, next(self._numbers)))

    def _write(self, painted: Painted, label: str, number: int) -> Path:
        data = encode_png(painted.raster, painted.recipe)
        if is_named(self._out):
            target = _numbered(self._out, number)
            write_over(target, data)
            return target
        request = painted.recipe.request
        name = "-".join(filter(None, (slug(request.prompt), str(request.seed), label)))
        return write_new(self._out / f"{name}.png", data, f"{NAMELESS}-{request.seed}.png")


class HistorySink:
    """Writes pictures and their source images into the data folder, and records them in history."""

    def __init__(
        self,
        files: PictureFiles,
        inputs: Inputs,
        jobs: Jobs,
        clock: Clock,
        suffix: Callable[[], str],
    ) -> None:
        self._files = files
        self._inputs = inputs
        self._jobs = jobs
        self._clock = clock
        self._suffix = suffix

    async def keep(self, painted: Painted, inputs: Sequence[Upload] = (), label: str = "") -> Path:
        """Write and record the picture. Raises StorageError."""
        # A cancellation in between leaves both the picture and its row, or neither.
        return await settle(self._keep(painted, inputs))

    async def _keep(self, painted: Painted, inputs: Sequence[Upload]) -> Path:
        request = painted.recipe.request
        for upload in inputs:
            await self._inputs.write(await asyncio.to_thread(canonical, upload), upload.sha256)
        name = f"{NAMELESS}-{self._clock():%Y%m%d-%H%M%S}-{request.seed}-{self._suffix()}.png"
        picture = await asyncio.to_thread(write_picture, self._files, name, painted)
        new = NewJob(
            COMMAND_LINE,
            request_to_json(request),
            request.prompt,
            request.seed,
            inputs=request.inputs,
        )
        await self._jobs.record(new, picture)
        return self._files.path(picture.file)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one picture apart from its request.

    replay: the conditions of the original to reproduce. inputs: the source images that the request
    names. label: as for `PictureSink.keep`. save_steps: also write a preview of every step beside
    the picture.
    """

    replay: Conditions | None = None
    inputs: tuple[Upload, ...] = ()
    label: str = ""
    save_steps: bool = False


async def paint_local(
    engine: Engine,
    sink: PictureSink,
    number: int,
    resolved: ResolvedRequest,
    on_step: Callable[[Progress], None],
    options: RunOptions = RunOptions(),
) -> LocalPicture:
    """Generate one picture and write it. Raises EngineError, StorageError, OSError.

    on_step: called with every step on the event loop; must neither block nor raise.
    """
    previews: dict[int, Raster] = {}

    def record_step(progress: Progress) -> None:
        if progress.preview is not None:
            previews[progress.step] = progress.preview
        on_step(progress)

    painted = await _run_job(engine, _job_spec(number, resolved.request, options, record_step))
    file = await sink.keep(painted, options.inputs, options.label)
    steps = await asyncio.to_thread(write_steps, file, previews)
    return LocalPicture(file, painted, pixels_sha256(painted.raster), steps)


def _job_spec(
    number: int, request: ImageRequest, options: RunOptions, on_step: Callable[[Progress], None]
) -> JobSpec:
    async def inputs() -> tuple[Raster, ...]:
        return tuple(each.raster for each in options.inputs)

    return JobSpec(
        number,
        request,
        options.replay,
        inputs=inputs,
        previews=options.save_steps,
        on_step=on_step,
    )


async def _run_job(engine: Engine, spec: JobSpec) -> Painted:
    with engine.reserve(0, 0) as slot:
        job = engine.submit(slot, spec)
    result = asyncio.create_task(job.result())
    failure = asyncio.create_task(engine.failure())
    try:
        await asyncio.wait({result, failure}, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            # A lost device leaves its job open for a bot to retry; nobody would retry it here.
            raise failure.result()
        (painted,) = await result
        return painted
    finally:
        engine.cancel(job)
        result.cancel()
        failure.cancel()


def write_steps(file: Path, previews: Mapping[int, Raster]) -> tuple[Path, ...]:
    """Write the previews of a picture beside it, as NAME-step1.png and so on.

    Blocking; raises OSError.
    """
    written: list[Path] = []
    for step, raster in sorted(previews.items()):
        target = file.with_stem(f"{file.stem}-step{step}")
        write_over(target, canonical(Upload.of(raster)))
        written.append(target)
    return tuple(written)


# Names and files


def slug(prompt: str) -> str:
    """Turn a prompt into a part of a file name: words of any script, in lower case, joined by "-".

    At most MAX_SLUG_CHARS characters, cut between words if possible. Never contains a path
    separator or is a name reserved by Windows. NAMELESS if no word is left.
    """
    text = unicodedata.normalize("NFC", prompt).lower()
    cleaned = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text)
    result = ""
    for word in cleaned.split():
        longer = f"{result}-{word}" if result else word
        if not _fits(longer):
            break
        result = longer
    if not result:  # the first word is too long, as in Chinese, which has no spaces
        result = next(iter(cleaned.split()), "")
        while not _fits(result):
            result = result[: min(len(result) - 1, MAX_SLUG_CHARS)]
    return NAMELESS if not result or _RESERVED.fullmatch(result) else result


def _fits(text: str) -> bool:
    return len(text) <= MAX_SLUG_CHARS and len(text.encode()) <= MAX_SLUG_BYTES


def is_named(out: Path) -> bool:
    """Return whether this path names a single picture, not a folder."""
    return out.suffix.lower() == ".png" and not out.is_dir()


def write_over(target: Path, data: bytes) -> None:
    """Write a file atomically, overwriting an existing one. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():  # devices such as /dev/null are written directly
        target.write_bytes(data)
        return
    real = target.resolve()
    part = real.with_name(f".{real.name}.part")
    try:
        part.write_bytes(data)
        part.replace(real)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_new(target: Path, data: bytes, plain: str) -> Path:
    """Write a new file with this name, or with "-2" and so on if it is taken; return its path.

    plain: the name to use if the file system rejects the first one. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _write_numbered(target, data)
    except UnicodeEncodeError:
        pass
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
    return _write_numbered(target.with_name(plain), data)


def _write_numbered(first: Path, data: bytes) -> Path:
    for number in itertools.count(1):
        target = _numbered(first, number)
        try:
            file = target.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(data)
        except BaseException:
            target.unlink(missing_ok=True)  # leave no incomplete file
            raise
        return target
    raise AssertionError("itertools.count ended")


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_stem(f"{path.stem}-{number}")
