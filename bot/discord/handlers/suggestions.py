"""The buttons of a question about a prompt that the model does not know."""

from __future__ import annotations

from bot.discord.handlers.permutations import refuse_answer
from bot.discord.interaction.responses import Interaction, actor_of, answer, can_deliver_here
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused


async def paint(
    interaction: Interaction, services: Services, proposal_id: int, *, example: int | None
) -> None:
    """Paint an example, or (None) what was typed, and leave the question for another press."""
    if not await can_deliver_here(interaction):
        return
    outcome = await services.suggestions.paint(actor_of(interaction), proposal_id, example)
    if isinstance(outcome, Refused):
        await refuse_answer(interaction, services, outcome)
    else:
        await answer(interaction, services, outcome)
