"""The configuration file, who may read the bot's files, and the clock."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from bot.owner_functions import BadFunction, load_function
from bot.proxies import Proxies, ProxyRefused

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_READABLE = stat.S_IRGRP | stat.S_IROTH
DISCORD = "https://discord.com"
BEHIND = timedelta(days=1)
"""How far behind the program's own files a clock may be: archives have odd time zones. By hand."""


def check_configuration(path: Path, *, named: bool, problem: str | None) -> Finding:
    """Return whether the settings could be read.

    named: whether the owner named this file. problem: why they could not, one sentence that holds
    no secret; None if they could.
    """
    if problem is not None:
        return broken(Code.SETTING_INVALID, sentence=problem)
    if named or path.exists():
        return ok(Code.CONFIGURATION, file=str(path))
    return ok(Code.NO_CONFIGURATION)


def check_readers(config: Path, data_dir: Path, *, secret: bool) -> list[Finding]:
    """Return which files others on this machine can read. secret: whether the file holds any.

    Windows has no such modes: nothing is checked there.
    """
    if os.name == "nt":
        return []
    found: list[Finding] = []
    if secret and _mode(config) & _READABLE:
        found.append(note(Code.SECRET_READABLE, file=str(config)))
    if _mode(data_dir) & stat.S_IXOTH and _mode(data_dir) & stat.S_IROTH:
        found.append(note(Code.DATA_READABLE, folder=str(data_dir)))
    return found


def check_proxy(proxies: Proxies) -> list[Finding]:
    """Return whether Discord is reached by a proxy, and whether that can be used.

    It is named without its credentials. Nothing is asked of it.
    """
    try:
        proxy = proxies.for_url(DISCORD)
    except ProxyRefused as error:
        return [broken(Code.PROXY_REFUSED, reason=str(error))]
    return [] if proxy is None else [ok(Code.PROXY, url=proxy.url)]


def check_picture_check(name: str | None) -> list[Finding]:
    """Return whether the owner's function that looks at pictures can be used; nothing if none is
    set. Imports its module. Blocking."""
    if name is None:
        return []
    try:
        load_function(name)
    except BadFunction as error:
        return [broken(Code.PICTURE_CHECK_UNUSABLE, name=name, reason=str(error))]
    return [ok(Code.PICTURE_CHECK, name=name)]


def check_clock(now: datetime, program: Path) -> Finding:
    """Return whether the clock can be right.

    program: a file that was written when the program was installed. It is compared with nothing
    else, so that no network is used.
    """
    installed = datetime.fromtimestamp(program.stat().st_mtime, UTC)
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if installed - now > BEHIND:
        return broken(Code.CLOCK_BEHIND, now=shown, installed=f"{installed:%Y-%m-%d %H:%M} UTC")
    return ok(Code.CLOCK, now=shown)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & _OTHERS
    except OSError:
        return 0
