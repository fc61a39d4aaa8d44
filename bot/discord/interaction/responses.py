"""Responses to interactions: exactly one each, in time, and reported to the delivery worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import aiohttp
import discord
import structlog
from discord import ui
from discord.utils import MISSING

from bot.accounts.permissions import Actor
from bot.delivery.cards import WaitingCard
from bot.delivery.messenger import (
    AnsweredElsewhere,
    TemporaryFailure,
    Undeliverable,
)
from bot.delivery.worker import NeverAnswered
from bot.discord.interaction.command_links import words_for
from bot.discord.interaction.home_server import SERVER_NAME_CHARS, about_server, home_server
from bot.discord.interaction.job_messages import hidden, show_progress, waiting_card
from bot.discord.interaction.rule_subjects import NAMING_SUBJECTS, naming_visible
from bot.discord.interaction.server_locale import server_locale
from bot.discord.interaction.services import Services
from bot.discord.views.corrections import correction_layout
from bot.discord.views.custom_ids import is_of_another_database
from bot.discord.views.jobs import card_layout
from bot.discord.views.markdown import quoted, timestamp
from bot.discord.views.modals import refusal_with_prompt
from bot.discord.views.permutations import proposal_layout
from bot.discord.views.reminders import reminder_buttons
from bot.discord.views.suggestions import suggestion_layout
from bot.i18n import Words, paragraph
from bot.request.outcomes import (
    Accepted,
    Blocked,
    FlagProblem,
    JobsCancelled,
    ManyPermutations,
    NothingKnown,
    Refused,
)
from bot.request.pending import PendingRequest
from bot.request.reasons.administration import ServerPaused
from bot.wording import rejections
from bot.wording.cancellations import jobs_cancelled
from bot.wording.permissions import permission_names
from bot.wording.servers import where_it_works

log = structlog.get_logger(__name__)

T = TypeVar("T")

ANNOUNCED_AFTER_S = 0.7
"""Slower responses are deferred, so that every press is answered within a second."""
CONTENT_CHARS = 1900
SERVERS_NAMED = 5
"""Servers that a refusal in direct messages names. Chosen by hand."""
NO_MENTIONS = discord.AllowedMentions.none()

Interaction = discord.Interaction[discord.Client]


def actor_of(interaction: Interaction) -> Actor:
    """Return the user with the permissions Discord reports for this channel.

    In direct messages, where Discord reports none, they act for their `home_server`.
    """
    home = home_server(interaction)
    guild_id = interaction.guild_id if home is None else home.guild_id
    assert guild_id is not None
    assert interaction.channel_id is not None
    can = interaction.permissions
    return Actor(
        user_id=interaction.user.id,
        guild_id=guild_id,
        channel_id=interaction.channel_id,
        locale=server_locale(interaction),
        own_locale=str(interaction.locale),
        manages_messages=can.manage_messages,
        manages_server=can.manage_guild or can.administrator,
        upload_limit_bytes=interaction.filesize_limit,
        reply_token=interaction.token,
        parent_id=_parent_of(interaction),
        direct=home is not None,
        role_ids=_roles_of(interaction.user if home is None else home.member),
        age_restricted=is_age_restricted(interaction.channel),
        category_id=_category_of(interaction),
    )


def _roles_of(user: discord.User | discord.Member | None) -> frozenset[int]:
    """Return the roles of a member that Discord or the cache reports."""
    return frozenset(role.id for role in getattr(user, "roles", ()))


def is_age_restricted(channel: object) -> bool:
    """Return whether Discord marks a channel, or the parent channel of a thread, so."""
    is_nsfw = getattr(channel, "is_nsfw", None)
    return is_nsfw is not None and is_nsfw()


def _parent_of(interaction: Interaction) -> int | None:
    """Return the parent channel if the interaction comes from a thread."""
    channel = interaction.channel
    return channel.parent_id if isinstance(channel, discord.Thread) else None


def _category_of(interaction: Interaction) -> int | None:
    """Return the category of the channel, or of a thread's parent, as far as it is known."""
    channel = interaction.channel
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    return getattr(parent, "category_id", None)


def words_of(interaction: Interaction) -> Words:
    """Return the user's own language."""
    return words_for(interaction, str(interaction.locale))


async def reply_privately(
    interaction: Interaction,
    text: str,
    files: Sequence[discord.File] = (),
    buttons: ui.View | None = None,
) -> None:
    """Reply ephemerally. buttons: below the text."""
    await interaction.response.send_message(
        text,
        files=files or MISSING,
        view=buttons or MISSING,
        ephemeral=True,
        allowed_mentions=NO_MENTIONS,
        suppress_embeds=True,
    )


async def reply_outcome(
    interaction: Interaction, outcome: T | Refused, text_of: Callable[[T, Words], str]
) -> None:
    """Reply ephemerally with what an outcome is in words, or with why there is none."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, text_of(outcome, words_of(interaction)))


async def reply_layout_privately(interaction: Interaction, view: ui.LayoutView) -> None:
    """Reply ephemerally with a layout."""
    await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def reply_keeping_prompt(interaction: Interaction, text: str) -> None:
    """Reply ephemerally; the prompt of a submitted form is given back with the text."""
    said, files = refusal_with_prompt(interaction, text, words_of(interaction))
    await reply_privately(interaction, said, files)


async def reject_server(interaction: Interaction, servers: Sequence[str] = ()) -> None:
    """Reply that the bot does not work here. servers: names of those where it does, for whoever
    asks in direct messages."""
    say = words_of(interaction)
    if interaction.guild_id is None:
        text = say("This works only on servers. Here you can use the buttons below your pictures.")
        if servers:
            text = paragraph(text, where_it_works(_quoted_names(servers), len(servers), say))
        await reply_keeping_prompt(interaction, text)
    else:
        await reply_keeping_prompt(interaction, say("I am not enabled on this server."))


def _quoted_names(servers: Sequence[str]) -> list[str]:
    return [quoted(each, SERVER_NAME_CHARS) for each in servers[:SERVERS_NAMED]]


def refusal_text(interaction: Interaction, refused: Refused) -> str:
    """Return the sentence that explains a refusal.

    It may quote user input: mentions are escaped and lone surrogates replaced.
    """
    refused = naming_visible(interaction, refused)
    text = (
        rejections.refusal(refused, words_of(interaction), timestamp)
        .encode(errors="replace")
        .decode()
    )
    if not isinstance(refused.reason, NAMING_SUBJECTS):  # these quote nobody
        text = discord.utils.escape_mentions(text)
    if isinstance(refused.reason, Blocked | ServerPaused):  # it quotes what somebody typed
        text = quoted(text, CONTENT_CHARS)
    return text + about_server(interaction, refused.reason)


def cancelled_text(interaction: Interaction, outcome: JobsCancelled) -> str:
    """Return what was cancelled, as whoever cancelled it may read it."""
    text = jobs_cancelled(outcome, interaction.user.id, words_of(interaction))
    return quoted(text, CONTENT_CHARS)


async def refuse(
    interaction: Interaction, refused: Refused, buttons: ui.View | None = None
) -> None:
    """Explain a refusal ephemerally. buttons: what can be done about it."""
    text, files = refusal_with_prompt(
        interaction, refusal_text(interaction, refused), words_of(interaction)
    )
    if not interaction.response.is_done():
        await reply_privately(interaction, text, files, buttons)
        return
    # The response was deferred, perhaps publicly. A followup can be ephemeral, but only after the
    # deferred response has been completed.
    await interaction.edit_original_response(content="…")
    await interaction.followup.send(
        text,
        files=files or MISSING,
        view=buttons or MISSING,
        ephemeral=True,
        allowed_mentions=NO_MENTIONS,
        suppress_embeds=True,
    )
    await interaction.delete_original_response()


async def refuse_request(interaction: Interaction, services: Services, refused: Refused) -> None:
    """Explain ephemerally why nothing is painted; where a quota is used up, offer a reminder."""
    offer_id = await services.reminders.offer(actor_of(interaction), refused)
    buttons = None if offer_id is None else reminder_buttons(offer_id, words_of(interaction))
    await refuse(interaction, refused, buttons)


async def reject_foreign_press(interaction: Interaction) -> None:
    """Reply why this button or form does nothing; no reply would look like a crash."""
    say = words_of(interaction)
    data = cast("Mapping[str, Any]", interaction.data or {})
    ids = [data.get("custom_id"), *(data.get("values") or ())]  # also those of a menu's options
    if any(is_of_another_database(str(each)) for each in ids):
        await reply_keeping_prompt(
            interaction,
            say(
                "This is from before my records were replaced, so I no longer know which picture "
                "it belongs to. Nothing was changed. Please use a command instead."
            ),
        )
        return
    await reply_keeping_prompt(
        interaction,
        say(
            "I do not recognise this button; it may come from another version of me. Please "
            "use a command instead."
        ),
    )


async def reply_cancelled(interaction: Interaction, outcome: JobsCancelled | Refused) -> None:
    """Reply what was cancelled; the status message is updated automatically."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, cancelled_text(interaction, outcome))


def missing_permissions(interaction: Interaction) -> list[str]:
    """Return the permissions that the bot lacks to deliver a picture here."""
    can = interaction.app_permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    send = "send_messages_in_threads" if in_thread else "send_messages"
    return [each for each in ("view_channel", "attach_files", send) if not getattr(can, each)]


async def can_deliver_here(interaction: Interaction) -> bool:
    """Return whether the bot can post a picture here; if not, explain it before anything is
    charged. In direct messages it can always answer, whatever Discord says about permissions."""
    if interaction.guild_id is None:
        return True
    missing = missing_permissions(interaction)
    if missing:
        say = words_of(interaction)
        await reply_privately(
            interaction,
            say(
                "I cannot post pictures in this channel. Missing permissions: {names}. "
                "Please ask a moderator, or use another channel.",
                names=permission_names(missing, say),
            ),
        )
    return not missing


async def finished_within(task: asyncio.Future[Any], limit_s: float) -> bool:
    """Wait for a task, at most `limit_s`, and say whether it is done; it is not cancelled."""
    await asyncio.wait({task}, timeout=limit_s)
    return task.done()


async def answer(
    interaction: Interaction,
    services: Services,
    outcome: Accepted | Refused,
    request: PendingRequest | None = None,
) -> None:
    """Reply with the outcome of a request, and tell the delivery worker which message shows it.

    Many permutations are proposed first instead, and other prompts for one that the model does not
    know. request: as it was typed; if flags of its prompt cannot be obeyed, it can be corrected.
    """
    if isinstance(outcome, Refused) and isinstance(outcome.reason, ManyPermutations):
        await _propose(interaction, services, outcome.reason, request)
        return
    if isinstance(outcome, Refused) and isinstance(outcome.reason, NothingKnown):
        await _suggest(interaction, services, outcome.reason)
        return
    if isinstance(outcome, Refused):
        await _refuse_request(interaction, services, outcome, request)
        return
    card = waiting_card(interaction, services, outcome)
    try:
        message_id = await _send_status(interaction, services, card, private=outcome.private)
    except BaseException:
        services.delivery.status_unknown(outcome.job_id)
        raise
    if message_id is None:
        services.delivery.status_unknown(outcome.job_id)
        return
    await services.delivery.status_posted(outcome.job_id, message_id)
    show_progress(services, actor_of(interaction), outcome, message_id, card)


async def _propose(
    interaction: Interaction,
    services: Services,
    many: ManyPermutations,
    request: PendingRequest | None,
) -> None:
    """Propose a batch ephemerally, or refuse it at once."""
    proposed = await services.permutations.propose(actor_of(interaction), many)
    if isinstance(proposed, Refused):
        await _refuse_request(interaction, services, proposed, request)
        return
    await _ask(interaction, proposal_layout(proposed, words_of(interaction)))


async def _suggest(interaction: Interaction, services: Services, unknown: NothingKnown) -> None:
    """Suggest other prompts ephemerally, or refuse the request at once."""
    asked = await services.suggestions.propose(actor_of(interaction), unknown)
    if isinstance(asked, Refused):
        await refuse_request(interaction, services, asked)
    else:
        await _ask(interaction, suggestion_layout(asked, words_of(interaction)))


async def _refuse_request(
    interaction: Interaction, services: Services, refused: Refused, request: PendingRequest | None
) -> None:
    """Refuse a request; if that is because of its flags, offer to correct it."""
    if request is None or not isinstance(refused.reason, FlagProblem):
        await refuse_request(interaction, services, refused)
        return
    actor = actor_of(interaction)
    correction = await services.corrections.offer(actor, request, refused.reason)
    if isinstance(correction, Refused):
        await refuse(interaction, correction)
        return
    sentences = refusal_text(interaction, refused)
    await _ask(interaction, correction_layout(correction, sentences, words_of(interaction)))


async def _ask(interaction: Interaction, view: ui.LayoutView) -> None:
    """Show a question ephemerally."""
    if not interaction.response.is_done():
        await reply_layout_privately(interaction, view)
        return
    # As in refuse(): the deferred response may be public.
    await interaction.edit_original_response(content="…")
    await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NO_MENTIONS)
    await interaction.delete_original_response()


async def _send_status(
    interaction: Interaction, services: Services, card: WaitingCard, *, private: bool
) -> int | None:
    """Reply with the status message and return its id; None if there is none."""
    job_id = card.job_id
    say = words_for(interaction, actor_of(interaction).locale_for(private=private))
    try:
        if interaction.response.is_done():  # deferred, with the right visibility
            edited = await interaction.edit_original_response(
                view=card_layout(card, say), allowed_mentions=NO_MENTIONS
            )
            return edited.id
        sent = await interaction.response.send_message(
            view=card_layout(card, say),
            allowed_mentions=NO_MENTIONS,
            ephemeral=hidden(interaction, private=private),
        )
        if sent.message_id is not None:
            return sent.message_id
        return (await interaction.original_response()).id
    except discord.NotFound as error:
        # It was too late, and Discord has shown that the bot did not respond; or the channel or the
        # deferred response was deleted. Nobody has seen that the request was accepted.
        log.warning("not answered", job=job_id, code=error.code)
        await services.cancellation.withdraw(job_id)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        # The first attempt may have arrived and only its response been lost; Discord can tell.
        if services.other_copies.answered_first(interaction.id, error):
            await disown(services, job_id)
            return None
        log.warning("answer not confirmed", job=job_id, error=str(error)[:200])
        return await _find_answer(interaction, services, job_id)
    return None


async def disown(services: Services, job_id: int) -> None:
    """Undo a job because another copy of the bot answered its command; it is refunded."""
    await services.cancellation.disown(job_id)
    services.delivery.status_unknown(job_id)


async def _find_answer(interaction: Interaction, services: Services, job_id: int) -> int | None:
    """Return the message that did answer after all; a job without one is withdrawn and refunded."""
    try:
        return await services.delivery.status_message(job_id)
    except AnsweredElsewhere:
        services.other_copies.found(interaction.id)
        await disown(services, job_id)
    except NeverAnswered:
        await services.cancellation.withdraw(job_id)
    except (TemporaryFailure, Undeliverable) as error:
        log.warning("answer not found", job=job_id, detail=str(error))
    return None
