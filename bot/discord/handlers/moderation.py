"""What the buttons and forms of reports do: report, look at a case, decide it."""

from __future__ import annotations

import asyncio
import dataclasses
import io

import discord
from discord import ui

from bot.delivery.cards import CaseCard
from bot.delivery.messenger import Undeliverable
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reject_server,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.messenger import fitting
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import form, when
from bot.discord.views.modals import typed
from bot.discord.views.moderation import report_layout
from bot.i18n import Words
from bot.request.outcomes import Refused, ReportDecided
from bot.wording import moderation
from storage.types import REASON_LIMIT_CHARS, Verdict

VERDICTS = {
    ComponentAction.DELETE_REPORTED: Verdict.DELETED,
    ComponentAction.BLOCK_REPORTED: Verdict.BLOCKED,
    ComponentAction.DISMISS: Verdict.DISMISSED,
}
ACTS = frozenset({ComponentAction.REPORT, ComponentAction.CASE, *VERDICTS})
"""Those that `press` takes."""


async def press(
    interaction: Interaction, services: Services, action: ComponentAction, picture_id: int
) -> None:
    """Do what a button of these says."""
    if action is ComponentAction.REPORT:
        await _ask(interaction, services, picture_id)
    elif action is ComponentAction.CASE:
        await _show(interaction, services, picture_id)
    else:
        await _decide(interaction, services, picture_id, VERDICTS[action])


def report_form(picture_id: int, say: Words) -> ui.Modal:
    """Why somebody reports a picture. It lives for ever, as all forms do."""
    reason = ui.TextInput[ui.Modal](
        custom_id="reason",
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=REASON_LIMIT_CHARS,
    )
    told = say("Optional. The moderators will see this and your name.")
    return form(
        say("Report picture #{id}", id=picture_id),
        custom_id(ComponentAction.REPORT, picture_id),
        ui.Label(text=say("What is wrong with it?"), description=told, component=reason),
    )


async def submit_report(interaction: Interaction, services: Services, picture_id: int) -> None:
    """File what the form says; the picture may be gone by now, or the bot another process."""
    if not services.serves(interaction.guild_id):
        await reject_server(interaction)
        return
    filed = await services.moderation.report(
        actor_of(interaction), picture_id, typed(interaction).get("reason", "")
    )
    if isinstance(filed, Refused):
        await refuse(interaction, filed)
    else:
        await reply_privately(interaction, moderation.report_filed(filed, words_of(interaction)))


async def _ask(interaction: Interaction, services: Services, picture_id: int) -> None:
    found = await services.moderation.reportable(actor_of(interaction), picture_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
    else:
        await interaction.response.send_modal(report_form(picture_id, words_of(interaction)))


async def _show(interaction: Interaction, services: Services, picture_id: int) -> None:
    """The card of a case for one moderator, also where it stands in no channel."""
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
                fitting, path, card.file_name, interaction.filesize_limit
            )
        except (OSError, Undeliverable):  # removed this very moment, or larger than all that fits
            card = dataclasses.replace(card, pictures=(), file_name="")
        else:
            files.append(discord.File(io.BytesIO(data), name))
    await interaction.edit_original_response(
        view=report_layout(card, words_of(interaction)),
        attachments=files,
        allowed_mentions=NO_MENTIONS,
    )


async def _decide(
    interaction: Interaction, services: Services, picture_id: int, verdict: Verdict
) -> None:
    decided = await services.moderation.decide(actor_of(interaction), picture_id, verdict)
    if isinstance(decided, Refused):
        if isinstance(
            decided.reason, ReportDecided
        ):  # it mentions a moderator, and nobody typed it
            said = moderation.already_decided(decided.reason.case, words_of(interaction), when)
            await reply_privately(interaction, said)
        else:
            await refuse(interaction, decided)
        return
    # What was pressed says so at once; the casework has it as it stays.
    await interaction.response.edit_message(
        view=report_layout(CaseCard(decided), words_of(interaction)),
        attachments=[],
        allowed_mentions=NO_MENTIONS,
    )
