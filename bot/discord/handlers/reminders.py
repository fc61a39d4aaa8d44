"""The button that asks for a reminder when a quota returns."""

from __future__ import annotations

from bot.discord.interaction.responses import Interaction, actor_of, reply_outcome
from bot.discord.interaction.services import Services
from bot.discord.views.markdown import timestamp
from bot.wording.reminders import reminder_set


async def remind(interaction: Interaction, services: Services, offer_id: int) -> None:
    """Set the reminder, or say that there is one already; the refusal stays as it is."""
    outcome = await services.reminders.set(actor_of(interaction), offer_id)
    await reply_outcome(interaction, outcome, lambda done, say: reminder_set(done, say, timestamp))
