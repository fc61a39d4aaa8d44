"""Cancel buttons, and the panel of /queue, which is updated in place."""

from __future__ import annotations

import asyncio

from bot.discord.interaction.responses import (
    ANNOUNCED_AFTER_S,
    NO_MENTIONS,
    Interaction,
    actor_of,
    cancelled_text,
    finished_within,
    refusal_text,
    reply_cancelled,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.queue import queue_layout
from bot.jobs.cancellation import ALL
from bot.request.outcomes import JobsCancelled, Refused


async def cancel(interaction: Interaction, services: Services, job_id: int) -> None:
    """Cancel the job of a status message."""
    outcome = await services.cancellation.cancel(actor_of(interaction), str(job_id))
    await reply_cancelled(interaction, outcome)


async def refresh(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Update the panel of /queue in place."""
    await _update(interaction, services)


async def _update(interaction: Interaction, services: Services, notice: str = "") -> None:
    """Show the current queue in place of the panel. notice: the outcome of a press, shown first."""
    actor = actor_of(interaction)
    own, everyone = services.queue.own(actor), services.queue.whole(actor)
    view = queue_layout(own, everyone, words_of(interaction), notice)
    if interaction.response.is_done():
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def cancel_in_panel(interaction: Interaction, services: Services, job_id: int) -> None:
    """Cancel a job on the panel; the outcome is shown there, because the job's row disappears."""
    outcome = await services.cancellation.cancel(actor_of(interaction), str(job_id))
    await _tell(interaction, services, outcome)


async def cancel_all_in_panel(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Cancel all of the member's own jobs here, as `/cancel all` does.

    It does not ask back: each job could be requested again, and what stays charged is said.
    """
    actor = actor_of(interaction)
    # Each end is written on its own, so very many of them take a while.
    cancelling = asyncio.ensure_future(services.cancellation.cancel(actor, ALL))
    if not await finished_within(cancelling, ANNOUNCED_AFTER_S):
        await interaction.response.defer()
    await _tell(interaction, services, await cancelling)


async def _tell(
    interaction: Interaction, services: Services, outcome: JobsCancelled | Refused
) -> None:
    """Show what was cancelled on the panel, or why nothing was."""
    if isinstance(outcome, Refused):
        await _update(interaction, services, refusal_text(interaction, outcome))
    else:
        await _update(interaction, services, cancelled_text(interaction, outcome))
