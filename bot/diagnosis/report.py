"""Run every check that needs no network, in the order of the page."""

from __future__ import annotations

import os
import tempfile
import tomllib
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import bot
from bot.diagnosis.configuration import (
    check_clock,
    check_configuration,
    check_picture_check,
    check_proxy,
    check_readers,
)
from bot.diagnosis.database import check_database, running_bot
from bot.diagnosis.disk import check_place
from bot.diagnosis.findings import Code, Finding, Level, Place, Section, broken
from bot.diagnosis.machine import Probes, check_machine, check_others
from bot.diagnosis.model import check_cache, check_loras
from bot.diagnosis.token import check_token
from bot.settings import DEFAULT_CONFIG, Settings
from storage.types import Clock, utc_now


@dataclass(frozen=True, slots=True)
class Setup:
    """What is examined.

    settings: None if they could not be read, and `problem` says why. config: the file that the
    owner named, None for the usual one.
    """

    settings: Settings | None
    problem: str | None = None
    config: Path | None = None
    probes: Probes = field(default_factory=Probes)
    clock: Clock = utc_now


def diagnose(setup: Setup) -> list[Finding]:
    """Return all findings, section by section. Takes no lock, changes nothing, asks no network.

    A check that breaks is a finding itself. Blocking, for seconds: torch is imported.
    """
    now = setup.clock()
    settings = setup.settings
    bot_process = None if settings is None else running_bot(settings.storage.data_dir)
    checks: list[Callable[[], Iterable[Finding]]] = [
        lambda: check_machine(
            None if settings is None else settings.engine.to_engine(settings.storage.cache_dir),
            setup.probes,
            bot_runs=bot_process is not None,
        ),
        lambda: (
            []
            if settings is None
            else check_others(each.settings for each in settings.engine.offered()[1:])
        ),
        lambda: _disks(setup),
        lambda: check_cache(setup.probes.cache()),
        lambda: (
            []
            if settings is None
            else check_loras(*(each.settings for each in settings.engine.offered()))
        ),
        lambda: _database(setup, now, bot_process),
        lambda: _settings(setup),
        lambda: [check_clock(now, Path(bot.__file__))],
    ]
    found = [finding for check in checks for finding in _guarded(check)]
    return sorted(_once(found), key=lambda each: list(Section).index(each.section))


def is_broken(findings: Iterable[Finding]) -> bool:
    """Whether something keeps the bot from working."""
    return any(each.level is Level.BROKEN for each in findings)


def _disks(setup: Setup) -> Iterator[Finding]:
    probes = setup.probes
    if setup.settings is not None:
        yield from check_place(Place.DATA, setup.settings.storage.data_dir, probes.room)
    yield from check_place(Place.MODELS, probes.cache(), probes.room)
    yield from check_place(Place.TEMPORARY, Path(tempfile.gettempdir()), probes.room)


def _database(setup: Setup, now: datetime, bot_process: int | None) -> Iterable[Finding]:
    if setup.settings is None:
        return []
    storage = setup.settings.storage
    if storage.data_dir.exists() and not storage.data_dir.is_dir():
        return []  # the section on disks says so
    return check_database(
        storage.data_dir,
        now=now,
        keeps_backups=storage.backups > 0,
        bot=bot_process,
        config=setup.config,
    )


def _settings(setup: Setup) -> Iterator[Finding]:
    file = setup.config or DEFAULT_CONFIG
    yield check_configuration(file, named=setup.config is not None, problem=setup.problem)
    settings = setup.settings
    if settings is None:
        return
    yield from check_readers(file, settings.storage.data_dir, secret=_holds_secret(file))
    yield from check_proxy(settings.discord.proxies)
    yield from check_picture_check(settings.moderation.picture_check)
    token = settings.discord.token
    yield check_token(None if token is None else token.get_secret_value(), list(os.environ))


def _holds_secret(file: Path) -> bool:
    """Whether the file sets the token or the proxy, whatever wins in the end."""
    try:
        section = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("discord", {})
    except (OSError, ValueError):
        return False
    return isinstance(section, dict) and bool(section.get("token") or section.get("proxy"))


def _guarded(check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield a check's findings; what it breaks on is the last of them."""
    try:
        yield from check()
    except Exception as error:  # the page is wanted most where something unheard-of is wrong
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        yield broken(Code.CHECK_FAILED, error=type(error).__name__, where=where)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for each in findings:
        if each not in kept:
            kept.append(each)
    return kept
