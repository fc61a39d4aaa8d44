"""Late, reordered and repeated requests, and the audit that counts messages."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import aiohttp
import pytest

from bot.playground import faults as faults_module
from bot.playground.faults import Fault
from bot.playground.initial_world import BOT_ID, MEMBER_ID, PAINT_ID, SECOND_ID, THREAD_ID
from bot.playground.model import MessageFlag
from bot.playground.people import ActingUser
from bot.playground.process import pointed_command
from bot.playground.response_order import Turns
from bot.playground.rest.routes import PREFIX
from tests.bot.playground.conftest import AGENT, StandInClient


async def test_forgotten_nonces_protect_no_more(client: StandInClient) -> None:
    """Once nonces are forgotten, the same post appears twice."""
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first = await client.post(body)
    client.standin.world.forget_nonces()
    assert (await client.post(body)).json["id"] != first.json["id"]


async def test_a_late_request_arrives_after_its_senders_death(
    client: StandInClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was sent completely is carried out even if the bot dies."""
    monkeypatch.setattr(faults_module, "LATE_S", (0.3, 0.3))
    client.standin.faults.plan(Fault.LATE, "POST", "/messages")
    form = aiohttp.FormData({"payload_json": '{"content": "x"}'})
    form.add_field("files[0]", b"x" * 2_000_000, filename="a.bin")
    url = f"{client.standin.base_url}{PREFIX}/channels/{PAINT_ID}/messages"
    headers = {"Authorization": f"Bot {client.standin.token}", "User-Agent": AGENT}
    async with aiohttp.ClientSession() as doomed:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.15):
                await doomed.post(url, data=form, headers=headers)
    assert client.standin.world.messages(PAINT_ID) == []
    await asyncio.sleep(0.6)
    (message,) = client.standin.world.messages(PAINT_ID)
    assert message.attachments[0].size == 2_000_000


async def test_some_requests_are_late_while_that_is_on(
    client: StandInClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While enabled, about one request in three is late, the same ones for the same seed."""
    monkeypatch.setattr(faults_module, "LATE_S", (1.0, 1.0))
    client.standin.faults.inject(Fault.LATE)
    late = [client.standin.faults.delay_s() for _ in range(300)]
    assert 70 < late.count(1.0) < 130 and set(late) == {0.0, 1.0}
    client.standin.faults.inject(Fault.LATE, active=False)
    assert client.standin.faults.delay_s() == 0.0


async def test_answers_overtake_each_other(client: StandInClient) -> None:
    """Concurrent requests are answered in a different order; a single one does not wait."""
    client.standin.turns.shuffled = True
    answered: list[int] = []

    async def ask(number: int) -> None:
        channel_id = PAINT_ID if number % 2 else SECOND_ID
        assert (await client.post({"content": str(number)}, channel_id)).status == 200
        answered.append(number)

    await asyncio.gather(*(ask(number) for number in range(6)))
    assert sorted(answered) == list(range(6)) != answered
    async with asyncio.timeout(0.2):
        await ask(6)


async def _order(seed: int) -> list[int]:
    turns, order = Turns(seed), list[int]()
    turns.shuffled = True

    async def one(number: int) -> None:
        async with turns.request():
            await asyncio.sleep(0)
            await turns.wait_turn()
            order.append(number)

    await asyncio.gather(*(one(number) for number in range(8)))
    return order


async def test_the_other_order_is_the_seeds() -> None:
    """The same seed gives the same order, another seed a different one."""
    assert await _order(1) == await _order(1) != await _order(2)


async def test_the_audit_counts_every_message_once(client: StandInClient) -> None:
    """Edited, deleted or lost with its channel: the audit has each message with its files."""
    audit, world = client.standin.audit, client.standin.world
    first = await client.post({"content": "one"}, files={"files[0]": ("a.png", b"a")})
    path = f"/channels/{PAINT_ID}/messages/{first.json['id']}"
    for name in ("a.png", "b.png"):
        await client.call(
            "PATCH", path, {"attachments": [], "content": "two"}, files={"files[0]": (name, b"b")}
        )
    await client.call("DELETE", path)
    await client.post({"content": "three"}, SECOND_ID, files={"files[0]": ("a.png", b"a")})
    channel = world.channel(SECOND_ID)
    assert channel is not None
    world.delete_channel(channel)
    client.people.say(ActingUser(MEMBER_ID), PAINT_ID, "of a person")
    one, two = audit.by_author(BOT_ID)
    assert (one.files, one.texts, one.edits, one.gone) == (
        ["a.png", "b.png"],
        ["one", "two"],
        2,
        True,
    )
    assert (two.files, two.channel_id, two.gone) == (["a.png"], SECOND_ID, True)
    assert [each.texts for each in audit.by_author(MEMBER_ID)] == [["of a person"]]


async def test_threads_are_lost_with_their_channel(client: StandInClient) -> None:
    """Messages in a thread count as lost once its parent channel is deleted."""
    audit, world = client.standin.audit, client.standin.world
    await client.post({"content": "in the thread"}, THREAD_ID)
    thread = world.channel(THREAD_ID)
    assert thread is not None and thread.parent_id is not None
    channel = world.channel(thread.parent_id)
    assert channel is not None
    world.delete_channel(channel)
    (record,) = audit.by_author(BOT_ID)
    assert record.channel_id == THREAD_ID and record.gone


async def test_the_audit_knows_whom_an_answer_is_for(client: StandInClient) -> None:
    """An ephemeral response belongs to its reader and names its interaction."""
    interaction = await client.command(prompt="x")
    await client.answer(interaction, {"type": 4, "data": {"content": "psst", "flags": 64}})
    (record,) = client.standin.audit.by_author(BOT_ID)
    assert (record.reader_id, record.answers_id) == (MEMBER_ID, interaction.id)
    assert record.flags & MessageFlag.EPHEMERAL


async def test_a_repeated_nonce_is_no_second_post(client: StandInClient) -> None:
    """The audit counts a post with a known nonce only once."""
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    await client.post(body)
    await client.post(body)
    assert len(client.standin.audit.by_author(BOT_ID)) == 1
    client.standin.world.messages(PAINT_ID)[0].created_at -= timedelta(minutes=5)
    await client.post(body)
    assert len(client.standin.audit.by_author(BOT_ID)) == 2


def test_another_module_may_start_the_bot() -> None:
    """The module gets its addresses and arguments in the same order."""
    command = pointed_command("http://a", "ws://b", ["run"], "some.launcher")
    assert command[1:] == ["-m", "some.launcher", "http://a", "ws://b", "run"]
