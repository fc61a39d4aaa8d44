"""/settings and /admin settings, and delivery as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.backend.errors import SetupError

from tests.bot.discord.delivery_settings import change_settings, direct_messages
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer

THREADS = "/channels/*/messages/*/threads"


async def admin(harness: BotHarness, level: str, **options: Any) -> str:
    """Run /admin settings; return the reply."""
    result = await harness.admin.slash(harness.channel, f"admin settings {level}", **options)
    assert result.ephemeral
    return result.response.content


def galleries(message: Any) -> list[Any]:
    """Return the gallery items of a message."""
    return [item for part in message.components if part.type.value == 12 for item in part.items]


# Replies


async def test_without_options_one_sees_what_holds(harness: BotHarness):
    """Without options, every setting is shown with its origin and nothing is changed."""
    text = await change_settings(harness)
    assert f"<#{harness.channel.id}>" in text
    assert "Delivery: in the channel (the bot's default)" in text
    assert "Spoiler: off (the bot's default)" in text and "Quiet (no previews): off" in text
    assert harness.rows("SELECT * FROM user_settings") == []


async def test_what_one_chooses_is_said_and_can_be_taken_back(harness: BotHarness):
    """The reply shows the effective settings; "default" removes a choice."""
    text = await change_settings(harness, delivery="thread", spoiler="on", quiet="on")
    assert "Delivery: in a personal thread (your choice)" in text
    assert "Spoiler: on (your choice)" in text and "Quiet (no previews): on (your choice)" in text
    text = await change_settings(harness, delivery="default", spoiler="default")
    assert "Delivery: in the channel (the bot's default)" in text
    assert (
        "Spoiler: off (the bot's default)" in text
        and "Quiet (no previews): on (your choice)" in text
    )


async def test_what_moderators_decided_is_told(harness: BotHarness):
    """A choice that is overruled is shown with the reason."""
    await admin(harness, "channel", delivery="thread", spoiler="on")
    text = await change_settings(harness, delivery="channel", spoiler="off")
    assert "in a personal thread (set for this channel; you chose: in the channel)" in text
    assert "Spoiler: on (set for this channel; you chose: off)" in text
    assert "not more" in text


async def test_admins_set_server_and_channel(harness: BotHarness):
    """Server and channel settings are set, shown and removed separately; the channel wins."""
    assert "not set" in await admin(harness, "server")
    assert "Delivery: by direct message" in await admin(harness, "server", delivery="direct")
    other = harness.guild.create_text_channel("other")
    text = await admin(harness, "channel", channel=other, delivery="channel", quiet="on")
    assert f"<#{other.id}>" in text and "Quiet (no previews): on" in text
    result = await harness.alice.slash(other, "settings")
    assert "in the channel (set for this channel)" in harness.texts(result.response.message)
    assert "by direct message (set for this server)" in await change_settings(harness)
    assert "Delivery: not set" in await admin(harness, "server", delivery="default")


async def test_rights_are_checked_again(harness: BotHarness):
    """Opening /admin to everyone grants nothing: the bot checks permissions itself."""
    commands = await harness.app.client.tree.fetch_commands()
    command = next(each for each in commands if each.name == "admin")
    harness.guild.set_command_permissions(command.id, {harness.guild.default_role: True})
    for level in ("server", "channel"):
        for options in ({}, {"spoiler": "on"}):
            result = await harness.bob.slash(harness.channel, f"admin settings {level}", **options)
            assert result.ephemeral and "permission" in result.response.content
    assert harness.rows("SELECT * FROM server_settings") == []
    assert harness.rows("SELECT * FROM channel_settings") == []


async def test_members_are_offered_their_own_settings_only(harness: BotHarness):
    """/settings is for everyone, /admin is hidden."""
    assert "settings" in harness.bob.available_commands(harness.channel)
    with pytest.raises(SetupError):
        await harness.bob.slash(harness.channel, "admin settings server")


async def test_settings_outlive_a_restart(harness: BotHarness):
    """Settings survive a restart."""
    await change_settings(harness, delivery="direct")
    await harness.stop()
    await harness.start()
    assert "by direct message (your choice)" in await change_settings(harness)


# Threads


async def test_pictures_go_to_ones_own_thread(harness: BotHarness):
    """The first picture opens a thread under its status message, named after the member; the status
    message becomes a link, and later pictures go to the same thread."""
    await change_settings(harness, delivery="thread")
    await paint(harness, prompt="a lake")
    await paint(harness, prompt="a boat")
    (thread,) = harness.channel.threads
    assert thread.name == "Pictures by alice"
    assert [bool(each.attachments) for each in thread.history()] == [True, True]
    statuses = [each for each in harness.channel.history() if each.components]
    assert not any(each.attachments for each in statuses) and len(statuses) == 2
    for status, result in zip(statuses, thread.history(), strict=True):
        assert f"/{harness.guild.id}/{thread.id}/{result.id}" in harness.texts(status)


async def test_everybody_has_a_thread_of_their_own(harness: BotHarness):
    """Another member's pictures go to another thread or to the channel."""
    await change_settings(harness, delivery="thread")
    await harness.bob.slash(harness.channel, "settings", delivery="thread")
    await paint(harness, prompt="a lake")
    await paint(harness, harness.bob, prompt="a boat")
    assert {each.name for each in harness.channel.threads} == {
        "Pictures by alice",
        "Pictures by bob",
    }


async def test_a_wish_made_in_a_thread_stays_there(harness: BotHarness):
    """In a thread, results stay there; the spoiler setting of its channel applies."""
    await change_settings(harness, delivery="thread")
    await paint(harness, prompt="a lake")
    await admin(harness, "channel", spoiler="on")
    (thread,) = harness.channel.threads
    await harness.alice.slash(thread, "imagine", prompt="a boat")
    await harness.settled()
    assert [len(each.attachments) for each in thread.history()] == [1, 1]
    assert thread.history()[-1].attachments[0].filename.startswith("SPOILER_")
    assert len(harness.channel.threads) == 1


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(400, 160006, "as many open threads"), (403, 50013, "Create Public Threads")],
)
async def test_without_a_thread_the_picture_stands_in_the_channel(
    harness: BotHarness, status: int, code: int, said: str
):
    """If no thread can be opened, the picture is posted in the channel with the reason."""
    await change_settings(harness, delivery="thread")
    harness.env.inject_error("POST", THREADS, status=status, code=code)
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    assert said in harness.texts(message) and harness.channel.threads == []


@pytest.mark.parametrize("right", ["send_messages_in_threads", "create_public_threads"])
async def test_no_thread_is_opened_that_cannot_be_used(harness: BotHarness, right: str):
    """Without a necessary permission no empty thread is opened, and the picture says why."""
    denied = discord.PermissionOverwrite(**{right: False})
    channel = harness.guild.create_text_channel(
        "no threads", overwrites={harness.app.client.user: denied}
    )
    await change_settings(harness, delivery="thread")
    await harness.alice.slash(channel, "imagine", prompt="a lake")
    await harness.settled()
    assert channel.threads == [] and channel.last_message.attachments
    assert "Send Messages in Threads" in harness.texts(channel.last_message)


async def test_a_thread_that_is_there_already_is_used(harness: BotHarness):
    """A thread that a crash left unrecorded is used."""
    await change_settings(harness, delivery="thread")
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    (thread,) = harness.channel.threads
    await harness.stop()
    harness.forget_delivery()
    harness.change("DELETE FROM threads")
    harness.change("UPDATE deliveries SET road = NULL, thread_id = NULL, attempted_at = NULL")
    harness.env.inject_error("POST", THREADS, status=400, code=160004)
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT thread_id FROM threads") == [(thread.id,)]


async def test_a_deleted_thread_is_opened_anew(harness: BotHarness):
    """If the thread was deleted, the next picture opens another."""
    await change_settings(harness, delivery="thread")
    await paint(harness, prompt="a lake")
    (first,) = harness.channel.threads
    harness.env.backend.delete_channel(first.id)
    await paint(harness, prompt="a boat")
    (second,) = harness.channel.threads
    assert second.id != first.id and second.last_message.attachments


async def test_killed_after_the_post_it_stands_in_the_thread_once(harness: BotHarness):
    """After a crash, the result is found in the thread and not posted again."""
    await change_settings(harness, delivery="thread")
    await paint(harness, prompt="a lake")
    await harness.stop()
    harness.forget_delivery()
    await harness.start()
    await harness.settled()
    (thread,) = harness.channel.threads
    assert len(thread.history()) == 1
    assert harness.rows("SELECT state, thread_id FROM deliveries") == [("delivered", thread.id)]


async def test_a_picture_in_a_thread_is_deleted_where_it_stands(harness: BotHarness):
    """Delete behind More removes the message in the thread."""
    await change_settings(harness, delivery="thread")
    await paint(harness, prompt="a lake")
    (thread,) = harness.channel.threads
    await harness.delete(harness.alice, thread.last_message)
    await harness.env.settle()
    assert thread.history() == []


# Direct messages


async def test_pictures_are_sent_directly(harness: BotHarness):
    """A picture sent by DM is seen only by its requester; the channel gets a note."""
    await change_settings(harness, delivery="direct")
    await paint(harness, prompt="a lake")
    (message,) = direct_messages(harness)
    assert len(message.attachments) == 1
    (status,) = harness.channel.history()
    assert "by direct message" in harness.texts(status) and not status.attachments


async def test_closed_direct_messages_cost_nobody_a_picture(harness: BotHarness):
    """If DMs are closed, the picture is posted in the channel with the reason."""
    await change_settings(harness, delivery="direct")
    harness.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    assert "not accept direct messages" in harness.texts(message)


async def test_killed_after_the_post_it_is_sent_directly_once(harness: BotHarness):
    """After a crash, the direct message is found and not sent again."""
    await change_settings(harness, delivery="direct")
    await paint(harness, prompt="a lake")
    await harness.stop()
    harness.forget_delivery()
    await harness.start()
    await harness.settled()
    assert len(direct_messages(harness)) == 1


async def test_the_owner_may_forbid_direct_messages(data_dir: Path, renderer: ScriptedRenderer):
    """If the owner forbids DMs, the choice is kept without effect and /settings says why."""
    async with open_harness(data_dir, renderer.load, jobs={"direct_messages": False}) as harness:
        text = await change_settings(harness, delivery="direct")
        assert "in the channel (the bot's default; you chose: by direct message)" in text
        assert "owner" in text
        await paint(harness, prompt="a lake")
        assert harness.message_with_picture() and direct_messages(harness) == []


# Spoilers


@pytest.mark.parametrize("count", [1, 2])
async def test_a_spoiler_channel_hides_every_picture(harness: BotHarness, count: int):
    """Spoiler pictures are marked in the gallery and in the file name, sheets too; buttons, recipe
    and context menu still work."""
    await admin(harness, "channel", spoiler="on")
    await paint(harness, prompt="a lake", count=count)
    message = harness.message_with_picture()
    assert [each.filename.startswith("SPOILER_zimagine-1-") for each in message.attachments] == [
        True
    ]
    assert [item.spoiler for item in galleries(message)] == [True]
    found = await harness.bob.context_menu(harness.channel, "Recipe", message)
    assert "a lake" in harness.texts(found.response.message)


async def test_killed_after_a_spoiler_it_is_found(harness: BotHarness, renderer: ScriptedRenderer):
    """After a crash, a posted spoiler picture is found by its name and not posted again."""
    await change_settings(harness, spoiler="on")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    await harness.stop()
    harness.forget_delivery()
    await harness.start()
    await harness.settled()
    assert len([each for each in harness.channel.history() if each.attachments]) == 1
    assert harness.rows("SELECT road, state FROM deliveries") == [("post", "delivered")]


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """Requests for threads, direct messages and spoilers are valid by Discord's description."""
    await change_settings(harness, delivery="thread", spoiler="on")
    await paint(harness, prompt="a lake")
    await change_settings(harness, delivery="direct")
    await paint(harness, prompt="a boat")
    await admin(harness, "channel", channel=harness.channel, quiet="off")
    api = ApiDescription()
    requests = harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
    assert any(each.path.endswith("/threads") for each in requests)
