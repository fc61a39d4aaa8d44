"""Cancel buttons, and the panel of /queue, which is updated in place."""

from __future__ import annotations

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    cancelled_text,
    refusal_text,
    reply_cancelled,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.inspection import queue_layout
from bot.request.outcomes import Refused


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
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def cancel_in_panel(interaction: Interaction, services: Services, job_id: int) -> None:
    """Cancel a job on the panel; the outcome is shown there, because the job's row disappears."""
    outcome = await services.cancellation.cancel(actor_of(interaction), str(job_id))
    if isinstance(outcome, Refused):
        await _update(interaction, services, refusal_text(interaction, outcome))
    else:
        await _update(interaction, services, cancelled_text(interaction, outcome))
