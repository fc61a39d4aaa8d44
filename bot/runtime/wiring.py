"""The composition root: build storage, services, delivery and the Discord client."""

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
    """Return a random seed that nobody can predict."""
    return secrets.randbelow(MAX_SEED + 1)


def fresh_nonce() -> str:
    """Return a unique text of 24 characters; Discord accepts nonces of up to 25."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What everything else is built on. fetch: downloads files that members point to."""

    settings: Settings
    db: Database
    files: PictureFiles
    engine: Engine
    clock: Clock
    fetch: Download


@dataclass(frozen=True, slots=True)
class Components:
    """The parts that `bot.runtime.app` runs."""

    services: Services
    client: ZimagineClient
    completion: CompletionService
    maintenance: Maintenance


class _Stores:
    """Every store, over one database."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        db, clock = infrastructure.db, infrastructure.clock
        self.files = infrastructure.files
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


class _DeliveryComponents:
    """The messenger and everything that sends messages through it."""

    def __init__(
        self, infrastructure: Infrastructure, stores: _Stores, permissions: Permissions
    ) -> None:
        settings, clock = infrastructure.settings, infrastructure.clock
        self.messenger = messenger = DiscordMessenger()
        owners = partial(owners_of, messenger, permissions.owners)
        self.owner_alerts = OwnerAlerts(messenger, owners, clock=clock, nonce=fresh_nonce)
        self.progress_updater = ProgressUpdater(
            messenger, infrastructure.engine, now_s=time.monotonic, clock=clock
        )
        notes = partial(request_notes, family=family_for(settings.engine.model))
        self.worker = DeliveryWorker(
            messenger=messenger,
            progress_updater=self.progress_updater,
            deliveries=stores.deliveries,
            cards=ResultCards(stores.history, stores.files, notes),
            threads=UserThreads(stores.threads, messenger),
            clock=clock,
            policy=DeliveryPolicy(
                timedelta(seconds=settings.jobs.max_age_s), settings.jobs.direct_messages
            ),
            on_storage_error=self.owner_alerts.storage_failed,
        )
        self.report_notifier = ReportNotifier(
            messenger=messenger,
            reports=stores.reports,
            preferences=stores.preferences,
            cards=ReportCards(
                stores.reports, stores.history, stores.jobs, stores.deliveries, stores.files
            ),
            clock=clock,
            on_storage_error=self.owner_alerts.storage_failed,
        )


class _SharedServices:
    """The services that others depend on, and what they share."""

    def __init__(
        self,
        infrastructure: Infrastructure,
        stores: _Stores,
        delivery: _DeliveryComponents,
        permissions: Permissions,
    ) -> None:
        settings = infrastructure.settings
        self.permissions = permissions
        self.recent_pictures, self.active_jobs = RecentPictures(stores.history), ActiveJobs()
        self.family = family_for(settings.engine.model)
        self.default_quota = QuotaPolicy(
            settings.quota.pictures, settings.quota.hours, PolicySource.CONFIG
        )
        self.max_wait = timedelta(seconds=settings.jobs.max_wait_s)
        self.events = JobEvents(
            accepted=delivery.worker.expect_status,
            finished=delivery.worker.wake,
            storage_failed=delivery.owner_alerts.storage_failed,
        )
        self.completion = CompletionService(
            stores.jobs, stores.files, self.recent_pictures, self.active_jobs, self.events
        )
        self.delivery_settings = DeliverySettingsService(
            stores.preferences, permissions, direct_messages=settings.jobs.direct_messages
        )
        self.quotas = QuotaService(stores.quotas, permissions, self.default_quota)
        self.generation = GenerationService(
            engine=infrastructure.engine,
            family=self.family,
            jobs=stores.jobs,
            history=stores.history,
            completion=self.completion,
            live=self.active_jobs,
            fallback=self.default_quota,
            seeds=fresh_seed,
            clock=infrastructure.clock,
            events=self.events,
            max_wait=self.max_wait,
            inputs=stores.inputs,
            blocks=stores.blocks,
            preferences=self.delivery_settings,
            previews=settings.discord.previews,
        )


def wire(infrastructure: Infrastructure) -> Components:
    """Build all components and start none."""
    settings, clock = infrastructure.settings, infrastructure.clock
    permissions = Permissions(frozenset(settings.discord.owners))
    stores = _Stores(infrastructure)
    delivery = _DeliveryComponents(infrastructure, stores, permissions)
    shared = _SharedServices(infrastructure, stores, delivery, permissions)
    services = _services(infrastructure, stores, delivery, shared)
    maintenance = Maintenance(
        settings.storage,
        Retention(infrastructure.db, stores.files, clock),
        alert_owner=delivery.owner_alerts.alert,
        clock=clock,
        sweep_proposals=stores.proposals.sweep,
    )
    client = create_client(services, settings.storage.data_dir / SYNC_FILE)
    delivery.messenger.attach(client)
    return Components(services, client, shared.completion, maintenance)


def _services(
    infrastructure: Infrastructure,
    stores: _Stores,
    delivery: _DeliveryComponents,
    shared: _SharedServices,
) -> Services:
    generation, permissions, active_jobs = shared.generation, shared.permissions, shared.active_jobs
    gallery = Gallery(
        stores.history, stores.deliveries, stores.files, shared.recent_pictures, permissions
    )
    cancellation = CancellationService(
        infrastructure.engine,
        stores.jobs,
        active_jobs,
        permissions,
        shared.events,
        clock=infrastructure.clock,
        max_wait=shared.max_wait,
    )
    return Services(
        generation=generation,
        variations=VariationService(generation, stores.files, stores.inputs, fresh_seed),
        image_to_image=_image_to_image(infrastructure, stores, shared),
        cancellation=cancellation,
        gallery=gallery,
        quotas=shared.quotas,
        inspection=InspectionService(
            engine=infrastructure.engine,
            family=shared.family,
            jobs=stores.jobs,
            history=stores.history,
            deliveries=stores.deliveries,
            live=active_jobs,
            permissions=permissions,
            clock=infrastructure.clock,
        ),
        copies=CopySender(delivery.messenger),
        delivery=delivery.worker,
        progress=delivery.progress_updater,
        moderation=ModerationService(
            reports=stores.reports,
            blocks=stores.blocks,
            preferences=stores.preferences,
            history=stores.history,
            gallery=gallery,
            cancellation=cancellation,
            permissions=permissions,
            changed=delivery.report_notifier.wake,
        ),
        report_notifier=delivery.report_notifier,
        permutations=PermutationService(
            generation, stores.proposals, stores.quotas, shared.default_quota, fresh_seed
        ),
        delivery_settings=shared.delivery_settings,
        guilds=frozenset(infrastructure.settings.discord.guilds),
    )


def _image_to_image(
    infrastructure: Infrastructure, stores: _Stores, shared: _SharedServices
) -> ImageToImageService:
    token = infrastructure.settings.discord.token
    return ImageToImageService(
        generation=shared.generation,
        allowance=shared.quotas,
        files=stores.files,
        inputs=stores.inputs,
        seeds=fresh_seed,
        download=infrastructure.fetch,
        key=b"" if token is None else token.get_secret_value().encode(),
    )
