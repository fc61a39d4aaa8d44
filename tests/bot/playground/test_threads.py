"""Threads under messages, as strict as Discord is."""

from __future__ import annotations

import pytest

from bot.playground.model import Overwrite
from bot.playground.permissions import bits
from bot.playground.seed import BOT_ID, GUILD_ID, PAINT_ID
from tests.bot.playground.conftest import StandInClient


async def under(client: StandInClient) -> tuple[str, str]:
    """Return a message, and the path that opens a thread under it."""
    number = (await client.post({"content": "x"})).json["id"]
    return number, f"/channels/{PAINT_ID}/messages/{number}/threads"


async def test_a_thread_has_the_id_of_its_message(client: StandInClient) -> None:
    """A thread is created at once, under its channel, and accepts messages."""
    number, path = await under(client)
    opened = await client.call("POST", path, {"name": "Pictures", "auto_archive_duration": 1440})
    assert opened.status == 201 and opened.json["id"] == number
    assert opened.json["parent_id"] == str(PAINT_ID)
    assert (await client.post({"content": "y"}, int(number))).status == 200
    assert client.problems == []


async def test_a_message_has_one_thread(client: StandInClient) -> None:
    """A second thread is refused with Discord's code, until the first is deleted."""
    number, path = await under(client)
    await client.call("POST", path, {"name": "one"})
    assert (await client.call("POST", path, {"name": "two"})).code == 160004
    thread = client.standin.world.channel(int(number))
    assert thread is not None
    client.standin.world.delete_channel(thread)
    assert (await client.call("POST", path, {"name": "two"})).status == 201


async def test_a_server_has_so_many_active_threads(client: StandInClient) -> None:
    """At the limit no thread can be created, and no archived one reopened."""
    number, path = await under(client)
    await client.call("POST", path, {"name": "one"})
    world = client.standin.world
    thread = world.channel(int(number))
    assert thread is not None
    world.archive(thread)
    world.guilds[GUILD_ID].thread_limit = 1
    _, other = await under(client)
    assert (await client.call("POST", other, {"name": "two"})).code == 160006
    assert (await client.post({"content": "y"}, thread.id)).code == 160006
    world.guilds[GUILD_ID].thread_limit = 2
    assert (await client.post({"content": "y"}, thread.id)).status == 200
    assert not thread.archived


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 101}, {"name": "x", "auto_archive_duration": 5}],
    ids=["nothing", "no name", "a long name", "another duration"],
)
async def test_a_bad_thread_is_refused(client: StandInClient, body: dict[str, object]) -> None:
    """A body that Discord would refuse creates no thread."""
    _, path = await under(client)
    assert (await client.call("POST", path, body)).code == 50035


async def test_threads_take_a_permission(client: StandInClient) -> None:
    """Without the permission to create threads none is created."""
    _, path = await under(client)
    world = client.standin.world
    channel = world.channel(PAINT_ID)
    assert channel is not None
    world.overwrite(channel, Overwrite(BOT_ID, 1, 0, bits("CREATE_PUBLIC_THREADS")))
    assert (await client.call("POST", path, {"name": "x"})).code == 50013
