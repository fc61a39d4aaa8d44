"""Build the services of a server's admins."""

from __future__ import annotations

from collections.abc import Callable

from bot.accounts.permissions import Permissions
from bot.administration.audit import AuditService
from bot.administration.cancelling import WaitingJobsService
from bot.administration.log_channels import LogChannelService
from bot.administration.log_notifier import LogNotifier
from bot.administration.pauses import PauseService
from bot.administration.server_status import ServerStatusService
from bot.administration.services import AdministrationServices
from bot.administration.setup import SetupService
from bot.administration.star_channel import StarChannelService
from bot.delivery.star_posts import StarPoster
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.moderation.reports import ReportService
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
    notifier: LogNotifier,
    reports: ReportService,
    star_poster: StarPoster,
) -> AdministrationServices:
    """Build them; nothing is started. fallback: returns the quota where no admin has set one."""
    return AdministrationServices(
        audit=AuditService(stores.audit_log, stores.log_channels, permissions, base.clock),
        log_channels=LogChannelService(stores.log_channels, reports, permissions, notifier.wake),
        log_notifier=notifier,
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
            channels=stores.log_channels,
        ),
        setup=SetupService(
            stores.preferences,
            stores.quotas,
            stores.log_channels,
            permissions,
            fallback,
            stores.admin_roles.of,
        ),
        stars=StarChannelService(StarChannels(stores.db, base.clock), permissions),
        star_poster=star_poster,
        waiting_jobs=WaitingJobsService(
            base.engine, active, stores.jobs, stores.proposals, cancellation, permissions
        ),
    )
