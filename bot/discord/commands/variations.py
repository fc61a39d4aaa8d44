"""Making something of one's own pictures: /vary, /upscale, /remix."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import picture_choices
from bot.discord.handlers import variations
from bot.discord.interaction.responses import Interaction, actor_of
from bot.discord.interaction.services import Services
from bot.request.resolve import STRONG, SUBTLE
from engine.prompts import MAX_PROMPT_CHARS

Prompt = Range[str, 1, MAX_PROMPT_CHARS]

_AMOUNTS = {"subtle": SUBTLE, "strong": STRONG}
_PICTURE = locale_str("One of your pictures (default: your latest one here)")


def variation_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """The commands that start from a picture, bound to these services."""
    return [_vary(services), _upscale(services), _remix(services)]


def _vary(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint a variation of one of your pictures"))
    @app_commands.describe(
        picture=_PICTURE, strength=locale_str("How much to change the original (default: strong)")
    )
    @app_commands.choices(
        strength=[
            Choice(name=locale_str("subtle"), value="subtle"),
            Choice(name=locale_str("strong"), value="strong"),
        ]
    )
    async def vary(
        interaction: Interaction, picture: str | None = None, strength: str | None = None
    ) -> None:
        amount = _AMOUNTS.get(strength or "", STRONG)
        await variations.vary(interaction, services, amount, picture)

    _offer(vary, services)
    return vary


def _upscale(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Paint one of your pictures at twice the size"))
    @app_commands.describe(picture=_PICTURE)
    async def upscale(interaction: Interaction, picture: str | None = None) -> None:
        await variations.upscale(interaction, services, picture)

    _offer(upscale, services)
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
        await variations.show_remix(interaction, services, picture, prompt)

    _offer(remix, services)
    return remix


def _offer(command: app_commands.Command[Any, ..., None], services: Services) -> None:
    """Suggest one's newest pictures while `picture` is typed."""

    @command.autocomplete("picture")
    async def pictures(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        stored = await services.gallery.recent(actor_of(interaction))
        return picture_choices(current, ((each.id, each.prompt) for each in stored))

    del pictures
