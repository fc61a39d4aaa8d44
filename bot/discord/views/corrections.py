"""Pure: the answer that names wrong flags, with Edit and Paint without them, and its form."""

from __future__ import annotations

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import form, layout, replace_surrogates
from bot.i18n import Words
from bot.jobs.proposals.corrections import Correction
from bot.request.params import MAX_TYPED_CHARS

PROBLEM_CHARS = 1500
PROMPT_CHARS = 2300
"""A longest prompt without flags, with all that is put between its signs; both fit into Discord's
4000. Of what was pasted the beginning is shown."""
_FENCE = "```"


def correction_layout(correction: Correction, sentences: str, say: Words) -> ui.LayoutView:
    """Name what is wrong, give the prompt back to be copied, and offer what to do.

    Edit is offered where the form holds the whole prompt, or there is nothing else to offer.
    sentences: what is wrong; they may quote the prompt.
    """
    prompt = replace_surrogates(correction.prompt).strip()
    # Code blocks keep mentions as text; the zero-width characters are cleaned when pasted back.
    copied = discord.utils.escape_mentions(prompt).replace(_FENCE, "`\u200b`\u200b`")
    fits_form = len(prompt) <= MAX_TYPED_CHARS
    if len(copied) <= PROMPT_CHARS:
        head = say("Your prompt, ready to copy:")
    elif fits_form:
        head = say("Your prompt begins with this; “Edit” has all of it:")
    else:
        head = say("Your prompt begins with this:")
    copied = copied if len(copied) <= PROMPT_CHARS else copied[: PROMPT_CHARS - 1] + "…"
    block = f"{head}\n{_FENCE}\n{copied}\n{_FENCE}"
    buttons: list[ui.Button[ui.LayoutView]] = []
    if fits_form or not correction.paintable:
        buttons.append(
            ui.Button(
                label=say("Edit"),
                style=discord.ButtonStyle.primary,
                custom_id=custom_id(ComponentAction.EDIT_PROMPT, correction.proposal_id),
            )
        )
    if correction.paintable:
        buttons.append(
            ui.Button(
                label=say("Paint without them"),
                style=discord.ButtonStyle.secondary,
                custom_id=custom_id(ComponentAction.PAINT_WITHOUT, correction.proposal_id),
            )
        )
    shown = discord.utils.escape_mentions(replace_surrogates(sentences))
    shown = shown if len(shown) <= PROBLEM_CHARS else shown[: PROBLEM_CHARS - 1] + "…"
    return layout(ui.TextDisplay(shown), ui.TextDisplay(block), ui.ActionRow(*buttons))


def edit_form(proposal_id: int, prompt: str, say: Words) -> ui.Modal:
    """Return the form with the prompt, to be corrected."""
    field = ui.TextInput[ui.Modal](
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=replace_surrogates(prompt[:MAX_TYPED_CHARS]) or None,
        required=True,
        max_length=MAX_TYPED_CHARS,
    )
    return form(
        say("Edit the prompt"),
        custom_id(ComponentAction.EDIT_PROMPT, proposal_id),
        ui.Label(text=say("Prompt"), component=field),
    )
