"""A command in direct messages says on which servers it can be used."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.direct_messages import picture_in_direct
from tests.bot.discord.fuzzer import Fuzzer, commands
from tests.bot.discord.harness import BotHarness

REJECTED = "This works only on servers."


async def asked(harness: BotHarness, channel_id: int, name: str = "quota") -> str:
    """Use a command in Alice's direct messages, as an old client may; return the answer."""
    found = commands(harness.app.client.tree.get_commands())
    command = next(each for each in found if each.qualified_name == name)
    record = await Fuzzer(harness, channel_id).use(harness.alice, command, {})
    await harness.env.settle()
    return harness.env.backend.get_message(channel_id, record.message_id).content


def another_server(harness: BotHarness, name: str, *, joined: bool) -> Any:
    """Create a server that the bot is on, and Alice if she joined it."""
    guild = harness.env.create_guild(name)
    if joined:
        guild.add_member(harness.alice.user)
    return guild


async def test_the_servers_of_both_are_named(harness: BotHarness):
    """Those that Alice is on, the one where she painted first, without pings or Markdown; not those
    that she is not on or that are not served."""
    channel_id = (await picture_in_direct(harness)).channel.id
    here = harness.env.backend.get_guild(harness.guild.id).name
    answer = await asked(harness, channel_id)
    assert answer.startswith(REJECTED) and f"You can use it on {here}." in answer
    another_server(harness, "**Boats** @everyone", joined=True)
    another_server(harness, "Secret", joined=False)
    await harness.env.settle()
    answer = await asked(harness, channel_id, "queue")
    assert f"You can use it on {here} and " in answer and "Boats" in answer
    assert "@everyone" not in answer and "**" not in answer.replace("\\*", "")
    assert "Secret" not in answer


async def test_of_many_some_are_named(harness: BotHarness):
    """Five at most, and how many more there are."""
    channel_id = (await picture_in_direct(harness)).channel.id
    for number in range(6):
        another_server(harness, f"Server {number}", joined=True)
    await harness.env.settle()
    answer = await asked(harness, channel_id)
    assert " and 2 more." in answer and answer.count("Server ") == 4


async def test_where_discord_says_nothing(harness: BotHarness):
    """Nothing is named that is not certain; the answer comes all the same."""
    channel_id = (await picture_in_direct(harness)).channel.id
    harness.env.inject_error("GET", "/guilds/*/members/*", status=404, code=10007, times=None)
    answer = await asked(harness, channel_id)
    assert answer.startswith(REJECTED) and "You can use it" not in answer
