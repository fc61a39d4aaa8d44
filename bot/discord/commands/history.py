"""/history, /export, /gallery and /show: pictures on a server are found again."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.discord.commands.options import (
    suggest_loras,
    suggest_models,
    suggest_pictures,
    without_options,
)
from bot.discord.handlers.exports import export_pictures
from bot.discord.handlers.history import show_gallery, show_history
from bot.discord.handlers.pictures import show_typed
from bot.discord.interaction.responses import Interaction
from bot.discord.interaction.services import Services
from bot.pictures.searches import MAX_SEARCH_CHARS, SearchTerms
from engine.types import MAX_SEED

Search = Range[str, 1, MAX_SEARCH_CHARS]
Seed = Range[int, 0, MAX_SEED]
Day = Range[str, 1, 20]
Name = Range[str, 1, 100]
# A thread as Discord describes it: discord.py knows no archived ones.
Channel = discord.TextChannel | discord.VoiceChannel | app_commands.AppCommandThread


def history_commands(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    """Return the commands, bound to these services."""
    return [_history(services), _export(services), _gallery(services), _show(services)]


def _gallery(services: Services) -> app_commands.Command[Any, ..., None]:
    several = services.models.several

    @app_commands.command(
        description=locale_str("The newest pictures of this server that you may see")
    )
    @app_commands.describe(
        channel=locale_str("Only those that were shown in this channel (default: all channels)"),
        **_described(several)
        | {"search": locale_str("Only pictures with all these words in their prompt")},
    )
    @app_commands.rename(since="from", until="to")
    @without_options(*([] if several else ["model"]))
    async def gallery(
        interaction: Interaction,
        channel: Channel | None = None,
        search: Search | None = None,
        since: Day | None = None,
        until: Day | None = None,
        seed: Seed | None = None,
        model: Name | None = None,
        lora: Name | None = None,
    ) -> None:
        terms = SearchTerms(search, seed, since, until, model, lora)
        await show_gallery(interaction, services, None if channel is None else channel.id, terms)

    suggest_loras(gallery, services)
    if several:
        suggest_models(gallery, services)
    return gallery


def _show(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("See a picture of yours, or one shown where you can read")
    )
    @app_commands.describe(picture=locale_str("Its number"))
    async def show(interaction: Interaction, picture: Name) -> None:
        await show_typed(interaction, services, picture)

    suggest_pictures(show, services)
    return show


def _described(several: bool) -> dict[str, locale_str]:
    """Return the descriptions of what pictures are found by. several: models can be chosen."""
    described = {
        "search": locale_str("Only pictures with all these words in their prompt or your note"),
        "seed": locale_str("Only pictures with this seed"),
        "since": locale_str("Only pictures from this day on, such as 2026-03-31 or 2026-03 (UTC)"),
        "until": locale_str("Only pictures up to this day, such as 2026-03-31 or 2026-03 (UTC)"),
        "lora": locale_str("Only pictures painted with this LoRA"),
    }
    return described | ({"model": locale_str("Only pictures by this model")} if several else {})


def _export(services: Services) -> app_commands.Command[Any, ..., None]:
    several = services.models.several

    @app_commands.command(
        description=locale_str("Download your pictures on this server with their recipes, as zips")
    )
    @app_commands.describe(
        favourites=locale_str("Whether to export only your favourites (default: no)"),
        before=locale_str("Only pictures with a lower number than this, to go on from there"),
        **_described(several),
    )
    @app_commands.rename(since="from", until="to")
    @without_options(*([] if several else ["model"]))
    async def export(
        interaction: Interaction,
        search: Search | None = None,
        favourites: bool = False,
        since: Day | None = None,
        until: Day | None = None,
        seed: Seed | None = None,
        model: Name | None = None,
        lora: Name | None = None,
        before: Name | None = None,
    ) -> None:
        terms = SearchTerms(search, seed, since, until, model, lora, favourites)
        await export_pictures(interaction, services, terms, before)

    suggest_loras(export, services)
    if several:
        suggest_models(export, services)
    return export


def _history(services: Services) -> app_commands.Command[Any, ..., None]:
    several = services.models.several

    @app_commands.command(description=locale_str("Your pictures on this server, newest first"))
    @app_commands.describe(
        favourites=locale_str("Whether to show only your favourites (default: no)"),
        **_described(several),
    )
    @app_commands.rename(since="from", until="to")
    @without_options(*([] if several else ["model"]))
    async def history(
        interaction: Interaction,
        search: Search | None = None,
        favourites: bool = False,
        since: Day | None = None,
        until: Day | None = None,
        seed: Seed | None = None,
        model: Name | None = None,
        lora: Name | None = None,
    ) -> None:
        terms = SearchTerms(search, seed, since, until, model, lora, favourites)
        await show_history(interaction, services, terms)

    suggest_loras(history, services)
    if several:
        suggest_models(history, services)
    return history
