"""Reload the settings when a signal asks for it, and tell the owners what they cannot see there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.delivery.alerts import OwnerAlert, RestartNeeded, SettingsRefused
from bot.settings.reload import Reloaded, ReloadRefused, ReloadService

log = structlog.get_logger(__name__)


async def reload_on_request(
    requested: asyncio.Event, service: ReloadService, alert_soon: Callable[[OwnerAlert], object]
) -> None:
    """Reload each time `requested` is set, until cancelled; requests while it reloads are one.

    A signal has no answer. So beside the log, the owners are alerted to what was not taken up.
    """
    while True:
        await requested.wait()
        requested.clear()
        try:
            outcome = await service.reload()
        except Exception:  # a reload that fails must not end a bot that paints
            log.exception("settings not reloaded")
            continue
        match outcome:
            case ReloadRefused(problem):
                alert_soon(SettingsRefused(problem))
            case Reloaded(needs_restart=names) if names:
                alert_soon(RestartNeeded(names))
            case Reloaded():
                pass
