"""The least bot that stores a request and answers it: what zimagine's answers are compared with.

`python -m bot.benchmarks.bare_bot API GATEWAY …` registers /imagine with discord.py. Each one
becomes a row of a table in SQLite, on another thread and on disk, and gets one sentence.
BENCHMARK_CORES: as of `measured_bot`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiosqlite
import discord
from discord import app_commands

from bot.benchmarks.measured_bot import CORES
from bot.playground.redirected import point
from bot.setting_names import ENV_PREFIX
from engine.benchmarks.work import keep_to


class BareBot(discord.Client):
    """One command and one table."""

    def __init__(self, file: Path) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)
        self._file = file

    async def setup_hook(self) -> None:
        """Open the table and register the command."""
        db = await aiosqlite.connect(self._file, isolation_level=None)
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, user_id, prompt)")

        @self.tree.command(description="Paint a picture from your words")
        async def imagine(interaction: discord.Interaction, prompt: str) -> None:
            row = (interaction.user.id, prompt)
            await db.execute("INSERT INTO jobs (user_id, prompt) VALUES (?, ?)", row)
            await interaction.response.send_message("Accepted.")

        await self.tree.sync()


def main() -> None:
    """Run until SIGTERM."""
    keep_to([int(each) for each in os.environ.get(CORES, "").split(",") if each])
    point(*sys.argv[1:3])
    folder = Path(os.environ[f"{ENV_PREFIX}STORAGE__DATA_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    BareBot(folder / "bare.db").run(os.environ["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
