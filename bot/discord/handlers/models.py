"""/models: the models of the bot, page by page, with a sample picture each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.discord.interaction.responses import Interaction, actor_of, words_of
from bot.discord.interaction.services import Services
from bot.discord.interaction.thumbnails import Shown, show_with_thumbnails
from bot.discord.views.models import ModelRow, models_layout, models_on, sample_name
from bot.request.models import OfferedModel


async def show_models(interaction: Interaction, services: Services) -> None:
    """Answer /models with the first page."""
    await _show(interaction, services, 0)


async def turn_page(interaction: Interaction, services: Services, page: int) -> None:
    """Show another page in place of the one that was shown."""
    shown = interaction.message
    await _show(interaction, services, page, in_place=shown is not None and shown.flags.ephemeral)


async def _show(
    interaction: Interaction, services: Services, page: int, *, in_place: bool = False
) -> None:
    rows = await _rows(interaction, services)
    models, say = [each.model for each in models_on(rows, page)], words_of(interaction)

    def made(samples: Mapping[str, bytes]) -> Shown:
        return models_layout(rows, page, samples.keys(), say), _files(models, samples)

    await show_with_thumbnails(
        interaction, lambda: services.model_samples.of(models), made, in_place=in_place
    )


def _files(models: Sequence[OfferedModel], samples: Mapping[str, bytes]) -> dict[str, bytes]:
    return {sample_name(each): samples[each.name] for each in models if each.name in samples}


async def _rows(interaction: Interaction, services: Services) -> list[ModelRow]:
    models, status = services.models, services.status
    usable = await services.model_access.matching(actor_of(interaction))
    return [
        ModelRow(
            each,
            each is models.default,
            each.name == status.loaded_model,
            each in usable,
            each.name == status.loading_model,
        )
        for each in models.models
    ]
