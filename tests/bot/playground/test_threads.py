"""Threads under messages, as strict as Discord is."""

from __future__ import annotations

import pytest

from bot.playground.initial_world import (
    ADMIN_ID,
    BOT_ID,
    GUILD_ID,
    MEMBER_ID,
    PAINT_ID,
    SECOND_MEMBER_ID,
)
from bot.playground.model import Channel, ChannelType, Overwrite
from bot.playground.people import ActingUser, ActionRefused, interaction_json
from bot.playground.permissions import bits
from tests.bot.playground.conftest import StandInClient, connect


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


def private_thread(client: StandInClient, *members: int) -> Channel:
    """Open a private thread with these members."""
    world = client.standin.world
    thread = Channel(
        world.ids.new(),
        ChannelType.PRIVATE_THREAD,
        "between us",
        GUILD_ID,
        parent_id=PAINT_ID,
        owner_id=MEMBER_ID,
        members=members,
        created_at=world.clock(),
    )
    world.create_channel(thread)
    return thread


async def test_a_private_thread_is_closed_to_whoever_was_not_added(client: StandInClient) -> None:
    """The bot hears nothing of it and is refused everything but its answers to interactions."""
    world, people = client.standin.world, client.people
    thread = private_thread(client, MEMBER_ID)
    shard = await connect(client)
    heard = await shard.identify(intents=1 | 1 << 9)
    people.say(ActingUser(MEMBER_ID), thread.id, "psst")
    with pytest.raises(ActionRefused):
        people.say(ActingUser(SECOND_MEMBER_ID), thread.id, "let me in")
    people.say(ActingUser(ADMIN_ID), thread.id, "admins see every thread")

    (command,) = await client.register()
    sent = people.command(ActingUser(MEMBER_ID), thread.id, int(command["id"]), [], {"prompt": "x"})
    created = await shard.next(name="INTERACTION_CREATE")
    assert str(thread.id) not in [each["id"] for each in heard["d"]["threads"]]
    assert shard.sequence == 3, "READY, GUILD_CREATE and the interaction, nothing in between"
    can = int(created["d"]["app_permissions"])
    assert can & bits("VIEW_CHANNEL", "SEND_MESSAGES_IN_THREADS", "ATTACH_FILES")
    assert can == int(interaction_json(sent, client.standin)["app_permissions"])

    answered = await client.answer(sent, {"type": 4, "data": {"content": "at work"}})
    number = answered.json["resource"]["message"]["id"]
    path = f"/channels/{thread.id}/messages/{number}"
    assert (await client.post({"content": "x"}, thread.id)).code == 50001
    for method, body in (("PATCH", {"content": "x"}), ("GET", None), ("DELETE", None)):
        assert (await client.call(method, path, body)).code == 50001
    hook = f"/webhooks/{BOT_ID}/{sent.token}/messages/{number}"
    assert (await client.call("PATCH", hook, {"content": "done"})).status == 200
    client.standin.interactions.expire_all()
    assert (await client.call("PATCH", hook, {"content": "late"})).code == 50027
    assert world.messages(thread.id)[-1].content == "done"


async def test_a_bot_that_was_added_to_a_private_thread_is_at_home(client: StandInClient) -> None:
    """It hears of the thread and writes there."""
    shard = await connect(client)
    await shard.identify()
    thread = private_thread(client, MEMBER_ID, BOT_ID)
    assert (await shard.next(name="THREAD_CREATE"))["d"]["id"] == str(thread.id)
    assert (await client.post({"content": "x"}, thread.id)).status == 200
    assert client.problems == []


async def test_members_of_a_private_thread(client: StandInClient) -> None:
    """Discord says of one account whether it was added; a channel has no such members."""
    thread = private_thread(client, BOT_ID, MEMBER_ID)
    path = f"/channels/{thread.id}/thread-members"
    found = await client.call("GET", f"{path}/{MEMBER_ID}")
    assert found.status == 200 and found.json["user_id"] == str(MEMBER_ID)
    missing = await client.call("GET", f"{path}/{SECOND_MEMBER_ID}")
    assert (missing.status, missing.code) == (404, 10007)
    channel = await client.call("GET", f"/channels/{PAINT_ID}/thread-members/{MEMBER_ID}")
    assert channel.code == 50024 and client.problems == []
