"""Requests as they were typed: painting them, and the buttons that correct their prompts."""

from __future__ import annotations

import dataclasses

from bot.discord.handlers.image_to_image import generate_from
from bot.discord.interaction.mentions import named_params
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
    reject_foreign_press,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.corrections import edit_form
from bot.discord.views.modals import submitted_values
from bot.jobs.generation.variations import RemixChanges
from bot.request.outcomes import Refused, StrengthWithoutImage
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest, with_named_pictures
from bot.wording.knowledge import prompt_ideas


async def paint_request(
    interaction: Interaction,
    services: Services,
    request: PendingRequest,
    proposal_id: int | None = None,
) -> None:
    """Paint a request, from the pictures that its prompt names if there are any.

    proposal_id: the correction that this answers.
    """
    actor = actor_of(interaction)
    request = with_named_pictures(request)
    if request.spec is not None:
        await generate_from(
            interaction,
            services,
            request.params,
            request.spec,
            private=request.private,
            count=request.count,
            proposal_id=proposal_id,
        )
        return
    if request.strength is not None:
        await refuse(interaction, Refused(StrengthWithoutImage()))
        return
    params = await named_params(interaction, request.params)
    typed = dataclasses.replace(request, params=params)
    if request.parent_id is not None:
        changes = RemixChanges(
            params.prompt,
            params.negative or "",
            "" if params.seed is None else str(params.seed),
        )
        outcome = await services.variations.remix(
            actor, changes, str(request.parent_id), anyones=True, proposal_id=proposal_id
        )
    else:
        outcome = await services.generation.imagine(
            actor, params, private=request.private, count=request.count, proposal_id=proposal_id
        )
    await answer(interaction, services, outcome, typed)


async def show_edit_form(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Open the form with the prompt that had wrong flags."""
    found = await services.corrections.find(actor_of(interaction), proposal_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    form = edit_form(proposal_id, found.request.params.prompt, words_of(interaction))
    await interaction.response.send_modal(form)


async def submit_edit(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Paint the request with the prompt of the form."""
    await _paint_stored(
        interaction, services, proposal_id, submitted_values(interaction).get("prompt", "")
    )


async def paint_without(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Paint the request without the flags that were wrong."""
    await _paint_stored(interaction, services, proposal_id, None)


async def paint_idea(interaction: Interaction, services: Services, number: int) -> None:
    """Paint one of the prompts that /help proposes, as /imagine would."""
    if not await can_deliver_here(interaction):
        return
    ideas = prompt_ideas(services.models.default.family, words_of(interaction))
    if number >= len(ideas):  # another version had more
        await reject_foreign_press(interaction)
        return
    await paint_request(interaction, services, PendingRequest(GenerationParams(ideas[number])))


async def paint_explained(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Paint what /explain explained, as /imagine would, and leave its answer for another press."""
    if not await can_deliver_here(interaction):
        return
    found = await services.explained.find(actor_of(interaction), proposal_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
    else:
        await paint_request(interaction, services, found)


async def _paint_stored(
    interaction: Interaction, services: Services, proposal_id: int, prompt: str | None
) -> None:
    """Paint a stored request. prompt: the new one, None for its own without the wrong flags."""
    if not await can_deliver_here(interaction):
        return
    found = await services.corrections.find(actor_of(interaction), proposal_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    request = found.request.with_prompt(found.without if prompt is None else prompt)
    await paint_request(interaction, services, request, proposal_id)
