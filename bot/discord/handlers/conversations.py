"""Buttons and forms with which moderators and reporters write each other."""

from __future__ import annotations

from typing import Final

from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.markdown import timestamp
from bot.discord.views.modals import answer_form, reply_form, submitted_values
from bot.request.outcomes import Refused, ReportDecided
from bot.request.values.ids import parse_id
from bot.wording.conversations import answers_sent, reply_sent
from bot.wording.moderation import already_decided

OUTCOME_LIMIT_S: Final = 1.5
"""How long a moderator's message may take before they are told that it is on its way. Chosen by
hand: Discord waits three seconds for the answer."""


async def show_answer_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open a moderator's form, unless nobody can be answered."""
    found = await services.conversations.reporters(actor_of(interaction), picture_id)
    if isinstance(found, Refused):
        await _refuse(interaction, found)
    else:
        await interaction.response.send_modal(answer_form(picture_id, found, words_of(interaction)))


async def submit_answer(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Send a moderator's message, and say what became of it if that is known soon."""
    values = submitted_values(interaction)
    sent = await services.conversations.answer(
        actor_of(interaction),
        picture_id,
        values.get("message", ""),
        parse_id(values.get("report", "")) or None,
    )
    if isinstance(sent, Refused):
        await _refuse(interaction, sent)
        return
    states = await services.answer_sender.outcome(sent, OUTCOME_LIMIT_S)
    await reply_privately(interaction, answers_sent(states, words_of(interaction)))


async def show_reply_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open a reporter's form, unless the report is closed or gone."""
    refused = await services.conversations.repliable(actor_of(interaction), picture_id)
    if refused is not None:
        await refuse(interaction, refused)
    else:
        await interaction.response.send_modal(reply_form(picture_id, words_of(interaction)))


async def submit_reply(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Show a reporter's reply to the moderators."""
    text = submitted_values(interaction).get("message", "")
    refused = await services.conversations.reply(actor_of(interaction), picture_id, text)
    if refused is not None:
        await refuse(interaction, refused)
    else:
        await reply_privately(interaction, reply_sent(picture_id, words_of(interaction)))


async def _refuse(interaction: Interaction, refused: Refused) -> None:
    if isinstance(refused.reason, ReportDecided):  # it mentions a moderator, and escapes nothing
        text = already_decided(refused.reason.case, words_of(interaction), timestamp)
        await reply_privately(interaction, text)
    else:
        await refuse(interaction, refused)
