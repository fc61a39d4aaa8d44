"""The remark for whoever still paints with the demo model, on a machine that could do more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.diagnosis.machine import first_fit
from bot.i18n import words
from bot.wording.diagnosis.sentences import first_start
from engine.diffusion.families import SKETCH
from engine.diffusion.recommendation import Recommendation

log = structlog.get_logger(__name__)


async def log_fit(model: str, find: Callable[[], Recommendation | None] = first_fit) -> None:
    """Log one line about what the machine's GPU could paint with, if the demo model is used."""
    if model != SKETCH:
        return
    try:
        fit = await asyncio.to_thread(find)
    except Exception as error:  # a remark must not stop the bot, whatever a driver does
        log.info("what fits this machine was not found out", error=type(error).__name__)
        return
    if fit is not None:
        log.info(first_start(fit, words()))
