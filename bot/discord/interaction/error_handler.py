"""The one place where unexpected errors are turned into messages, for commands and buttons
alike."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.discord.interaction.error_codes import ErrorCode
from bot.discord.interaction.responses import Interaction, reply_privately, words_of
from bot.discord.interaction.services import Services
from bot.discord.views.modals import refusal_with_prompt
from bot.wording import rejections
from storage.errors import StorageError

log = structlog.get_logger(__name__)

_NOBODY_TO_TELL: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.UNKNOWN_INTERACTION: "it was too late",
    ErrorCode.UNKNOWN_CHANNEL: "its channel was deleted",
    ErrorCode.UNKNOWN_GUILD: "the bot was removed from its server",
    ErrorCode.THREAD_ARCHIVED: "its thread was archived",
}
"""What happened between an interaction and the response that Discord refuses with such a code."""


async def explain(interaction: Interaction, error: BaseException, services: Services) -> None:
    """Log an error and tell the user what happened.

    In this order: a failed check (missing permission), an interaction that cannot be answered any
    more, an already answered one (by another copy, or an earlier attempt arrived), a storage
    failure, and anything else: a bug, reported with a number that finds it in the log.
    """
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    say = words_of(interaction)
    if isinstance(error, app_commands.CheckFailure):
        await _send_notice(interaction, rejections.not_allowed(say))
        return
    if isinstance(error, discord.HTTPException) and error.code in _NOBODY_TO_TELL:
        reason = _NOBODY_TO_TELL[ErrorCode(error.code)]
        log.warning("not answered", interaction=interaction.id, reason=reason)
        return
    if isinstance(error, discord.HTTPException) and error.code == ErrorCode.ALREADY_ACKNOWLEDGED:
        if not services.other_copies.answered_first(interaction.id, error):
            # discord.py retries when the response to its first attempt is lost; that attempt had
            # arrived.
            log.warning("answered before", interaction=interaction.id)
        return
    if isinstance(error, StorageError):
        log.error("not stored", interaction=interaction.id, detail=str(error))
        await _send_notice(interaction, rejections.storage_unavailable(say))
        return
    log.error("interaction failed", interaction=interaction.id, exc_info=error)
    await _send_notice(
        interaction,
        say(
            "Something went wrong on my side. Only accepted requests are charged. If it "
            "happens again, please give the bot's owner this number: {number}",
            number=interaction.id,
        ),
    )


async def _send_notice(interaction: Interaction, text: str) -> None:
    """Tell the user, and give them back the prompt of a form, which Discord discards."""
    text, files = refusal_with_prompt(interaction, text, words_of(interaction))
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
        if interaction.response.is_done():
            await interaction.followup.send(text, files=files, ephemeral=True)
        else:
            await reply_privately(interaction, text, files)
