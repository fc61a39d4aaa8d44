"""Variations, upscales and remixes of existing pictures."""

from __future__ import annotations

import asyncio
import dataclasses

from bot.discord.interaction.job_messages import hidden
from bot.discord.interaction.mentions import named
from bot.discord.interaction.responses import (
    ANNOUNCED_AFTER_S,
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    disown,
    finished_within,
    refuse,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.modals import remix_changes, remix_form
from bot.jobs.generation.variations import VARIATIONS
from bot.request.outcomes import Accepted, Refused
from engine.types import Recipe


async def vary_picture(
    interaction: Interaction, services: Services, picture_id: int, *, amount: float
) -> None:
    """Vary the picture whose button was pressed."""
    await vary(interaction, services, amount, str(picture_id), anyones=True)


async def upscale_picture(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Upscale the picture whose button was pressed."""
    await upscale(interaction, services, str(picture_id), anyones=True)


async def show_remix_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the remix form of the picture whose button was pressed."""
    await show_remix(interaction, services, str(picture_id), anyones=True)


async def vary(
    interaction: Interaction,
    services: Services,
    amount: float,
    picture: str | None = None,
    *,
    anyones: bool = False,
    count: int = VARIATIONS,
) -> None:
    """Paint variations. picture, anyones, count: as for VariationService."""
    if await can_deliver_here(interaction):
        outcome = await services.variations.vary(
            actor_of(interaction), amount, picture, anyones=anyones, count=count
        )
        await answer(interaction, services, outcome)


async def upscale(
    interaction: Interaction,
    services: Services,
    picture: str | None = None,
    *,
    anyones: bool = False,
) -> None:
    """Paint a picture at twice its size. Its file is loaded first; slow responses are deferred."""
    if not await can_deliver_here(interaction):
        return
    actor = actor_of(interaction)
    source = await services.variations.upscale_source(actor, picture, anyones=anyones)
    if isinstance(source, Refused):
        await refuse(interaction, source)
        return
    acceptance = asyncio.ensure_future(services.variations.upscale(actor, source))
    await answer_soon(interaction, services, acceptance, private=source.original.private)


async def answer_soon(
    interaction: Interaction,
    services: Services,
    acceptance: asyncio.Future[Accepted | Refused],
    *,
    private: bool,
) -> None:
    """Answer with the outcome of a pending acceptance, deferring the response if it is slow."""
    # Not deferred from the start: a refusal after a public deferral would leave a visible trace.
    try:
        if not await finished_within(acceptance, ANNOUNCED_AFTER_S):
            await interaction.response.defer(
                ephemeral=hidden(interaction, private=private), thinking=True
            )
    except BaseException as error:
        elsewhere = services.other_copies.answered_first(interaction.id, error)
        await _withdraw_accepted(services, acceptance, answered_elsewhere=elsewhere)
        if elsewhere:
            return
        raise
    await answer(interaction, services, await acceptance)


async def _withdraw_accepted(
    services: Services,
    acceptance: asyncio.Future[Accepted | Refused],
    *,
    answered_elsewhere: bool,
) -> None:
    """Withdraw a job whose requester can no longer be answered."""
    acceptance.cancel()
    (outcome,) = await asyncio.gather(acceptance, return_exceptions=True)
    if isinstance(outcome, Accepted) and answered_elsewhere:
        await disown(services, outcome.job_id)
    elif isinstance(outcome, Accepted):
        await services.cancellation.withdraw(outcome.job_id)
        services.delivery.status_unknown(outcome.job_id)


async def show_remix(
    interaction: Interaction,
    services: Services,
    picture: str | None = None,
    prompt: str | None = None,
    *,
    anyones: bool = False,
) -> None:
    """Show the remix form, filled with the picture's prompt or with `prompt`."""
    if not await can_deliver_here(interaction):
        return
    original = await services.variations.original(actor_of(interaction), picture, anyones=anyones)
    if isinstance(original, Refused):
        await refuse(interaction, original)
        return
    request = Recipe.from_json(original.recipe).request
    if prompt:
        (prompt,) = await named(interaction, prompt)
    form = remix_form(original.id, request, prompt, words_of(interaction))
    await interaction.response.send_modal(form)


async def submit_remix(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Paint a remix as the form says; the picture may have been deleted since the form was
    opened."""
    if await can_deliver_here(interaction):
        typed = remix_changes(interaction)
        prompt, negative = await named(interaction, typed.prompt, typed.negative)
        changes = dataclasses.replace(typed, prompt=prompt, negative=negative)
        outcome = await services.variations.remix(
            actor_of(interaction), changes, str(picture_id), anyones=True
        )
        await answer(interaction, services, outcome, changes.request(picture_id))
