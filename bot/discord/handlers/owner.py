"""What the bot's owners do: answering commands of /owner, and the buttons of their questions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

import aiohttp
import discord
import structlog
from discord import ui

from bot.discord.interaction.responses import (
    ANNOUNCED_AFTER_S,
    NO_MENTIONS,
    Interaction,
    actor_of,
    finished_within,
    refusal_text,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.server_facts import server_facts
from bot.discord.interaction.services import Services
from bot.discord.views.owner import (
    announcement_question_layout,
    diagnosis_layout,
    drain_question_layout,
    overview_layout,
    unload_question_layout,
)
from bot.discord.views.permutations import closed_layout
from bot.i18n import Words
from bot.operation.control import ModelMove
from bot.request.outcomes import Refused
from bot.request.reasons.operation import ServerUnknown
from bot.wording import operation
from bot.wording.alerts import announcement_outcome
from bot.wording.configuration import reload_sentence
from storage.errors import StorageError

log = structlog.get_logger(__name__)

T = TypeVar("T")
_SERVER_ID: Final = "[0-9]{1,20}"


async def show_overview(interaction: Interaction, services: Services) -> None:
    """Answer /owner status."""
    found = await services.overview.overview(interaction.user.id)
    await _reply(interaction, found, overview_layout)


async def reload_settings(interaction: Interaction, services: Services) -> None:
    """Answer /owner reload."""
    refused = await services.operation.refusal(interaction.user.id)
    if refused is not None:
        await refuse(interaction, refused)
        return
    # A picture check of the owner's may take long to import.
    await interaction.response.defer(ephemeral=True, thinking=True)
    outcome = await services.reload.reload()
    text = reload_sentence(outcome, words_of(interaction))
    await interaction.followup.send(text, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def ask_drain(interaction: Interaction, services: Services) -> None:
    """Answer /owner drain with a question."""
    refused = await services.operation.refusal(interaction.user.id)
    backlog = refused or services.operation.backlog()
    await _reply(interaction, backlog, drain_question_layout)


async def drain(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Accept nothing more; the outcome takes the place of the question."""
    done = await services.operation.drain(interaction.user.id)
    await _replace(interaction, done, operation.draining)


async def ask_unload(interaction: Interaction, services: Services) -> None:
    """Answer /owner unload: at once, or with a question while something is to be painted."""
    refused = await services.operation.refusal(interaction.user.id)
    backlog = refused or services.operation.backlog()
    if isinstance(backlog, Refused) or backlog.painting or backlog.waiting:
        await _reply(interaction, backlog, unload_question_layout)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    await _unload(interaction, services)


async def unload(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Free the memory after the present picture; the outcome takes the place of the question."""
    say = words_of(interaction)
    if (refused := await services.operation.refusal(interaction.user.id)) is not None:
        await refuse(interaction, refused)
        return
    await interaction.response.edit_message(
        view=closed_layout(operation.unloading(say)), allowed_mentions=NO_MENTIONS
    )
    await _unload(interaction, services)


async def _unload(interaction: Interaction, services: Services) -> None:
    done = await services.operation.unload(interaction.user.id)
    await _show(interaction, _text(interaction, done, operation.unloaded))


async def move_model(interaction: Interaction, services: Services, typed: str | None) -> None:
    """Load a model and say how long that takes; typed: None for one that failed to load of late."""
    user_id = interaction.user.id
    plan = (
        await services.operation.plan_retry(user_id)
        if typed is None
        else await services.operation.plan_move(user_id, typed)
    )
    if isinstance(plan, Refused):
        await refuse(interaction, plan)
        return
    say = words_of(interaction)
    await reply_layout_privately(interaction, closed_layout(operation.moving(plan, say)))
    if plan.loaded:
        return
    refused = await services.operation.move(plan.model)
    outcome: ModelMove | Refused = refused or plan
    await _show(interaction, _text(interaction, outcome, operation.moved))


async def ask_announcement(interaction: Interaction, services: Services, text: str) -> None:
    """Answer /owner announce with a question."""
    question = await services.announcements.ask(actor_of(interaction), text)
    await _reply(interaction, question, announcement_question_layout)


async def announce(interaction: Interaction, services: Services, question_id: int) -> None:
    """Post an announcement; the outcome takes the place of the question."""
    say = words_of(interaction)
    begun = await services.announcements.begin(actor_of(interaction), question_id)
    if isinstance(begun, Refused):
        await refuse(interaction, begun)
        return
    posting = asyncio.ensure_future(services.announcements.post(begun))
    if not await finished_within(posting, ANNOUNCED_AFTER_S):
        await interaction.response.edit_message(
            view=closed_layout(say("It is being posted …")), allowed_mentions=NO_MENTIONS
        )
    try:
        text = announcement_outcome(await posting, say)
    except StorageError as error:
        log.warning("announcement broke off", detail=str(error))
        text = say(
            "My disk or my database failed in between. The rest is posted after the next start."
        )
    if interaction.response.is_done():
        await _show(interaction, text)
    else:
        await interaction.response.edit_message(
            view=closed_layout(text), allowed_mentions=NO_MENTIONS
        )


async def diagnose(
    interaction: Interaction, services: Services, user_id: int, server: str | None
) -> None:
    """Answer /owner diagnose. server: an id, None for the server of the command."""
    actor = actor_of(interaction)
    if (refused := await services.operation.refusal(actor.user_id)) is not None:
        await refuse(interaction, refused)
        return
    typed = str(actor.guild_id) if server is None else server.strip()
    known = re.fullmatch(_SERVER_ID, typed) is not None
    guild = interaction.client.get_guild(int(typed)) if known else None
    if guild is None:
        await refuse(interaction, Refused(ServerUnknown(server or "")))
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    facts = await server_facts(guild, user_id, served=services.serves(guild.id))
    found = await services.member_diagnosis.diagnose(actor, user_id, facts)
    if isinstance(found, Refused):
        await _show(interaction, refusal_text(interaction, found))
        return
    view = diagnosis_layout(found, words_of(interaction))
    await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)


async def leave(interaction: Interaction, _services: Services, _row_id: int) -> None:
    """Close a question."""
    say = words_of(interaction)
    view = closed_layout(say("Nothing was changed."))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def _reply(
    interaction: Interaction,
    outcome: T | Refused,
    view_of: Callable[[T, Words], ui.LayoutView],
) -> None:
    """Reply ephemerally with the layout of an outcome, or with why there is none."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_layout_privately(interaction, view_of(outcome, words_of(interaction)))


async def _replace(
    interaction: Interaction, outcome: T | Refused, text_of: Callable[[T, Words], str]
) -> None:
    """Show an outcome in place of the question."""
    if isinstance(outcome, Refused):
        await reply_privately(interaction, refusal_text(interaction, outcome))
        return
    view = closed_layout(text_of(outcome, words_of(interaction)))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


def _text(
    interaction: Interaction, outcome: T | Refused, text_of: Callable[[T, Words], str]
) -> str:
    if isinstance(outcome, Refused):
        return refusal_text(interaction, outcome)
    return text_of(outcome, words_of(interaction))


async def _show(interaction: Interaction, text: str) -> None:
    """Show a text in place of the answer; after a quarter of an hour Discord takes none."""
    try:
        await interaction.edit_original_response(
            view=closed_layout(text), allowed_mentions=NO_MENTIONS
        )
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("outcome not shown", detail=str(error)[:200])
