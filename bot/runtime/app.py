"""The composition root: settings → storage → engine → studio → delivery → Discord."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.discord.client import ZimagineClient
from bot.discord.connection import (
    ConnectionEnded,
    TokenRefused,
    disconnect,
    stay_connected,
)
from bot.discord.interaction.services import Services
from bot.exit_codes import OK, RESTART, UNAVAILABLE
from bot.i18n import words
from bot.jobs.active import ActiveJob
from bot.jobs.completion import CompletionService
from bot.jobs.downloads import Download, download
from bot.runtime.maintenance import Maintenance
from bot.runtime.recovery import resume_status_messages
from bot.runtime.shutdown import stop_on_signals
from bot.runtime.wiring import Infrastructure, wire
from bot.settings import Settings
from bot.wording.labels import device_remark
from engine.errors import Defunct, EngineError, ModelUnavailable
from engine.factory import diffusion_factory
from engine.renderer import RendererFactory
from engine.service import Engine
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.lock import DataFolderLock
from storage.types import Clock, utc_now

log = structlog.get_logger(__name__)

DELIVERY_LIMIT_S = 15.0
ANSWER_LIMIT_S = 3.0
"""Discord takes no answer to a command after that."""


@dataclass(slots=True)
class Application:
    """Everything, running but for Discord.

    tasks: its loops. broken: set when one of them ends by an error, which none should.
    """

    settings: Settings
    engine: Engine
    services: Services
    client: ZimagineClient
    completion: CompletionService
    maintenance: Maintenance
    resumed: list[ActiveJob] = field(default_factory=list[ActiveJob])
    delivering: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    def start_delivery(self) -> None:
        """Start to deliver and to show progress; the client has to be logged in."""
        self.delivering = True
        self.spawn("delivery", self.services.delivery.run())
        self.spawn("board", self.services.progress.run())
        self.spawn("casework", self.services.report_notifier.run())
        self.spawn("housekeeping", self.maintenance.run())
        # Not kept any longer: each handle holds its picture.
        resumed, self.resumed = self.resumed, []
        self.spawn("resuming", resume_status_messages(self.services, resumed))

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
async def open_application(
    settings: Settings,
    *,
    load: RendererFactory | None = None,
    clock: Clock = utc_now,
    fetch: Download = download,
) -> AsyncIterator[Application]:
    """The way up, in this order: lock the data folder; check and open the database; take over
    what is painted, queue again what was waiting, give up what waited too long; start the engine.

    The way down is `_leave`, then the database, then the lock. Raises StorageError. load: another
    painter than the one the settings name. fetch: how files at Discord are read.
    """
    data_dir = settings.storage.data_dir
    async with AsyncExitStack() as stack:
        lock = DataFolderLock(data_dir)
        await asyncio.to_thread(lock.acquire)
        stack.push_async_callback(asyncio.to_thread, lock.release)
        db = await stack.enter_async_context(await Database.open(data_dir / FILE_NAME, check=True))
        files = PictureFiles(data_dir, clock=clock)
        await asyncio.to_thread(files.sweep)
        wanted = settings.engine.to_engine(settings.storage.cache_dir)
        engine = Engine(
            load or diffusion_factory(wanted),
            bounds=wanted.bounds,
            stall_s=wanted.stall_s,
            idle_s=wanted.idle_unload_s,
        )
        made = wire(Infrastructure(settings, db, files, engine, clock, fetch))
        app = Application(
            settings, engine, made.services, made.client, made.completion, made.maintenance
        )
        app.resumed = await app.services.generation.resume()
        app.spawn("settling", app.completion.run())
        app.spawn("deadlines", app.services.cancellation.run())
        engine.start()
        stack.push_async_callback(_shut_down, app)
        yield app


async def _shut_down(app: Application) -> None:
    """The way down, so that what is painted still arrives: the picture on the GPU is finished (or,
    after drain_s, stopped and kept for the next start), written down and delivered; then the
    loops end, everybody who asked for something has their answer, and Discord is last.
    """
    app.completion.begin_shutdown()
    await app.engine.drain(app.settings.engine.drain_s)
    await app.completion.finish()
    if app.delivering:
        await app.services.delivery.drain(DELIVERY_LIMIT_S)
    for task in app.tasks:
        task.cancel()
    await asyncio.gather(*app.tasks, return_exceptions=True)
    await app.client.in_flight.finish(ANSWER_LIMIT_S)
    await disconnect(app.client)


async def serve(settings: Settings, tell: Callable[[str], None]) -> int:
    """Run the bot until a signal, and return the exit code.

    tell: takes the one sentence that explains an exit code other than 0.
    """
    token = settings.discord.token
    assert token is not None
    stop = asyncio.Event()
    # From the first moment to the last: a second Ctrl-C must not cut the way down short.
    with stop_on_signals(stop):
        async with open_application(settings) as app:
            log.info("starting", model=settings.engine.model, data=str(settings.storage.data_dir))
            watch: list[Coroutine[Any, Any, Any]] = [
                stop.wait(),
                app.broken.wait(),
                app.engine.failure(),
                stay_connected(app.client, token.get_secret_value(), app.start_delivery),
                _announce(app.engine),
            ]
            code = await _first_end(app, watch, tell)
            log.info("stopping", code=code)
    return code


async def _first_end(
    app: Application, watch: list[Coroutine[Any, Any, Any]], tell: Callable[[str], None]
) -> int:
    tasks = [asyncio.create_task(each) for each in watch]
    stop, broken, failure, talk, announce = tasks
    try:
        await asyncio.wait({stop, broken, failure, talk}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            return OK
        if broken.done():
            tell(
                "Part of the bot stopped unexpectedly (the log says why); please start "
                "zimagine again."
            )
            return RESTART
        if failure.done():
            return _engine_exit(failure.result(), tell)
        return _discord_exit(talk.exception(), tell)
    finally:
        # Discord stays connected while the engine drains: only then is `talk` of no more use.
        for task in (stop, broken, failure, announce):
            task.cancel()
        app.tasks.append(talk)
        await asyncio.gather(*(task for task in tasks if task is not talk), return_exceptions=True)


def _engine_exit(error: EngineError, tell: Callable[[str], None]) -> int:
    if isinstance(error, ModelUnavailable):
        tell(f"The model cannot be loaded: {error}.")
        return UNAVAILABLE
    assert isinstance(error, Defunct)
    tell(f"The renderer failed ({error}); please start zimagine again.")
    return RESTART


def _discord_exit(error: BaseException | None, tell: Callable[[str], None]) -> int:
    if isinstance(error, TokenRefused):
        tell("Discord refused the token; please check DISCORD_TOKEN.")
        return UNAVAILABLE
    if error is not None and not isinstance(error, ConnectionEnded):
        log.error("connection broke off", exc_info=error)
    tell(f"The connection to Discord was lost for good ({error}); please start zimagine again.")
    return RESTART


async def _announce(engine: Engine) -> None:
    with contextlib.suppress(EngineError):  # `serve` hears of it by itself
        info = await engine.ready()
        log.info("model loaded", model=info.model, device=info.device, dtype=info.dtype)
        log.info("memory plan", plan=info.plan, why=info.plan_reason)
        for remark in info.remarks:
            log.warning(device_remark(remark, words()))
