"""Buttons and forms of reports: file one, show one, decide one."""

from __future__ import annotations

import asyncio
import dataclasses

from bot.delivery.attachments import fit_file_to_limit
from bot.delivery.cards import CaseCard
from bot.delivery.messenger import Undeliverable
from bot.discord.interaction.ranks import is_out_of_reach
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import attached
from bot.discord.views.markdown import timestamp
from bot.discord.views.modals import block_form, report_form, submitted_values, verdict_form
from bot.discord.views.moderation import report_layout, reported_deletion_layout
from bot.discord.views.permutations import closed_layout
from bot.request.outcomes import Refused, ReportDecided
from bot.wording import moderation
from bot.wording.filters import picture_listed
from storage.types import Case, Verdict


async def submit_report(interaction: Interaction, services: Services, picture_id: int) -> None:
    """File a report from the form; the picture may have been deleted since the form was opened."""
    filed = await services.reports.report(
        actor_of(interaction), picture_id, submitted_values(interaction).get("reason", "")
    )
    if isinstance(filed, Refused):
        await refuse(interaction, filed)
    else:
        await reply_privately(interaction, moderation.report_filed(filed, words_of(interaction)))


async def show_report_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the form, unless the picture cannot be reported."""
    reportable = await services.reports.reportable(actor_of(interaction), picture_id)
    if isinstance(reportable, Refused):
        await refuse(interaction, reportable)
    else:
        await interaction.response.send_modal(report_form(picture_id, words_of(interaction)))


async def show_report(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Show the card of a report to one moderator, even if it was never posted in a channel."""
    case = await services.reports.case(actor_of(interaction), picture_id)
    if isinstance(case, Refused):
        await refuse(interaction, case)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    card, files = await services.report_notifier.cards.card(case), dict[str, bytes]()
    if card.pictures:
        path = card.pictures[0].path
        try:
            name, data = await asyncio.to_thread(
                fit_file_to_limit, path, card.file_name, interaction.filesize_limit
            )
        except (OSError, Undeliverable):  # deleted just now, or too large in any format
            card = dataclasses.replace(card, pictures=(), file_name="")
        else:
            files[name] = data
    view = report_layout(card, words_of(interaction))
    await interaction.edit_original_response(
        view=view,
        attachments=[attached(view, *file) for file in files.items()],
        allowed_mentions=NO_MENTIONS,
    )


async def ask_deletion(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Ask back privately before a reported picture is deleted, on the report if only the moderator
    sees it. If the picture is gone already, nothing can be lost: the report is decided at once."""
    case = await services.reports.case(actor_of(interaction), picture_id)
    if isinstance(case, Refused):
        await refuse(interaction, case)
        return
    if case.verdict is not None:
        await _refuse(interaction, Refused(ReportDecided(case)))
        return
    card = await services.report_notifier.cards.card(case)
    if card.picture is None:
        await decide(interaction, services, picture_id, verdict=Verdict.DELETED)
        return
    view, pressed = reported_deletion_layout(card, words_of(interaction)), interaction.message
    if pressed is not None and pressed.flags.ephemeral:
        await interaction.response.edit_message(
            view=view, attachments=[], allowed_mentions=NO_MENTIONS
        )
    else:
        await reply_layout_privately(interaction, view)


async def delete(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Delete a reported picture and show the verdict in place of the question, or who decided
    otherwise in the meantime."""
    outcome = await services.reports.decide(actor_of(interaction), picture_id, Verdict.DELETED)
    if isinstance(outcome, Refused) and isinstance(outcome.reason, ReportDecided):
        view = closed_layout(_decided(interaction, outcome.reason))
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await _show_verdict(interaction, outcome)


async def ask_reason(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Ask for the reason before a picture is deleted and its requester blocked."""
    actor = actor_of(interaction)
    case = await services.reports.case(actor, picture_id)
    refused: Refused | None
    if isinstance(case, Refused):
        refused = case
    elif case.verdict is not None:
        refused = Refused(ReportDecided(case))
    else:
        refused = services.blocks.block_refusal(
            actor, case.user_id, out_of_reach=await is_out_of_reach(interaction, case.user_id)
        )
    if refused is None:
        await interaction.response.send_modal(block_form(picture_id, words_of(interaction)))
    else:
        await _refuse(interaction, refused)


async def submit_block(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Delete a picture and block its requester for the reason in the form."""
    actor = actor_of(interaction)
    case = await services.reports.case(actor, picture_id)
    if isinstance(case, Refused):
        await refuse(interaction, case)
        return
    values = submitted_values(interaction)
    outcome = await services.reports.decide(
        actor,
        picture_id,
        Verdict.BLOCKED,
        reason=values.get("reason", ""),
        told=values.get("told", ""),
        out_of_reach=await is_out_of_reach(interaction, case.user_id),
    )
    await _show_verdict(interaction, outcome)


async def ask_verdict(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Ask for a verdict with a reason that the reporters are told."""
    case = await services.reports.case(actor_of(interaction), picture_id)
    if isinstance(case, Refused):
        await refuse(interaction, case)
    elif case.verdict is not None:
        await _refuse(interaction, Refused(ReportDecided(case)))
    else:
        await interaction.response.send_modal(verdict_form(picture_id, words_of(interaction)))


async def submit_verdict(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Decide a report as the form says."""
    values = submitted_values(interaction)
    deleted = values.get("verdict") == Verdict.DELETED
    verdict = Verdict.DELETED if deleted else Verdict.DISMISSED
    outcome = await services.reports.decide(
        actor_of(interaction), picture_id, verdict, told=values.get("reason", "")
    )
    await _show_verdict(interaction, outcome)


async def never_paint(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Put a reported picture on the list of those that nothing is painted from; it stays."""
    actor, filter_ = actor_of(interaction), services.picture_filter
    if (refused := filter_.admin_refusal(actor)) is not None:
        await refuse(interaction, refused)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    outcome = await filter_.change_by_id(actor, str(picture_id), remove=False)
    if isinstance(outcome, Refused):
        text = refusal_text(interaction, outcome)
    else:
        text = picture_listed(outcome, words_of(interaction))
    await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)


async def decide(
    interaction: Interaction, services: Services, picture_id: int, *, verdict: Verdict
) -> None:
    """Record the verdict on a report and show it in place of the buttons."""
    outcome = await services.reports.decide(actor_of(interaction), picture_id, verdict)
    await _show_verdict(interaction, outcome)


async def _show_verdict(interaction: Interaction, outcome: Case | Refused) -> None:
    if isinstance(outcome, Refused):
        await _refuse(interaction, outcome)
        return
    view = report_layout(CaseCard(outcome), words_of(interaction))
    if interaction.message is None:  # a form that was not opened from a message
        await reply_layout_privately(interaction, view)
        return
    # The pressed message is updated at once; the report notifier updates the posted card.
    await interaction.response.edit_message(view=view, attachments=[], allowed_mentions=NO_MENTIONS)


def _decided(interaction: Interaction, reason: ReportDecided) -> str:
    """Say who decided first. It mentions a moderator, and none of it was typed by a user."""
    return moderation.already_decided(reason.case, words_of(interaction), timestamp)


async def _refuse(interaction: Interaction, refused: Refused) -> None:
    if isinstance(refused.reason, ReportDecided):
        await reply_privately(interaction, _decided(interaction, refused.reason))
    else:
        await refuse(interaction, refused)
