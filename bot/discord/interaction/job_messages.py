"""The status message of a job: what it shows first, who sees it, and its progress."""

from __future__ import annotations

import discord

from bot.accounts.permissions import Actor
from bot.delivery.cards import WaitingCard
from bot.delivery.messenger import Address
from bot.discord.interaction.services import Services
from bot.request.outcomes import Accepted
from bot.request.summary import summarize

Interaction = discord.Interaction[discord.Client]


def waiting_card(interaction: Interaction, services: Services, accepted: Accepted) -> WaitingCard:
    """Return the card of a job that has just been accepted."""
    return WaitingCard(
        job_id=accepted.job_id,
        request=accepted.resolved.request,
        requester_id=interaction.user.id,
        ahead=accepted.ahead,
        ready_at=accepted.ready_at,
        notes=accepted.resolved.notes,
        loading=services.status.loading,
        asked=summarize(
            accepted.resolved.request,
            accepted.pictures,
            services.models.family_of(accepted.resolved.request),
            accepted.resolved.notes,
        ),
        spoiler=accepted.spoiler,
        paused=accepted.paused,
    )


def hidden(interaction: Interaction, *, private: bool) -> bool:
    """Return whether the status message of a job is ephemeral: of a private one on a server.

    Direct messages are private without that, and an ephemeral message would disappear from them.
    """
    return private and interaction.guild_id is not None


def show_progress(
    services: Services, actor: Actor, accepted: Accepted, message_id: int, card: WaitingCard
) -> None:
    """Keep a job's status message up to date. card: what it shows."""
    handle = services.engine_jobs.handle_of(accepted.job_id)
    if handle is None:
        return
    address = Address(
        0 if actor.direct else actor.guild_id,
        actor.channel_id,
        message_id,
        actor.locale_for(private=accepted.private),
        reply_token=actor.reply_token,
        upload_limit_bytes=actor.upload_limit_bytes,
        ephemeral=accepted.private and not actor.direct,
    )
    services.progress.track(handle, address, card, quiet=not handle.spec.previews)
