"""Painting an order: the model is loaded once, and one picture's trouble is not another's."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.cli.batch.contact_sheet import Sheet
from bot.cli.batch.output import (
    HistoryKeeper,
    Keeper,
    LocalPicture,
    OutKeeper,
    Sitting,
    is_named,
    paint_local,
    slug,
    write_new,
)
from bot.cli.batch.plan import Batch, Order, Piece, quoted, refuse
from bot.cli.batch.reports import Bar, Reporter
from bot.cli.common.errors import FAILED, Failing, explained
from bot.exit_codes import BAD_INPUT, OK
from bot.request.outcomes import Refused
from bot.settings import Settings
from engine.factory import diffusion_factory
from engine.queue import Bounds
from engine.service import Engine
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.types import utc_now

T = TypeVar("T")


class _Unwritable(Failing):
    """The pictures' place takes none."""


@dataclass(slots=True)
class Run:
    """Paints one order. painted: how many pictures are on the disk already."""

    order: Order
    out: Path | None
    reporter: Reporter
    save_steps: bool = False
    painted: int = 0
    _code: int = OK
    _number: itertools.count[int] = field(default_factory=itertools.count)

    async def paint(self) -> int:
        """Paint everything; the exit code: of bad prompts before that of broken pictures.

        Raises Failing where nothing more can be painted, or where there was only one picture.
        """
        for prompt, sentence in self.order.rejected:
            self._trouble(prompt, sentence, BAD_INPUT)
        settings = self.order.settings
        async with AsyncExitStack() as stack:
            keeper = await stack.enter_async_context(_keeper(settings, self.out))
            # Where everything goes into a folder of the person's, nothing is left elsewhere.
            cache_dir = settings.storage.cache_dir if self.out is None else None
            engine_settings = settings.engine.to_engine(cache_dir)
            engine = Engine(
                diffusion_factory(engine_settings),
                bounds=Bounds(queue=1),
                stall_s=engine_settings.stall_s,
            )
            engine.start()
            stack.push_async_callback(engine.drain)
            bar = stack.enter_context(Bar(self.order.pictures))
            bar.show("loading the model")
            with explained():
                await engine.ready()
            for batch in self.order.batches:
                await self._batch(batch, engine, keeper, bar)
        return self._code

    async def _unless_full(self, writing: Awaitable[T]) -> T:
        """What cannot be written now will not be written for the next picture either."""
        try:
            return await writing
        except OSError as error:
            where = error.filename or self.out
            raise _Unwritable(f"{where} cannot be written: {error.strerror}.", BAD_INPUT) from error

    async def _batch(self, batch: Batch, engine: Engine, keeper: Keeper, bar: Bar) -> None:
        sheet = Sheet(batch.columns) if batch.columns else None
        first: LocalPicture | None = None
        for piece in batch.pieces:
            picture = await self._piece(batch, piece, engine, keeper, bar)
            first = first or picture
            if sheet is not None:
                sheet.add(picture.painted.raster if picture else None, piece.label)
        if sheet is not None and first is not None:
            file = await self._unless_full(asyncio.to_thread(self._write, sheet, batch, first))
            self.reporter.sheet(str(file))

    async def _piece(
        self, batch: Batch, piece: Piece, engine: Engine, keeper: Keeper, bar: Bar
    ) -> LocalPicture | None:
        number = next(self._number)
        original = self.order.original
        sitting = Sitting(
            replay=original.recipe.conditions if original else None,
            inputs=self.order.inputs,
            label=piece.file_label,
            save_steps=self.save_steps,
        )
        try:
            composed = piece.make(engine.count_tokens)
            if isinstance(composed, Refused):
                refuse(composed.reason)
            with explained():
                picture = await self._unless_full(
                    paint_local(engine, keeper, number, composed, bar.steps(number), sitting)
                )
        except _Unwritable:
            raise
        except Failing as failing:
            alone = self.order.pictures == 1 and not self.order.rejected
            if alone or failing.exit_code not in (BAD_INPUT, FAILED):
                raise
            bar.clear()
            self._trouble(batch.prompt, failing.message, failing.exit_code)
            return None
        bar.clear()
        self.painted += 1
        self.reporter.picture(picture, composed)
        return picture

    def _write(self, sheet: Sheet, batch: Batch, first: LocalPicture) -> Path:
        named = self.out is not None and is_named(self.out)
        name = self.out.stem if self.out is not None and named else slug(batch.prompt)
        target = first.file.with_name(f"{name}-sheet.png")
        return write_new(target, sheet.png(), "zimagine-sheet.png")

    def _trouble(self, prompt: str, sentence: str, code: int) -> None:
        self.reporter.trouble(f"{quoted(prompt)}: {sentence}")
        self._code = BAD_INPUT if BAD_INPUT in (self._code, code) else code


@asynccontextmanager
async def _keeper(settings: Settings, out: Path | None) -> AsyncIterator[Keeper]:
    if out is not None:
        yield OutKeeper(out)
        return
    data_dir = settings.storage.data_dir
    async with await Database.open(data_dir / FILE_NAME) as db:
        yield HistoryKeeper(
            PictureFiles(data_dir),
            Inputs(db, utc_now),
            Jobs(db, utc_now, lambda: secrets.token_hex(12)),
            utc_now,
            lambda: secrets.token_hex(2),
        )
