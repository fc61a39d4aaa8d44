"""A bot that does everything wrong: each mistake is refused as Discord does, or reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.playground.initial_world import (
    BOT_ID,
    GUILD_ID,
    MEMBER_ID,
    PAINT_ID,
    READ_ONLY_ID,
    THREAD_ID,
)
from bot.playground.interactions import State
from bot.playground.model import MessageFlag
from bot.playground.people import ActingUser
from tests.bot.playground.conftest import COMMAND, StandInClient, connect
from tests.bot.playground.payloads import V2, button, row, words

BAD_MESSAGES: dict[str, tuple[Any, int, int]] = {
    "empty": ({}, 400, 50006),
    "only spaces": ({"content": " \n"}, 400, 50006),
    "too many characters": ({"content": "x" * 2001}, 400, 50035),
    "embeds too long together": (
        {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]},
        400,
        50035,
    ),
    "eleven embeds": ({"embeds": [{"title": "x"}] * 11}, 400, 50035),
    "a long title": ({"embeds": [{"title": "x" * 257}]}, 400, 50035),
    "V2 parts without the flag": ({"components": [words()]}, 400, 50035),
    "V2 with content": ({"flags": V2, "content": "x", "components": [words()]}, 400, 50035),
    "V2 with embeds": (
        {"flags": V2, "embeds": [{"title": "x"}], "components": [words()]},
        400,
        50035,
    ),
    "V2 with too many words": (
        {"flags": V2, "components": [words("x" * 2001), words("x" * 2000)]},
        400,
        50035,
    ),
    "V2 with too many parts": ({"flags": V2, "components": [words()] * 41}, 400, 50035),
    "eleven pictures in a gallery": (
        {
            "flags": V2,
            "components": [{"type": 12, "items": [{"media": {"url": "https://x.org/a"}}] * 11}],
        },
        400,
        50035,
    ),
    "two parts of one custom_id": (
        {"content": "x", "components": [row(button("a"), button("a"))]},
        400,
        50035,
    ),
    "a button without custom_id": (
        {"content": "x", "components": [row({"type": 2, "style": 1, "label": "Go"})]},
        400,
        50035,
    ),
    "a long custom_id": ({"content": "x", "components": [row(button("a" * 101))]}, 400, 50035),
    "a long label": (
        {"content": "x", "components": [row(button("a", label="x" * 81))]},
        400,
        50035,
    ),
    "six buttons in a row": (
        {"content": "x", "components": [row(*(button(str(i)) for i in range(6)))]},
        400,
        50035,
    ),
    "a menu with 26 options": (
        {
            "content": "x",
            "components": [
                row(
                    {
                        "type": 3,
                        "custom_id": "m",
                        "options": [{"label": str(i), "value": str(i)} for i in range(26)],
                    }
                )
            ],
        },
        400,
        50035,
    ),
    "a picture that nobody sent": (
        {
            "flags": V2,
            "components": [{"type": 12, "items": [{"media": {"url": "attachment://no.png"}}]}],
        },
        400,
        50035,
    ),
    "a long nonce": ({"content": "x", "nonce": "x" * 26}, 400, 50035),
    "mentions allowed twice": (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        400,
        50035,
    ),
    "a reply to nothing": (
        {"content": "x", "message_reference": {"message_id": "1234567890123456789"}},
        400,
        50035,
    ),
    "an ephemeral message in a channel": ({"content": "x", "flags": 64}, 400, 50035),
}


@pytest.mark.parametrize("mistake", BAD_MESSAGES)
async def test_a_bad_message_is_refused(client: StandInClient, mistake: str) -> None:
    """A bad message is refused with Discord's own error, and nothing is posted."""
    body, status, code = BAD_MESSAGES[mistake]
    answer = await client.post(body)
    assert (answer.status, answer.code) == (status, code), answer.json
    if code == 50035:
        assert "_errors" in str(answer.json["errors"])
    assert client.standin.world.messages(PAINT_ID) == []


async def test_a_large_file_is_refused(client: StandInClient) -> None:
    """More than ten MiB are refused with 40005; exactly ten are accepted."""
    large = await client.post({"content": "x"}, files={"files[0]": ("a.bin", b"x" * 10_485_761)})
    assert (large.status, large.code) == (413, 40005)
    fits = await client.post({"content": "x"}, files={"files[0]": ("a.bin", b"x" * 10_485_760)})
    assert fits.status == 200 and fits.json["attachments"][0]["size"] == 10_485_760


async def test_an_unknown_route_is_refused_and_reported(client: StandInClient) -> None:
    """An unknown path returns 404 and is reported in the log."""
    answer = await client.call("POST", "/channels/1/mesages", {"content": "x"})
    assert answer.status == 404 and any("no such route" in each for each in client.problems)


async def test_a_wrong_token_is_refused(client: StandInClient) -> None:
    """Every route without a token in its path needs the bot's token."""
    answer = await client.call("GET", "/users/@me", headers={"Authorization": "Bot nonsense"})
    assert (answer.status, answer.code) == (401, 0)


async def test_missing_permissions_are_refused(client: StandInClient) -> None:
    """A channel where the bot may not write returns 50013, an unknown one 10003."""
    assert (await client.post({"content": "x"}, READ_ONLY_ID)).code == 50013
    assert (await client.post({"content": "x"}, 1234567890123456789)).code == 10003


async def test_others_messages_cannot_be_edited(client: StandInClient) -> None:
    """Others' messages cannot be edited (50005) nor, without permission, deleted."""
    said = client.people.say(ActingUser(MEMBER_ID), PAINT_ID, "mine")
    path = f"/channels/{PAINT_ID}/messages/{said.id}"
    assert (await client.call("PATCH", path, {"content": "yours"})).code == 50005
    assert (await client.call("DELETE", path)).code == 50013


async def test_a_locked_thread_is_refused(client: StandInClient) -> None:
    """Nothing can be posted to a thread that is archived and locked."""
    thread = client.standin.world.channel(THREAD_ID)
    assert thread is not None
    thread.archived = thread.locked = True
    assert (await client.post({"content": "x"}, THREAD_ID)).code == 50083


async def test_a_late_answer_is_refused(client: StandInClient) -> None:
    """After three seconds the interaction is unknown, and its user was notified."""
    interaction = await client.command(prompt="x")
    await asyncio.sleep(3.2)
    assert interaction.state is State.FAILED
    assert any("within three seconds" in each for each in client.problems)
    answer = await client.answer(interaction, {"type": 4, "data": {"content": "x"}})
    assert (answer.status, answer.code) == (404, 10062)


async def test_a_second_answer_is_refused(client: StandInClient) -> None:
    """A second response is refused with 40060 and reported in the log."""
    interaction = await client.command(prompt="x")
    body = {"type": 4, "data": {"content": "x"}}
    assert (await client.answer(interaction, body)).status == 200
    again = await client.answer(interaction, body)
    assert (again.status, again.code) == (400, 40060)
    assert any("already acknowledged" in each for each in client.problems)


@pytest.mark.parametrize("kind", [1, 6, 7, 8, 10, 99, "4", None])
async def test_an_answer_of_the_wrong_kind_is_refused(client: StandInClient, kind: object) -> None:
    """A command cannot be answered with the response types of buttons or autocompletion."""
    interaction = await client.command(prompt="x")
    answer = await client.answer(interaction, {"type": kind, "data": {"content": "x"}})
    assert (answer.status, answer.code) == (400, 50035)


@pytest.mark.parametrize("data", [[1], "x", {"flags": "x"}, {"choices": 5}])
@pytest.mark.parametrize("kind", [4, 5, 9])
async def test_odd_data_never_breaks_the_stand_in(
    client: StandInClient, kind: int, data: Any
) -> None:
    """Any data in a response is refused or accepted, and never crashes the stand-in."""
    interaction = await client.command(prompt="x")
    assert (await client.answer(interaction, {"type": kind, "data": data})).status < 500


async def test_an_old_token_is_refused(client: StandInClient) -> None:
    """The webhook of an interaction expires after fifteen minutes."""
    interaction = await client.command(prompt="x")
    await client.answer(interaction, {"type": 5})
    interaction.created_at -= timedelta(minutes=15, seconds=1)
    path = f"/webhooks/{BOT_ID}/{interaction.token}/messages/@original"
    assert (await client.call("PATCH", path, {"content": "x"})).code == 50027


async def test_a_webhook_before_the_answer_is_refused(client: StandInClient) -> None:
    """Follow-ups and edits are refused before the first response."""
    interaction = await client.command(prompt="x")
    path = f"/webhooks/{BOT_ID}/{interaction.token}"
    assert (await client.call("POST", path, {"content": "x"})).code == 10015
    assert (
        await client.call("PATCH", f"{path}/messages/@original", {"content": "x"})
    ).code == 10015


async def test_an_ephemeral_message_is_on_no_channel(client: StandInClient) -> None:
    """An ephemeral message is visible to its reader, but not through the channel's routes."""
    interaction = await client.command(prompt="x")
    answer = await client.answer(interaction, {"type": 4, "data": {"content": "x", "flags": 64}})
    number = answer.json["resource"]["message"]["id"]
    path = f"/channels/{PAINT_ID}/messages/{number}"
    assert (await client.call("GET", path)).code == 10008
    assert (await client.call("PATCH", path, {"content": "y"})).code == 10008
    channel = client.standin.world.channel(PAINT_ID)
    assert channel is not None
    assert [m.id for m in client.standin.world.visible(channel, MEMBER_ID)] == [int(number)]
    assert client.standin.world.visible(channel, BOT_ID + 2) == []


async def test_a_public_deferral_stays_public(client: StandInClient) -> None:
    """Setting the ephemeral flag after a public deferral is ignored and reported."""
    interaction = await client.command(prompt="x")
    await client.answer(interaction, {"type": 5})
    path = f"/webhooks/{BOT_ID}/{interaction.token}"
    shown = await client.call("POST", path, {"content": "secret", "flags": 64})
    assert shown.status == 200 and not shown.json["flags"] & MessageFlag.EPHEMERAL
    assert any("ephemeral flag is ignored" in each for each in client.problems)


async def test_the_flag_of_a_layout_stays(client: StandInClient) -> None:
    """A V2 message cannot get content or embeds later."""
    posted = await client.post({"flags": V2, "components": [words()]})
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    assert (await client.call("PATCH", path, {"content": "x"})).code == 50035
    assert (await client.call("PATCH", path, {"embeds": [{"title": "x"}]})).code == 50035
    assert (await client.call("PATCH", path, {"components": []})).status == 400


async def test_unknown_fields_are_reported(client: StandInClient) -> None:
    """A misspelled field, which Discord ignores, is reported in the log."""
    answer = await client.post({"content": "x", "ephemral": True})
    assert answer.status == 200
    assert any("ephemral" in each for each in client.problems)


async def test_rate_limits_are_kept(client: StandInClient) -> None:
    """The sixth message within five seconds has to wait; ignoring that is reported."""
    answers = [await client.post({"content": str(i)}) for i in range(7)]
    assert [a.status for a in answers] == [200] * 5 + [429] * 2
    late = answers[5]
    assert late.json["retry_after"] > 0 and late.json["global"] is False
    assert late.headers["Retry-After"] and late.headers["Via"]
    assert late.headers["X-RateLimit-Remaining"] == "0"
    assert any("before the wait" in each for each in client.problems)


BAD_COMMANDS: dict[str, dict[str, Any]] = {
    "upper case": {**COMMAND, "name": "Paint"},
    "a space": {**COMMAND, "name": "paint it"},
    "no description": {"name": "paint"},
    "required after optional": {
        **COMMAND,
        "options": [
            {"type": 3, "name": "a", "description": "a"},
            {"type": 3, "name": "b", "description": "b", "required": True},
        ],
    },
    "26 choices": {
        **COMMAND,
        "options": [
            {
                "type": 3,
                "name": "a",
                "description": "a",
                "choices": [{"name": str(i), "value": str(i)} for i in range(26)],
            }
        ],
    },
    "26 options": {
        **COMMAND,
        "options": [{"type": 3, "name": f"o{i}", "description": "x"} for i in range(26)],
    },
}


@pytest.mark.parametrize("mistake", BAD_COMMANDS)
async def test_a_bad_command_is_refused(client: StandInClient, mistake: str) -> None:
    """A bad command is refused with 50035, and none is registered."""
    for path in (
        f"/applications/{BOT_ID}/commands",
        f"/applications/{BOT_ID}/guilds/{GUILD_ID}/commands",
    ):
        answer = await client.call("PUT", path, [BAD_COMMANDS[mistake]])
        assert (answer.status, answer.code) == (400, 50035)
    assert client.standin.registry.all(None) == []


async def test_too_many_choices_are_refused(client: StandInClient) -> None:
    """More than 25 autocomplete choices are refused, and the user is told that loading failed."""
    registered = await client.register()
    completing = asyncio.create_task(
        client.people.autocomplete(
            ActingUser(MEMBER_ID), PAINT_ID, int(registered[0]["id"]), [], {"prompt": "a"}, "prompt"
        )
    )
    await asyncio.sleep(0.05)
    interaction = next(iter(client.standin.interactions.of_user(MEMBER_ID)))
    choices = [{"name": str(i), "value": str(i)} for i in range(26)]
    answer = await client.answer(interaction, {"type": 8, "data": {"choices": choices}})
    assert answer.code == 50035
    fine = await client.answer(interaction, {"type": 8, "data": {"choices": choices[:25]}})
    assert fine.status == 200 and len(await completing) == 25


async def test_a_bad_form_is_refused(client: StandInClient) -> None:
    """Modals with a long title or without fields are refused."""
    interaction = await client.command(prompt="x")
    field = {"type": 4, "custom_id": "f", "label": "Field", "style": 1}
    form = {"custom_id": "m", "title": "x" * 46, "components": [row(field)]}
    assert (await client.answer(interaction, {"type": 9, "data": form})).code == 50035
    empty = {"custom_id": "m", "title": "x", "components": []}
    assert (await client.answer(interaction, {"type": 9, "data": empty})).code == 50035


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"op": 99}, 4001),
        ("no json", 4002),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 2, "d": {"token": "wrong", "intents": 1, "properties": {}}}, 4004),
        ({"op": 2, "d": {"intents": 1 << 40}}, 4013),
        ({"op": 2, "d": {"intents": 1 << 15}}, 4014),
        ({"op": 2, "d": {"intents": 1, "shard": [1, 1]}}, 4010),
        ({"op": 2, "d": {"intents": 1, "shard": 5}}, 4010),
        ({"op": 2, "d": {"token": "é", "intents": 1}}, 4004),
    ],
)
async def test_a_bad_gateway_payload_closes(client: StandInClient, payload: Any, code: int) -> None:
    """A bad payload closes the socket with Discord's documented code and is reported."""
    shard = await connect(client)
    if isinstance(payload, dict):
        if payload["op"] == 2:
            payload["d"] = {"token": client.standin.token, "properties": {}} | payload["d"]
        await shard.socket.send_json(payload)
    else:
        await shard.socket.send_str(payload)
    assert await shard.closed() == code
    assert any(f"close {code}" in each for each in client.problems)


async def test_identifying_twice_and_too_many_payloads_close(client: StandInClient) -> None:
    """Identifying twice closes with 4005, too many payloads with 4008."""
    shard = await connect(client)
    await shard.identify()
    await shard.socket.send_json({"op": 2, "d": {}})
    assert await shard.closed() == 4005
    other = await connect(client)
    await other.identify()
    for _ in range(121):
        await other.socket.send_json({"op": 1, "d": None})
    assert await other.closed() == 4008
