"""Work that may outlast the time in which Discord expects an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.discord.interaction.responses import ANNOUNCED_AFTER_S, Interaction, finished_within

T = TypeVar("T")


async def in_time(
    interaction: Interaction, work: Coroutine[Any, Any, T], *, in_place: bool = False
) -> T:
    """Return the outcome of work; while it takes long, only its reader is told that it goes on.

    in_place: the answer will replace the message whose button was pressed, which stays until then.
    """
    task = asyncio.ensure_future(work)
    try:
        if not await finished_within(task, ANNOUNCED_AFTER_S):
            await defer(interaction, in_place=in_place)
        return await task
    finally:
        task.cancel()


async def defer(interaction: Interaction, *, in_place: bool = False) -> None:
    """Defer the response for its reader alone, unless that was done before."""
    if interaction.response.is_done():
        return
    if in_place:
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)
