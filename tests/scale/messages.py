"""Measure what the messages of servers cost the bot: `python -m tests.scale.messages`.

With `[discord] answer_mentions`, Discord sends every message of the bot's servers. Each is handed
to the real client as the gateway does, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any, Final, cast

import discord

from bot.discord.client import ZimagineClient, create_client
from bot.discord.interaction.services import Services
from engine.diffusion.families import Z_IMAGE_TURBO
from tests.scale.stopwatch import machine

BOT, GUILD, CHANNEL, AUTHOR = (n * 10**17 for n in (1, 2, 3, 4))
SERVICES: Final = cast(
    "Services",
    SimpleNamespace(family=Z_IMAGE_TURBO, serves=lambda _guild_id: False, owner_server=None),
)
"""Services that serve no server, so that nothing is sent."""


def message(number: int, *, mentions_bot: bool) -> str:
    """Return a frame of the gateway with a message. Discord leaves the text out of all others."""
    author = {
        "id": str(AUTHOR),
        "username": "alice",
        "global_name": "Alice",
        "discriminator": "0",
        "avatar": "0" * 32,
    }
    member = {"roles": [str(GUILD + n) for n in range(5)], "joined_at": None, "flags": 0}
    payload = {
        "id": str(5 * 10**17 + number),
        "type": 0,
        "channel_id": str(CHANNEL),
        "guild_id": str(GUILD),
        "author": author,
        "member": member | {"nick": None, "deaf": False, "mute": False},
        "content": f"<@{BOT}> hello" if mentions_bot else "",
        "timestamp": "2026-01-01T00:00:00.000000+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [author | {"id": str(BOT)}] if mentions_bot else [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
    }
    return json.dumps({"op": 0, "s": number, "t": "MESSAGE_CREATE", "d": payload})


async def seconds(client: ZimagineClient, frames: list[str]) -> float:
    """Return how long the client computes for these frames, until every handler has run."""
    connection: Any = client._connection  # pyright: ignore[reportPrivateUsage]
    before_s = time.process_time()
    for frame in frames:
        connection.parsers["MESSAGE_CREATE"](json.loads(frame)["d"])
        await asyncio.sleep(0)
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
    return time.process_time() - before_s


async def measure(count: int) -> str:
    """Return a Markdown table: processor time and bytes of messages with and without a mention."""
    client = create_client(SERVICES, answer_mentions=True)
    client.loop = asyncio.get_running_loop()  # as logging in sets it
    connection: Any = client._connection  # pyright: ignore[reportPrivateUsage]
    own = {"id": str(BOT), "username": "bot", "discriminator": "0", "avatar": None}
    connection.user = discord.ClientUser(state=connection, data=cast("Any", own))
    connection._add_guild_from_data(
        {
            "id": str(GUILD),
            "channels": [{"id": str(CHANNEL), "type": 0, "name": "painting", "position": 0}],
        }
    )
    lines = ["| message | times | processor time | size |", "| --- | ---: | ---: | ---: |"]
    for name, mentions_bot in (("any other", False), ("mentions the bot", True)):
        frames = [message(number, mentions_bot=mentions_bot) for number in range(count)]
        await seconds(client, frames[: count // 10])
        each_us = await seconds(client, frames) / count * 1e6
        lines.append(f"| {name} | {count} | {each_us:.0f} µs | {len(frames[-1])} bytes |")
    await client.http.close()
    return "\n".join(lines)


def main() -> None:
    """Print the table and the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages of each kind")
    print(asyncio.run(measure(parser.parse_args().count)))
    print(machine())


if __name__ == "__main__":
    main()
