"""Pure: the questions before something is erased."""

from __future__ import annotations

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout
from bot.i18n import Words
from bot.privacy.erasure import ErasureQuestion, StoredCounts
from bot.wording import privacy


def own_question_layout(counts: StoredCounts, say: Words) -> ui.LayoutView:
    """Ask a member back before everything of them is erased."""
    text = privacy.own_question(counts, say)
    return layout(ui.TextDisplay(text), _answers(ComponentAction.ERASE_OWN, 0, say))


def member_question_layout(question: ErasureQuestion, say: Words) -> ui.LayoutView:
    """Ask an admin back before everything of a member on the server is erased."""
    text = privacy.member_question(f"<@{question.user_id}>", question.counts, say)
    return layout(ui.TextDisplay(text), _answers(ComponentAction.ERASE_MEMBER, question.id, say))


def _answers(action: ComponentAction, row_id: int, say: Words) -> ui.ActionRow[ui.LayoutView]:
    return ui.ActionRow(
        ui.Button[ui.LayoutView](
            label=say("Erase"),
            style=discord.ButtonStyle.danger,
            custom_id=custom_id(action, row_id),
        ),
        ui.Button[ui.LayoutView](
            label=say("Keep"),
            style=discord.ButtonStyle.secondary,
            custom_id=custom_id(ComponentAction.KEEP_DATA, 0),
        ),
    )
