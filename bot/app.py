"""The composition root: settings → storage → engine → studio → delivery → Discord."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from bot.delivery import Delivery
from bot.discord.client import PaintClient, create_client
from bot.discord.connection import (
    ConnectionEnded,
    TokenRefused,
    disconnect,
    stay_connected,
)
from bot.discord.messenger import DiscordMessenger
from bot.exits import OK, RESTART, UNAVAILABLE
from bot.progress import Board
from bot.resuming import pick_up
from bot.rights import Rights
from bot.services import Services
from bot.settings import Settings
from bot.stopping import stopped_by_signals
from bot.studio.album import Album
from bot.studio.allowance import Allowance
from bot.studio.compose import request_notes
from bot.studio.paint import Events, Painter
from bot.studio.recent import RecentPictures
from engine.diffusion.families import family_for
from engine.errors import Defunct, EngineError, ModelUnavailable
from engine.factory import diffusion_factory
from engine.job import Job as EngineJob
from engine.renderer import RendererFactory
from engine.service import Engine
from engine.types import MAX_SEED
from storage.database import FILE_NAME, Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.lock import DataFolderLock
from storage.quotas import Quotas
from storage.types import Clock, Job, PolicySource, QuotaPolicy, utc_now

log = structlog.get_logger(__name__)

SYNC_FILE = "commands.synced"
DELIVERY_LIMIT_S = 15.0


def fresh_seed() -> int:
    """A seed nobody can guess."""
    return secrets.randbelow(MAX_SEED + 1)


@dataclass(slots=True)
class House:
    """Everything, running but for Discord.

    tasks: its loops. broken: set when one of them ends by an error, which none should.
    """

    settings: Settings
    engine: Engine
    services: Services
    client: PaintClient
    resumed: list[tuple[Job, EngineJob]] = field(default_factory=list[tuple[Job, EngineJob]])
    begun: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Start to deliver and to show progress; the client has to be logged in."""
        self.begun = True
        self.spawn("delivery", self.services.delivery.run())
        self.spawn("board", self.services.board.run())
        # Not kept any longer: each handle holds its picture.
        resumed, self.resumed = self.resumed, []
        self.spawn("resuming", pick_up(self.services, resumed))

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a loop of the house; an error in it is never silent."""
        task = asyncio.create_task(work, name=name)
        self.tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the bot broke off", task=task.get_name(), exc_info=error)
            self.broken.set()


@asynccontextmanager
async def open_house(
    settings: Settings, *, load: RendererFactory | None = None, clock: Clock = utc_now
) -> AsyncIterator[House]:
    """Lock the data folder, open the database, start the engine, queue again what was waiting.

    On leaving: finish the picture on the GPU, keep and deliver what is painted, close all. Raises
    StorageError. load: another painter than the one the settings name.
    """
    data_dir = settings.storage.data_dir
    async with AsyncExitStack() as stack:
        lock = DataFolderLock(data_dir)
        await asyncio.to_thread(lock.acquire)
        stack.callback(lock.release)
        db = await stack.enter_async_context(await Database.open(data_dir / FILE_NAME))
        files = PictureFiles(data_dir, clock=clock)
        await asyncio.to_thread(files.sweep)
        engine = Engine(
            load or diffusion_factory(settings.engine.to_engine()),
            queue_limit=settings.engine.queue_limit,
        )
        house = _furnish(settings, db, files, engine, clock)
        house.resumed = await house.services.painter.resume()
        house.spawn("painter", house.services.painter.run())
        engine.start()
        stack.push_async_callback(_leave, house)
        yield house


def _furnish(
    settings: Settings, db: Database, files: PictureFiles, engine: Engine, clock: Clock
) -> House:
    history = History(db, clock)
    recent = RecentPictures(history)
    rights = Rights(frozenset(settings.discord.owners))
    family = family_for(settings.engine.model)
    fallback = QuotaPolicy(settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG)
    messenger = DiscordMessenger()
    board = Board(messenger, engine, now_s=time.monotonic)
    delivery = Delivery(
        messenger=messenger,
        board=board,
        deliveries=Deliveries(db, clock),
        history=history,
        files=files,
        notes=partial(request_notes, family=family),
        clock=clock,
    )
    painter = Painter(
        engine=engine,
        family=family,
        jobs=Jobs(db, clock, lambda: secrets.token_hex(12)),
        history=history,
        files=files,
        recent=recent,
        fallback=fallback,
        seeds=fresh_seed,
        clock=clock,
        events=Events(accepted=delivery.expect, settled=delivery.wake),
    )
    services = Services(
        painter=painter,
        album=Album(history, files, recent, rights),
        allowance=Allowance(Quotas(db, clock), rights, fallback),
        delivery=delivery,
        board=board,
        rights=rights,
        guilds=frozenset(settings.discord.guilds),
    )
    client = create_client(services, settings.storage.data_dir / SYNC_FILE)
    messenger.attach(client)
    return House(settings, engine, services, client)


async def _leave(house: House) -> None:
    """The way down: painting first, Discord last, so that what is painted still arrives."""
    await house.engine.drain()
    await house.services.painter.finish()
    if house.begun:
        await house.services.delivery.drain(DELIVERY_LIMIT_S)
    for task in house.tasks:
        task.cancel()
    await asyncio.gather(*house.tasks, return_exceptions=True)
    await disconnect(house.client)


async def serve(settings: Settings, tell: Callable[[str], None]) -> int:
    """Run the bot until a signal, and return the exit code.

    tell: takes the one sentence that explains an exit code other than 0.
    """
    token = settings.discord.token
    assert token is not None
    stop = asyncio.Event()
    # From the first moment to the last: a second Ctrl-C must not cut the way down short.
    with stopped_by_signals(stop):
        async with open_house(settings) as house:
            log.info("starting", model=settings.engine.model, data=str(settings.storage.data_dir))
            watch: list[Coroutine[Any, Any, Any]] = [
                stop.wait(),
                house.broken.wait(),
                house.engine.failure(),
                stay_connected(house.client, token.get_secret_value(), house.begin),
                _announce(house.engine),
            ]
            code = await _first_end(house, watch, tell)
            log.info("stopping", code=code)
    return code


async def _first_end(
    house: House, watch: list[Coroutine[Any, Any, Any]], tell: Callable[[str], None]
) -> int:
    tasks = [asyncio.create_task(each) for each in watch]
    stop, broken, failure, talk, announce = tasks
    try:
        await asyncio.wait({stop, broken, failure, talk}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            return OK
        if broken.done():
            tell("A part of the bot broke off (the log says why); please start zimagine again.")
            return RESTART
        if failure.done():
            return _engine_exit(failure.result(), tell)
        return _discord_exit(talk.exception(), tell)
    finally:
        # Discord stays connected while the engine drains: only then is `talk` of no more use.
        for task in (stop, broken, failure, announce):
            task.cancel()
        house.tasks.append(talk)
        await asyncio.gather(*(task for task in tasks if task is not talk), return_exceptions=True)


def _engine_exit(error: EngineError, tell: Callable[[str], None]) -> int:
    if isinstance(error, ModelUnavailable):
        tell(f"The model cannot be loaded: {error}.")
        return UNAVAILABLE
    assert isinstance(error, Defunct)
    tell(f"The painter is lost ({error}); please start zimagine again.")
    return RESTART


def _discord_exit(error: BaseException | None, tell: Callable[[str], None]) -> int:
    if isinstance(error, TokenRefused):
        tell("Discord refused the token; please check DISCORD_TOKEN.")
        return UNAVAILABLE
    if error is not None and not isinstance(error, ConnectionEnded):
        log.error("connection broke off", exc_info=error)
    tell(f"The connection to Discord ended for good ({error}); please start zimagine again.")
    return RESTART


async def _announce(engine: Engine) -> None:
    with contextlib.suppress(EngineError):  # `serve` hears of it by itself
        info = await engine.ready()
        log.info("model loaded", model=info.model, device=info.device, dtype=info.dtype)
