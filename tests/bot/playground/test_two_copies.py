"""Two copies of the bot with one token: every command is painted and charged once."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from bot.playground.interactions import State
from bot.playground.process import BotProcess, pointed_command
from bot.playground.rest.routes import PREFIX
from storage.database import FILE_NAME
from tests.bot.playground.live import LivePlayground, open_live
from tests.databases import place_new_database

COMMANDS = 3
FOUND = "another copy of the bot answered"
TOLD = "the owner has to know"


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read a bot's database from outside."""
    with closing(sqlite3.connect(data_dir / FILE_NAME, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def lines(process: BotProcess, words: str) -> int:
    """Count the lines of a bot's log that contain these words."""
    return sum(words in line for line in process.lines)


@asynccontextmanager
async def second_copy(live: LivePlayground, data_dir: Path) -> AsyncIterator[BotProcess]:
    """Run another bot with the same token, online beside the first one."""
    standin = live.playground.standin
    arguments = ["run", "--config", os.devnull]
    command = pointed_command(standin.base_url + PREFIX, standin.gateway.url, arguments)
    environment = live.playground.process.environment | {
        "ZIMAGINE_STORAGE__DATA_DIR": str(data_dir)
    }
    process = BotProcess(command, environment)
    process.start()
    try:
        await live.until(lambda: lines(process, "online"))
        yield process
    finally:
        await process.stop()


@pytest.mark.parametrize("copied", [False, True], ids=["own data", "copied data"])
async def test_each_command_is_painted_by_one_copy(tmp_path: Path, copied: bool) -> None:
    """Whichever copy answers first paints; the other one refunds, and tells the owner once.

    Even if one data folder is a copy of the other, so that both give the same numbers.
    """
    first, second = tmp_path / "first", tmp_path / "second"
    if copied:
        place_new_database(first / FILE_NAME)
        shutil.copytree(first, second)
    async with open_live(first) as live, second_copy(live, second) as other:
        for number in range(COMMANDS):
            sent = live.send("imagine", prompt=f"a red house by the sea {number}")
            await live.until(lambda sent=sent: sent.state is State.ANSWERED)
        await live.picture(COMMANDS)
        open_jobs = "SELECT 1 FROM jobs WHERE finished_at IS NULL"
        pending = "SELECT 1 FROM deliveries WHERE state = 'pending'"
        for folder in (first, second):
            await live.until(lambda folder=folder: not rows(folder, open_jobs))
            await live.until(lambda folder=folder: not rows(folder, pending))
        assert len(live.pictures()) == COMMANDS
        states = "SELECT state, count(*) FROM jobs GROUP BY state"
        found = [dict(rows(folder, states)) for folder in (first, second)]
        painted = [each.get("painted", 0) for each in found]
        cancelled = [each.get("cancelled", 0) for each in found]
        assert sum(painted) == sum(cancelled) == COMMANDS
        kept = "SELECT count(*) FROM ledger WHERE refunded_at IS NULL"
        charged = [rows(folder, kept)[0][0] for folder in (first, second)]
        assert charged == painted
        for process, withdrawn in zip((live.playground.process, other), cancelled, strict=True):
            assert lines(process, FOUND) == withdrawn
            assert lines(process, TOLD) == bool(withdrawn)
        shown = [str(each.components) for each in live.playground.standin.world.messages(0)]
        assert not [text for text in shown if "cancelled" in text]
