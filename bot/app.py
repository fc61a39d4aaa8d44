"""The composition root: settings → storage → engine → studio → delivery → Discord."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.alarm import Alarm
from bot.case_cards import CaseCards
from bot.casework import Casework
from bot.copies import Copies
from bot.delivery import Delivery, DeliveryPolicy
from bot.discord.client import PaintClient, create_client
from bot.discord.connection import (
    ConnectionEnded,
    TokenRefused,
    disconnect,
    stay_connected,
)
from bot.discord.messenger import DiscordMessenger, owners_of
from bot.downloads import Download, download
from bot.exits import OK, RESTART, UNAVAILABLE
from bot.housekeeping import Housekeeping
from bot.i18n import words
from bot.own_threads import OwnThreads
from bot.progress import Board
from bot.remarks import device_remark
from bot.result_cards import ResultCards
from bot.resuming import pick_up
from bot.rights import Rights
from bot.services import Services
from bot.settings import Settings
from bot.stopping import stopped_by_signals
from bot.studio.album import Album
from bot.studio.allowance import Allowance
from bot.studio.choices import Choices
from bot.studio.compose import request_notes
from bot.studio.ending import Endings
from bot.studio.live import LiveJob, LiveJobs
from bot.studio.lookup import Lookup
from bot.studio.moderation import Moderation
from bot.studio.paint import Painter
from bot.studio.preferences import Preferences
from bot.studio.recent import RecentPictures
from bot.studio.repaint import Repaint
from bot.studio.settling import Events, Settling
from bot.studio.starts import Starts
from engine.diffusion.families import family_for
from engine.errors import Defunct, EngineError, ModelUnavailable
from engine.factory import diffusion_factory
from engine.renderer import RendererFactory
from engine.service import Engine
from engine.types import MAX_SEED
from storage.blocks import Blocks
from storage.database import FILE_NAME, Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.lock import DataFolderLock
from storage.preferences import Preferences as StoredPreferences
from storage.preferences import Threads
from storage.proposals import Proposals
from storage.quotas import Quotas
from storage.reports import Reports
from storage.retention import Retention
from storage.types import Clock, PolicySource, QuotaPolicy, utc_now

log = structlog.get_logger(__name__)

SYNC_FILE = "commands.synced"
DELIVERY_LIMIT_S = 15.0
ANSWER_LIMIT_S = 3.0
"""Discord takes no answer to a command after that."""


def fresh_seed() -> int:
    """A seed nobody can guess."""
    return secrets.randbelow(MAX_SEED + 1)


def fresh_nonce() -> str:
    """A text that no message had before: 24 of the 25 characters that Discord takes."""
    return secrets.token_hex(12)


@dataclass(slots=True)
class House:
    """Everything, running but for Discord.

    tasks: its loops. broken: set when one of them ends by an error, which none should.
    """

    settings: Settings
    engine: Engine
    services: Services
    client: PaintClient
    settling: Settling
    housekeeping: Housekeeping
    resumed: list[LiveJob] = field(default_factory=list[LiveJob])
    begun: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Start to deliver and to show progress; the client has to be logged in."""
        self.begun = True
        self.spawn("delivery", self.services.delivery.run())
        self.spawn("board", self.services.board.run())
        self.spawn("casework", self.services.casework.run())
        self.spawn("housekeeping", self.housekeeping.run())
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
    settings: Settings,
    *,
    load: RendererFactory | None = None,
    clock: Clock = utc_now,
    fetch: Download = download,
) -> AsyncIterator[House]:
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
        house = _furnish(settings, db, files, engine, clock, fetch)
        house.resumed = await house.services.painter.resume()
        house.spawn("settling", house.settling.run())
        house.spawn("deadlines", house.services.endings.run())
        engine.start()
        stack.push_async_callback(_leave, house)
        yield house


def _furnish(
    settings: Settings,
    db: Database,
    files: PictureFiles,
    engine: Engine,
    clock: Clock,
    fetch: Download,
) -> House:
    history, deliveries = History(db, clock), Deliveries(db, clock)
    jobs, recent, live = Jobs(db, clock, fresh_nonce), RecentPictures(history), LiveJobs()
    rights = Rights(frozenset(settings.discord.owners))
    family = family_for(settings.engine.model)
    fallback = QuotaPolicy(settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG)
    max_wait = timedelta(seconds=settings.jobs.max_wait_s)
    messenger = DiscordMessenger()
    owners = partial(owners_of, messenger, rights.owners)
    alarm = Alarm(messenger, owners, clock=clock, nonce=fresh_nonce)
    board = Board(messenger, engine, now_s=time.monotonic, clock=clock)
    delivery = Delivery(
        messenger=messenger,
        board=board,
        deliveries=deliveries,
        cards=ResultCards(history, files, partial(request_notes, family=family)),
        threads=OwnThreads(Threads(db, clock), messenger),
        clock=clock,
        policy=_delivery_policy(settings),
        trouble=alarm.storage,
    )
    events = Events(accepted=delivery.expect, settled=delivery.wake, trouble=alarm.storage)
    settling = Settling(jobs, files, recent, live, events)
    inputs, blocks, quotas = Inputs(db, clock), Blocks(db, clock), Quotas(db, clock)
    proposals = Proposals(db, clock)
    stored = StoredPreferences(db, clock)
    preferences = Preferences(stored, rights, direct_messages=settings.jobs.direct_messages)
    painter = Painter(
        engine=engine,
        family=family,
        jobs=jobs,
        history=history,
        settling=settling,
        live=live,
        fallback=fallback,
        seeds=fresh_seed,
        clock=clock,
        events=events,
        max_wait=max_wait,
        inputs=inputs,
        blocks=blocks,
        preferences=preferences,
        previews=settings.discord.previews,
    )
    endings = Endings(engine, jobs, live, rights, events, clock=clock, max_wait=max_wait)
    album = Album(history, deliveries, files, recent, rights)
    reports = Reports(db, clock)
    casework = Casework(
        messenger=messenger,
        reports=reports,
        preferences=stored,
        cards=CaseCards(reports, history, jobs, deliveries, files),
        clock=clock,
        trouble=alarm.storage,
    )
    token = settings.discord.token
    allowance = Allowance(quotas, rights, fallback)
    starts = Starts(
        painter=painter,
        allowance=allowance,
        files=files,
        inputs=inputs,
        seeds=fresh_seed,
        download=fetch,
        key=b"" if token is None else token.get_secret_value().encode(),
    )
    services = Services(
        painter=painter,
        repaint=Repaint(painter, files, inputs, fresh_seed),
        starts=starts,
        endings=endings,
        album=album,
        allowance=allowance,
        lookup=Lookup(
            engine=engine,
            family=family,
            jobs=jobs,
            history=history,
            deliveries=deliveries,
            live=live,
            rights=rights,
            clock=clock,
        ),
        copies=Copies(messenger),
        delivery=delivery,
        board=board,
        moderation=Moderation(
            reports=reports,
            blocks=blocks,
            preferences=stored,
            history=history,
            album=album,
            endings=endings,
            rights=rights,
            changed=casework.wake,
        ),
        casework=casework,
        choices=Choices(painter, proposals, quotas, fallback, fresh_seed),
        preferences=preferences,
        guilds=frozenset(settings.discord.guilds),
    )
    retention = Retention(db, files, clock)
    housekeeping = Housekeeping(
        settings.storage,
        retention,
        tell_owner=alarm.tell,
        clock=clock,
        sweep_questions=proposals.sweep,
    )
    client = create_client(services, settings.storage.data_dir / SYNC_FILE)
    messenger.attach(client)
    return House(settings, engine, services, client, settling, housekeeping)


def _delivery_policy(settings: Settings) -> DeliveryPolicy:
    max_age = timedelta(seconds=settings.jobs.max_age_s)
    return DeliveryPolicy(max_age, settings.jobs.direct_messages)


async def _leave(house: House) -> None:
    """The way down, so that what is painted still arrives: the picture on the GPU is finished (or,
    after drain_s, stopped and kept for the next start), written down and delivered; then the
    loops end, everybody who asked for something has their answer, and Discord is last.
    """
    house.settling.leave()
    await house.engine.drain(house.settings.engine.drain_s)
    await house.settling.finish()
    if house.begun:
        await house.services.delivery.drain(DELIVERY_LIMIT_S)
    for task in house.tasks:
        task.cancel()
    await asyncio.gather(*house.tasks, return_exceptions=True)
    await house.client.attending.finish(ANSWER_LIMIT_S)
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
        log.info("memory plan", plan=info.plan, why=info.plan_reason)
        for remark in info.remarks:
            log.warning(device_remark(remark, words()))
