"""A well-behaved bot gets Discord's responses and rules for edits, nonces and follow-ups."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.playground.initial_world import BOT_ID, GUILD_ID, MEMBER_ID, PAINT_ID, SECOND_ID, THREAD_ID
from bot.playground.interactions import State
from bot.playground.model import MessageFlag
from bot.playground.people import ActingUser, ActionRefused
from tests.bot.playground.conftest import StandInClient
from tests.bot.playground.payloads import PNG, V2, button, row, words


async def test_the_bot_finds_itself_and_its_places(client: StandInClient) -> None:
    """Everything that a bot requests at startup exists, in Discord's format."""
    for path in (
        "/users/@me",
        "/users/@me/guilds",
        f"/users/{MEMBER_ID}",
        "/applications/@me",
        "/oauth2/applications/@me",
        "/gateway",
        "/gateway/bot",
        f"/guilds/{GUILD_ID}",
        f"/guilds/{GUILD_ID}/channels",
        f"/guilds/{GUILD_ID}/roles",
        f"/guilds/{GUILD_ID}/members/{MEMBER_ID}",
        f"/channels/{PAINT_ID}",
        f"/channels/{THREAD_ID}",
    ):
        answer = await client.call("GET", path)
        assert answer.status == 200, path
        assert answer.headers["Content-Type"] == "application/json"
    assert client.problems == []


async def test_a_gallery_shows_its_file(client: StandInClient) -> None:
    """A file named by a layout is resolved with its size, and listed nowhere else."""
    gallery = {
        "type": 12,
        "items": [{"media": {"url": "attachment://a.png"}, "description": "a lake"}],
    }
    answer = await client.post(
        {"flags": V2, "components": [gallery]}, files={"files[0]": ("a.png", PNG)}
    )
    item = answer.json["components"][0]["items"][0]
    assert item["description"] == "a lake" and item["media"]["width"] == 2
    assert answer.json["attachments"] == []
    async with client.session.get(item["media"]["url"]) as _:
        pass  # served by the page; here a complete address is enough


async def test_an_enforced_nonce_posts_once(client: StandInClient) -> None:
    """A second post with the nonce returns the first message, until the nonce expires."""
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first, second = await client.post(body), await client.post(body)
    assert first.json["id"] == second.json["id"]
    assert len(client.standin.world.messages(PAINT_ID)) == 1
    client.standin.world.messages(PAINT_ID)[0].created_at -= timedelta(minutes=3)
    assert (await client.post(body)).json["id"] != first.json["id"]


async def test_a_nonce_counts_in_every_channel(client: StandInClient) -> None:
    """In another channel it returns the first message; once that is deleted, none."""
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first, elsewhere = await client.post(body), f"/channels/{SECOND_ID}/messages"
    second = await client.call("POST", elsewhere, body)
    assert second.json["id"] == first.json["id"]
    assert client.standin.world.messages(SECOND_ID) == []
    await client.call("DELETE", f"/channels/{PAINT_ID}/messages/{first.json['id']}")
    gone = await client.call("POST", elsewhere, body)
    assert (gone.status, gone.json["code"]) == (404, 10008)


async def test_an_edit_keeps_what_it_does_not_name(client: StandInClient) -> None:
    """Only the named fields change; an empty list of attachments removes the files."""
    posted = await client.post({"content": "x"}, files={"files[0]": ("a.png", PNG)})
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    edited = await client.call("PATCH", path, {"content": "y"})
    assert edited.json["content"] == "y" and edited.json["edited_timestamp"]
    assert len(edited.json["attachments"]) == 1
    bare = await client.call("PATCH", path, {"attachments": []})
    assert bare.json["attachments"] == []
    assert (await client.call("GET", path)).json["content"] == "y"
    assert (await client.call("DELETE", path)).status == 204
    assert (await client.call("GET", path)).code == 10008


async def test_a_deferred_answer_is_filled_in(client: StandInClient) -> None:
    """A deferred response shows as loading; the first follow-up replaces it, same audience."""
    interaction = await client.command(prompt="x")
    deferred = await client.answer(interaction, {"type": 5, "data": {"flags": 64}})
    assert deferred.json["interaction"]["response_message_loading"] is True
    assert interaction.state is State.THINKING
    path = f"/webhooks/{BOT_ID}/{interaction.token}"
    filled = await client.call("POST", path, {"content": "done"})
    assert filled.json["id"] == deferred.json["interaction"]["response_message_id"]
    assert filled.json["flags"] == MessageFlag.EPHEMERAL
    assert interaction.state is State.ANSWERED
    more = await client.call("POST", path, {"content": "more", "flags": 64})
    assert more.json["id"] != filled.json["id"]
    shown = await client.call("GET", f"{path}/messages/{more.json['id']}")
    assert shown.json["content"] == "more"


async def test_a_button_changes_its_message(client: StandInClient) -> None:
    """Type 7 edits the message with the button, which is then @original."""
    posted = await client.post({"content": "x", "components": [row(button("go"))]})
    number = int(posted.json["id"])
    pressed = client.people.component(ActingUser(MEMBER_ID), PAINT_ID, number, "go")
    answer = await client.answer(pressed, {"type": 7, "data": {"content": "y"}})
    assert answer.json["resource"]["message"]["id"] == str(number)
    original = await client.call("GET", f"/webhooks/{BOT_ID}/{pressed.token}/messages/@original")
    assert original.json["content"] == "y"


async def test_a_form_is_filled_in(client: StandInClient) -> None:
    """A modal opens, its fields are checked as the client does, and are returned nested."""
    interaction = await client.command(prompt="x")
    field = {"type": 4, "custom_id": "f", "label": "Name", "style": 1, "min_length": 2}
    form = {"custom_id": "m", "title": "Form", "components": [row(field)]}
    assert (await client.answer(interaction, {"type": 9, "data": form})).status == 200
    sent = client.people.modal(ActingUser(MEMBER_ID), interaction.id, "m", {"f": "Lu"})
    assert sent.data["components"][0]["components"][0]["value"] == "Lu"
    done = await client.answer(sent, {"type": 4, "data": {"content": "thanks", "flags": 64}})
    assert done.json["resource"]["message"]["interaction_metadata"]["type"] == 5


async def test_a_form_takes_files(client: StandInClient) -> None:
    """A file that the user chose is resolved; a missing one is refused."""
    interaction = await client.command(prompt="x")
    upload = {"type": 19, "custom_id": "f", "max_values": 2}
    form = {
        "custom_id": "m",
        "title": "Form",
        "components": [{"type": 18, "label": "Picture", "component": upload}],
    }
    assert (await client.answer(interaction, {"type": 9, "data": form})).status == 200
    actor = ActingUser(MEMBER_ID)
    with pytest.raises(ActionRefused):
        client.people.modal(actor, interaction.id, "m", {"f": ["1"]})
    kept = await client.people.upload("a.png", PNG)
    sent = client.people.modal(actor, interaction.id, "m", {"f": [str(kept.id)]})
    assert sent.data["components"][0]["component"]["values"] == [str(kept.id)]
    assert sent.data["resolved"]["attachments"][str(kept.id)]["width"] == 2


async def test_a_form_has_radio_groups(client: StandInClient) -> None:
    """One of the options is sent, or none where none is required; another is refused."""
    interaction = await client.command(prompt="x")
    options = [{"label": each, "value": each} for each in ("left", "right")]
    parts = [
        {"type": 21, "custom_id": "a", "options": options},
        {"type": 21, "custom_id": "b", "options": options, "required": False},
    ]
    form = {
        "custom_id": "m",
        "title": "Form",
        "components": [{"type": 18, "label": "Part", "component": each} for each in parts],
    }
    assert (await client.answer(interaction, {"type": 9, "data": form})).status == 200
    actor = ActingUser(MEMBER_ID)
    for bad in ({"a": "top"}, {"b": "left"}, {"a": None}):
        with pytest.raises(ActionRefused):
            client.people.modal(actor, interaction.id, "m", bad)
    sent = client.people.modal(actor, interaction.id, "m", {"a": "left"})
    found = [each["component"]["value"] for each in sent.data["components"]]
    assert found == ["left", None]


async def test_old_messages_are_edited_only_so_often(client: StandInClient) -> None:
    """After an hour, the thirty-first edit within an hour is refused with 30046."""
    posted = await client.post({"flags": V2, "components": [words()]})
    message = client.standin.world.messages(PAINT_ID)[0]
    message.created_at -= timedelta(hours=2)
    message.edits_when_old = [client.standin.world.clock()] * 29
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    assert (await client.call("PATCH", path, {"components": [words("a")]})).status == 200
    late = await client.call("PATCH", path, {"components": [words("b")]})
    assert (late.status, late.code) == (429, 30046)


async def test_only_the_reader_of_a_mention_is_named(client: StandInClient) -> None:
    """allowed_mentions decides who is notified."""
    body = {"content": f"<@{MEMBER_ID}> @everyone", "allowed_mentions": {"parse": []}}
    quiet = await client.post(body)
    assert quiet.json["mentions"] == [] and quiet.json["mention_everyone"] is False
    loud = await client.post({**body, "allowed_mentions": {"users": [str(MEMBER_ID)]}})
    assert [each["id"] for each in loud.json["mentions"]] == [str(MEMBER_ID)]
