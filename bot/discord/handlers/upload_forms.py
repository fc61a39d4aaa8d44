"""The buttons and forms that repaint a part of a picture, or blend it with files."""

from __future__ import annotations

from collections.abc import Callable

from discord import ui

from bot.discord.handlers.image_to_image import generate_from
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    can_deliver_here,
    refuse,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.modals import submitted_values
from bot.discord.views.upload_forms import (
    MASK,
    OTHERS,
    REGION,
    blend_form,
    inpaint_form,
    submitted_files,
)
from bot.i18n import words
from bot.request.input_sources import InputSpec, PictureSource, parse_strength
from bot.request.options import chosen
from bot.request.outcomes import NothingToBlend, Refused
from bot.request.params import GenerationParams
from engine.modes import MAX_BLENDED
from engine.types import Mode, Recipe
from storage.types import StoredPicture


async def show_inpaint_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the form that repaints a part of the picture whose button was pressed."""

    def made(original: StoredPicture) -> ui.Modal:
        prompt = Recipe.from_json(original.recipe).request.prompt
        return inpaint_form(original.id, prompt, words_of(interaction))

    await _show(interaction, services, picture_id, made)


async def show_blend_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the form that blends the picture whose button was pressed with others."""
    say = words_of(interaction)
    await _show(interaction, services, picture_id, lambda found: blend_form(found.id, say))


async def _show(
    interaction: Interaction,
    services: Services,
    picture_id: int,
    made: Callable[[StoredPicture], ui.Modal],
) -> None:
    """Open a form, unless its submission would be refused anyway."""
    if not await can_deliver_here(interaction):
        return
    actor = actor_of(interaction)
    barred = await services.block_check.refusal(actor)
    found = barred or await services.variations.original(actor, str(picture_id), anyones=True)
    if isinstance(found, Refused):
        await refuse(interaction, found)
    else:
        await interaction.response.send_modal(made(found))


async def submit_inpaint(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Repaint a part of a picture as the form says."""
    values, mask = submitted_values(interaction), submitted_files(interaction, MASK, 1)
    part = chosen("region", values.get(REGION) or None)
    strength = parse_strength(values.get("strength", ""))
    if not await can_deliver_here(interaction):
        return
    if isinstance(part, Refused):
        await refuse(interaction, part)
        return
    if isinstance(strength, Refused):
        await refuse(interaction, strength)
        return
    sources = (PictureSource(str(picture_id), anyones=True), *mask)
    spec = InputSpec(Mode.INPAINT, sources, strength, part)
    await generate_from(interaction, services, GenerationParams(values.get("prompt", "")), spec)


async def submit_blend(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Blend a picture with the files of the form."""
    values = submitted_values(interaction)
    strength = parse_strength(values.get("strength", ""))
    if not await can_deliver_here(interaction):
        return
    if isinstance(strength, Refused):
        await refuse(interaction, strength)
        return
    others = submitted_files(interaction, OTHERS, MAX_BLENDED - 1)
    if not others:
        await refuse(interaction, Refused(NothingToBlend()))
        return
    # As /blend has it: a model needs a prompt, and it is shown below the picture to all readers.
    say = words(actor_of(interaction).locale_for(private=False))
    prompt = values.get("prompt", "").strip() or say("a harmonious blend of the pictures")
    sources = (PictureSource(str(picture_id), anyones=True), *others)
    await generate_from(
        interaction, services, GenerationParams(prompt), InputSpec(Mode.BLEND, sources, strength)
    )
