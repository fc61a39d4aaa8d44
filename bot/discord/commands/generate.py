"""What every member may use: /imagine, /reroll and its like, /cancel, /history, /quota."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import closed_choices, picture_choices
from bot.discord.commands.variations import variation_commands
from bot.discord.handlers.history import show_history
from bot.discord.handlers.image_to_image import imagine_from
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
    reply_cancelled,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import quota_text
from bot.pictures.gallery import MAX_SEARCH_CHARS
from bot.request.closed_choices import apply_choices
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from engine.diffusion.families import MAX_GUIDANCE
from engine.prompts import MAX_PROMPT_CHARS
from engine.series import MAX_PICTURES
from engine.types import MAX_SEED

# Discord's own client checks these bounds while one types; the studio checks them again.
Prompt = Range[str, 1, MAX_PROMPT_CHARS]
Seed = Range[int, 0, MAX_SEED]
Guidance = Range[float, 1.0, MAX_GUIDANCE]
Count = Range[int, 1, MAX_PICTURES]
Search = Range[str, 1, MAX_SEARCH_CHARS]
Strength = Range[float, 0.01, 1.0]


def generate_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """The members' commands, bound to these services."""
    return [
        _imagine(services),
        _reroll(services),
        *variation_commands(services),
        _cancel(services),
        _history(services),
        _quota(services),
    ]


def _imagine(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint a picture from your words"))
    @app_commands.describe(
        prompt=locale_str("What to paint, in English or Chinese"),
        picture=locale_str("A picture to start from"),
        strength=locale_str("How much to change that picture, from 0.01 to 1 (default: 0.75)"),
        aspect=locale_str("Aspect ratio of the picture (width:height)"),
        count=locale_str("How many pictures, from 1 to 4; each counts towards your quota"),
        style=locale_str("Style of the picture, unless your prompt names another one"),
        private=locale_str("Whether only you can see the picture (default: no)"),
        seed=locale_str("The same seed paints the same picture again"),
        speed=locale_str("How much time to spend on the picture (default: standard)"),
        guidance=locale_str("How strictly to follow the prompt, from 1 (off) upwards"),
        negative=locale_str("What should not be in the picture (only works with guidance above 1)"),
        enhance=locale_str(
            "How much to add to your prompt for quality (default: what suits the model)"
        ),
    )
    @app_commands.choices(**closed_choices(services.generation.family))
    async def imagine(
        interaction: Interaction,
        prompt: Prompt,
        picture: discord.Attachment | None = None,
        strength: Strength | None = None,
        aspect: str | None = None,
        count: Count = 1,
        style: str | None = None,
        private: bool = False,
        seed: Seed | None = None,
        speed: str | None = None,
        guidance: Guidance | None = None,
        negative: Prompt | None = None,
        enhance: str | None = None,
    ) -> None:
        if await can_deliver_here(interaction):
            typed = GenerationParams(
                prompt=prompt, aspect=aspect, seed=seed, guidance=guidance, negative=negative
            )
            params = apply_choices(typed, style=style, speed=speed, enhance=enhance)
            if isinstance(params, Refused):
                await refuse(interaction, params)
                return
            if picture is not None or strength is not None:
                started = (picture, strength)
                await imagine_from(interaction, services, params, *started, count, private=private)
                return
            actor = actor_of(interaction)
            outcome = await services.generation.imagine(actor, params, private=private, count=count)
            await answer(interaction, services, outcome)

    return imagine


def _reroll(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("Paint a picture again, with a new seed or one you choose")
    )
    @app_commands.describe(
        seed=locale_str("The seed to use (default: a new one)"),
        picture=locale_str("One of your pictures (default: your latest one here)"),
    )
    async def reroll(
        interaction: Interaction, seed: Seed | None = None, picture: str | None = None
    ) -> None:
        if await can_deliver_here(interaction):
            outcome = await services.generation.reroll(
                actor_of(interaction), picture=picture, seed=seed
            )
            await answer(interaction, services, outcome)

    @reroll.autocomplete("picture")
    async def pictures(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        stored = await services.gallery.recent(actor_of(interaction))
        return picture_choices(current, ((each.id, each.prompt) for each in stored))

    return reroll


def _cancel(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("Cancel a picture that is waiting or being painted")
    )
    @app_commands.describe(
        job=locale_str('Which one, or "all" of yours (default: your newest one)')
    )
    async def cancel(interaction: Interaction, job: str | None = None) -> None:
        outcome = await services.cancellation.cancel(actor_of(interaction), job)
        await reply_cancelled(interaction, outcome)

    @cancel.autocomplete("job")
    async def jobs(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        offered = services.cancellation.cancellable(actor_of(interaction))
        return picture_choices(current, ((each.row.id, each.row.prompt) for each in offered))

    return cancel


def _history(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Your pictures on this server, newest first"))
    @app_commands.describe(
        search=locale_str("Only pictures with all these words in their prompt"),
        favourites=locale_str("Whether to show only your favourites (default: no)"),
    )
    async def history(
        interaction: Interaction, search: Search | None = None, favourites: bool = False
    ) -> None:
        await show_history(interaction, services, search, favourites=favourites)

    return history


def _quota(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("How much you can still paint here, and when you can paint more")
    )
    async def quota(interaction: Interaction) -> None:
        status = await services.quotas.own(actor_of(interaction))
        await reply_privately(interaction, quota_text(status, None, words_of(interaction)))

    return quota
