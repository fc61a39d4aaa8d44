"""The one place where an unexpected error becomes words, for commands and buttons alike."""

from __future__ import annotations

import contextlib

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.discord.interaction.responses import (
    UNKNOWN_INTERACTION,
    Interaction,
    reply_privately,
    words_of,
)
from bot.wording import rejections
from storage.errors import StorageError

log = structlog.get_logger(__name__)

ALREADY_ANSWERED = 40060
THREAD_ARCHIVED = 50083


async def explain(interaction: Interaction, error: BaseException) -> None:
    """Log an error and tell the person that it was not their fault.

    In order: a failed check (they lack a right), an interaction that is gone (nobody to tell) or
    answered (an earlier try arrived), a thread that was put away meanwhile, a disk in trouble,
    anything else (a defect of ours, with its number to find it in the log).
    """
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    say = words_of(interaction)
    if isinstance(error, app_commands.CheckFailure):
        await _tell(interaction, rejections.not_allowed(say))
        return
    if isinstance(error, discord.NotFound) and error.code == UNKNOWN_INTERACTION:
        log.warning("answered too late", interaction=interaction.id)
        return
    if isinstance(error, discord.HTTPException) and error.code == ALREADY_ANSWERED:
        # discord.py tries again where the answer to its first try was lost; that one arrived.
        log.warning("answered before", interaction=interaction.id)
        return
    if isinstance(error, discord.HTTPException) and error.code == THREAD_ARCHIVED:
        log.warning("not answered: its thread was put away", interaction=interaction.id)
        return
    if isinstance(error, StorageError):
        log.error("not stored", interaction=interaction.id, detail=str(error))
        await _tell(interaction, rejections.storage_unavailable(say))
        return
    log.error("interaction failed", interaction=interaction.id, exc_info=error)
    await _tell(
        interaction,
        say(
            "Something went wrong on my side. Only accepted requests are charged. If it "
            "happens again, please give the bot's owner this number: {number}",
            number=interaction.id,
        ),
    )


async def _tell(interaction: Interaction, text: str) -> None:
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await reply_privately(interaction, text)
