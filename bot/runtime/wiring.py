"""Puts the rooms together: storage, studio, delivery and the client, for `bot.runtime.app`."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.accounts.delivery_settings import Preferences
from bot.accounts.permissions import Rights
from bot.accounts.quotas import Allowance
from bot.delivery.copies import Copies
from bot.delivery.owner_alerts import Alarm
from bot.delivery.progress import Board
from bot.delivery.result_cards import ResultCards
from bot.delivery.user_threads import OwnThreads
from bot.delivery.worker import Delivery, DeliveryPolicy
from bot.discord.client import PaintClient, create_client
from bot.discord.interaction.services import Services
from bot.discord.messenger import DiscordMessenger, owners_of
from bot.jobs.active import LiveJobs
from bot.jobs.cancellation import Endings
from bot.jobs.completion import Events, Settling
from bot.jobs.downloads import Download
from bot.jobs.generation import Painter
from bot.jobs.image_to_image import Starts
from bot.jobs.permutations import Choices
from bot.jobs.variations import Repaint
from bot.moderation.cards import CaseCards
from bot.moderation.notifier import Casework
from bot.moderation.service import Moderation
from bot.pictures.gallery import Album
from bot.pictures.inspection import Lookup
from bot.pictures.recent import RecentPictures
from bot.request.resolve import request_notes
from bot.runtime.maintenance import Housekeeping
from bot.settings import Settings
from engine.diffusion.families import family_for
from engine.service import Engine
from engine.types import MAX_SEED
from storage.blocks import Blocks
from storage.database import Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.preferences import Preferences as StoredPreferences
from storage.preferences import Threads
from storage.proposals import Proposals
from storage.quotas import Quotas
from storage.reports import Reports
from storage.retention import Retention
from storage.types import Clock, PolicySource, QuotaPolicy

SYNC_FILE = "commands.synced"


def fresh_seed() -> int:
    """A seed nobody can guess."""
    return secrets.randbelow(MAX_SEED + 1)


def fresh_nonce() -> str:
    """A text that no message had before: 24 of the 25 characters that Discord takes."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Basis:
    """What everything is built on. fetch: downloads what people point to."""

    settings: Settings
    db: Database
    files: PictureFiles
    engine: Engine
    clock: Clock
    fetch: Download


@dataclass(frozen=True, slots=True)
class Furnished:
    """What `bot.runtime.app` runs."""

    services: Services
    client: PaintClient
    settling: Settling
    housekeeping: Housekeeping


class _Stores:
    """Every store over the one database."""

    def __init__(self, basis: Basis) -> None:
        db, clock = basis.db, basis.clock
        self.files = basis.files
        self.jobs = Jobs(db, clock, fresh_nonce)
        self.history = History(db, clock)
        self.deliveries = Deliveries(db, clock)
        self.inputs = Inputs(db, clock)
        self.quotas = Quotas(db, clock)
        self.blocks = Blocks(db, clock)
        self.reports = Reports(db, clock)
        self.proposals = Proposals(db, clock)
        self.preferences = StoredPreferences(db, clock)
        self.threads = Threads(db, clock)


class _Desk:
    """What talks to people: the messenger, and those who write through it."""

    def __init__(self, basis: Basis, stores: _Stores, rights: Rights) -> None:
        settings, clock = basis.settings, basis.clock
        self.messenger = messenger = DiscordMessenger()
        owners = partial(owners_of, messenger, rights.owners)
        self.alarm = Alarm(messenger, owners, clock=clock, nonce=fresh_nonce)
        self.board = Board(messenger, basis.engine, now_s=time.monotonic, clock=clock)
        notes = partial(request_notes, family=family_for(settings.engine.model))
        self.delivery = Delivery(
            messenger=messenger,
            board=self.board,
            deliveries=stores.deliveries,
            cards=ResultCards(stores.history, stores.files, notes),
            threads=OwnThreads(stores.threads, messenger),
            clock=clock,
            policy=DeliveryPolicy(
                timedelta(seconds=settings.jobs.max_age_s), settings.jobs.direct_messages
            ),
            trouble=self.alarm.storage,
        )
        self.casework = Casework(
            messenger=messenger,
            reports=stores.reports,
            preferences=stores.preferences,
            cards=CaseCards(
                stores.reports, stores.history, stores.jobs, stores.deliveries, stores.files
            ),
            clock=clock,
            trouble=self.alarm.storage,
        )


class _Studio:
    """What the use cases share, and the two that others build on."""

    def __init__(self, basis: Basis, stores: _Stores, desk: _Desk, rights: Rights) -> None:
        settings = basis.settings
        self.rights = rights
        self.recent, self.live = RecentPictures(stores.history), LiveJobs()
        self.family = family_for(settings.engine.model)
        self.fallback = QuotaPolicy(
            settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG
        )
        self.max_wait = timedelta(seconds=settings.jobs.max_wait_s)
        self.events = Events(
            accepted=desk.delivery.expect, settled=desk.delivery.wake, trouble=desk.alarm.storage
        )
        self.settling = Settling(stores.jobs, stores.files, self.recent, self.live, self.events)
        self.preferences = Preferences(
            stores.preferences, rights, direct_messages=settings.jobs.direct_messages
        )
        self.allowance = Allowance(stores.quotas, rights, self.fallback)
        self.painter = Painter(
            engine=basis.engine,
            family=self.family,
            jobs=stores.jobs,
            history=stores.history,
            settling=self.settling,
            live=self.live,
            fallback=self.fallback,
            seeds=fresh_seed,
            clock=basis.clock,
            events=self.events,
            max_wait=self.max_wait,
            inputs=stores.inputs,
            blocks=stores.blocks,
            preferences=self.preferences,
            previews=settings.discord.previews,
        )


def furnish(basis: Basis) -> Furnished:
    """Everything in its place, and nothing running yet."""
    settings, clock = basis.settings, basis.clock
    rights = Rights(frozenset(settings.discord.owners))
    stores = _Stores(basis)
    desk = _Desk(basis, stores, rights)
    studio = _Studio(basis, stores, desk, rights)
    services = _services(basis, stores, desk, studio)
    housekeeping = Housekeeping(
        settings.storage,
        Retention(basis.db, stores.files, clock),
        tell_owner=desk.alarm.tell,
        clock=clock,
        sweep_questions=stores.proposals.sweep,
    )
    client = create_client(services, settings.storage.data_dir / SYNC_FILE)
    desk.messenger.attach(client)
    return Furnished(services, client, studio.settling, housekeeping)


def _services(basis: Basis, stores: _Stores, desk: _Desk, studio: _Studio) -> Services:
    painter, rights, live = studio.painter, studio.rights, studio.live
    album = Album(stores.history, stores.deliveries, stores.files, studio.recent, rights)
    endings = Endings(
        basis.engine,
        stores.jobs,
        live,
        rights,
        studio.events,
        clock=basis.clock,
        max_wait=studio.max_wait,
    )
    return Services(
        painter=painter,
        repaint=Repaint(painter, stores.files, stores.inputs, fresh_seed),
        starts=_starts(basis, stores, studio),
        endings=endings,
        album=album,
        allowance=studio.allowance,
        lookup=Lookup(
            engine=basis.engine,
            family=studio.family,
            jobs=stores.jobs,
            history=stores.history,
            deliveries=stores.deliveries,
            live=live,
            rights=rights,
            clock=basis.clock,
        ),
        copies=Copies(desk.messenger),
        delivery=desk.delivery,
        board=desk.board,
        moderation=Moderation(
            reports=stores.reports,
            blocks=stores.blocks,
            preferences=stores.preferences,
            history=stores.history,
            album=album,
            endings=endings,
            rights=rights,
            changed=desk.casework.wake,
        ),
        casework=desk.casework,
        choices=Choices(painter, stores.proposals, stores.quotas, studio.fallback, fresh_seed),
        preferences=studio.preferences,
        guilds=frozenset(basis.settings.discord.guilds),
    )


def _starts(basis: Basis, stores: _Stores, studio: _Studio) -> Starts:
    token = basis.settings.discord.token
    return Starts(
        painter=studio.painter,
        allowance=studio.allowance,
        files=stores.files,
        inputs=stores.inputs,
        seeds=fresh_seed,
        download=basis.fetch,
        key=b"" if token is None else token.get_secret_value().encode(),
    )
