"""The read-only commands /queue, /models, /loras, /explain and /recipe. Replies are ephemeral."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.discord.commands.models import models_command
from bot.discord.commands.options import suggest_models, suggest_pictures, without_options
from bot.discord.commands.prompts import chosen_prompt, suggest_prompts
from bot.discord.handlers.details import (
    recipe_file_of,
    show_details,
    show_file_details,
)
from bot.discord.handlers.loras import show_loras
from bot.discord.interaction.mentions import named
from bot.discord.interaction.readable_channels import can_read_of
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.inspection import explanation_layout
from bot.discord.views.queue import queue_layout
from bot.request.outcomes import Refused
from bot.request.params import MAX_TYPED_CHARS

Prompt = Range[str, 1, MAX_TYPED_CHARS]


def inspection_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """Return the read-only commands, bound to these services."""
    return [
        _queue(services),
        models_command(services),
        _loras(services),
        _explain(services),
        _recipe(services),
    ]


def _queue(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("See your pictures in the queue, and how long they will take")
    )
    async def queue(interaction: Interaction) -> None:
        actor = actor_of(interaction)
        own = services.queue.own(actor)
        everyone = services.queue.whole(actor)
        await reply_layout_privately(
            interaction, queue_layout(own, everyone, words_of(interaction))
        )

    return queue


def _loras(services: Services) -> app_commands.Command[Any, ..., None]:
    several = services.models.several
    described = {"model": locale_str("The model that they are for (default: the default one)")}

    @app_commands.command(description=locale_str("See the LoRAs that you can paint with here"))
    @app_commands.describe(**(described if several else {}))
    @without_options(*([] if several else ["model"]))
    async def loras(interaction: Interaction, model: str | None = None) -> None:
        await show_loras(interaction, services, model)

    if several:
        suggest_models(loras, services)
    return loras


def _explain(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("See how I read a prompt, without painting anything")
    )
    @app_commands.describe(prompt=locale_str("The prompt, in English or Chinese"))
    async def explain(interaction: Interaction, prompt: Prompt) -> None:
        typed = await chosen_prompt(interaction, services, prompt)
        if typed is None:
            return
        (prompt,) = await named(interaction, typed)
        actor = actor_of(interaction)
        # First, since it names all that is wrong, as /imagine does.
        if (refused := await services.explained.refusal(actor, prompt)) is not None:
            await refuse(interaction, refused)
            return
        outcome = await services.inspection.explain(actor, prompt)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
            return
        kept_id = await services.explained.keep(actor, prompt)
        await reply_layout_privately(
            interaction, explanation_layout(outcome, words_of(interaction), kept_id)
        )

    suggest_prompts(explain, services, presets=False)
    return explain


def _recipe(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("See how a picture was made, and paint it again"))
    @app_commands.describe(
        picture=locale_str(
            "Its number; if you give neither this nor a file, your latest picture here"
        ),
        file=locale_str("A picture file, made by me or by another program"),
    )
    async def recipe(
        interaction: Interaction,
        picture: str | None = None,
        file: discord.Attachment | None = None,
    ) -> None:
        actor, sees = actor_of(interaction), can_read_of(interaction)
        if picture is not None and file is not None:
            say = words_of(interaction)
            await reply_privately(
                interaction, say("Please give either a picture's number or a file, not both.")
            )
        elif file is not None:
            await interaction.response.defer(ephemeral=True, thinking=True)
            details = await services.inspection.read_file(actor, recipe_file_of(file), sees)
            await show_file_details(interaction, services, details)
        elif picture is not None:
            outcome = await services.inspection.details(actor, picture, sees)
            await show_details(interaction, outcome)
        else:
            await show_details(interaction, await services.inspection.latest(actor, sees))

    suggest_pictures(recipe, services)
    return recipe
