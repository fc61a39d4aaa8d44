"""Files that are attached to commands."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import structlog

from bot.request.outcomes import Refused, Unreachable

log = structlog.get_logger(__name__)


async def file_content(file: discord.Attachment, fetch_limit_s: float) -> bytes | Refused:
    """Return the bytes of a file, unless it cannot be fetched in time."""
    try:
        async with asyncio.timeout(fetch_limit_s):
            return await file.read()
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # or a TimeoutError
        log.warning("file not fetched", error=str(error)[:200] or type(error).__name__)
        return Refused(Unreachable())
