"""Buttons in direct messages: they paint there, privately, and count for the picture's server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.components import walk_components

from bot.discord.messenger import DiscordMessenger
from engine.diffusion.families import SKETCH_FAMILY
from storage import consistency
from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.direct_messages import (
    labels,
    picture_in_direct,
    place_of,
    press,
    refreshed,
    routes,
    shown_directly,
)
from tests.bot.discord.forms import form_fields
from tests.bot.discord.harness import WAIT_S, BotHarness, make_settings, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import alice_as_actor, paint, private_text, slow_reading
from tests.fakes import ScriptedRenderer

LATE_S = 16 * 60.0
"""Longer than an interaction's token lives."""


@pytest.mark.parametrize("count", [1, 3])
async def test_the_card_has_the_same_buttons_as_in_a_channel(harness: BotHarness, count: int):
    """A picture sent by direct message carries the rows of buttons that a channel shows."""
    await paint(harness, prompt="a lake", count=count)
    in_channel = labels(harness.message_with_picture())
    message = await picture_in_direct(harness, count=count)
    assert labels(message) == in_channel != []
    assert f"Requested in <#{harness.channel.id}>" in harness.texts(message)


@pytest.mark.parametrize("label", ["Reroll", "Vary (subtle)", "Vary (strong)", "Upscale"])
async def test_a_press_paints_there_for_the_server_of_the_picture(harness: BotHarness, label: str):
    """The new picture takes the place of its status message in the direct messages, is private, and
    counts for the server."""
    message = await picture_in_direct(harness)
    before = len(harness.channel.history())
    pressed = await press(harness, message, label)
    assert not pressed.ephemeral and pressed.response.channel_id == message.channel.id
    await harness.settled()
    shown = shown_directly(harness)
    assert [each.id for each in shown] == [message.id, pressed.response.id]
    assert shown[-1].attachments and "More ▾" in labels(shown[-1])
    assert "Requested in" not in harness.texts(shown[-1])
    place = (harness.guild.id, message.channel.id, True, "channel")
    assert place_of(harness, 2) == place and routes(harness) == ["direct", "reply"]
    assert len(harness.channel.history()) == before
    assert harness.charged() == (5 if label.startswith("Vary") else 2)
    listed = await harness.alice.slash(harness.channel, "history")
    assert "private" in harness.texts(listed.response.message)
    others = await harness.bob.slash(harness.channel, "history")
    assert "You have no pictures here" in harness.texts(others.response.message)
    assert consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []


async def test_what_was_painted_there_has_buttons_that_work_again(harness: BotHarness):
    """The result of a press can be pressed in turn, also with a slow response."""
    await press(harness, await picture_in_direct(harness), "Reroll")
    await harness.settled()
    await press(harness, shown_directly(harness)[-1], "Upscale")
    await harness.settled()
    assert [place_of(harness, job)[2] for job in (2, 3)] == [True, True]
    assert len(shown_directly(harness)) == 3 and harness.charged() == 3


async def test_a_deferred_response_is_no_ephemeral_one(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A response that had to be deferred stays in the direct messages like any other."""
    message = await picture_in_direct(harness)
    slow_reading(monkeypatch)
    pressed = await press(harness, message, "Upscale")
    assert not pressed.ephemeral
    await harness.settled()
    assert shown_directly(harness)[-1].attachments


async def test_the_preferred_thread_does_not_matter(harness: BotHarness):
    """Who chose a thread meanwhile gets what they paint in direct messages there, not in it."""
    message = await picture_in_direct(harness)
    await change_settings(harness, delivery="thread")
    await press(harness, message, "Reroll")
    await harness.settled()
    assert harness.channel.threads == [] and len(shown_directly(harness)) == 2


async def test_cancel(harness: BotHarness, renderer: ScriptedRenderer):
    """The status message shows progress and has Cancel, which ends the job and refunds it."""
    message = await picture_in_direct(harness)
    renderer.hold()
    await paint_elsewhere(harness)
    pressed = await press(harness, message, "Reroll")
    status = pressed.response.message
    assert labels(status) == ["Cancel"] and not status.flags.ephemeral
    cancelled = await press(harness, status, "Cancel")
    assert cancelled.ephemeral and "Cancelled" in cancelled.response.content
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs WHERE id = 3") == [("cancelled",)]
    assert "ancelled" in harness.texts(shown_directly(harness)[-1])
    assert labels(shown_directly(harness)[-1]) == [] and harness.charged() == 2


async def paint_elsewhere(harness: BotHarness) -> None:
    """Occupy the GPU with Bob's picture."""
    await harness.bob.slash(harness.channel, "imagine", prompt="a hill")


async def remix(harness: BotHarness, message: Any, prompt: str) -> Any:
    """Remix a picture with another prompt through the form; return the result."""
    panel = (await press(harness, message, "More ▾")).response.message
    form = await press(harness, panel, "Remix")
    assert form_fields(form)["prompt"] == "a lake"
    return await harness.alice.user.submit_modal(form, {"prompt": prompt})


async def test_remix(harness: BotHarness, renderer: ScriptedRenderer):
    """The form opens with the picture's prompt, and what it says is painted there."""
    message = await picture_in_direct(harness)
    await remix(harness, message, "a sea")
    await harness.settled()
    assert renderer.painted[-1].prompt == "a sea" and place_of(harness, 2)[2]
    assert shown_directly(harness)[-1].attachments


async def test_remix_with_choices(harness: BotHarness, renderer: ScriptedRenderer):
    """Choices in braces are asked about; each accepted job has its own message there."""
    message = await picture_in_direct(harness)
    asked = await remix(harness, message, "a {red, blue} sea")
    question = asked.response.message
    assert "make 2 pictures" in harness.texts(refreshed(harness, question))
    pressed = await press(harness, question, "Paint 2 pictures")
    assert [each.ephemeral for each in pressed.followups] == [False, False]
    assert "Only you will see the pictures" in harness.texts(refreshed(harness, question))
    await harness.settled()
    shown = shown_directly(harness)
    assert len(shown) == 3 and all(each.attachments for each in shown)
    assert [place_of(harness, job)[1:3] for job in (2, 3)] == [(message.channel.id, True)] * 2
    again = await press_again(harness, question, "paint")
    assert "already pressed Paint" in again.response.content and harness.charged() == 3


async def press_again(harness: BotHarness, question: Any, action: str) -> Any:
    """Press a button that a question had before it was answered."""
    stored = harness.env.backend.get_message(question.channel.id, question.id)
    ((proposal_id,),) = harness.rows("SELECT max(id) FROM proposals")
    custom_id = marked(f"z1:{action}:{proposal_id}")
    button = {"type": 2, "id": 99, "style": 2, "label": "x", "custom_id": custom_id}
    before = stored.components
    stored.components = [{"type": 1, "id": 98, "components": [button]}]
    try:
        return await harness.alice.user.click(question, custom_id=custom_id)
    finally:
        stored.components = before


async def test_declined_choices_cost_nothing(harness: BotHarness):
    """Cancel discards a question that was asked there."""
    asked = await remix(harness, await picture_in_direct(harness), "a {red, blue} sea")
    await press(harness, asked.response.message, "Cancel")
    assert "Nothing was painted or charged" in harness.texts(asked.response.message)
    assert harness.charged() == 1


async def test_remix_with_wrong_flags(harness: BotHarness, renderer: ScriptedRenderer):
    """Wrong flags are answered with Edit and Paint without them, and both work there."""
    message = await picture_in_direct(harness)
    asked = await remix(harness, message, "a sea --foo")
    assert labels(asked.response.message) == ["Edit", "Paint without them"]
    form = await press(harness, asked.response.message, "Edit")
    await harness.alice.user.submit_modal(form, {"prompt": "a storm"})
    await harness.settled()
    asked = await remix(harness, message, "a sea --foo")
    await press(harness, asked.response.message, "Paint without them")
    await harness.settled()
    assert [each.prompt for each in renderer.painted[1:]] == ["a storm", "a sea"]
    assert [place_of(harness, job)[2] for job in (2, 3)] == [True, True]
    assert len(shown_directly(harness)) == 3


async def test_remix_with_what_the_model_does_not_know(data_dir: Path, renderer: ScriptedRenderer):
    """Suggestions are made there, and each of their buttons paints there."""
    async with open_harness(data_dir, renderer.load, family=SKETCH_FAMILY) as harness:
        message = await picture_in_direct(harness, enhance="off")
        asked = await remix(harness, message, "a unicorn --enhance off")
        assert "demo model" in harness.texts(asked.response.message)
        await harness.alice.user.click(
            asked.response.message, custom_id=custom_id_like(asked, "anyway")
        )
        await harness.settled()
        assert renderer.painted[-1].prompt == "a unicorn" and place_of(harness, 2)[2]
        assert shown_directly(harness)[-1].attachments


def custom_id_like(result: Any, action: str) -> str:
    """Return the custom_id of the button with this action, in a row or beside a text."""
    stored = result.response.message.components
    parts = [part.to_dict() for part in stored]
    found = [str(each.get("custom_id", "")) for each in walk_components(parts)]
    return next(each for each in found if each.startswith(f"z1:{action}:"))


async def test_the_panel_behind_more(harness: BotHarness):
    """Favourites, Details and a copy work there; Report is not offered for one's own."""
    message = await picture_in_direct(harness)
    panel = (await press(harness, message, "More ▾")).response.message
    assert labels(panel) == [
        *("Remix", "Details", "Add to favourites", "DM me a copy", "Delete"),
        *("Note", "Repaint part", "Blend"),
    ]
    await press(harness, panel, "Add to favourites")
    assert "Remove from favourites" in labels(refreshed(harness, panel))
    assert harness.rows("SELECT favourite_at IS NULL FROM pictures") == [(0,)]
    details = await press(harness, panel, "Details")
    assert details.ephemeral and "Picture #1" in harness.texts(details.response.message)
    copied = await press(harness, panel, "DM me a copy")
    assert "sent you a copy" in copied.response.content
    assert len(shown_directly(harness)) == 2


async def test_the_panel_of_a_series(harness: BotHarness):
    """One of several pictures is chosen, shown as its original, and painted from, there."""
    message = await picture_in_direct(harness, count=2)
    panel = (await press(harness, message, "More ▾")).response.message
    await press(harness, panel, "Picture 2")
    original = await press(harness, panel, "Original")
    shown = original.response.message
    assert original.ephemeral and shown.attachments
    await press(harness, shown, "Vary (subtle)")
    await harness.settled()
    assert place_of(harness, 2)[1:3] == (message.channel.id, True)
    await press(harness, panel, "All pictures")
    assert labels(refreshed(harness, panel)) == ["Picture 1", "Picture 2", "Delete all"]


async def test_delete(harness: BotHarness):
    """After the question, the direct message goes, and the note in the channel with it."""
    message = await picture_in_direct(harness)
    other = await press(harness, message, "Reroll")
    await harness.settled()
    for each in (message, other.response.message):
        panel = (await press(harness, each, "More ▾")).response.message
        await press(harness, panel, "Delete")
        assert labels(refreshed(harness, panel)) == ["Delete", "Keep"]
        await press(harness, panel, "Delete")
        assert "The picture was deleted." in harness.texts(refreshed(harness, panel))
    await harness.env.settle()
    assert shown_directly(harness) == [] and harness.channel.history() == []
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NULL") == []


async def test_deleted_from_the_server(harness: BotHarness):
    """A picture that is deleted from /history is gone from the direct messages, too: nobody could
    delete the bot's message there."""
    await picture_in_direct(harness)
    listed = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(listed.response.message, label="Show #1")
    assert "was deleted" in harness.texts(
        await harness.delete(harness.alice, shown.response.message)
    )
    assert shown_directly(harness) == [] and harness.channel.history() == []


async def test_a_message_that_was_left_behind(harness: BotHarness):
    """Anybody can get rid of a message in their direct messages whose picture was deleted."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, label="DM me a copy")
    await harness.delete(harness.alice, harness.message_with_picture())
    (copy,) = shown_directly(harness, harness.bob)
    pressed = await press(harness, copy, "More ▾", harness.bob)
    assert "This picture was deleted before, and now its message is, too." in private_text(pressed)
    assert shown_directly(harness, harness.bob) == []


async def test_keep(harness: BotHarness):
    """Keep closes the question and deletes nothing."""
    message = await picture_in_direct(harness)
    panel = (await press(harness, message, "More ▾")).response.message
    await press(harness, panel, "Delete")
    await press(harness, panel, "Keep")
    assert "Nothing was deleted" in harness.texts(refreshed(harness, panel))
    assert shown_directly(harness)[-1].attachments


async def test_a_message_that_cannot_be_deleted(harness: BotHarness):
    """The picture is deleted even so, and nobody is told to delete a message of the bot's."""
    message = await picture_in_direct(harness)
    panel = (await press(harness, message, "More ▾")).response.message
    await press(harness, panel, "Delete")
    where = f"/channels/{message.channel.id}/messages/*"
    harness.env.inject_error("DELETE", where, status=403, code=50007)
    await press(harness, panel, "Delete")
    assert "I could not delete its message" in harness.texts(refreshed(harness, panel))
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NULL") == []


async def test_what_was_deleted_meanwhile(harness: BotHarness):
    """A press on a picture that was deleted on the server says so and costs nothing."""
    message = await picture_in_direct(harness)
    await harness.app.services.deletion.erase_all(alice_as_actor(harness), 1)
    pressed = await press(harness, message, "Reroll")
    assert pressed.ephemeral and "may have been deleted" in pressed.response.content
    assert harness.charged() == 1


async def test_a_result_that_comes_late(harness: BotHarness, renderer: ScriptedRenderer):
    """After the token has expired, a new direct message has the picture; the status message links
    to it, as Discord links to direct messages."""
    message = await picture_in_direct(harness)
    renderer.hold()
    pressed = await press(harness, message, "Reroll")
    await harness.state(2, "painting")
    harness.clock.advance(LATE_S)
    renderer.release()
    await harness.settled()
    _, status, result = shown_directly(harness)
    assert status.id == pressed.response.id and result.attachments and not status.attachments
    link = f"https://discord.com/channels/@me/{message.channel.id}/{result.id}"
    assert link in harness.texts(status) and labels(status) == []
    assert "Requested in" not in harness.texts(result)
    assert labels(result) == labels(message) and routes(harness)[-1] == "direct"


@pytest.mark.parametrize("accepts", [True, False])
async def test_who_waited_long_is_notified(
    harness: BotHarness, renderer: ScriptedRenderer, accepts: bool
):
    """After half a minute the picture is a new message, since an edit notifies nobody; where none
    is accepted any more, it takes the status message's place."""
    message = await picture_in_direct(harness)
    renderer.hold()
    await press(harness, message, "Reroll")
    await harness.state(2, "painting")
    harness.clock.advance(40)
    if not accepts:
        where = f"/channels/{message.channel.id}/messages"
        harness.env.inject_error("POST", where, status=403, code=50007)
    renderer.release()
    await harness.settled()
    _, status, *results = shown_directly(harness)
    assert bool(status.attachments) != accepts and len(results) == accepts
    assert routes(harness)[-1] == ("direct" if accepts else "reply")
    assert "Cancel" not in labels(status)


async def test_which_channels_are_direct_messages(harness: BotHarness):
    """Discord tells it; no direct messages are opened with anybody to find out."""
    message = await picture_in_direct(harness)
    messenger = DiscordMessenger()
    messenger.attach(harness.app.client)
    before = len(harness.env.http_requests)
    assert await messenger.is_direct(message.channel.id)
    assert not await messenger.is_direct(harness.channel.id)
    assert not await messenger.is_direct(12345)
    assert {r.method for r in harness.env.http_requests[before:]} <= {"GET"}
    harness.env.inject_error("GET", "/channels/12345", status=400)
    assert not await messenger.is_direct(12345)


async def test_a_token_that_is_spent_too_soon(harness: BotHarness):
    """If the clock is behind, or Discord has lost the token, a new direct message has the picture
    as well, and the status message links to it and has no Cancel."""
    message = await picture_in_direct(harness)
    edit = "/webhooks/*/*/messages/*"
    harness.env.inject_error("PATCH", edit, status=401, code=50027, times=None)
    await press(harness, message, "Reroll")
    await harness.settled()
    _, status, result = shown_directly(harness)
    assert result.attachments and not status.attachments and labels(status) == []
    link = f"https://discord.com/channels/@me/{message.channel.id}/{result.id}"
    assert link in harness.texts(status) and routes(harness)[-1] == "direct"


async def test_a_failure_that_comes_late(harness: BotHarness, renderer: ScriptedRenderer):
    """After the token has expired, the status message says that the job was cancelled."""
    message = await picture_in_direct(harness)
    renderer.hold()
    await paint_elsewhere(harness)
    pressed = await press(harness, message, "Reroll")
    harness.clock.advance(LATE_S)
    await harness.alice.slash(harness.channel, "cancel")
    renderer.release()
    await harness.settled()
    status = shown_directly(harness)[-1]
    assert status.id == pressed.response.id and labels(status) == []
    assert "ancelled" in harness.texts(status) and routes(harness)[-1] == "edit"


async def test_direct_messages_were_turned_off(data_dir: Path, renderer: ScriptedRenderer):
    """Buttons of earlier direct messages work; a late result takes the status message's place,
    since no new message may be sent."""
    async with open_harness(data_dir, renderer.load) as harness:
        message = await picture_in_direct(harness)
        await harness.stop()
        harness.settings = make_settings(data_dir, jobs={"direct_messages": False})
        await harness.start()
        await press(harness, message, "Reroll")
        await harness.settled()
        renderer.hold()
        await press(harness, message, "Reroll")
        await harness.state(3, "painting")
        harness.clock.advance(LATE_S)
        renderer.release()
        await harness.settled()
        shown = shown_directly(harness)
        assert len(shown) == 3 and all(each.attachments for each in shown)
        assert routes(harness) == ["direct", "reply", "edit"]


async def test_a_restart_in_between(harness: BotHarness, renderer: ScriptedRenderer):
    """A job that was begun there survives a crash: its message shows progress, then the picture,
    once."""
    message = await picture_in_direct(harness)
    renderer.hold()
    await paint_elsewhere(harness)
    pressed = await press(harness, message, "Reroll")
    await harness.state(2, "painting")
    await harness.crash()
    renderer.hold()
    before = len(harness.env.http_requests)
    await harness.start()
    edit = f"/channels/{message.channel.id}/messages/{pressed.response.id}"
    async with asyncio.timeout(WAIT_S):
        while not any(r.path == edit for r in harness.env.http_requests[before:]):
            await asyncio.sleep(0.05)
    renderer.release()
    await harness.settled()
    shown = shown_directly(harness)
    assert [each.id for each in shown] == [message.id, pressed.response.id]
    assert shown[-1].attachments and harness.charged() == 3


async def test_killed_after_posting_it_is_sent_once(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A late result that was posted right before a crash is found and not posted again."""
    message = await picture_in_direct(harness)
    renderer.hold()
    await press(harness, message, "Reroll")
    await harness.state(2, "painting")
    harness.clock.advance(LATE_S)
    renderer.release()
    await harness.settled()
    await harness.crash()
    harness.change(
        "UPDATE deliveries SET state = 'pending', settled_at = NULL, result_message_id = NULL "
        "WHERE job_id = 2"
    )
    await harness.start()
    await harness.settled()
    assert len([each for each in shown_directly(harness) if each.attachments]) == 2


async def test_a_copy_has_buttons_too(harness: BotHarness):
    """A copy of somebody else's public picture can be painted from; the result is one's own."""
    await paint(harness, prompt="a lake", count=2)
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, label="Picture 2")
    await harness.bob.click(panel, label="DM me a copy")
    (copy,) = shown_directly(harness, harness.bob)
    assert labels(copy) == [
        *("Vary (subtle)", "Vary (strong)", "Upscale", "Details", "More ▾", "Favourite")
    ]
    await press(harness, copy, "Upscale", harness.bob)
    await harness.settled()
    assert harness.rows("SELECT user_id, private FROM jobs WHERE id = 2") == [(harness.bob.id, 1)]
    details = await press(harness, copy, "Details", harness.bob)
    assert "Picture #2" in harness.texts(details.response.message)
    panel = (await press(harness, copy, "More ▾", harness.bob)).response.message
    assert "Report" in labels(panel) and "Delete all" not in labels(panel)
    form = await press(harness, panel, "Report", harness.bob)
    filed = await harness.bob.user.submit_modal(form, {"reason": "odd"})
    assert "Your report of picture #2" in filed.response.content


async def test_moderators_have_no_rights_there(harness: BotHarness):
    """Discord says nothing about a member's permissions there, so none are assumed."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.moderator, harness.message_with_picture())
    assert "Delete" in labels(refreshed(harness, panel))
    await harness.moderator.click(panel, label="DM me a copy")
    (copy,) = shown_directly(harness, harness.moderator)
    panel = (await press(harness, copy, "More ▾", harness.moderator)).response.message
    assert "Delete" not in labels(panel)


async def test_the_details_of_a_hidden_channel_stay_hidden(harness: BotHarness):
    """Who may not read the channel of a copied picture any more does not see its details."""
    see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
    readers = (harness.guild.roles["M"], harness.guild.roles["A"], harness.guild.me)
    overwrites = {harness.guild.default_role: blind} | dict.fromkeys(readers, see)
    hidden = harness.guild.create_text_channel("mods", overwrites=overwrites)
    await harness.admin.slash(hidden, "imagine", prompt="a lake")
    await harness.settled()
    panel = (await harness.moderator.click(hidden.last_message, label="More ▾")).response.message
    await harness.moderator.click(panel, label="DM me a copy")
    (copy,) = shown_directly(harness, harness.moderator)
    details = await press(harness, copy, "Details", harness.moderator)
    assert "Picture #1" in harness.texts(details.response.message)
    guild = harness.env.backend.get_guild(harness.guild.id)
    guild.members[harness.moderator.id].role_ids.clear()
    details = await press(harness, copy, "Details", harness.moderator)
    assert details.ephemeral and "There is no picture" in details.response.content
