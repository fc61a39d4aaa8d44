"""Pure: what the bot's owners see, and the questions before they change something for everybody."""

from __future__ import annotations

import dataclasses

import discord
from discord import ui

from bot.delivery.cards import ANNOUNCEMENT_CHARS
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import formatted, layout, quoted, timestamp
from bot.i18n import Words
from bot.operation.announcements import AnnouncementQuestion
from bot.operation.control import Backlog
from bot.operation.member_diagnosis import MemberDiagnosis
from bot.operation.overview import OwnerOverview
from bot.wording import operation
from bot.wording.member_diagnosis import diagnosis_lines

_NAME_CHARS = 60
_TEXT_CHARS = 3500
"""More than all sentences together have, so that nothing but a very long error is cut."""


def overview_layout(overview: OwnerOverview, say: Words) -> ui.LayoutView:
    """Show the state of the bot."""
    text = "\n".join(operation.overview_lines(overview, say, timestamp))
    return layout(ui.TextDisplay(formatted(text, _TEXT_CHARS)))


def drain_question_layout(backlog: Backlog, say: Words) -> ui.LayoutView:
    """Ask back before nothing more is accepted."""
    text = operation.drain_question(backlog, say)
    return _question(text, say("Accept nothing new"), ComponentAction.DRAIN, 0, say)


def unload_question_layout(backlog: Backlog, say: Words) -> ui.LayoutView:
    """Ask back before the memory is freed while there is something to paint."""
    text = operation.unload_question(backlog, say)
    return _question(text, say("Give it back"), ComponentAction.UNLOAD, 0, say)


def announcement_question_layout(question: AnnouncementQuestion, say: Words) -> ui.LayoutView:
    """Ask back before an announcement is sent, and show it as it will be posted."""
    announced = formatted(question.text, ANNOUNCEMENT_CHARS)
    text = f"{operation.announcement_question(question, say)}\n\n{announced}"
    return _question(text, say("Post it"), ComponentAction.ANNOUNCE, question.id, say)


def diagnosis_layout(found: MemberDiagnosis, say: Words) -> ui.LayoutView:
    """Show why a member cannot paint."""
    name = quoted(found.server.name, _NAME_CHARS)
    head = say("**{who} on {server}**", who=f"<@{found.user_id}>", server=name)
    closed = tuple(quoted(each, _NAME_CHARS) for each in found.server.closed)
    server = dataclasses.replace(found.server, closed=closed)
    lines = diagnosis_lines(dataclasses.replace(found, server=server), say, timestamp)
    text = formatted("\n".join(lines), _TEXT_CHARS)
    return layout(ui.TextDisplay(f"{head}\n{text}"))


def _question(
    text: str, label: str, action: ComponentAction, row_id: int, say: Words
) -> ui.LayoutView:
    return layout(
        ui.TextDisplay(text),
        ui.ActionRow(
            ui.Button[ui.LayoutView](
                label=label,
                style=discord.ButtonStyle.danger,
                custom_id=custom_id(action, row_id),
            ),
            ui.Button[ui.LayoutView](
                label=say("Leave it"),
                style=discord.ButtonStyle.secondary,
                custom_id=custom_id(ComponentAction.LEAVE_AS_IS, 0),
            ),
        ),
    )
