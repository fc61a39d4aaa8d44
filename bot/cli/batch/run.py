"""Run a plan: load the model once, and go on with the other pictures if one fails."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.cli.batch.console import ProgressBar, Reporter
from bot.cli.batch.contact_sheet import LabelledSheet
from bot.cli.batch.output import (
    FolderSink,
    HistorySink,
    LocalPicture,
    PictureSink,
    RunOptions,
    is_named,
    paint_local,
    slug,
    write_new,
)
from bot.cli.batch.plan import ImaginePlan, quoted, refuse
from bot.cli.batch.prompt_plan import PlannedPicture, PromptBatch
from bot.cli.common.errors import FAILED, CommandError, explain_errors
from bot.exit_codes import BAD_INPUT, OK
from bot.request.outcomes import Refused
from bot.settings import Settings
from engine.diffusion.families import family_of
from engine.factory import diffusion_factory
from engine.queue import Bounds
from engine.service import Engine
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.types import utc_now

T = TypeVar("T")


class _Unwritable(CommandError):
    """The output path cannot be written to."""


@dataclass(slots=True)
class BatchRun:
    """Runs one plan. painted: the number of pictures that are on the disk already."""

    plan: ImaginePlan
    out: Path | None
    reporter: Reporter
    save_steps: bool = False
    painted: int = 0
    _code: int = OK
    _number: itertools.count[int] = field(default_factory=itertools.count)

    async def paint(self) -> int:
        """Generate everything and return the exit code; bad prompts take precedence over failures.

        Raises CommandError if nothing more can be generated, or if the only picture failed.
        """
        for prompt, sentence in self.plan.rejected:
            self._report_failure(prompt, sentence, BAD_INPUT)
        settings = self.plan.settings
        async with AsyncExitStack() as stack:
            sink = await stack.enter_async_context(_sink(settings, self.out))
            # With --out nothing is written anywhere else, not even to the cache.
            cache_dir = settings.storage.cache_dir if self.out is None else None
            engine_settings = settings.engine.to_engine(cache_dir)
            engine = Engine(
                diffusion_factory(engine_settings),
                bounds=Bounds(queue=1),
                stall_s=engine_settings.stall_s,
            )
            engine.start()
            stack.push_async_callback(engine.drain)
            bar = stack.enter_context(ProgressBar(self.plan.pictures))
            bar.show("loading the model")
            with explain_errors():
                await engine.ready()
            bar.clear()
            self.reporter.model(
                family_of(settings.engine), [each.prompt for each in self.plan.batches]
            )
            for batch in self.plan.batches:
                await self._run_batch(batch, engine, sink, bar)
        return self._code

    async def _stop_on_write_error(self, write: Awaitable[T]) -> T:
        """Stop the run on a write error: the next picture could not be written either."""
        try:
            return await write
        except OSError as error:
            where = error.filename or self.out
            raise _Unwritable(f"{where} cannot be written: {error.strerror}.", BAD_INPUT) from error

    async def _run_batch(
        self, batch: PromptBatch, engine: Engine, sink: PictureSink, bar: ProgressBar
    ) -> None:
        sheet = LabelledSheet(batch.columns) if batch.columns else None
        first: LocalPicture | None = None
        for planned in batch.pictures:
            picture = await self._run_picture(batch, planned, engine, sink, bar)
            first = first or picture
            if sheet is not None:
                sheet.add(picture.painted.raster if picture else None, planned.label)
        if sheet is not None and first is not None:
            file = await self._stop_on_write_error(
                asyncio.to_thread(self._write_sheet, sheet, batch, first)
            )
            self.reporter.sheet(str(file))

    async def _run_picture(
        self,
        batch: PromptBatch,
        planned: PlannedPicture,
        engine: Engine,
        sink: PictureSink,
        bar: ProgressBar,
    ) -> LocalPicture | None:
        number = next(self._number)
        original = self.plan.original
        options = RunOptions(
            replay=original.recipe.conditions if original else None,
            inputs=batch.inputs or self.plan.inputs,
            label=planned.file_label,
            save_steps=self.save_steps,
        )
        try:
            resolved = planned.resolve(engine.count_tokens)
            if isinstance(resolved, Refused):
                refuse(resolved.reason)
            with explain_errors():
                picture = await self._stop_on_write_error(
                    paint_local(engine, sink, number, resolved, bar.steps(number), options)
                )
        except _Unwritable:
            raise
        except CommandError as error:
            only_picture = self.plan.pictures == 1 and not self.plan.rejected
            if only_picture or error.exit_code not in (BAD_INPUT, FAILED):
                raise
            bar.clear()
            self._report_failure(batch.prompt, error.message, error.exit_code)
            return None
        bar.clear()
        self.painted += 1
        self.reporter.picture(picture, resolved)
        return picture

    def _write_sheet(self, sheet: LabelledSheet, batch: PromptBatch, first: LocalPicture) -> Path:
        named = self.out is not None and is_named(self.out)
        name = self.out.stem if self.out is not None and named else slug(batch.prompt)
        target = first.file.with_name(f"{name}-sheet.png")
        return write_new(target, sheet.png(), "zimagine-sheet.png")

    def _report_failure(self, prompt: str, sentence: str, code: int) -> None:
        self.reporter.trouble(f"{quoted(prompt)}: {sentence}")
        self._code = BAD_INPUT if BAD_INPUT in (self._code, code) else code


@asynccontextmanager
async def _sink(settings: Settings, out: Path | None) -> AsyncIterator[PictureSink]:
    if out is not None:
        yield FolderSink(out)
        return
    data_dir = settings.storage.data_dir
    async with await Database.open(data_dir / FILE_NAME) as db:
        yield HistorySink(
            PictureFiles(data_dir),
            Inputs(db, utc_now),
            Jobs(db, utc_now, lambda: secrets.token_hex(12)),
            utc_now,
            lambda: secrets.token_hex(2),
        )
