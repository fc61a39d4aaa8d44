"""The gateway: which events a bot receives, which it missed, and how they are replayed."""

from __future__ import annotations

import json
import time
import zlib

from aiohttp import WSMsgType

from bot.playground.connection import ACK_AFTER_S
from bot.playground.initial_world import GUILD_ID, MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from tests.bot.playground.conftest import GatewayClient, StandInClient, connect


async def test_a_bot_is_greeted(client: StandInClient) -> None:
    """HELLO, READY with the resume address, and the guild arrive; a heartbeat is acknowledged."""
    shard = await connect(client)
    guild = await shard.identify()
    assert guild["d"]["id"] == str(GUILD_ID) and guild["d"]["channels"]
    assert shard.ready["resume_gateway_url"] == client.standin.gateway.url
    assert shard.ready["application"]["id"] == shard.ready["user"]["id"]
    await shard.socket.send_json({"op": 1, "d": shard.sequence})
    assert (await shard.next(op=11))["op"] == 11
    assert client.standin.gateway.online


async def test_a_heartbeat_is_acknowledged_a_moment_later(client: StandInClient) -> None:
    """The acknowledgement is delayed, because discord.py misjudges one that comes too early."""
    shard = await connect(client)
    await shard.identify()
    began_s = time.monotonic()
    await shard.socket.send_json({"op": 1, "d": shard.sequence})
    await shard.next(op=11)
    assert time.monotonic() - began_s >= ACK_AFTER_S * 0.9


async def test_what_was_missed_is_replayed(client: StandInClient) -> None:
    """An interaction during a disconnection is replayed after RESUME, then RESUMED follows."""
    shard = await connect(client)
    await shard.identify()
    client.standin.gateway.drop_sockets()
    await with_closed(shard)
    interaction = await client.command(prompt="while away")
    again = await connect(client)
    resume = {
        "token": client.standin.token,
        "session_id": shard.ready["session_id"],
        "seq": shard.sequence,
    }
    await again.socket.send_json({"op": 6, "d": resume})
    missed = await again.next(name="INTERACTION_CREATE")
    assert missed["d"]["id"] == str(interaction.id)
    assert missed["s"] == shard.sequence + 1
    await again.next(name="RESUMED")


async def test_an_unknown_session_is_invalid(client: StandInClient) -> None:
    """RESUME of an ended session returns a non-resumable INVALID_SESSION."""
    shard = await connect(client)
    await shard.identify()
    client.standin.gateway.invalidate()
    assert (await shard.next(op=9))["d"] is False
    again = await connect(client)
    resume = {"token": client.standin.token, "session_id": shard.ready["session_id"], "seq": 1}
    await again.socket.send_json({"op": 6, "d": resume})
    assert (await again.next(op=9))["d"] is False


async def test_a_future_sequence_closes(client: StandInClient) -> None:
    """A sequence number from the future closes with 4007, as Discord documents."""
    shard = await connect(client)
    await shard.identify()
    again = await connect(client)
    resume = {"token": client.standin.token, "session_id": shard.ready["session_id"], "seq": 99}
    await again.socket.send_json({"op": 6, "d": resume})
    assert await again.closed() == 4007


async def test_the_whole_stream_is_one_compression(client: StandInClient) -> None:
    """zlib-stream has one context per socket; each message ends in a sync flush."""
    socket = await client.session.ws_connect(client.standin.gateway.url + "?compress=zlib-stream")
    inflate = zlib.decompressobj()
    hello = await socket.receive()
    assert hello.type is WSMsgType.BINARY and hello.data.endswith(b"\x00\x00\xff\xff")
    assert json.loads(inflate.decompress(hello.data))["op"] == 10
    identify = {"token": client.standin.token, "intents": 1, "properties": {}}
    await socket.send_json({"op": 2, "d": identify})
    ready = await socket.receive()
    assert json.loads(inflate.decompress(ready.data))["t"] == "READY"


async def test_words_of_others_need_an_intent(client: StandInClient) -> None:
    """Messages are only sent with their intent, and without the text of others."""
    quiet = await connect(client)
    await quiet.identify(intents=1)
    client.people.say(ActingUser(MEMBER_ID), PAINT_ID, "unheard")
    curious = await connect(client)
    await curious.identify(intents=1 | 1 << 9)
    client.people.say(ActingUser(MEMBER_ID), PAINT_ID, "heard")
    heard = await curious.next(name="MESSAGE_CREATE")
    assert heard["d"]["content"] == "" and heard["d"]["author"]["id"] == str(MEMBER_ID)


async def test_two_programs_hear_everything(client: StandInClient) -> None:
    """Two programs with one token both stay connected, and both receive each event."""
    first, second = await connect(client), await connect(client)
    for shard in (first, second):
        await shard.identify(intents=1 | 1 << 9)
    assert not first.socket.closed
    client.people.say(ActingUser(MEMBER_ID), PAINT_ID, "heard by both")
    heard = [(await shard.next(name="MESSAGE_CREATE"))["d"]["id"] for shard in (first, second)]
    assert heard[0] == heard[1]


async def test_shards_share_the_guilds(client: StandInClient) -> None:
    """Each guild belongs to exactly one of two shards."""
    found = []
    for number in (0, 1):
        shard = await connect(client)
        data = {
            "token": client.standin.token,
            "intents": 1,
            "properties": {},
            "shard": [number, 2],
        }
        await shard.socket.send_json({"op": 2, "d": data})
        ready = await shard.next(name="READY")
        found += [guild["id"] for guild in ready["d"]["guilds"]]
    assert found == [str(GUILD_ID)]


async def with_closed(shard: GatewayClient) -> None:
    """Wait until a bot has noticed that its socket is closed."""
    while not shard.socket.closed:
        await shard.socket.receive()
