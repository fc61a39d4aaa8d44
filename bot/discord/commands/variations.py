"""Commands that start from one of the member's own pictures: /vary, /upscale, /remix."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import suggest_pictures
from bot.discord.commands.prompts import chosen_prompt, suggest_prompts
from bot.discord.handlers import variations
from bot.discord.interaction.responses import Interaction
from bot.discord.interaction.services import Services
from bot.jobs.generation.variations import VARIATIONS
from bot.request.params import MAX_TYPED_CHARS
from bot.request.resolve import STRONG, SUBTLE
from engine.series import MAX_PICTURES

Prompt = Range[str, 1, MAX_TYPED_CHARS]
Count = Range[int, 1, MAX_PICTURES]

_AMOUNTS = {"subtle": SUBTLE, "strong": STRONG}
_PICTURE = locale_str("One of your pictures (default: your latest one here)")


def variation_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """Return /vary, /upscale and /remix, bound to these services."""
    return [_vary(services), _upscale(services), _remix(services)]


def _vary(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint variations of one of your pictures"))
    @app_commands.describe(
        picture=_PICTURE,
        strength=locale_str("How much to change the original (default: strong)"),
        count=locale_str("How many variations, from 1 to 4; each counts (default: 4)"),
    )
    @app_commands.choices(
        strength=[
            Choice(name=locale_str("subtle"), value="subtle"),
            Choice(name=locale_str("strong"), value="strong"),
        ]
    )
    async def vary(
        interaction: Interaction,
        picture: str | None = None,
        strength: str | None = None,
        count: Count = VARIATIONS,
    ) -> None:
        amount = _AMOUNTS.get(strength or "", STRONG)
        await variations.vary(interaction, services, amount, picture, count=count)

    suggest_pictures(vary, services)
    return vary


def _upscale(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint one of your pictures at twice the size"))
    @app_commands.describe(picture=_PICTURE)
    async def upscale(interaction: Interaction, picture: str | None = None) -> None:
        await variations.upscale(interaction, services, picture)

    suggest_pictures(upscale, services)
    return upscale


def _remix(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("Paint a new prompt in the size and style of one of your pictures")
    )
    @app_commands.describe(
        picture=_PICTURE, prompt=locale_str("The new prompt, which you can still edit in a form")
    )
    async def remix(
        interaction: Interaction, picture: str | None = None, prompt: Prompt | None = None
    ) -> None:
        typed = prompt
        if prompt is not None:
            typed = await chosen_prompt(interaction, services, prompt)
            if typed is None:
                return
        await variations.show_remix(interaction, services, picture, typed)

    suggest_prompts(remix, services)
    suggest_pictures(remix, services)
    return remix
