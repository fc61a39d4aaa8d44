"""Puts the rooms together: storage, studio, delivery and the client, for `bot.runtime.app`."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.accounts.delivery_settings import DeliverySettingsService
from bot.accounts.permissions import Permissions
from bot.accounts.quotas import QuotaService
from bot.delivery.copies import CopySender
from bot.delivery.owner_alerts import OwnerAlerts
from bot.delivery.progress import ProgressUpdater
from bot.delivery.result_cards import ResultCards
from bot.delivery.user_threads import UserThreads
from bot.delivery.worker import DeliveryPolicy, DeliveryWorker
from bot.discord.client import ZimagineClient, create_client
from bot.discord.interaction.services import Services
from bot.discord.messenger import DiscordMessenger, owners_of
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.jobs.completion import CompletionService, JobEvents
from bot.jobs.downloads import Download
from bot.jobs.generation import GenerationService
from bot.jobs.image_to_image import ImageToImageService
from bot.jobs.permutations import PermutationService
from bot.jobs.queue import QueueService
from bot.jobs.variations import VariationService
from bot.moderation.cards import ReportCards
from bot.moderation.notifier import ReportNotifier
from bot.moderation.service import ModerationService
from bot.pictures.gallery import Gallery
from bot.pictures.inspection import InspectionService
from bot.pictures.recent import RecentPictures
from bot.request.resolve import request_notes
from bot.runtime.maintenance import Maintenance
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
class Infrastructure:
    """What everything is built on. fetch: downloads what people point to."""

    settings: Settings
    db: Database
    files: PictureFiles
    engine: Engine
    clock: Clock
    fetch: Download


@dataclass(frozen=True, slots=True)
class Components:
    """What `bot.runtime.app` runs."""

    services: Services
    client: ZimagineClient
    completion: CompletionService
    maintenance: Maintenance


class _Stores:
    """Every store over the one database."""

    def __init__(self, basis: Infrastructure) -> None:
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


class _DeliveryParts:
    """What talks to people: the messenger, and those who write through it."""

    def __init__(self, basis: Infrastructure, stores: _Stores, permissions: Permissions) -> None:
        settings, clock = basis.settings, basis.clock
        self.messenger = messenger = DiscordMessenger()
        owners = partial(owners_of, messenger, permissions.owners)
        self.owner_alerts = OwnerAlerts(messenger, owners, clock=clock, nonce=fresh_nonce)
        self.progress_updater = ProgressUpdater(
            messenger, basis.engine, now_s=time.monotonic, clock=clock
        )
        notes = partial(request_notes, family=family_for(settings.engine.model))
        self.delivery = DeliveryWorker(
            messenger=messenger,
            progress_updater=self.progress_updater,
            deliveries=stores.deliveries,
            cards=ResultCards(stores.history, stores.files, notes),
            threads=UserThreads(stores.threads, messenger),
            clock=clock,
            policy=DeliveryPolicy(
                timedelta(seconds=settings.jobs.max_age_s), settings.jobs.direct_messages
            ),
            trouble=self.owner_alerts.storage,
        )
        self.report_notifier = ReportNotifier(
            messenger=messenger,
            reports=stores.reports,
            preferences=stores.preferences,
            cards=ReportCards(
                stores.reports, stores.history, stores.jobs, stores.deliveries, stores.files
            ),
            clock=clock,
            trouble=self.owner_alerts.storage,
        )


class _ServiceParts:
    """What the use cases share, and the two that others build on."""

    def __init__(
        self, basis: Infrastructure, stores: _Stores, desk: _DeliveryParts, permissions: Permissions
    ) -> None:
        settings = basis.settings
        self.permissions = permissions
        self.recent, self.live = RecentPictures(stores.history), ActiveJobs()
        self.family = family_for(settings.engine.model)
        self.fallback = QuotaPolicy(
            settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG
        )
        self.max_wait = timedelta(seconds=settings.jobs.max_wait_s)
        self.events = JobEvents(
            accepted=desk.delivery.expect_status,
            finished=desk.delivery.wake,
            storage_failed=desk.owner_alerts.storage,
        )
        self.completion = CompletionService(
            stores.jobs, stores.files, self.recent, self.live, self.events
        )
        self.preferences = DeliverySettingsService(
            stores.preferences, permissions, direct_messages=settings.jobs.direct_messages
        )
        self.allowance = QuotaService(stores.quotas, permissions, self.fallback)
        self.generation = GenerationService(
            engine=basis.engine,
            family=self.family,
            jobs=stores.jobs,
            history=stores.history,
            completion=self.completion,
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


def wire(basis: Infrastructure) -> Components:
    """Everything in its place, and nothing running yet."""
    settings, clock = basis.settings, basis.clock
    permissions = Permissions(frozenset(settings.discord.owners))
    stores = _Stores(basis)
    desk = _DeliveryParts(basis, stores, permissions)
    studio = _ServiceParts(basis, stores, desk, permissions)
    services = _services(basis, stores, desk, studio)
    housekeeping = Maintenance(
        settings.storage,
        Retention(basis.db, stores.files, clock),
        tell_owner=desk.owner_alerts.tell,
        clock=clock,
        sweep_questions=stores.proposals.sweep,
    )
    client = create_client(services, settings.storage.data_dir / SYNC_FILE)
    desk.messenger.attach(client)
    return Components(services, client, studio.completion, housekeeping)


def _services(
    basis: Infrastructure, stores: _Stores, desk: _DeliveryParts, studio: _ServiceParts
) -> Services:
    generation, permissions, live = studio.generation, studio.permissions, studio.live
    gallery = Gallery(stores.history, stores.deliveries, stores.files, studio.recent, permissions)
    cancellation = CancellationService(
        basis.engine,
        stores.jobs,
        live,
        permissions,
        studio.events,
        clock=basis.clock,
        max_wait=studio.max_wait,
    )
    return Services(
        generation=generation,
        variations=VariationService(generation, stores.files, stores.inputs, fresh_seed),
        image_to_image=_image_to_image(basis, stores, studio),
        cancellation=cancellation,
        gallery=gallery,
        quotas=studio.allowance,
        inspection=InspectionService(
            engine=basis.engine,
            family=studio.family,
            jobs=stores.jobs,
            history=stores.history,
            deliveries=stores.deliveries,
        ),
        queue=QueueService(
            engine=basis.engine, active=live, permissions=permissions, clock=basis.clock
        ),
        copies=CopySender(desk.messenger),
        delivery=desk.delivery,
        progress=desk.progress_updater,
        moderation=ModerationService(
            reports=stores.reports,
            blocks=stores.blocks,
            preferences=stores.preferences,
            history=stores.history,
            gallery=gallery,
            cancellation=cancellation,
            permissions=permissions,
            changed=desk.report_notifier.wake,
        ),
        report_notifier=desk.report_notifier,
        permutations=PermutationService(
            generation, stores.proposals, stores.quotas, studio.fallback, fresh_seed
        ),
        delivery_settings=studio.preferences,
        guilds=frozenset(basis.settings.discord.guilds),
    )


def _image_to_image(
    basis: Infrastructure, stores: _Stores, studio: _ServiceParts
) -> ImageToImageService:
    token = basis.settings.discord.token
    return ImageToImageService(
        generation=studio.generation,
        allowance=studio.allowance,
        files=stores.files,
        inputs=stores.inputs,
        seeds=fresh_seed,
        download=basis.fetch,
        key=b"" if token is None else token.get_secret_value().encode(),
    )
