"""The server of the recorded data, with its members, its channels and the bot."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import discord

from bot.settings import Settings
from engine.renderer import RendererFactory
from tests.bot.discord.conftest import OWNER_ID, BotHarness, make_settings
from tests.fakes import FakeClock

HERE = Path(__file__).parent
DATA = HERE / "data_2026_11"
"""A data folder written by the build of November 2026."""
CONFIG = HERE / "every_setting.toml"
CUSTOM_IDS = HERE / "custom_ids.json"
CONTENTS = HERE / "told.json"
TOKEN = "a token of November 2026"
"""Staged pictures in the recording are signed with a key derived from it."""
SETTLED_S = 60
RECORDED_S = 3600
LATER_S = 7200


class Home(BotHarness):
    """A bot harness whose users, guild and channels have the ids of the recorded rows.

    simcord derives ids from its clock and a counter per millisecond, so objects created at the same
    time in the same order always have the same ids. Later messages have ids that no recorded one
    has.
    """

    def __init__(
        self, settings: Settings, load: RendererFactory, clock: FakeClock, *, at_s: float
    ) -> None:
        """at_s: the time on simcord's clock at which the test runs."""
        super().__init__(settings, load, clock)
        self.at_s = at_s

    async def start(self) -> None:
        """Start the bot; at the first start, create the guild and its members before anything
        else."""
        first = self.env is None
        await super().start()
        if first:
            self._settle()

    def _settle(self) -> None:
        self._turn(SETTLED_S)
        self.guild = self.env.create_guild("Home")
        admins = self.guild.create_role("A", permissions=discord.Permissions(manage_guild=True))
        mods = self.guild.create_role("M", permissions=discord.Permissions(manage_messages=True))
        self.channel = self.guild.create_text_channel("painting")
        join = self.guild.add_member
        self.alice = join(self.env.create_user("alice"))
        self.bob = join(self.env.create_user("bob"))
        self.carol = join(self.env.create_user("carol"))
        self.dave = join(self.env.create_user("dave"))
        self.admin = join(self.env.create_user("ada"), roles=[admins])
        self.moderator = join(self.env.create_user("mo"), roles=[mods])
        see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
        staff: dict[Any, Any] = dict.fromkeys((self.moderator, self.admin, self.guild.me), see)
        everyone: dict[Any, Any] = {self.guild.default_role: blind}
        self.mods = self.guild.create_text_channel("mods", overwrites=everyone | staff)
        self._turn(self.at_s)

    def _turn(self, elapsed_s: float) -> None:
        clock = self.env.backend.clock
        self.env.backend.advance_clock(elapsed_s - clock.elapsed)

    def ids(self) -> dict[str, int]:
        """Return the ids of the guild, its channels and its members by name."""
        names = ("guild", "channel", "mods", "alice", "bob", "carol", "dave", "admin", "moderator")
        return {name: getattr(self, name).id for name in names}


def home_settings(data_dir: Path) -> Settings:
    """Return the settings of the recording: no backups, and the token behind its signatures."""
    return make_settings(
        data_dir,
        storage={"backups": 0},
        discord={"owners": [OWNER_ID], "token": TOKEN},
        engine={"user_limit": None},
        quota={"pictures": 500},
    )


@asynccontextmanager
async def open_home(
    data_dir: Path, load: RendererFactory, now: datetime, *, at_s: float = LATER_S
) -> AsyncIterator[Home]:
    """Run the logged-in bot on a data folder; an error that it swallowed fails the test."""
    home = Home(home_settings(data_dir), load, FakeClock(now), at_s=at_s)
    await home.start()
    try:
        await home.app.engine.ready()
        yield home
    finally:
        await home.env.shutdown()
        await home.stop()
    home.env.raise_errors()


def copied(to: Path) -> Path:
    """Copy the recorded folder; the copies have current modification times."""
    return Path(shutil.copytree(DATA, to, copy_function=shutil.copyfile))
