"""Channels and members change, as a long-running bot experiences."""

from __future__ import annotations

import pytest

from bot.playground.errors import ApiError
from bot.playground.fault_effects import connect_faults
from bot.playground.faults import Fault
from bot.playground.initial_world import (
    ADMIN_ID,
    BOT_ID,
    GUILD_ID,
    MEMBER_ID,
    PAINT_ID,
    SECOND_ID,
    THREAD_ID,
)
from bot.playground.model import Channel, ChannelType, Overwrite
from bot.playground.people import ActingUser, ActionRefused
from bot.playground.permissions import bits
from tests.bot.playground.conftest import ApiResponse, StandInClient, connect
from tests.bot.playground.payloads import button, row


def place(client: StandInClient, channel_id: int = PAINT_ID) -> Channel:
    found = client.standin.world.channel(channel_id)
    assert found is not None
    return found


async def posted_edit(client: StandInClient, channel_id: int, number: str) -> ApiResponse:
    path = f"/channels/{channel_id}/messages/{number}"
    return await client.call("PATCH", path, {"content": "y"})


async def test_a_deleted_channel_is_gone_with_its_threads(client: StandInClient) -> None:
    """The bot is notified; from then on the channel, its threads and messages return 10003."""
    shard = await connect(client)
    await shard.identify()
    posted = await client.post({"content": "x"}, files={"files[0]": ("a.bin", b"x")})
    file = client.standin.world.files.path(int(posted.json["attachments"][0]["id"]))
    assert file.exists()
    client.standin.world.delete_channel(place(client))
    heard = await shard.next(name="CHANNEL_DELETE")
    assert heard["d"]["id"] == str(PAINT_ID) and heard["d"]["guild_id"] == str(GUILD_ID)
    for channel_id in (PAINT_ID, THREAD_ID):
        assert (await client.post({"content": "x"}, channel_id)).code == 10003
    assert (await posted_edit(client, PAINT_ID, posted.json["id"])).code == 10003
    assert not file.exists()


async def test_a_deleted_thread_is_told_in_short(client: StandInClient) -> None:
    """THREAD_DELETE has four ids and nothing else, as Discord's does."""
    shard = await connect(client)
    await shard.identify()
    client.standin.world.delete_channel(place(client, THREAD_ID))
    heard = await shard.next(name="THREAD_DELETE")
    assert set(heard["d"]) == {"id", "guild_id", "parent_id", "type"}
    assert (await client.post({"content": "x"})).status == 200


async def test_a_new_channel_is_announced(client: StandInClient) -> None:
    """CHANNEL_CREATE and THREAD_CREATE are sent, and both can be posted to."""
    shard = await connect(client)
    await shard.identify()
    world = client.standin.world
    channel = Channel(world.ids.new(), ChannelType.TEXT, "fresh", GUILD_ID)
    thread = Channel(
        world.ids.new(),
        ChannelType.PUBLIC_THREAD,
        "a fresh thread",
        GUILD_ID,
        parent_id=channel.id,
        owner_id=MEMBER_ID,
        created_at=world.clock(),
    )
    for each, name in ((channel, "CHANNEL_CREATE"), (thread, "THREAD_CREATE")):
        world.create_channel(each)
        assert (await shard.next(name=name))["d"]["id"] == str(each.id)
        assert (await client.post({"content": "x"}, each.id)).status == 200


async def test_an_interaction_outlives_its_channel_in_vain(client: StandInClient) -> None:
    """Neither a response nor the token of an interaction reaches a deleted channel."""
    interaction = await client.command(prompt="x")
    assert (await client.answer(interaction, {"type": 5})).status == 200
    late = client.people.command(
        ActingUser(MEMBER_ID),
        PAINT_ID,
        client.standin.registry.all(None)[0].id,
        [],
        {"prompt": "y"},
    )
    client.standin.world.delete_channel(place(client))
    path = f"/webhooks/{BOT_ID}/{interaction.token}"
    assert (
        await client.call("PATCH", f"{path}/messages/@original", {"content": "x"})
    ).code == 10003
    assert (await client.call("POST", path, {"content": "x"})).code == 10003
    assert (await client.answer(late, {"type": 4, "data": {"content": "x"}})).code == 10003


async def test_a_bot_is_removed_and_comes_back(client: StandInClient) -> None:
    """GUILD_DELETE has no "unavailable"; requests return 50001 and 10004 until GUILD_CREATE."""
    world, guild = client.standin.world, client.standin.world.guilds[GUILD_ID]
    shard = await connect(client)
    await shard.identify()
    posted = await client.post({"content": "x", "components": [row(button("go"))]})
    command_id = int((await client.register())[0]["id"])
    own = world.leave(guild, BOT_ID)
    heard = await shard.next(name="GUILD_DELETE")
    assert heard["d"] == {"id": str(GUILD_ID)}
    assert (await client.post({"content": "x"})).code == 50001
    assert (await posted_edit(client, PAINT_ID, posted.json["id"])).code == 50001
    assert (await client.call("GET", f"/guilds/{GUILD_ID}")).code == 10004
    actor, number = ActingUser(MEMBER_ID), int(posted.json["id"])
    with pytest.raises(ActionRefused):
        client.people.command(actor, PAINT_ID, command_id, [], {})
    with pytest.raises(ActionRefused):
        client.people.component(actor, PAINT_ID, number, "go")
    another = await connect(client)
    data = {"token": client.standin.token, "intents": 1, "properties": {}}
    await another.socket.send_json({"op": 2, "d": data})
    assert (await another.next(name="READY"))["d"]["guilds"] == []
    world.join(guild, own)
    assert (await another.next(name="GUILD_CREATE"))["d"]["id"] == str(GUILD_ID)
    assert (await client.post({"content": "x"})).status == 200


async def test_others_come_and_go_unheard(client: StandInClient) -> None:
    """Members joining or leaving are only announced with the intent for it."""
    world, guild = client.standin.world, client.standin.world.guilds[GUILD_ID]
    shard = await connect(client)
    await shard.identify()
    world.join(guild, world.leave(guild, MEMBER_ID))
    world.overwrite(place(client), Overwrite(BOT_ID, 1, 0, 0))
    payload = await shard.next(op=0)
    assert payload["t"] == "CHANNEL_UPDATE"


async def test_permissions_are_taken_and_given_back(client: StandInClient) -> None:
    """CHANNEL_UPDATE has the overwrite, and what it denies is refused until it is removed."""
    world, channel = client.standin.world, place(client)
    shard = await connect(client)
    await shard.identify()
    world.overwrite(channel, Overwrite(BOT_ID, 1, 0, bits("SEND_MESSAGES")))
    heard = await shard.next(name="CHANNEL_UPDATE")
    assert [each["id"] for each in heard["d"]["permission_overwrites"]] == [str(BOT_ID)]
    assert (await client.post({"content": "x"})).code == 50013
    world.overwrite(channel, Overwrite(BOT_ID, 1, 0, bits("VIEW_CHANNEL")))
    assert (await client.post({"content": "x"})).code == 50001
    world.overwrite(channel, Overwrite(BOT_ID, 1, 0, 0))
    assert channel.overwrites == []
    assert (await client.post({"content": "x"})).status == 200


async def test_a_message_brings_an_archived_thread_back(client: StandInClient) -> None:
    """An edit fails with 50083 while the thread is archived; a post reopens it."""
    world, thread = client.standin.world, place(client, THREAD_ID)
    posted = await client.post({"content": "x"}, THREAD_ID)
    shard = await connect(client)
    await shard.identify()
    world.archive(thread)
    heard = await shard.next(name="THREAD_UPDATE")
    assert heard["d"]["thread_metadata"]["archived"] is True
    assert (await posted_edit(client, THREAD_ID, posted.json["id"])).code == 50083
    assert (await client.post({"content": "y"}, THREAD_ID)).status == 200
    heard = await shard.next(name="THREAD_UPDATE")
    assert heard["d"]["thread_metadata"]["archived"] is False
    assert (await posted_edit(client, THREAD_ID, posted.json["id"])).status == 200


async def test_a_locked_thread_stays_shut(client: StandInClient) -> None:
    """Posts and responses do not open a locked thread, and its members cannot use commands."""
    world, thread = client.standin.world, place(client, THREAD_ID)
    command_id = int((await client.register())[0]["id"])
    asked = client.people.command(ActingUser(MEMBER_ID), THREAD_ID, command_id, [], {"prompt": "x"})
    deferred = client.people.command(
        ActingUser(MEMBER_ID), THREAD_ID, command_id, [], {"prompt": "y"}
    )
    assert (await client.answer(deferred, {"type": 5})).status == 200
    world.archive(thread, locked=True)
    assert (await client.post({"content": "x"}, THREAD_ID)).code == 50083
    answer = await client.answer(asked, {"type": 4, "data": {"content": "x"}})
    assert answer.code == 50083
    path = f"/webhooks/{BOT_ID}/{deferred.token}/messages/@original"
    assert (await client.call("PATCH", path, {"content": "x"})).code == 50083
    with pytest.raises(ActionRefused, match="locked"):
        client.people.command(ActingUser(MEMBER_ID), THREAD_ID, command_id, [], {"prompt": "z"})
    world.archive(thread, archived=False)
    assert (await client.post({"content": "x"}, THREAD_ID)).status == 200


async def test_a_person_takes_no_direct_messages(client: StandInClient) -> None:
    """50007 if a user's direct messages are closed or no server is shared; open by default."""
    world = client.standin.world
    opened = await client.call("POST", "/users/@me/channels", {"recipient_id": str(MEMBER_ID)})
    channel_id = int(opened.json["id"])
    assert (await client.post({"content": "x"}, channel_id)).status == 200
    world.close_private(MEMBER_ID)
    refused = await client.post({"content": "x"}, channel_id)
    assert (refused.status, refused.code) == (403, 50007)
    world.close_private(MEMBER_ID, closed=False)
    world.leave(world.guilds[GUILD_ID], MEMBER_ID)
    assert (await client.post({"content": "x"}, channel_id)).code == 50007


async def test_a_press_in_direct_messages(client: StandInClient) -> None:
    """It brings a user in place of a member, no server, and what Discord lets an app do there."""
    shard = await connect(client)
    await shard.identify()
    opened = await client.call("POST", "/users/@me/channels", {"recipient_id": str(MEMBER_ID)})
    channel_id = int(opened.json["id"])
    posted = await client.post({"content": "x", "components": [row(button("b"))]}, channel_id)
    client.people.component(ActingUser(MEMBER_ID), channel_id, int(posted.json["id"]), "b")
    heard = (await shard.next(name="INTERACTION_CREATE"))["d"]
    assert heard["user"]["id"] == str(MEMBER_ID)
    assert not {"member", "guild_id", "guild", "guild_locale"} & heard.keys()
    assert heard["context"] == 1 and heard["authorizing_integration_owners"] == {"0": "0"}
    assert heard["channel"]["type"] == 1 and "permissions" not in heard["channel"]
    allowed = bits("ATTACH_FILES", "EMBED_LINKS", "MENTION_EVERYONE", "USE_EXTERNAL_EMOJIS")
    assert int(heard["app_permissions"]) == allowed


async def test_a_small_upload_limit_holds(client: StandInClient) -> None:
    """Larger posts, edits and responses return 413 with 40005; interactions state the limit."""
    client.standin.world.guilds[GUILD_ID].filesize_limit = 1000
    shard = await connect(client)
    await shard.identify()
    large, fits = {"files[0]": ("a.bin", b"x" * 1001)}, {"files[0]": ("a.bin", b"x" * 1000)}
    refused = await client.post({"content": "x"}, files=large)
    assert (refused.status, refused.code) == (413, 40005)
    posted = await client.post({"content": "x"}, files=fits)
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    assert (await client.call("PATCH", path, {}, files=large)).code == 40005
    interaction = await client.command(prompt="x")
    heard = await shard.next(name="INTERACTION_CREATE")
    assert heard["d"]["attachment_size_limit"] == 1000
    answer = await client.answer(interaction, {"type": 4, "data": {"content": "x"}}, files=large)
    assert answer.code == 40005


async def test_every_switch_of_the_drawer_goes_back(client: StandInClient) -> None:
    """Switching a fault off undoes its change to the world."""
    standin, world = client.standin, client.standin.world
    connect_faults(standin)

    async def codes() -> list[int]:
        found = [(await client.post({"content": "x"}, each)).code for each in (PAINT_ID, THREAD_ID)]
        large = {"files[0]": ("a.bin", b"x" * 2**17)}
        return [*found, (await client.post({"content": "x"}, SECOND_ID, files=large)).code]

    for fault, wanted in (
        (Fault.MUTE_BOT, [50013, 50013, 0]),
        (Fault.ARCHIVE_THREAD, [0, 50083, 0]),
        (Fault.SMALL_UPLOADS, [0, 0, 40005]),
        (Fault.REMOVE_BOT, [50001, 50001, 50001]),
    ):
        standin.faults.inject(fault)
        standin.faults.inject(fault)  # twice has the same effect as once
        assert [max(0, each) for each in await codes()] == wanted, fault
        standin.faults.inject(fault, active=False)
    assert [max(0, each) for each in await codes()] == [0, 0, 0]
    standin.faults.inject(Fault.CLOSE_DIRECT)
    assert not world.can_message(BOT_ID, ADMIN_ID)
    standin.faults.inject(Fault.CLOSE_DIRECT, active=False)
    assert world.can_message(BOT_ID, ADMIN_ID)
    standin.faults.inject(Fault.DELETE_CHANNEL)
    standin.faults.inject(Fault.DELETE_CHANNEL)
    assert world.channel(SECOND_ID) is None


def test_the_refusal_is_discords() -> None:
    """The error for closed direct messages is worded as Discord's."""
    from bot.playground.errors import CANNOT_SEND_TO_USER

    error = CANNOT_SEND_TO_USER.error()
    assert isinstance(error, ApiError)
    assert error.body() == {"message": "Cannot send messages to this user", "code": 50007}
