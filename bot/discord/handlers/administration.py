"""What admins run their server with: the audit log, the status, pauses and cancelling."""

from __future__ import annotations

import asyncio

import discord

from bot.accounts.permissions import Action
from bot.administration.audit import AuditPage
from bot.administration.cancelling import CancelQuestion
from bot.discord.interaction.ranks import is_out_of_reach
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    reply_layout_privately,
    reply_outcome,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.administration import (
    audit_layout,
    audit_page_of,
    cancel_layout,
    server_status_layout,
)
from bot.discord.views.permutations import closed_layout
from bot.request.outcomes import Refused
from bot.wording import administration as wording

NEEDED = (
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "attach_files",
    "create_public_threads",
    "read_message_history",
)
"""The permissions whose lack the status of a server names."""
_RANKS_AT_ONCE = 5
"""Members who are looked up at once before everybody's jobs are cancelled. Chosen by hand."""


async def show_audit(interaction: Interaction, services: Services, member_id: int | None) -> None:
    """Answer /admin audit with the newest entries."""
    page = await services.administration.audit.page(actor_of(interaction), 0, member_id)
    if isinstance(page, Refused):
        await refuse(interaction, page)
    else:
        await reply_layout_privately(interaction, audit_layout(page, words_of(interaction)))


async def turn_audit(interaction: Interaction, services: Services, number: int) -> None:
    """Show another page in place of the one whose button was pressed."""
    actor, (page, mark) = actor_of(interaction), audit_page_of(number)
    if (refused := services.administration.audit.refusal(actor, Action.SEE_AUDIT)) is not None:
        await refuse(interaction, refused)
        return
    member_id = await services.administration.audit.member_of(actor, mark) if mark else None
    if mark and member_id is None:  # nothing that names them is left
        found = AuditPage((), 0, older=False, member_id=None, channel=None)
    else:
        found = await services.administration.audit.page(actor, page, member_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    view = audit_layout(found, words_of(interaction))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def show_status(interaction: Interaction, services: Services) -> None:
    """Answer /admin status."""
    status = await services.administration.server_status.of(actor_of(interaction))
    if isinstance(status, Refused):
        await refuse(interaction, status)
        return
    can = interaction.app_permissions
    missing = [each for each in NEEDED if not getattr(can, each)]
    await reply_layout_privately(
        interaction, server_status_layout(status, missing, words_of(interaction))
    )


async def pause(interaction: Interaction, services: Services, reason: str) -> None:
    """Answer /admin pause."""
    outcome = await services.administration.pauses.pause(actor_of(interaction), reason)
    await reply_outcome(interaction, outcome, wording.pause_begun)


async def resume(interaction: Interaction, services: Services) -> None:
    """Answer /admin resume."""
    refused = await services.administration.pauses.resume(actor_of(interaction))
    if refused is not None:
        await refuse(interaction, refused)
    else:
        say = words_of(interaction)
        await reply_privately(interaction, say("Painting goes on: requests are accepted again."))


async def ask_cancelling(
    interaction: Interaction, services: Services, who: discord.User | None
) -> None:
    """Answer /admin cancel with a question. who: None for everybody."""
    actor, user_id = actor_of(interaction), None if who is None else who.id
    refused = services.administration.waiting_jobs.refusal(actor)
    if refused is not None:
        await refuse(interaction, refused)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)  # ranks may take a while
    protected = await _protected(interaction, services, user_id, who)
    question = await services.administration.waiting_jobs.ask(actor, user_id, protected)
    view = (
        cancel_layout(question, words_of(interaction))
        if isinstance(question, CancelQuestion)
        else closed_layout(refusal_text(interaction, question))
    )
    await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


async def cancel_waiting(interaction: Interaction, services: Services, question_id: int) -> None:
    """Cancel what the question was about; the outcome takes its place."""
    actor = actor_of(interaction)
    refused = services.administration.waiting_jobs.refusal(actor)
    about = refused or await services.administration.waiting_jobs.asked_about(actor, question_id)
    if isinstance(about, Refused):
        await refuse(interaction, about)
        return
    await interaction.response.defer()
    protected = await _protected(interaction, services, about[0])
    done = await services.administration.waiting_jobs.cancel(actor, question_id, protected)
    text = (
        refusal_text(interaction, done)
        if isinstance(done, Refused)
        else wording.waiting_cancelled(done, words_of(interaction))
    )
    view = closed_layout(text)
    await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


async def keep_waiting(interaction: Interaction, _services: Services, _row_id: int) -> None:
    """Close the question."""
    view = closed_layout(words_of(interaction)("Nothing was cancelled."))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def _protected(
    interaction: Interaction,
    services: Services,
    user_id: int | None,
    known: discord.User | None = None,
) -> frozenset[int]:
    """Return whose ranks protect them from the admin. Raises discord.HTTPException."""
    slots = asyncio.Semaphore(_RANKS_AT_ONCE)

    async def is_protected(each: int) -> bool:
        async with slots:
            return await is_out_of_reach(interaction, each, known)

    people = sorted(services.administration.waiting_jobs.requesters(actor_of(interaction), user_id))
    found = await asyncio.gather(*map(is_protected, people))
    return frozenset(each for each, protects in zip(people, found, strict=True) if protects)
