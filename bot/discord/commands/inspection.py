"""Looking things up: /queue, /explain, /recipe. Only the person who asks sees the answers."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import choices
from bot.discord.handlers.details import eyes_of, offered, show_details, show_found
from bot.discord.interaction.responses import (
    Interaction,
    person_of,
    refuse,
    whisper,
    whisper_layout,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.inspection import explained_layout, queue_layout
from bot.request.outcomes import Refused
from engine.prompts import MAX_PROMPT_CHARS

Prompt = Range[str, 1, MAX_PROMPT_CHARS]


def lookup_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """The commands that only read, bound to these services."""
    return [_queue(services), _explain(services), _recipe(services)]


def _queue(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("What of yours waits or is being painted, and how long it will take")
    )
    async def queue(interaction: Interaction) -> None:
        person = person_of(interaction)
        own, whole = services.lookup.queue_of(person), services.lookup.everybodys_queue(person)
        await whisper_layout(interaction, queue_layout(own, whole, words_of(interaction)))

    return queue


def _explain(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("What is read out of a prompt, before a picture is spent on it")
    )
    @app_commands.describe(prompt=locale_str("The prompt, in English or Chinese"))
    async def explain(interaction: Interaction, prompt: Prompt) -> None:
        # Not on the loop: a long prompt takes a tenth of a second to be read.
        outcome = await asyncio.to_thread(services.lookup.explain, prompt)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            await whisper_layout(interaction, explained_layout(outcome, words_of(interaction)))

    return explain


def _recipe(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("How a picture was made, and to paint it again"))
    @app_commands.describe(
        picture=locale_str("Its number; without it and without a file, your last picture here"),
        file=locale_str("A PNG file that I painted"),
    )
    async def recipe(
        interaction: Interaction,
        picture: str | None = None,
        file: discord.Attachment | None = None,
    ) -> None:
        person, sees = person_of(interaction), eyes_of(interaction)
        if picture is not None and file is not None:
            say = words_of(interaction)
            await whisper(interaction, say("Please give a picture's number or a file, not both."))
        elif file is not None:
            await interaction.response.defer(ephemeral=True, thinking=True)
            found = await services.lookup.read_file(person, offered(file), sees)
            await show_found(interaction, found)
        elif picture is not None:
            outcome = await services.lookup.details(person, picture, sees)
            await show_details(interaction, outcome)
        else:
            await show_details(interaction, await services.lookup.latest(person, sees))

    @recipe.autocomplete("picture")
    async def pictures(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        stored = await services.album.recent(person_of(interaction))
        return choices(current, ((each.id, each.prompt) for each in stored))

    return recipe
