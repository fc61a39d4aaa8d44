"""What the buttons of the panel of /queue do: the panel changes in place."""

from __future__ import annotations

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    cancelled_text,
    refusal_text,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.inspection import queue_layout
from bot.request.outcomes import Refused


async def show_queue(interaction: Interaction, services: Services, said: str = "") -> None:
    """The panel as things are now. said: what a press just did."""
    actor = actor_of(interaction)
    own, whole = services.queue.own(actor), services.queue.whole(actor)
    view = queue_layout(own, whole, words_of(interaction), said)
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def cancel_in_queue(interaction: Interaction, services: Services, job_id: int) -> None:
    """Cancel a job of the panel; what became of it is said there, as its row is gone."""
    outcome = await services.cancellation.cancel(actor_of(interaction), str(job_id))
    if isinstance(outcome, Refused):
        await show_queue(interaction, services, refusal_text(interaction, outcome))
    else:
        await show_queue(interaction, services, cancelled_text(interaction, outcome))
