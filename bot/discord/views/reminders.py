"""Pure: the button below a refusal that offers a reminder."""

from __future__ import annotations

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.i18n import Words


def reminder_buttons(offer_id: int, say: Words) -> ui.View:
    """Return the button that takes the offer, for a message with plain text.

    discord.py does not track it; it is matched by its custom_id.
    """
    view = ui.View(timeout=None)
    view.add_item(
        ui.Button(
            label=say("Remind me"),
            style=discord.ButtonStyle.secondary,
            custom_id=custom_id(ComponentAction.REMIND, offer_id),
        )
    )
    view.stop()
    return view
