"""What was typed into a form that is refused: Discord closes it, so the words are given back."""

from __future__ import annotations

import io
from typing import Any

import discord

from bot.discord.views.markdown import whole
from bot.discord.views.modals import typed
from bot.i18n import Words

WORDS_LIMIT = 1200
"""Longer words are given back as a file."""
_FENCE = "```"


def returned(
    interaction: discord.Interaction[Any], refusal: str, say: Words
) -> tuple[str, list[discord.File]]:
    """The refusal with the prompt of the form below it, to be copied, or in a file beside it.

    The refusal alone where no form with a prompt was sent in.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return refusal, []
    prompt = whole(typed(interaction).get("prompt", "")).strip()
    if not prompt:
        return refusal, []
    if len(prompt) > WORDS_LIMIT or _FENCE in prompt:
        words = say("Your prompt is in the file, ready to copy.")
        return f"{refusal}\n{words}", [discord.File(io.BytesIO(prompt.encode()), "prompt.txt")]
    # A mention stays one in a block; what makes it none is invisible, and cleaned away again.
    block = f"{_FENCE}\n{discord.utils.escape_mentions(prompt)}\n{_FENCE}"
    words = say("Your prompt, ready to copy:")
    return f"{refusal}\n{words}\n{block}", []
