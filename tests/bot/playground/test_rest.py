"""What a well-behaved bot finds: Discord's answers, its rules for edits, nonces and follow-ups."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.playground.interactions import State
from bot.playground.model import MessageFlag
from bot.playground.people import ActingUser, ActionRefused
from bot.playground.seed import BOT_ID, GUILD_ID, MEMBER_ID, PAINT_ID, THREAD_ID
from tests.bot.playground.conftest import StandInClient
from tests.bot.playground.payloads import PNG, V2, button, row, words


async def test_the_bot_finds_itself_and_its_places(stage: StandInClient) -> None:
    """Everything that a bot asks at its start is there, in Discord's shapes."""
    for path in (
        "/users/@me",
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
        answer = await stage.call("GET", path)
        assert answer.status == 200, path
        assert answer.headers["Content-Type"] == "application/json"
    assert stage.problems == []


async def test_a_gallery_shows_its_file(stage: StandInClient) -> None:
    """The file that a layout names is resolved, with its size, and listed nowhere else."""
    gallery = {
        "type": 12,
        "items": [{"media": {"url": "attachment://a.png"}, "description": "a lake"}],
    }
    answer = await stage.post(
        {"flags": V2, "components": [gallery]}, files={"files[0]": ("a.png", PNG)}
    )
    item = answer.json["components"][0]["items"][0]
    assert item["description"] == "a lake" and item["media"]["width"] == 2
    assert answer.json["attachments"] == []
    async with stage.session.get(item["media"]["url"]) as _:
        pass  # served by the page; here it is enough that the address is whole


async def test_an_enforced_nonce_posts_once(stage: StandInClient) -> None:
    """The second post answers with the first message, until the nonce is forgotten."""
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first, second = await stage.post(body), await stage.post(body)
    assert first.json["id"] == second.json["id"]
    assert len(stage.standin.world.messages(PAINT_ID)) == 1
    stage.standin.world.messages(PAINT_ID)[0].created_at -= timedelta(minutes=3)
    assert (await stage.post(body)).json["id"] != first.json["id"]


async def test_an_edit_keeps_what_it_does_not_name(stage: StandInClient) -> None:
    """Content alone changes; an empty list of attachments takes the files away."""
    posted = await stage.post({"content": "x"}, files={"files[0]": ("a.png", PNG)})
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    edited = await stage.call("PATCH", path, {"content": "y"})
    assert edited.json["content"] == "y" and edited.json["edited_timestamp"]
    assert len(edited.json["attachments"]) == 1
    bare = await stage.call("PATCH", path, {"attachments": []})
    assert bare.json["attachments"] == []
    assert (await stage.call("GET", path)).json["content"] == "y"
    assert (await stage.call("DELETE", path)).status == 204
    assert (await stage.call("GET", path)).code == 10008


async def test_a_deferred_answer_is_filled_in(stage: StandInClient) -> None:
    """It loads, and the first follow-up takes its place and its audience."""
    interaction = await stage.command(prompt="x")
    deferred = await stage.answer(interaction, {"type": 5, "data": {"flags": 64}})
    assert deferred.json["interaction"]["response_message_loading"] is True
    assert interaction.state is State.THINKING
    path = f"/webhooks/{BOT_ID}/{interaction.token}"
    filled = await stage.call("POST", path, {"content": "done"})
    assert filled.json["id"] == deferred.json["interaction"]["response_message_id"]
    assert filled.json["flags"] == MessageFlag.EPHEMERAL
    assert interaction.state is State.ANSWERED
    more = await stage.call("POST", path, {"content": "more", "flags": 64})
    assert more.json["id"] != filled.json["id"]
    shown = await stage.call("GET", f"{path}/messages/{more.json['id']}")
    assert shown.json["content"] == "more"


async def test_a_button_changes_its_message(stage: StandInClient) -> None:
    """Type 7 edits the message that the button sits on, and @original is that message."""
    posted = await stage.post({"content": "x", "components": [row(button("go"))]})
    number = int(posted.json["id"])
    pressed = stage.people.component(ActingUser(MEMBER_ID), PAINT_ID, number, "go")
    answer = await stage.answer(pressed, {"type": 7, "data": {"content": "y"}})
    assert answer.json["resource"]["message"]["id"] == str(number)
    original = await stage.call("GET", f"/webhooks/{BOT_ID}/{pressed.token}/messages/@original")
    assert original.json["content"] == "y"


async def test_a_form_is_filled_in(stage: StandInClient) -> None:
    """A modal opens, its fields are checked as the client does, and come back nested."""
    interaction = await stage.command(prompt="x")
    field = {"type": 4, "custom_id": "f", "label": "Name", "style": 1, "min_length": 2}
    form = {"custom_id": "m", "title": "Form", "components": [row(field)]}
    assert (await stage.answer(interaction, {"type": 9, "data": form})).status == 200
    sent = stage.people.modal(ActingUser(MEMBER_ID), interaction.id, "m", {"f": "Lu"})
    assert sent.data["components"][0]["components"][0]["value"] == "Lu"
    done = await stage.answer(sent, {"type": 4, "data": {"content": "thanks", "flags": 64}})
    assert done.json["resource"]["message"]["interaction_metadata"]["type"] == 5


async def test_a_form_takes_files(stage: StandInClient) -> None:
    """A file that its person chose comes resolved; one that is not there is refused."""
    interaction = await stage.command(prompt="x")
    upload = {"type": 19, "custom_id": "f", "max_values": 2}
    form = {
        "custom_id": "m",
        "title": "Form",
        "components": [{"type": 18, "label": "Picture", "component": upload}],
    }
    assert (await stage.answer(interaction, {"type": 9, "data": form})).status == 200
    actor = ActingUser(MEMBER_ID)
    with pytest.raises(ActionRefused):
        stage.people.modal(actor, interaction.id, "m", {"f": ["1"]})
    kept = await stage.people.upload("a.png", PNG)
    sent = stage.people.modal(actor, interaction.id, "m", {"f": [str(kept.id)]})
    assert sent.data["components"][0]["component"]["values"] == [str(kept.id)]
    assert sent.data["resolved"]["attachments"][str(kept.id)]["width"] == 2


async def test_old_messages_are_edited_only_so_often(stage: StandInClient) -> None:
    """After an hour, the thirty-first edit within an hour is refused with 30046."""
    posted = await stage.post({"flags": V2, "components": [words()]})
    message = stage.standin.world.messages(PAINT_ID)[0]
    message.created_at -= timedelta(hours=2)
    message.edits_when_old = [stage.standin.world.clock()] * 29
    path = f"/channels/{PAINT_ID}/messages/{posted.json['id']}"
    assert (await stage.call("PATCH", path, {"components": [words("a")]})).status == 200
    late = await stage.call("PATCH", path, {"components": [words("b")]})
    assert (late.status, late.code) == (429, 30046)


async def test_only_the_reader_of_a_mention_is_named(stage: StandInClient) -> None:
    """allowed_mentions decides who is notified."""
    body = {"content": f"<@{MEMBER_ID}> @everyone", "allowed_mentions": {"parse": []}}
    quiet = await stage.post(body)
    assert quiet.json["mentions"] == [] and quiet.json["mention_everyone"] is False
    loud = await stage.post({**body, "allowed_mentions": {"users": [str(MEMBER_ID)]}})
    assert [each["id"] for each in loud.json["mentions"]] == [str(MEMBER_ID)]
