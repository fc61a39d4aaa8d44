"""The application: start it in order, run it until it has to end, and shut it down in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot.delivery.alerts import OwnerAlert
from bot.delivery.message_removals import MessageRemover
from bot.delivery.owner_alerts import OwnerAlerts
from bot.discord.client import ZimagineClient
from bot.discord.connection import (
    ConnectionEnded,
    TokenRefused,
    disconnect,
    stay_connected,
)
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import ids_of
from bot.exit_codes import OK, RESTART, UNAVAILABLE
from bot.i18n import Words, words
from bot.jobs.active import ActiveJob
from bot.jobs.completion import CompletionService
from bot.jobs.device_memory import DeviceMemoryHistory
from bot.jobs.generation.downloads import Download, download
from bot.jobs.painting_control import PaintingControl
from bot.privacy.purging import PurgeLoop
from bot.request.loras import LoraCatalog
from bot.request.models import ModelCatalog, OfferedModel
from bot.runtime.first_start import log_fit
from bot.runtime.live_values import LiveValues, check_usable, engine_limits
from bot.runtime.maintenance import Maintenance
from bot.runtime.reload_requests import reload_on_request
from bot.runtime.resumed_status_messages import resume_status_messages
from bot.runtime.shutdown import stop_on_request, stop_on_signals
from bot.runtime.status_file import keep_status_file
from bot.runtime.stores import Infrastructure, Stores
from bot.runtime.wiring import wire
from bot.settings import ConfiguredModel, CurrentSettings, Settings
from bot.settings.reload import ReloadService
from bot.tasks import end_tasks
from bot.wording.exits import connection_exit, engine_exit, task_exit, token_exit
from bot.wording.labels import device_remark
from engine.diffusion.families import Family, family_of, identified
from engine.diffusion.lora.configured import configured_shelf, family_without_loras
from engine.diffusion.lora.shelf import LoraInfo
from engine.errors import EngineError, LoraUnusable, ModelUnavailable
from engine.factory import diffusion_factory
from engine.renderer import RendererFactory
from engine.service import Engine
from engine.settings import EngineSettings
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.lock import DataFolderLock
from storage.marks import read_mark
from storage.types import Clock, utc_now

log = structlog.get_logger(__name__)

DELIVERY_DRAIN_S = 5.0
"""How long running deliveries may take during shutdown; the next start delivers the rest. With the
other limits of `_shut_down` it keeps the shutdown under 10 s after the engine has drained, which is
what service managers and `docker stop` grant before they kill. Chosen by hand."""
RESPONSE_LIMIT_S = 3.0
"""Discord accepts no first response to a command after this time."""
TASKS_LIMIT_S = 0.5
"""How long cancelled background tasks may take to end. Chosen by hand."""


LORA_PROBLEMS_LOGGED = 20
"""`zimagine lora list` has all of them. Chosen by hand."""


@dataclass(slots=True)
class Application:
    """Everything that runs, apart from the connection to Discord.

    resumed: the jobs that were taken over from the last process. online: whether the tasks that
    need Discord were started. tasks: the background tasks. task_failed: set when one of them ends
    with an error, which none should. connection: the task that stays connected to Discord.
    """

    current: CurrentSettings
    engine: Engine
    services: Services
    client: ZimagineClient
    completion: CompletionService
    maintenance: Maintenance
    stores: Stores
    purging: PurgeLoop
    message_remover: MessageRemover
    owner_alerts: OwnerAlerts
    control: PaintingControl
    memory: DeviceMemoryHistory
    resumed: list[ActiveJob] = field(default_factory=list[ActiveJob])
    online: bool = False
    connection: asyncio.Task[None] | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    task_failed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def settings(self) -> Settings:
        """The settings of now."""
        return self.current.now

    def start_online_tasks(self) -> None:
        """Start everything that needs Discord; the client must be logged in."""
        self.online = True
        self.spawn("delivery", self.services.delivery.run())
        self.spawn("progress", self.services.progress.run())
        self.spawn("reports", self.services.report_notifier.run())
        self.spawn("starred pictures", self.services.administration.star_poster.run())
        self.spawn("log", self.services.administration.log_notifier.run())
        self.spawn("answers", self.services.answer_sender.run())
        self.spawn("reminders", self.services.reminder_sender.run())
        self.spawn("leftover commands", self.client.leftovers.run())
        self.spawn("message removals", self.message_remover.run())
        self.spawn("maintenance", self.maintenance.run())
        self.spawn("announcements", self.services.announcements.resume())
        self.control.job_finished()  # all may be painted of what waited before the restart
        # Dropped here, because each handle keeps its picture in memory.
        resumed, self.resumed = self.resumed, []
        self.spawn("recovery", resume_status_messages(self.services, resumed))

    def alert_soon(self, alert: OwnerAlert) -> None:
        """Alert the bot's owners in the background, once there is a login to do it with."""
        if self.online:
            self.owner_alerts.alert_soon(alert)

    async def abandon(self) -> None:
        """Drop everything that is only in memory, as the death of the process would.

        From now on nothing is written to the database and nothing is delivered. Close the
        application as usual afterwards; the next start recovers what the database knows.
        """
        self.completion.abandon()
        for task in self.tasks:
            task.cancel()
        await self.services.delivery.drain(0.0)
        self.online = False

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a background task; an error in it is logged and stops the bot."""
        task = asyncio.create_task(work, name=name)
        self.tasks.append(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the bot broke off", task=task.get_name(), exc_info=error)
            self.task_failed.set()


@asynccontextmanager
async def open_application(
    settings: Settings,
    *,
    load: RendererFactory | None = None,
    family: Family | None = None,
    clock: Clock = utc_now,
    fetch: Download | None = None,
    owners_locale: str = "en-US",
    config: Path | None = None,
    on_reload: Callable[[Settings], object] = lambda _: None,
) -> AsyncIterator[Application]:
    """Open the application and shut it down again at the end.

    In this order: lock the data folder; check and open the database; take over finished pictures,
    queue waiting jobs again and expire those that waited too long; start the engine. At the end,
    `_shut_down` comes before the database and the lock. load: a renderer factory for every model,
    in place of those from the settings. family: the default model's, in the same way. fetch: how
    files on Discord are downloaded, in place of `download`. owners_locale: the language that the
    bot's owners read, as Discord calls it. config: the file of the settings, for a reload, as of
    `ReloadService`. on_reload: told the settings that hold after each.
    Raises StorageError.
    """
    data_dir = settings.storage.data_dir
    async with AsyncExitStack() as stack:
        lock = DataFolderLock(data_dir)
        await asyncio.to_thread(lock.acquire)
        stack.push_async_callback(asyncio.to_thread, lock.release)
        db = await stack.enter_async_context(await Database.open(data_dir / FILE_NAME, check=True))
        stack.enter_context(ids_of(await read_mark(db)))
        files = PictureFiles(data_dir, clock=clock)
        await asyncio.to_thread(files.sweep)
        default, *others = offered = settings.engine.offered(settings.storage.cache_dir)
        engine = Engine(
            load or diffusion_factory(default.settings, [each.settings for each in others]),
            bounds=default.settings.bounds,
            stall_s=default.settings.stall_s,
            idle_s=default.settings.idle_unload_s,
            default=default.name,
            others={each.name: load or diffusion_factory(each.settings) for each in others},
        )
        fetch = fetch or partial(download, proxies=settings.discord.proxies)
        # On a thread: for a hub id it reads the hub's cache.
        models = await asyncio.to_thread(_catalog, offered, family)
        current = CurrentSettings(settings)

        def applied(now: Settings) -> None:
            engine.change_limits(engine_limits(now.engine.to_engine()))
            on_reload(now)

        reload = ReloadService(current, config, check=check_usable, applied=applied)
        live = LiveValues(current)
        components = wire(
            Infrastructure(live, db, files, engine, models, clock, fetch, reload, owners_locale)
        )
        app = Application(
            current,
            engine,
            components.services,
            components.client,
            components.completion,
            components.maintenance,
            components.stores,
            components.purging,
            components.message_remover,
            components.owner_alerts,
            components.control,
            components.memory,
        )
        await components.stores.languages.load()
        await components.control.load()
        await components.stores.admin_roles.load()
        app.resumed = await components.recovery.resume()
        app.spawn("completion", app.completion.run())
        app.spawn("deadlines", app.services.cancellation.run())
        app.spawn("purge", app.purging.run())
        app.spawn("device memory", app.memory.run())
        engine.start()
        stack.push_async_callback(_shut_down, app)
        yield app


def _catalog(offered: Sequence[ConfiguredModel], family: Family | None) -> ModelCatalog:
    """Return what members can choose from. family: the default model's, None for its own."""
    return ModelCatalog(
        tuple(
            OfferedModel(
                each.name,
                family if family is not None and number == 0 else family_of(each.settings),
                each.title,
                each.description,
                each.sample,
                LoraCatalog(configured_shelf(each.settings)),
            )
            for number, each in enumerate(offered)
        )
    )


async def _shut_down(app: Application) -> None:
    """Shut down so that pictures in progress still arrive.

    The picture on the GPU is finished or, after drain_s, stopped and kept for the next start;
    results are written and delivered; pending interactions are answered; the connection to Discord
    is closed and the background tasks end. Each step after the drain has a limit, whatever state
    the connection is in.
    """
    app.completion.begin_shutdown()
    if app.engine.current is not None:
        # It can take minutes, in which nothing else would be seen to happen.
        limit_s = app.settings.engine.drain_s
        log.info("the picture on the GPU is finished first; stop again to end now", limit_s=limit_s)
    await app.engine.drain(app.settings.engine.drain_s)
    await app.completion.finish()
    responses = app.client.in_flight.finish(RESPONSE_LIMIT_S)
    if app.online:
        await asyncio.gather(app.services.delivery.drain(DELIVERY_DRAIN_S), responses)
    else:
        await responses
    await end_tasks(app.tasks, TASKS_LIMIT_S)
    # Closed before its task is cancelled: discord.py swallows a cancellation while it reconnects a
    # shard, and then gives up only if the client is closed.
    await disconnect(app.client)
    if app.connection is not None:
        await end_tasks([app.connection], TASKS_LIMIT_S)


async def serve(
    settings: Settings,
    explain_exit: Callable[[str], None],
    owners_locale: str = "en-US",
    *,
    config: Path | None = None,
    on_reload: Callable[[Settings], object] = lambda _: None,
    status_file: Path | None = None,
) -> int:
    """Run the bot until a signal, a request or a failure, and return the exit code.

    explain_exit: called with one sentence if the exit code is not 0. status_file: as of
    `keep_status_file`, None for none. The others: as of `open_application`.
    """
    token = settings.discord.token
    assert token is not None
    stop, reload = asyncio.Event(), asyncio.Event()
    # Signals are handled from start to end: a second Ctrl-C must not cut the shutdown short.
    with stop_on_signals(stop, reload):
        async with open_application(
            settings, owners_locale=owners_locale, config=config, on_reload=on_reload
        ) as app:
            if status_file is not None:
                app.spawn("status file", keep_status_file(status_file, app.services.status))
            app.spawn("reload", reload_on_request(reload, app.services.reload, app.alert_soon))
            log.info("starting", model=settings.engine.model, data=str(settings.storage.data_dir))
            for each in settings.engine.offered():
                found = await asyncio.to_thread(identified, each.settings)
                log.info(
                    "model family", model=each.name, family=found.family.name, why=found.reason
                )
            watch: list[Coroutine[Any, Any, Any]] = [
                stop.wait(),
                app.task_failed.wait(),
                app.engine.failure(),
                stay_connected(app.client, token.get_secret_value(), app.start_online_tasks),
                _log_model(app.engine, settings.engine.model),
                log_loras(app.settings),
            ]
            with stop_on_request(settings.storage.data_dir, stop):
                code = await _wait_for_end(app, watch, explain_exit, words(owners_locale))
            log.info("stopping", code=code)
    return code


async def _wait_for_end(
    app: Application,
    watch: list[Coroutine[Any, Any, Any]],
    explain_exit: Callable[[str], None],
    say: Words,
) -> int:
    tasks = [asyncio.create_task(each) for each in watch]
    stop, task_failed, failure, connection, *announce = tasks
    try:
        await asyncio.wait(
            {stop, task_failed, failure, connection}, return_when=asyncio.FIRST_COMPLETED
        )
        if stop.done():
            return OK
        if task_failed.done():
            explain_exit(task_exit(say))
            return RESTART
        if failure.done():
            explain_exit(engine_exit(failure.result(), say))
            unavailable = isinstance(failure.result(), ModelUnavailable)
            return UNAVAILABLE if unavailable else RESTART
        return _discord_exit(connection.exception(), explain_exit, say)
    finally:
        # Discord stays connected while the engine drains, so that task is ended later.
        app.connection = connection
        await end_tasks([stop, task_failed, failure, *announce], TASKS_LIMIT_S)


def _discord_exit(
    error: BaseException | None, explain_exit: Callable[[str], None], say: Words
) -> int:
    if isinstance(error, TokenRefused):
        explain_exit(token_exit(say))
        return UNAVAILABLE
    if error is not None and not isinstance(error, ConnectionEnded):
        log.error("connection broke off", exc_info=error)
    explain_exit(connection_exit(error, say))
    return RESTART


async def _log_model(engine: Engine, model: str) -> None:
    with contextlib.suppress(EngineError):  # `serve` handles it
        info = await engine.ready()
        log.info("model loaded", model=info.model, device=info.device, dtype=info.dtype)
        log.info("memory plan", plan=info.plan, why=info.plan_reason)
        for remark in info.remarks:
            log.warning(device_remark(remark, words()))
    await log_fit(model)


async def log_loras(settings: Settings) -> None:
    """Log how many LoRAs each model can use, and why none can use others in their folder."""
    usable: set[str] = set()
    problems: dict[str, LoraUnusable] = {}
    for each in settings.engine.offered():
        if each.settings.loras is None:
            return
        try:
            infos = await asyncio.to_thread(_listed, each.settings)
        except LoraUnusable as problem:
            log.warning("no LoRAs", folder=str(each.settings.loras), why=problem.reason)
            return
        if infos is None:
            why = f"the model's family ({family_without_loras(each.settings)}) has no LoRAs"
            folder = str(each.settings.loras)
            log.warning("no LoRAs", model=each.name, folder=folder, why=why)
            continue
        found = {info.name: info.problem for info in infos}
        problems |= {name: problem for name, problem in found.items() if problem is not None}
        able = {name for name, problem in found.items() if problem is None}
        log.info("LoRAs", model=each.name, offered=len(able), unusable=len(found) - len(able))
        usable |= able
    refused = [problem for name, problem in problems.items() if name not in usable]
    for problem in refused[:LORA_PROBLEMS_LOGGED]:
        log.warning("a LoRA cannot be used", lora=problem.lora, why=problem.reason)


def _listed(model: EngineSettings) -> tuple[LoraInfo, ...] | None:
    """Return what the folder has for a model; None if its family has no LoRAs.

    Raises LoraUnusable.
    """
    shelf = configured_shelf(model)
    return None if shelf is None else shelf.listing()
