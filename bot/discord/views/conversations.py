"""Pure: what moderators and reporters write each other, as each of them sees it."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.delivery.cards import ReporterCard
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, small_print, timestamp
from bot.i18n import Words
from bot.wording import conversations
from storage.report_messages import (
    MESSAGE_LIMIT_CHARS,
    MessageKind,
    MessageState,
    ReportMessage,
)

CONVERSATION_CHARS = 600
"""For all messages on a card together; escaping can double every character."""
MESSAGES_SHOWN = 6
SERVER_NAME_CHARS = 100
"""The longest name that Discord allows for a server."""


def reporter_layout(card: ReporterCard, say: Words) -> ui.LayoutView:
    """Return what a reporter gets by direct message, with a button to reply while the report is
    open. It names no moderator."""
    message = card.message
    server = quoted(card.server, SERVER_NAME_CHARS)
    lines = [conversations.heading(message, server, say)]
    lines.append(f"> {_on_lines(quoted(message.text, MESSAGE_LIMIT_CHARS))}")
    if message.picture_erased and message.kind is MessageKind.ANSWER:
        lines.append(say("The picture has already been deleted."))
    lines.append(small_print(timestamp(message.written_at)))
    items: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay("\n".join(lines))]
    if message.verdict is None:
        reply = ui.Button[ui.LayoutView](
            label=say("Reply"),
            style=discord.ButtonStyle.primary,
            custom_id=custom_id(ComponentAction.REPLY_TO_MODERATORS, message.picture_id),
        )
        items.append(ui.ActionRow(reply))
    return layout(*items)


def conversation_text(messages: Sequence[ReportMessage], say: Words) -> str:
    """Return the newest messages for moderators, with who wrote them and what became of them."""
    newest = messages[-MESSAGES_SHOWN:]
    cut = CONVERSATION_CHARS // len(newest)
    lines = [f"**{say('Messages')}**"]
    if len(messages) > len(newest):
        lines.append("-# " + say("The newest {n}:", n=len(newest)))
    for each in newest:
        reporter = f"<@{each.reporter_id}>"
        who = reporter
        if each.moderator_id is not None:
            moderator = f"<@{each.moderator_id}>"
            who = say("{moderator} to {reporter}", moderator=moderator, reporter=reporter)
        text = quoted(" ".join(each.text.split()), cut)
        lines.append(f"- {who} {timestamp(each.written_at)}: {text}")
        if each.state is not MessageState.DELIVERED:
            lines.append(f"  -# {conversations.state_sentence(each.state, say)}")
    return "\n".join(lines)


def _on_lines(text: str) -> str:
    """Return a text of several lines as one quotation."""
    return text.replace("\n", "\n> ")
