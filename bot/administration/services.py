"""The services of a server's admins, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from bot.administration.audit import AuditService
from bot.administration.cancelling import WaitingJobsService
from bot.administration.log_channels import LogChannelService
from bot.administration.log_notifier import LogNotifier
from bot.administration.pauses import PauseService
from bot.administration.server_status import ServerStatusService
from bot.administration.setup import SetupService
from bot.administration.star_channel import StarChannelService
from bot.delivery.star_posts import StarPoster


@dataclass(frozen=True, slots=True)
class AdministrationServices:
    """Everything that the commands of admins call and that belongs to no other subject."""

    audit: AuditService
    log_channels: LogChannelService
    log_notifier: LogNotifier
    pauses: PauseService
    server_status: ServerStatusService
    setup: SetupService
    stars: StarChannelService
    star_poster: StarPoster
    waiting_jobs: WaitingJobsService
