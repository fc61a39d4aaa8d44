"""Build the services of a server's admins."""

from __future__ import annotations

from collections.abc import Callable

from bot.accounts.permissions import Permissions
from bot.administration.audit import AuditService
from bot.administration.audit_notifier import AuditNotifier
from bot.administration.cancelling import WaitingJobsService
from bot.administration.pauses import PauseService
from bot.administration.server_status import ServerStatusService
from bot.administration.services import AdministrationServices
from bot.administration.setup import SetupService
from bot.administration.star_channel import StarChannelService
from bot.delivery.star_posts import StarPoster
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.runtime.stores import Infrastructure, Stores
from storage.filter_pictures import FilterPictures
from storage.star_posts import StarChannels
from storage.types import QuotaPolicy


def administration_services(
    base: Infrastructure,
    stores: Stores,
    active: ActiveJobs,
    cancellation: CancellationService,
    permissions: Permissions,
    fallback: Callable[[], QuotaPolicy],
    notifier: AuditNotifier,
    star_poster: StarPoster,
) -> AdministrationServices:
    """Build them; nothing is started. fallback: returns the quota where no admin has set one."""
    return AdministrationServices(
        audit=AuditService(
            stores.audit_log, stores.audit_channels, permissions, base.clock, notifier.wake
        ),
        audit_notifier=notifier,
        pauses=PauseService(stores.pauses, active, permissions),
        server_status=ServerStatusService(
            engine=base.engine,
            active=active,
            permissions=permissions,
            fallback=fallback,
            pauses=stores.pauses,
            quotas=stores.quotas,
            filters=stores.filters,
            filter_pictures=FilterPictures(stores.db, base.clock),
            reports=stores.reports,
            blocks=stores.blocks,
            preferences=stores.preferences,
            audit_channels=stores.audit_channels,
        ),
        setup=SetupService(stores.preferences, stores.quotas, permissions, fallback),
        stars=StarChannelService(StarChannels(stores.db, base.clock), permissions),
        star_poster=star_poster,
        waiting_jobs=WaitingJobsService(
            base.engine, active, stores.jobs, stores.proposals, cancellation, permissions
        ),
    )
