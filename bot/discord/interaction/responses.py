"""How an interaction is answered: once, in time, and known to the delivery afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import discord
import structlog
from discord import ui
from discord.utils import MISSING

from bot.accounts.permissions import Actor
from bot.delivery.cards import WaitingCard
from bot.delivery.messenger import Address, TemporaryFailure, Undeliverable
from bot.delivery.worker import NeverAnswered
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import card_layout
from bot.discord.views.markdown import quoted, when
from bot.discord.views.permutations import proposal_layout
from bot.discord.views.returned_input import returned
from bot.i18n import Words, words
from bot.request.outcomes import Accepted, Blocked, JobsCancelled, ManyPermutations, Refused
from bot.request.summary import summarize
from bot.wording import rejections
from bot.wording.cancellations import jobs_cancelled

log = structlog.get_logger(__name__)

UNKNOWN_INTERACTION = 10062
CONTENT_CHARS = 1900
NO_MENTIONS = discord.AllowedMentions.none()

Interaction = discord.Interaction[discord.Client]


def actor_of(interaction: Interaction) -> Actor:
    """Who is asking, and what Discord says they may do here. Only for use in a server."""
    assert interaction.guild_id is not None
    assert interaction.channel_id is not None
    can = interaction.permissions
    return Actor(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        locale=str(interaction.guild_locale or interaction.locale),
        own_locale=str(interaction.locale),
        manages_messages=can.manage_messages,
        manages_server=can.manage_guild,
        upload_limit_bytes=interaction.filesize_limit,
        reply_token=interaction.token,
        parent_id=_parent_of(interaction),
    )


def _parent_of(interaction: Interaction) -> int | None:
    """The channel around the thread that the interaction comes from."""
    channel = interaction.channel
    return channel.parent_id if isinstance(channel, discord.Thread) else None


def words_of(interaction: Interaction) -> Words:
    """The reader's language."""
    return words(str(interaction.locale))


async def reply_privately(
    interaction: Interaction, text: str, files: Sequence[discord.File] = ()
) -> None:
    """Answer only the person who asked."""
    await interaction.response.send_message(
        text,
        files=files or MISSING,
        ephemeral=True,
        allowed_mentions=NO_MENTIONS,
        suppress_embeds=True,
    )


async def reply_layout_privately(interaction: Interaction, view: ui.LayoutView) -> None:
    """Answer only the person who asked, with a layout."""
    await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def reject_server(interaction: Interaction) -> None:
    """Say that the bot does not work here."""
    say = words_of(interaction)
    if interaction.guild_id is None:
        await reply_privately(interaction, say("I only paint on servers, not in direct messages."))
    else:
        await reply_privately(interaction, say("I am not enabled on this server."))


def refusal_text(interaction: Interaction, refused: Refused) -> str:
    """What is wrong, and what to do.

    What was typed may stand in it, and reads as no mention; half a character is none.
    """
    text = (
        rejections.refusal(refused, words_of(interaction), when).encode(errors="replace").decode()
    )
    text = discord.utils.escape_mentions(text)
    # A moderator's own words stand in it.
    return quoted(text, CONTENT_CHARS) if isinstance(refused.reason, Blocked) else text


def cancelled_text(interaction: Interaction, outcome: JobsCancelled) -> str:
    """What was cancelled, as who cancelled it may read it."""
    said = jobs_cancelled(outcome, interaction.user.id, words_of(interaction))
    return quoted(said, CONTENT_CHARS)


async def refuse(interaction: Interaction, refused: Refused) -> None:
    """Answer only the person who asked: what is wrong, and what to do."""
    text, files = returned(interaction, refusal_text(interaction, refused), words_of(interaction))
    if not interaction.response.is_done():
        await reply_privately(interaction, text, files)
        return
    # An answer was announced, perhaps for all to see. A new message can be for one person, but only
    # once the announced one was given.
    await interaction.edit_original_response(content="…")
    await interaction.followup.send(
        text,
        files=files or MISSING,
        ephemeral=True,
        allowed_mentions=NO_MENTIONS,
        suppress_embeds=True,
    )
    await interaction.delete_original_response()


async def reject_foreign_press(interaction: Interaction) -> None:
    """Say that nothing here made this button or form; an unanswered one looks like a crash."""
    say = words_of(interaction)
    await reply_privately(
        interaction,
        say(
            "I do not recognise this button; it may come from another version of me. Please "
            "use a command instead."
        ),
    )


async def reply_cancelled(interaction: Interaction, outcome: JobsCancelled | Refused) -> None:
    """Say what was cancelled; the status message changes by itself."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, cancelled_text(interaction, outcome))


def missing_permissions(interaction: Interaction) -> list[str]:
    """What the bot lacks in this channel to deliver a picture, in Discord's names."""
    can = interaction.app_permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    needed = {
        "View Channel": can.view_channel,
        "Send Messages": can.send_messages,
        "Attach Files": can.attach_files,
    }
    if in_thread:
        del needed["Send Messages"]
        needed["Send Messages in Threads"] = can.send_messages_in_threads
    return [name for name, there in needed.items() if not there]


async def can_deliver_here(interaction: Interaction) -> bool:
    """Refuse before anything is charged if the bot could not post the picture here."""
    missing = missing_permissions(interaction)
    if missing:
        say = words_of(interaction)
        await reply_privately(
            interaction,
            say(
                "I cannot post pictures in this channel. Missing permissions: {names}. "
                "Please ask a moderator, or use another channel.",
                names=", ".join(f"“{name}”" for name in missing),
            ),
        )
    return not missing


async def answer(interaction: Interaction, services: Services, outcome: Accepted | Refused) -> None:
    """Say what became of a wish to paint, and tell delivery where that stands.

    What would be many pictures is asked about first.
    """
    if isinstance(outcome, Refused) and isinstance(outcome.reason, ManyPermutations):
        await _ask(interaction, services, outcome.reason)
        return
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    card = waiting_card(interaction, services, outcome)
    actor = actor_of(interaction)
    try:
        message_id = await _send(interaction, services, card, private=outcome.private)
    except BaseException:
        services.delivery.status_unknown(outcome.job_id)
        raise
    if message_id is None:
        services.delivery.status_unknown(outcome.job_id)
        return
    await services.delivery.status_posted(outcome.job_id, message_id)
    handle = services.generation.handle_of(outcome.job_id)
    if handle is not None:
        token = actor.reply_token if outcome.private else None
        address = Address(
            actor.guild_id,
            actor.channel_id,
            message_id,
            actor.locale_for(private=outcome.private),
            reply_token=token,
            upload_limit_bytes=actor.upload_limit_bytes,
        )
        services.progress.show(handle, address, card, quiet=not handle.spec.previews)


def waiting_card(interaction: Interaction, services: Services, accepted: Accepted) -> WaitingCard:
    """What shows a job that was accepted just now."""
    return WaitingCard(
        job_id=accepted.job_id,
        request=accepted.resolved.request,
        requester_id=interaction.user.id,
        ahead=accepted.ahead,
        ready_at=accepted.ready_at,
        added=accepted.resolved.added,
        notes=accepted.resolved.notes,
        loading=services.generation.engine.info is None,
        asked=summarize(
            accepted.resolved.request,
            accepted.pictures,
            services.generation.family,
            accepted.resolved.notes,
        ),
        spoiler=accepted.spoiler,
    )


async def _ask(interaction: Interaction, services: Services, many: ManyPermutations) -> None:
    """Ask only the person who wants so much, or refuse it at once."""
    proposed = await services.permutations.propose(actor_of(interaction), many)
    if isinstance(proposed, Refused):
        await refuse(interaction, proposed)
        return
    view = proposal_layout(proposed, words_of(interaction))
    if not interaction.response.is_done():
        await reply_layout_privately(interaction, view)
        return
    # As in refuse(): the answer that was announced may be for all to see.
    await interaction.edit_original_response(content="…")
    await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NO_MENTIONS)
    await interaction.delete_original_response()


async def _send(
    interaction: Interaction, services: Services, card: WaitingCard, *, private: bool
) -> int | None:
    """Answer with the status message and return its id; None where it may not stand."""
    job_id, say = card.job_id, words(actor_of(interaction).locale_for(private=private))
    try:
        if interaction.response.is_done():  # announced before, as private as it is
            edited = await interaction.edit_original_response(
                view=card_layout(card, say), allowed_mentions=NO_MENTIONS
            )
            return edited.id
        sent = await interaction.response.send_message(
            view=card_layout(card, say), allowed_mentions=NO_MENTIONS, ephemeral=private
        )
        if sent.message_id is not None:
            return sent.message_id
        return (await interaction.original_response()).id
    except discord.NotFound as error:
        if error.code != UNKNOWN_INTERACTION:
            raise
        # The person was told that the bot did not answer: they will try again.
        log.warning("answered too late", job=job_id)
        await services.cancellation.withdraw(job_id)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        # Perhaps a first try of ours arrived, and only its answer was lost: Discord knows.
        log.warning("answer not confirmed", job=job_id, error=str(error)[:200])
        return await _answered(services, job_id)
    return None


async def _answered(services: Services, job_id: int) -> int | None:
    """The message that did answer after all; a job without one is withdrawn and refunded."""
    try:
        return await services.delivery.status_message(job_id)
    except NeverAnswered:
        await services.cancellation.withdraw(job_id)
    except (TemporaryFailure, Undeliverable) as error:
        log.warning("answer not found", job=job_id, detail=str(error))
    return None
