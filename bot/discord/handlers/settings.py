"""The panel of /settings, which is updated in place."""

from __future__ import annotations

from bot.accounts.delivery_settings import SettingChanges
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reject_foreign_press,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import ComponentAction
from bot.discord.views.settings import setting_change, settings_layout
from bot.request.outcomes import Refused


async def show(interaction: Interaction, services: Services) -> None:
    """Answer with the panel."""
    settings = await services.delivery_settings.set_own(actor_of(interaction), SettingChanges())
    if isinstance(settings, Refused):
        await refuse(interaction, settings)
    else:
        defaults = await services.request_defaults.own(actor_of(interaction))
        view = settings_layout(settings, defaults, words_of(interaction))
        await reply_layout_privately(interaction, view)


async def change(
    interaction: Interaction, services: Services, number: int, *, action: ComponentAction
) -> None:
    """Change the setting of a button, and show on the panel what is in effect then."""
    changes = setting_change(action, number)
    if changes is None:
        await reject_foreign_press(interaction)
        return
    settings = await services.delivery_settings.set_own(actor_of(interaction), changes)
    if isinstance(settings, Refused):
        await refuse(interaction, settings)
        return
    defaults = await services.request_defaults.own(actor_of(interaction))
    view = settings_layout(settings, defaults, words_of(interaction))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
