"""After a restart, resume the status messages of jobs that are still waiting."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.delivery.cards import WaitingCard
from bot.delivery.messenger import AnsweredElsewhere, TemporaryFailure, Undeliverable
from bot.delivery.worker import NeverAnswered
from bot.discord.interaction.services import Services
from bot.jobs.active import ActiveJob
from bot.request.resolve import request_notes
from bot.request.summary import summarize
from storage.errors import StorageError

log = structlog.get_logger(__name__)


async def resume_status_messages(services: Services, resumed: Sequence[ActiveJob]) -> None:
    """Show the progress of every resumed job on its status message.

    A job whose command was never answered is withdrawn and refunded: Discord told its requester
    that the bot did not respond, so they have probably tried again.
    """
    for live in resumed:
        job = live.row
        try:
            await services.delivery.status_message(job.id, accepted_at=job.accepted_at)
            status = await services.delivery.status_address(job)
        except NeverAnswered:
            log.info("withdrawn: its command was never answered", job=job.id)
            await services.cancellation.withdraw(job.id)
            continue
        except AnsweredElsewhere:
            log.warning("withdrawn: another copy of the bot answered its command", job=job.id)
            await services.cancellation.disown(job.id)
            continue
        except (TemporaryFailure, Undeliverable, StorageError) as error:
            # Also happens if it was delivered just now; then nobody needs its progress.
            log.info("status message not found", job=job.id, detail=str(error))
            continue
        if status is not None:
            quiet = not live.handle.spec.previews
            card = _waiting_card(services, live)
            services.progress.track(live.handle, status, card, stale=True, quiet=quiet)


def _waiting_card(services: Services, live: ActiveJob) -> WaitingCard:
    job, request = live.row, live.handle.spec.request
    family = services.models.family_of(request)
    notes = request_notes(request, family)
    return WaitingCard(
        job_id=job.id,
        request=request,
        requester_id=job.place.user_id,
        ahead=0,
        ready_at=None,
        notes=notes,
        asked=summarize(request, job.pictures, family, notes),
        spoiler=live.row.spoiler,
    )
