"""Buttons and forms of reports: file one, show one, decide one."""

from __future__ import annotations

import asyncio
import dataclasses
import io

import discord

from bot.delivery.attachments import fit_file_to_limit
from bot.delivery.cards import CaseCard
from bot.delivery.messenger import Undeliverable
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.markdown import timestamp
from bot.discord.views.modals import report_form, submitted_values
from bot.discord.views.moderation import report_layout
from bot.request.outcomes import Refused, ReportDecided
from bot.wording import moderation
from storage.types import Verdict


async def submit_report(interaction: Interaction, services: Services, picture_id: int) -> None:
    """File a report from the form; the picture may have been deleted since the form was opened."""
    filed = await services.moderation.report(
        actor_of(interaction), picture_id, submitted_values(interaction).get("reason", "")
    )
    if isinstance(filed, Refused):
        await refuse(interaction, filed)
    else:
        await reply_privately(interaction, moderation.report_filed(filed, words_of(interaction)))


async def show_report_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the form, unless the picture cannot be reported."""
    reportable = await services.moderation.reportable(actor_of(interaction), picture_id)
    if isinstance(reportable, Refused):
        await refuse(interaction, reportable)
    else:
        await interaction.response.send_modal(report_form(picture_id, words_of(interaction)))


async def show_report(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Show the card of a report to one moderator, even if it was never posted in a channel."""
    case = await services.moderation.case(actor_of(interaction), picture_id)
    if isinstance(case, Refused):
        await refuse(interaction, case)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    card, files = await services.report_notifier.cards.card(case), list[discord.File]()
    if card.pictures:
        path = card.pictures[0].path
        try:
            name, data = await asyncio.to_thread(
                fit_file_to_limit, path, card.file_name, interaction.filesize_limit
            )
        except (OSError, Undeliverable):  # deleted just now, or too large in any format
            card = dataclasses.replace(card, pictures=(), file_name="")
        else:
            files.append(discord.File(io.BytesIO(data), name))
    await interaction.edit_original_response(
        view=report_layout(card, words_of(interaction)),
        attachments=files,
        allowed_mentions=NO_MENTIONS,
    )


async def decide(
    interaction: Interaction, services: Services, picture_id: int, *, verdict: Verdict
) -> None:
    """Record the verdict on a report and show it in place of the buttons."""
    decided = await services.moderation.decide(actor_of(interaction), picture_id, verdict)
    if isinstance(decided, Refused):
        if isinstance(
            decided.reason, ReportDecided
        ):  # the text mentions a moderator, and none of it was typed by a user
            text = moderation.already_decided(decided.reason.case, words_of(interaction), timestamp)
            await reply_privately(interaction, text)
        else:
            await refuse(interaction, decided)
        return
    # The pressed message is updated at once; the report notifier updates the posted card.
    await interaction.response.edit_message(
        view=report_layout(CaseCard(decided), words_of(interaction)),
        attachments=[],
        allowed_mentions=NO_MENTIONS,
    )
