"""The playground's server with many members and channels, and a bot of a benchmark in it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.playground.initial_world import GUILD_ID
from bot.playground.interactions import Interaction
from bot.playground.model import Channel, ChannelType, Member, User
from bot.playground.people import ActingUser
from bot.playground.standin_server import Playground, PlaygroundPlan, open_playground
from bot.setting_names import ENV_PREFIX

MEMBERS: Final = 20
CHANNELS: Final = 20
"""Discord allows one edit per second and channel: with few channels, that would be the limit."""
UP_LIMIT_S: Final = 120.0
STEP_S: Final = 0.05
FIRST_MEMBER_ID: Final = GUILD_ID + 1000
FIRST_CHANNEL_ID: Final = GUILD_ID + 2000


@dataclass(slots=True)
class BusyServer:
    """The server with its bot online. log: the bot's own output."""

    playground: Playground
    log: Path
    asked: int = 0

    def imagine(self, **values: Any) -> Interaction:
        """Send /imagine of the next member, in the next channel."""
        number = self.asked
        self.asked += 1
        commands = self.playground.standin.registry.all(None)
        command = next(each for each in commands if each.name == "imagine")
        return self.playground.people.command(
            ActingUser(FIRST_MEMBER_ID + number % MEMBERS),
            FIRST_CHANNEL_ID + number % CHANNELS,
            command.id,
            [],
            values,
        )

    async def until(self, reached: Callable[[], bool], limit_s: float, what: str) -> None:
        """Wait. Raises SystemExit with one sentence if the bot stops or it takes too long."""
        try:
            async with asyncio.timeout(limit_s):
                while not reached():
                    if self.playground.process.gave_up.is_set():
                        raise SystemExit(f"the bot stopped: {self.last_line()}")
                    await asyncio.sleep(STEP_S)
        except TimeoutError:
            raise SystemExit(f"{what}: not within {limit_s:g} s") from None

    def last_line(self) -> str:
        """Return what the bot said last."""
        return next(reversed(self.playground.process.lines), "")


@asynccontextmanager
async def busy_server(
    module: str, folder: Path, environment: Mapping[str, str], *, loads: bool = True
) -> AsyncIterator[BusyServer]:
    """Open the playground and wait until the bot is online with its commands.

    module: the bot's process, given the addresses of its Discord. folder: for data and log.
    environment: added to the settings, which are the defaults but for limits; the caller's own are
    ignored. loads: whether the bot says that its model is loaded. Raises SystemExit.
    """
    for name in [each for each in os.environ if each.startswith(ENV_PREFIX)]:
        del os.environ[name]
    plan_environment = {
        f"{ENV_PREFIX}STORAGE__DATA_DIR": str(folder / "data"),
        f"{ENV_PREFIX}DISCORD__GUILDS": "[]",
        f"{ENV_PREFIX}DISCORD__PROXY": "",
        f"{ENV_PREFIX}QUOTA__PICTURES": "100000",
        f"{ENV_PREFIX}ENGINE__QUEUE_LIMIT": "1000",
        f"{ENV_PREFIX}ENGINE__USER_LIMIT": "1000",
        **environment,
    }
    arguments: Sequence[str] = ["run", "--config", os.devnull]
    log = folder / "bot.log"
    with log.open("w", encoding="utf-8") as output:
        plan = PlaygroundPlan(arguments, plan_environment, output=output, module=module)
        async with open_playground(plan) as playground:
            _settle(playground)
            server = BusyServer(playground, log)
            await server.until(lambda: _is_up(playground, loads), UP_LIMIT_S, "the bot's start")
            yield server


def _settle(playground: Playground) -> None:
    """Add the members and channels."""
    world = playground.standin.world
    guild, joined = world.guilds[GUILD_ID], world.clock()
    for number in range(MEMBERS):
        user = User(FIRST_MEMBER_ID + number, f"member-{number}")
        world.users[user.id] = user
        guild.members[user.id] = Member(user, [], joined)
    for number in range(CHANNELS):
        channel_id = FIRST_CHANNEL_ID + number
        channel = Channel(channel_id, ChannelType.TEXT, f"channel-{number}", GUILD_ID)
        guild.channels[channel_id] = channel


def _is_up(playground: Playground, loads: bool) -> bool:
    standin = playground.standin
    loaded = not loads or any("model loaded" in line for line in playground.process.lines)
    return loaded and standin.gateway.online and bool(standin.registry.all(None))
