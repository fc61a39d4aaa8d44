"""Take up a changed configuration file while the bot runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.settings.current import (
    TAKES_EFFECT,
    CurrentSettings,
    TakesEffect,
    changed_settings,
    with_live_changes,
)
from bot.settings.loading import DEFAULT_CONFIG, InvalidSetting, Settings, load

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The file was read. Settings are named section.key.

    applied: what has changed since the last time, and holds now. needs_restart: what the file says
    otherwise than the running bot, which keeps what it started with.
    """

    applied: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """Nothing was changed. problem: one English sentence that names the setting or the line."""

    problem: str


class ReloadService:
    """Reads the settings anew, and lets those hold that can change while the bot runs.

    config: the file that was read at the start, None for config.toml in the working directory, if
    it exists. check: raises InvalidSetting for what cannot be used although it is well-formed;
    called on a thread. applied: told the settings that hold after each change; must not fail.
    """

    def __init__(
        self,
        current: CurrentSettings,
        config: Path | None,
        *,
        check: Callable[[Settings], object],
        applied: Callable[[Settings], object],
    ) -> None:
        self._current = current
        self._config = config
        self._check = check
        self._applied = applied
        self._one_at_a_time = asyncio.Lock()
        # A file that was there must not vanish unnoticed: all its settings would become defaults.
        if config is None and DEFAULT_CONFIG.exists():
            self._config = DEFAULT_CONFIG

    async def reload(self) -> Reloaded | ReloadRefused:
        """Read file and environment; change all that can change, or nothing if anything is wrong.

        What is in progress goes on with the settings that it has read.
        """
        async with self._one_at_a_time:
            try:
                read = await asyncio.to_thread(self._read)
            except InvalidSetting as error:
                log.error("settings not reloaded", why=str(error))
                return ReloadRefused(str(error))
            before = self._current.now
            after = with_live_changes(before, read)
            self._current.replace(after)
            self._applied(after)
            changed = changed_settings(before, read)
            outcome = Reloaded(
                tuple(name for name in changed if TAKES_EFFECT[name] is TakesEffect.LIVE),
                tuple(name for name in changed if TAKES_EFFECT[name] is TakesEffect.RESTART),
            )
        log.info("settings reloaded", changed=outcome.applied)
        if outcome.needs_restart:
            log.warning("some settings need a restart", settings=outcome.needs_restart)
        return outcome

    def _read(self) -> Settings:
        settings = load(self._config)
        self._check(settings)
        if self._config is None and DEFAULT_CONFIG.exists():
            self._config = DEFAULT_CONFIG
        return settings
