"""Pure: the form of Paint from this. It lives for ever: its custom_id names the picture."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.discord.views.custom_ids import staged_id
from bot.discord.views.markdown import form, layout
from bot.i18n import Words
from bot.request.input_sources import StagedSource
from engine.prompts import MAX_PROMPT_CHARS

STRENGTH_CHARS = 10
USUAL_STRENGTH = "0.75"


def image_to_image_form(custom_id: str, say: Words, pictures: Sequence[int] = ()) -> ui.Modal:
    """The words and the strength. pictures: ids of several, of which one is to be chosen."""
    prompt = ui.TextInput[ui.Modal](
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        required=True,
        max_length=MAX_PROMPT_CHARS,
    )
    strength = ui.TextInput[ui.Modal](
        custom_id="strength",
        style=discord.TextStyle.short,
        default=USUAL_STRENGTH,
        required=False,
        max_length=STRENGTH_CHARS,
    )
    told = say("From 0.01 (almost unchanged) to 1 (nothing of it remains)")
    return form(
        say("Paint from this picture"),
        custom_id,
        *([_choice(pictures, say)] if len(pictures) > 1 else []),
        ui.Label(text=say("Prompt"), component=prompt),
        ui.Label(text=say("Strength"), description=told, component=strength),
    )


def staged_layout(kept: StagedSource, say: Words) -> ui.LayoutView:
    """What is shown in place of the form when a picture took too long: a button that opens it."""
    button = ui.Button[ui.LayoutView](
        label=say("Paint from this"),
        style=discord.ButtonStyle.primary,
        custom_id=staged_id(kept),
    )
    text = say("I have the picture. Now tell me what to paint.")
    return layout(ui.TextDisplay(text), ui.ActionRow(button))


def _choice(pictures: Sequence[int], say: Words) -> ui.Label[ui.Modal]:
    options = [
        discord.SelectOption(
            label=say("Picture {number} (#{id})", number=number, id=picture_id),
            value=str(picture_id),
            default=number == 1,
        )
        for number, picture_id in enumerate(pictures, 1)
    ]
    menu = ui.Select[ui.Modal](custom_id="picture", options=options, required=True)
    return ui.Label(text=say("Which picture"), component=menu)
