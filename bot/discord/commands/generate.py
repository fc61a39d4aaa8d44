"""Commands for every member: /imagine, /reroll, the variations, /cancel, /history, /quota."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.history import history_commands
from bot.discord.commands.options import (
    bounded,
    closed_choices,
    matching_choices,
    option_descriptions,
    suggest_loras,
    suggest_models,
    suggest_pictures,
    without_options,
)
from bot.discord.commands.presets import suggest_presets
from bot.discord.commands.prompts import chosen_prompt, suggest_prompts
from bot.discord.commands.variations import variation_commands
from bot.discord.handlers.image_to_image import attachment_source
from bot.discord.handlers.requests import paint_request
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
from bot.discord.views.quotas import quota_text
from bot.request.input_sources import InputSpec
from bot.request.options import with_options
from bot.request.outcomes import Refused
from bot.request.params import MAX_LINE_CHARS, GenerationParams
from bot.request.pending import PendingRequest
from engine.prompts import MAX_PROMPT_CHARS
from engine.series import MAX_PICTURES
from engine.types import MAX_SEED, Mode

# Discord's client enforces these bounds while a member types; the services check them again.
Prompt = Range[str, 1, MAX_LINE_CHARS]
Negative = Range[str, 1, MAX_PROMPT_CHARS]
Seed = Range[int, 0, MAX_SEED]
Count = Range[int, 1, MAX_PICTURES]
Strength = Range[float, 0.01, 1.0]


def generate_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """Return the members' commands, bound to these services."""
    return [
        _imagine(services),
        _reroll(services),
        *variation_commands(services),
        _cancel(services),
        *history_commands(services),
        _quota(services),
    ]


def _imagine(services: Services) -> app_commands.Command[Any, ..., None]:
    models = services.models
    families = [each.family for each in models.models]
    described = option_descriptions()
    if models.several:
        described["model"] = locale_str("The model that paints (default: the default one)")

    @app_commands.command(description=locale_str("Paint a picture from your words"))
    @app_commands.describe(
        prompt=locale_str("What to paint, in English or Chinese"),
        picture=locale_str("A source image to start from"),
        **described,
    )
    @app_commands.choices(**closed_choices(families))
    @without_options(*([] if models.several else ["model"]))
    @bounded(guidance=Range[float, 1.0, max(each.max_guidance for each in families)])
    async def imagine(
        interaction: Interaction,
        prompt: Prompt,
        picture: discord.Attachment | None = None,
        strength: Strength | None = None,
        aspect: str | None = None,
        count: Count | None = None,
        preset: str | None = None,
        model: str | None = None,
        style: str | None = None,
        lora: str | None = None,
        private: bool = False,
        seed: Seed | None = None,
        speed: str | None = None,
        guidance: float | None = None,
        negative: Negative | None = None,
        enhance: str | None = None,
    ) -> None:
        if not await can_deliver_here(interaction):
            return
        if (typed := await chosen_prompt(interaction, services, prompt)) is not None:
            params = with_options(
                GenerationParams(typed),
                aspect=aspect,
                preset=preset,
                model=model,
                style=style,
                lora=lora,
                seed=seed,
                speed=speed,
                guidance=guidance,
                negative=negative,
                enhance=enhance,
            )
            if isinstance(params, Refused):
                await refuse(interaction, params)
                return
            request = PendingRequest(params, count, private, strength=strength)
            if picture is not None:
                spec = InputSpec(Mode.IMAGE, (attachment_source(picture),), strength)
                request = PendingRequest(params, count, private, spec)
            await paint_request(interaction, services, request)

    suggest_prompts(imagine, services)
    suggest_loras(imagine, services)
    suggest_presets(imagine, services)
    if models.several:
        suggest_models(imagine, services)
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
            outcome = await services.rerolls.reroll(
                actor_of(interaction), picture=picture, seed=seed
            )
            await answer(interaction, services, outcome)

    suggest_pictures(reroll, services)
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
        return matching_choices(current, ((each.row.id, each.row.prompt) for each in offered))

    return cancel


def _quota(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("How much you can still paint here, and when you can paint more")
    )
    async def quota(interaction: Interaction) -> None:
        status = await services.quotas.own(actor_of(interaction))
        await reply_privately(interaction, quota_text(status, None, words_of(interaction)))

    return quota
