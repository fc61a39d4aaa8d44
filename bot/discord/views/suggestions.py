"""Pure: the ephemeral layout of a question about a prompt that the model does not know."""

from __future__ import annotations

import discord
from discord import ui

from bot.discord.views.custom_ids import EXAMPLE_ACTIONS, ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted
from bot.i18n import Words
from bot.jobs.proposals.suggestions import Suggestion
from bot.wording.knowledge import known_rows, nothing_known

PROMPT_CHARS = 300


def suggestion_layout(asked: Suggestion, say: Words) -> ui.LayoutView:
    """Say what the model knows, with a button for each example and one to paint all the same."""
    rows = [f"-# {row}" for row in known_rows(asked.model.known, say)]
    it_knows = say("It knows only these:")
    texts = (
        f"**{quoted(asked.prompt, PROMPT_CHARS)}**\n{nothing_known(say)}",
        "\n".join([it_knows, *rows]),
    )
    cost = say.plural(
        "Nothing has been painted or charged. Each press paints {n} picture.",
        "Nothing has been painted or charged. Each press paints {n} pictures.",
        asked.pictures,
    )
    anyway = _button(
        say("Paint anyway"), ComponentAction.PAINT_ANYWAY, asked, discord.ButtonStyle.secondary
    )
    displays = map(ui.TextDisplay[ui.LayoutView], texts)
    small = ui.TextDisplay[ui.LayoutView](f"-# {cost}")
    examples = example_items(asked, discord.ButtonStyle.primary, say)
    return layout(*displays, *examples, ui.ActionRow(anyway), small)


def example_items(
    asked: Suggestion, style: discord.ButtonStyle, say: Words
) -> list[ui.Item[ui.LayoutView]]:
    """Return the prompts that can be painted instead, each with its button."""
    # As texts, because phones cut labels that are as long; numbers tell the buttons apart.
    examples = [
        ui.Section(
            ui.TextDisplay[ui.LayoutView](quoted(text, PROMPT_CHARS)),
            accessory=_button(say("Paint {number}", number=number), action, asked, style),
        )
        for number, (action, text) in enumerate(
            zip(EXAMPLE_ACTIONS, asked.examples, strict=False), 1
        )
    ]
    return [ui.TextDisplay(say("These work well instead:")), *examples]


def _button(
    label: str, action: ComponentAction, asked: Suggestion, style: discord.ButtonStyle
) -> ui.Button[ui.LayoutView]:
    return ui.Button(label=label, style=style, custom_id=custom_id(action, asked.proposal_id))
