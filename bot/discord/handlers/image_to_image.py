"""Painting from pictures: what commands, the menu of a message, and its form make of them."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Self

import discord
from discord import ui

from bot.discord.handlers.shown_pictures import attached
from bot.discord.handlers.variations import answer_soon
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    can_deliver_here,
    refuse,
    reject_server,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import STAGED_PATTERN, ComponentAction, custom_id, staged_id
from bot.discord.views.modals import typed
from bot.discord.views.start_modal import image_to_image_form, staged_layout
from bot.pictures.inspection import PictureDetails
from bot.request.input_sources import (
    InputSource,
    InputSpec,
    PictureSource,
    StagedSource,
    UrlSource,
    parse_strength,
)
from bot.request.outcomes import Refused, StrengthWithoutImage, UnknownPicture
from bot.request.params import GenerationParams
from engine.types import Mode

FORM_AFTER_S = 1.5
"""A form has to be the first answer, within three seconds; a picture that takes longer gets a
button that opens it."""


async def generate_from(
    interaction: Interaction,
    services: Services,
    params: GenerationParams,
    beginning: InputSpec,
    *,
    private: bool = False,
    count: int = 1,
) -> None:
    """Paint from pictures. They are read first; where that takes long, it is announced."""
    actor, image_to_image = actor_of(interaction), services.image_to_image
    plan = await image_to_image.plan(actor, params, beginning, private=private, count=count)
    if isinstance(plan, Refused):
        await refuse(interaction, plan)
        return
    accepting = asyncio.ensure_future(image_to_image.paint(actor, plan))
    await answer_soon(interaction, services, accepting, private=plan.private)


async def imagine_from(
    interaction: Interaction,
    services: Services,
    params: GenerationParams,
    picture: discord.Attachment | None,
    strength: float | None,
    count: int,
    *,
    private: bool,
) -> None:
    """What /imagine does with a picture; and with a strength alone."""
    if picture is None:
        await refuse(interaction, Refused(StrengthWithoutImage()))
        return
    beginning = InputSpec(Mode.IMAGE, (attached(picture),), strength)
    await generate_from(interaction, services, params, beginning, private=private, count=count)


# The form


async def show_form_for_own(
    interaction: Interaction, services: Services, found: PictureDetails
) -> None:
    """Show the form for the pictures of a message of ours."""
    assert found.picture is not None
    name = custom_id(ComponentAction.FROM, found.picture.id)
    form = image_to_image_form(name, words_of(interaction), found.series)
    await _show_form(interaction, services, form)


async def _show_form(interaction: Interaction, services: Services, form: ui.Modal) -> None:
    """Show a form, unless whatever would be sent in with it is refused anyway."""
    barred = await services.generation.block_refusal(actor_of(interaction))
    if barred is not None:
        await refuse(interaction, barred)
    else:
        await interaction.response.send_modal(form)


async def show_form_for(interaction: Interaction, services: Services, given: UrlSource) -> None:
    """Put a picture aside, so that the form can name it, and show the form.

    A message of others could not be read again later: without a privileged intent its files are
    shown only to the command that was used on it.
    """
    keeping = asyncio.ensure_future(services.image_to_image.stage(actor_of(interaction), given))
    try:
        if not await _soon(keeping):
            await interaction.response.defer(ephemeral=True, thinking=True)
        kept = await keeping
    except BaseException:
        keeping.cancel()
        raise
    say = words_of(interaction)
    if isinstance(kept, Refused):
        await refuse(interaction, kept)
    elif not interaction.response.is_done():
        await interaction.response.send_modal(image_to_image_form(staged_id(kept), say))
    else:
        view = staged_layout(kept, say)
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


async def _soon(keeping: asyncio.Future[StagedSource | Refused]) -> bool:
    """Wait as long as a form can wait; whether it is over then."""
    await asyncio.wait({keeping}, timeout=FORM_AFTER_S)
    return keeping.done()


def staged_button_class(
    services: Services, in_flight: InFlightInteractions
) -> type[ui.DynamicItem[Any]]:
    """The button that opens the form of a picture which was put aside."""

    class KeptButton(ui.DynamicItem[ui.Item[Any]], template=STAGED_PATTERN):
        """Rebuilt from its custom_id when it is pressed."""

        def __init__(self, item: ui.Item[Any], kept: StagedSource) -> None:
            super().__init__(item)
            self.kept = kept

        @classmethod
        async def from_custom_id(
            cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
        ) -> Self:
            return cls(item, StagedSource(match["sha256"], match["seal"]))

        async def callback(self, interaction: Interaction) -> None:
            in_flight.begin()
            try:
                if not services.serves(interaction.guild_id):
                    await reject_server(interaction)
                elif await can_deliver_here(interaction):
                    form = image_to_image_form(staged_id(self.kept), words_of(interaction))
                    await _show_form(interaction, services, form)
            except Exception as error:
                # discord.py would only log what a DynamicItem raises.
                await explain(interaction, error)

    return KeptButton


async def submit_staged(interaction: Interaction, services: Services, kept: StagedSource) -> None:
    """Paint what the form says from a picture that was put aside, if it is still there."""
    if not services.serves(interaction.guild_id):
        await reject_server(interaction)
    else:
        await _submit(interaction, services, typed(interaction), kept)


async def submit_from(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Paint what the form says from a picture of ours, or from the chosen one of its series."""
    if not services.serves(interaction.guild_id):
        await reject_server(interaction)
        return
    values = typed(interaction)
    chosen = values.get("picture") or str(picture_id)
    if chosen != str(picture_id) and not await _together(interaction, services, picture_id, chosen):
        await refuse(interaction, Refused(UnknownPicture(chosen)))
        return
    await _submit(interaction, services, values, PictureSource(chosen, anyones=True))


async def _together(
    interaction: Interaction, services: Services, picture_id: int, chosen: str
) -> bool:
    """Whether both were painted as one job: the person sees one, so they see the other."""
    actor = actor_of(interaction)
    found = [
        await services.variations.original(actor, each, anyones=True)
        for each in (str(picture_id), chosen)
    ]
    jobs = {None if isinstance(each, Refused) else each.job_id for each in found}
    return len(jobs) == 1 and None not in jobs


async def _submit(
    interaction: Interaction, services: Services, values: dict[str, str], source: InputSource
) -> None:
    if not await can_deliver_here(interaction):
        return
    strength = parse_strength(values.get("strength", ""))
    if isinstance(strength, Refused):
        await refuse(interaction, strength)
        return
    beginning = InputSpec(Mode.IMAGE, (source,), strength)
    await generate_from(
        interaction, services, GenerationParams(values.get("prompt", "")), beginning
    )


async def reply_no_picture(interaction: Interaction) -> None:
    """There is nothing in the message that could be painted from."""
    say = words_of(interaction)
    await reply_privately(interaction, say("There is no picture in this message."))
