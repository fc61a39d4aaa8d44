"""/history: a member's pictures on a server, searched by everything that is known of them."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.discord.commands.options import suggest_loras, suggest_models, without_options
from bot.discord.handlers.history import show_history
from bot.discord.interaction.responses import Interaction
from bot.discord.interaction.services import Services
from bot.pictures.searches import MAX_SEARCH_CHARS, SearchTerms
from engine.types import MAX_SEED

Search = Range[str, 1, MAX_SEARCH_CHARS]
Seed = Range[int, 0, MAX_SEED]
Day = Range[str, 1, 20]
Name = Range[str, 1, 100]


def history_command(services: Services) -> app_commands.Command[Any, ..., None]:
    """Return /history, bound to these services."""
    several = services.models.several
    described = {"model": locale_str("Only pictures by this model")} if several else {}

    @app_commands.command(description=locale_str("Your pictures on this server, newest first"))
    @app_commands.describe(
        search=locale_str("Only pictures with all these words in their prompt or your note"),
        seed=locale_str("Only pictures with this seed"),
        since=locale_str("Only pictures from this day on, such as 2026-03-31 or 2026-03 (UTC)"),
        until=locale_str("Only pictures up to this day, such as 2026-03-31 or 2026-03 (UTC)"),
        lora=locale_str("Only pictures painted with this LoRA"),
        favourites=locale_str("Whether to show only your favourites (default: no)"),
        **described,
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
