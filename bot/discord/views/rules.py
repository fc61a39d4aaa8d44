"""Pure: the question before rules are imported."""

from __future__ import annotations

import discord
from discord import ui

from bot.accounts.rules.imports import ImportQuestion
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout
from bot.i18n import Words
from bot.wording.rule_lists import import_question


def import_question_layout(question: ImportQuestion, say: Words) -> ui.LayoutView:
    """Ask an admin back with everything that a file would change."""
    answers = ui.ActionRow(
        ui.Button[ui.LayoutView](
            label=say("Import"),
            style=discord.ButtonStyle.danger,
            custom_id=custom_id(ComponentAction.IMPORT_RULES, question.id),
        ),
        ui.Button[ui.LayoutView](
            label=say("Keep the rules"),
            style=discord.ButtonStyle.secondary,
            custom_id=custom_id(ComponentAction.KEEP_RULES, question.id),
        ),
    )
    return layout(ui.TextDisplay(import_question(question.difference, say)), answers)
