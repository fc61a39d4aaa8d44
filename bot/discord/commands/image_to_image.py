"""Painting from pictures: /blend, /inpaint, and Apps → Paint from this on any message."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import option_descriptions, suggest_pictures, table_choices
from bot.discord.commands.prompts import chosen_prompt, suggest_prompts
from bot.discord.handlers.image_to_image import (
    attachment_source,
    first_picture_source,
    generate_from,
    reply_no_picture,
    show_form_for_own_picture,
    show_form_for_upload,
)
from bot.discord.interaction.messages import file_names
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    can_deliver_here,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.i18n import words
from bot.request.input_sources import InputSource, InputSpec, PictureSource
from bot.request.options import chosen
from bot.request.outcomes import Refused
from bot.request.params import MAX_TYPED_CHARS, GenerationParams
from engine.sizing import ASPECTS
from engine.types import Mode

Prompt = Range[str, 1, MAX_TYPED_CHARS]
Strength = Range[float, 0.01, 1.0]

_PRIVATE = locale_str("Whether only you can see the picture (default: no)")


def image_to_image_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """Return the commands that start from pictures, bound to these services."""
    return [_blend(services), _inpaint(services)]


def image_to_image_menu(services: Services) -> app_commands.ContextMenu:
    """Return the context menu Paint from this, bound to these services."""

    async def paint_from_this(interaction: Interaction, message: discord.Message) -> None:
        if not await can_deliver_here(interaction):
            return
        files = list(file_names(message))
        details = await services.inspection.of_message(actor_of(interaction), message.id, files)
        if isinstance(details, Refused):
            await refuse(interaction, details)
        elif details is not None:
            await show_form_for_own_picture(interaction, services, details)
        elif (source := first_picture_source(message)) is not None:
            await show_form_for_upload(interaction, services, source)
        else:
            await reply_no_picture(interaction)

    return app_commands.ContextMenu(name=locale_str("Paint from this"), callback=paint_from_this)


def _blend(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint a blend of two to four pictures"))
    @app_commands.describe(
        first=locale_str("The first picture; the result has its aspect ratio"),
        second=locale_str("The second picture"),
        third=locale_str("A third picture"),
        fourth=locale_str("A fourth picture"),
        prompt=locale_str("How the blend should look, in English or Chinese"),
        strength=locale_str("How much to change the pictures, from 0.01 to 1 (default: 0.8)"),
        aspect=locale_str("Aspect ratio of the picture (width:height)"),
        private=_PRIVATE,
    )
    @app_commands.choices(aspect=[Choice(name=ratio, value=ratio) for ratio in ASPECTS])
    async def blend(
        interaction: Interaction,
        first: discord.Attachment,
        second: discord.Attachment,
        third: discord.Attachment | None = None,
        fourth: discord.Attachment | None = None,
        prompt: Prompt | None = None,
        strength: Strength | None = None,
        aspect: str | None = None,
        private: bool = False,
    ) -> None:
        if not await can_deliver_here(interaction):
            return
        # The model needs a prompt, and it is shown below the picture, so it is in the readers'
        # language.
        say = words(actor_of(interaction).locale_for(private=private))
        typed = await chosen_prompt(
            interaction, services, prompt or say("a harmonious blend of the pictures")
        )
        if typed is None:
            return
        params = GenerationParams(typed, aspect=aspect)
        files = [each for each in (first, second, third, fourth) if each is not None]
        spec = InputSpec(Mode.BLEND, tuple(map(attachment_source, files)), strength)
        await generate_from(interaction, services, params, spec, private=private)

    suggest_prompts(blend, services)
    return blend


def _inpaint(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Repaint part of a picture"))
    @app_commands.describe(
        prompt=locale_str("Describe the whole finished picture, in English or Chinese"),
        picture=locale_str(
            "The picture; without mask and region, its transparent areas are repainted"
        ),
        mask=locale_str(
            "White on black or transparent, or the picture with that part painted over or erased"
        ),
        painting=locale_str("Instead of a file: the number of one of your pictures here"),
        strength=locale_str("How much to change the repainted area, from 0.01 to 1 (default: 1)"),
        private=_PRIVATE,
        **option_descriptions("inpaint"),
    )
    @app_commands.choices(**table_choices("inpaint"))
    async def inpaint(
        interaction: Interaction,
        prompt: Prompt,
        picture: discord.Attachment | None = None,
        mask: discord.Attachment | None = None,
        region: str | None = None,
        painting: str | None = None,
        strength: Strength | None = None,
        private: bool = False,
    ) -> None:
        if not await can_deliver_here(interaction):
            return
        if (picture is None) == (painting is None):
            say = words_of(interaction)
            await reply_privately(
                interaction,
                say("Please give either a picture file or the number of one of your pictures."),
            )
            return
        if mask is not None and region is not None:
            say = words_of(interaction)
            await reply_privately(interaction, say("Please give either a mask or a region."))
            return
        sources: list[InputSource] = [
            attachment_source(picture) if picture is not None else PictureSource(painting or "")
        ]
        sources += [attachment_source(mask)] if mask is not None else []
        part = chosen("region", region)
        if isinstance(part, Refused):
            await refuse(interaction, part)
            return
        if (typed := await chosen_prompt(interaction, services, prompt)) is None:
            return
        spec = InputSpec(Mode.INPAINT, tuple(sources), strength, part)
        await generate_from(interaction, services, GenerationParams(typed), spec, private=private)

    suggest_prompts(inpaint, services)
    suggest_pictures(inpaint, services, "painting")
    return inpaint
