"""The buttons Paint and Don't of a proposed batch of permutations."""

from __future__ import annotations

import aiohttp
import discord
import structlog

from bot.discord.interaction.command_links import words_for
from bot.discord.interaction.job_messages import hidden, show_progress, waiting_card
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    can_deliver_here,
    disown,
    refuse_request,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import card_layout
from bot.discord.views.markdown import timestamp
from bot.discord.views.permutations import accepted_layout, closed_layout
from bot.request.outcomes import Accepted, ProposalClosed, Refused
from bot.wording import rejections
from storage.errors import StorageError

_UNSURE = (discord.HTTPException, aiohttp.ClientError, OSError)

log = structlog.get_logger(__name__)


async def accept(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Accept every job of the proposal and replace the proposal by the list of jobs.

    Accepted jobs are painted even if the response does not arrive; pressing again says so.
    """
    if not await can_deliver_here(interaction):
        return
    batch = await services.permutations.accept(actor_of(interaction), proposal_id)
    if isinstance(batch, Refused):
        await refuse_answer(interaction, services, batch)
        return
    try:
        try:
            await interaction.response.edit_message(
                view=accepted_layout(batch, words_of(interaction)), allowed_mentions=NO_MENTIONS
            )
        except _UNSURE as error:
            if services.other_copies.answered_first(interaction.id, error):
                for job in batch.jobs:
                    await disown(services, job.job_id)
                return
            log.warning("answer not confirmed", proposal=proposal_id, error=str(error)[:200])
        for job in batch.jobs:
            if not job.private:
                services.delivery.status_unknown(job.job_id)
        for job in batch.jobs:
            if job.private:
                await _show(interaction, services, job)
    finally:
        # Results are delivered without a status message: to the channel, or by direct message.
        for job in batch.jobs:
            services.delivery.status_unknown(job.job_id)


async def decline(interaction: Interaction, services: Services, proposal_id: int) -> None:
    """Discard the proposal."""
    refused = await services.permutations.decline(actor_of(interaction), proposal_id)
    if refused is not None:
        await refuse_answer(interaction, services, refused)
        return
    say = words_of(interaction)
    await _close(interaction, say("Nothing was painted or charged."))


async def refuse_answer(interaction: Interaction, services: Services, refused: Refused) -> None:
    """Explain the refusal of a press.

    An expired proposal loses its buttons; an answered one does not, because the message may already
    list its jobs.
    """
    if refused.reason != ProposalClosed(answered=False):
        await refuse_request(interaction, services, refused)
        return
    await _close(interaction, rejections.refusal(refused, words_of(interaction), timestamp))


async def _close(interaction: Interaction, sentence: str) -> None:
    """Replace the proposal by a sentence; a message that others can see is never replaced."""
    if interaction.message is None or not interaction.message.flags.ephemeral:
        await reply_privately(interaction, sentence)
        return
    await interaction.response.edit_message(
        view=closed_layout(sentence), allowed_mentions=NO_MENTIONS
    )


async def _show(interaction: Interaction, services: Services, job: Accepted) -> None:
    """Post the status message of a private job.

    On a server it is ephemeral: only this interaction's token can edit it later.
    """
    actor = actor_of(interaction)
    card = waiting_card(interaction, services, job)
    try:
        message = await interaction.followup.send(
            view=card_layout(card, words_for(interaction, actor.locale_for(private=True))),
            ephemeral=hidden(interaction, private=True),
            allowed_mentions=NO_MENTIONS,
            wait=True,
        )
        await services.delivery.status_posted(job.job_id, message.id, reply_token=actor.reply_token)
    except (*_UNSURE, StorageError) as error:
        log.warning("status not shown", job=job.job_id, error=str(error)[:200])
        return
    show_progress(services, actor, job, message.id, card)
