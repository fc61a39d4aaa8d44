"""/loras: the LoRAs that a member may use with a model, page by page, with sample pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.discord.interaction.responses import Interaction, actor_of, refuse, words_of
from bot.discord.interaction.services import Services
from bot.discord.interaction.thumbnails import Shown, show_with_thumbnails
from bot.discord.views.loras import loras_layout, loras_of_page, page_of, sample_name
from bot.request.models import OfferedModel
from bot.request.outcomes import Refused


async def show_loras(interaction: Interaction, services: Services, typed: str | None) -> None:
    """Answer /loras with the first page. typed: the model, as it was named."""
    model = await services.model_access.chosen(actor_of(interaction), typed)
    if isinstance(model, Refused):
        await refuse(interaction, model)
    else:
        await _show(interaction, services, model, 0)


async def turn_page(interaction: Interaction, services: Services, number: int) -> None:
    """Show another page of the LoRAs that there are now, in place of the one that was shown.

    number: as `page_number` returns it.
    """
    listed, page = page_of(number, services.models)
    model = await services.model_access.chosen(actor_of(interaction), listed.name)
    if isinstance(model, Refused):
        await refuse(interaction, model)
        return
    shown = interaction.message
    in_place = shown is not None and shown.flags.ephemeral
    await _show(interaction, services, model, page, in_place=in_place)


async def _show(
    interaction: Interaction,
    services: Services,
    model: OfferedModel,
    page: int,
    *,
    in_place: bool = False,
) -> None:
    found = await services.lora_access.listing(actor_of(interaction), model)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    say, names = words_of(interaction), [each.name for each in loras_of_page(found, page)]
    written = services.models.written(model)

    def made(pictures: Mapping[str, bytes]) -> Shown:
        return loras_layout(found, page, say, pictures.keys(), written), _files(names, pictures)

    await show_with_thumbnails(
        interaction,
        lambda: services.lora_pictures.of(names, model.loras),
        made,
        in_place=in_place,
    )


def _files(names: Sequence[str], pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    return {sample_name(row): pictures[name] for row, name in enumerate(names) if name in pictures}
