"""Painting from pictures, for the commands, the context menu and its form."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Self

import discord
from discord import ui

from bot.discord.handlers.variations import answer_soon
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.mentions import named_params
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    finished_within,
    refuse,
    reject_foreign_press,
    reject_server,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import (
    STAGED_PATTERN,
    ComponentAction,
    custom_id,
    parse_staged,
    staged_id,
)
from bot.discord.views.modals import image_to_image_form, staged_layout, submitted_values
from bot.pictures.inspection import PictureDetails
from bot.request.input_sources import (
    InputSource,
    InputSpec,
    PictureSource,
    StagedSource,
    UrlSource,
    parse_strength,
)
from bot.request.outcomes import Refused, UnknownPicture
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest
from engine.types import Mode

FORM_AFTER_S = 1.5
"""A modal must be the first response, within three seconds; if staging takes longer, the reply has
a button that opens the modal."""


# Pictures of messages


def attachment_source(attachment: discord.Attachment) -> UrlSource:
    """Return an attachment in the form that the image-to-image service takes."""
    return UrlSource(attachment.url, attachment.size)


def first_picture_source(message: discord.Message) -> UrlSource | None:
    """Return the first picture of a message: an attachment, also of a forwarded message, or an
    embed.

    For pictures on other sites this is Discord's proxy URL: the bot fetches only from Discord.
    """
    messages = [message, *message.message_snapshots]
    files = [file for each in messages for file in each.attachments]
    # The content type is only a hint for choosing a file; the file is validated when it is decoded.
    files.sort(key=lambda file: not (file.content_type or "").startswith("image/"))
    if files:
        return attachment_source(files[0])
    embeds = [embed for each in messages for embed in each.embeds]
    copies = chain(
        (each.image.proxy_url or each.thumbnail.proxy_url for each in embeds),
        _layout_urls(message.components),
    )
    return next((UrlSource(url) for url in copies if url), None)


def _layout_urls(components: Iterable[Any]) -> Iterator[str | None]:
    for component in components:
        if isinstance(component, discord.MediaGalleryComponent):
            yield from (item.media.proxy_url for item in component.items)
        if isinstance(component, discord.ThumbnailComponent):
            yield component.media.proxy_url
        yield from _layout_urls(getattr(component, "children", ()))
        yield from _layout_urls(filter(None, [getattr(component, "accessory", None)]))


# Generation


async def generate_from(
    interaction: Interaction,
    services: Services,
    params: GenerationParams,
    spec: InputSpec,
    *,
    private: bool = False,
    count: int | None = None,
    proposal_id: int | None = None,
) -> None:
    """Paint from pictures. They are loaded first; the response is deferred if that takes long.

    proposal_id: the correction that this answers.
    """
    actor, image_to_image = actor_of(interaction), services.image_to_image
    params = await named_params(interaction, params)
    plan = await image_to_image.plan(actor, params, spec, private=private, count=count)
    if isinstance(plan, Refused):
        request = PendingRequest(params, count, private, spec)
        await answer(interaction, services, plan, request)
        return
    acceptance = asyncio.ensure_future(image_to_image.paint(actor, plan, proposal_id))
    await answer_soon(interaction, services, acceptance, private=plan.private)


# The form


async def show_form_for_own_picture(
    interaction: Interaction, services: Services, details: PictureDetails
) -> None:
    """Show the form for the pictures of one of the bot's own messages."""
    assert details.picture is not None
    name = custom_id(ComponentAction.PAINT_FROM, details.picture.id)
    form = image_to_image_form(name, words_of(interaction), details.series)
    await _show_form(interaction, services, form)


async def _show_form(interaction: Interaction, services: Services, form: ui.Modal) -> None:
    """Show a form, unless the member is blocked and the submission would be refused anyway."""
    barred = await services.block_check.refusal(actor_of(interaction))
    if barred is not None:
        await refuse(interaction, barred)
    else:
        await interaction.response.send_modal(form)


async def show_form_for_upload(
    interaction: Interaction, services: Services, source: UrlSource
) -> None:
    """Stage a picture so that the form's custom_id can name it, then show the form.

    The message could not be read again later: without the message content intent, its files are
    visible only to the context menu command used on it.
    """
    staging = asyncio.ensure_future(services.image_to_image.stage(actor_of(interaction), source))
    try:
        if not await finished_within(staging, FORM_AFTER_S):
            await interaction.response.defer(ephemeral=True, thinking=True)
        staged = await staging
    except BaseException:
        staging.cancel()
        raise
    say = words_of(interaction)
    if isinstance(staged, Refused):
        await refuse(interaction, staged)
    elif not interaction.response.is_done():
        form = image_to_image_form(staged_id(staged), say, notes=staged.notes)
        await interaction.response.send_modal(form)
    else:
        view = staged_layout(staged, say)
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


def staged_button_class(
    services: Services, in_flight: InFlightInteractions
) -> type[ui.DynamicItem[Any]]:
    """Return a DynamicItem for the buttons that open the form of a staged picture."""

    class StagedButton(ui.DynamicItem[ui.Item[Any]], template=STAGED_PATTERN):
        """A button, rebuilt from its custom_id when it is pressed."""

        @classmethod
        async def from_custom_id(
            cls, _interaction: Interaction, item: ui.Item[Any], _match: re.Match[str], /
        ) -> Self:
            return cls(item)

        async def callback(self, interaction: Interaction) -> None:
            in_flight.begin()
            try:
                staged = parse_staged(self.custom_id)
                if staged is None:
                    await reject_foreign_press(interaction)
                elif not services.serves(interaction.guild_id):
                    await reject_server(interaction)
                elif await can_deliver_here(interaction):
                    form = image_to_image_form(staged_id(staged), words_of(interaction))
                    await _show_form(interaction, services, form)
            except Exception as error:
                # discord.py would only log what a DynamicItem raises.
                await explain(interaction, error, services)

    return StagedButton


async def submit_staged(interaction: Interaction, services: Services, staged: StagedSource) -> None:
    """Paint from a staged picture as the form says; refused if its file is no longer there."""
    await _submit(interaction, services, submitted_values(interaction), staged)


async def submit_from(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Paint from a picture of the bot's as the form says, or from the chosen one of its series."""
    values = submitted_values(interaction)
    chosen = values.get("picture") or str(picture_id)
    if chosen != str(picture_id) and not await _same_job(interaction, services, picture_id, chosen):
        await refuse(interaction, Refused(UnknownPicture(chosen)))
        return
    await _submit(interaction, services, values, PictureSource(chosen, anyones=True))


async def _same_job(
    interaction: Interaction, services: Services, picture_id: int, chosen: str
) -> bool:
    """Return whether both pictures belong to one job; members who see one see the other too."""
    actor = actor_of(interaction)
    originals = [
        await services.variations.original(actor, each, anyones=True)
        for each in (str(picture_id), chosen)
    ]
    jobs = {None if isinstance(each, Refused) else each.job_id for each in originals}
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
    spec = InputSpec(Mode.IMAGE, (source,), strength)
    await generate_from(interaction, services, GenerationParams(values.get("prompt", "")), spec)


async def reply_no_picture(interaction: Interaction) -> None:
    """Reply that the message has no picture to paint from."""
    say = words_of(interaction)
    await reply_privately(interaction, say("There is no picture in this message."))
