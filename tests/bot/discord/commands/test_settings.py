"""/settings and /admin settings, and pictures that go where they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.backend.errors import SetupError

from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World, open_world
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.fakes import ScriptedRenderer

THREADS = "/channels/*/messages/*/threads"


async def choose(world: World, **options: Any) -> str:
    """What /settings answers Alice."""
    result = await world.alice.slash(world.channel, "settings", **options)
    assert result.ephemeral
    return result.response.content


async def admin(world: World, level: str, **options: Any) -> str:
    """What /admin settings answers."""
    result = await world.admin.slash(world.channel, f"admin settings {level}", **options)
    assert result.ephemeral
    return result.response.content


def galleries(message: Any) -> list[Any]:
    """The items of what a message shows."""
    return [item for part in message.components if part.type.value == 12 for item in part.items]


def direct(world: World) -> list[Any]:
    """What Alice was written directly."""
    channel_id = world.env.backend.dm_channels.get(world.alice.id)
    messages = world.env.backend.messages.get(channel_id, {})
    return sorted(messages.values(), key=lambda each: each.id)


# What is said


async def test_without_options_one_sees_what_holds(world: World):
    """Everything is named with whose choice it is, and nothing is written."""
    text = await choose(world)
    assert f"<#{world.channel.id}>" in text
    assert "Delivery: in the channel (the bot's default)" in text
    assert "Spoiler: off (the bot's default)" in text and "Quiet (no previews): off" in text
    assert world.rows("SELECT * FROM user_settings") == []


async def test_what_one_chooses_is_said_and_can_be_taken_back(world: World):
    """The answer tells what now holds; "default" returns to what holds without a choice."""
    text = await choose(world, delivery="thread", spoiler="on", quiet="on")
    assert "Delivery: in a thread of one's own (your choice)" in text
    assert "Spoiler: on (your choice)" in text and "Quiet (no previews): on (your choice)" in text
    text = await choose(world, delivery="default", spoiler="default")
    assert "Delivery: in the channel (the bot's default)" in text
    assert (
        "Spoiler: off (the bot's default)" in text
        and "Quiet (no previews): on (your choice)" in text
    )


async def test_what_moderators_decided_is_told(world: World):
    """A wish that does not hold is shown beside what does, with the reason."""
    await admin(world, "channel", delivery="thread", spoiler="on")
    text = await choose(world, delivery="channel", spoiler="off")
    assert "in a thread of one's own (set for this channel; you chose: in the channel)" in text
    assert "Spoiler: on (set for this channel; you chose: off)" in text
    assert "not more" in text


async def test_admins_set_server_and_channel(world: World):
    """Each level is set, shown and taken back by itself; the channel goes before the server."""
    assert "not set" in await admin(world, "server")
    assert "Delivery: by direct message" in await admin(world, "server", delivery="direct")
    other = world.guild.create_text_channel("other")
    text = await admin(world, "channel", channel=other, delivery="channel", quiet="on")
    assert f"<#{other.id}>" in text and "Quiet (no previews): on" in text
    result = await world.alice.slash(other, "settings")
    assert "in the channel (set for this channel)" in result.response.content
    assert "by direct message (set for this server)" in await choose(world)
    assert "Delivery: not set" in await admin(world, "server", delivery="default")


async def test_rights_are_checked_again(world: World):
    """A server that opened /admin to everyone changes nothing: the bot checks by itself."""
    commands = await world.house.client.tree.fetch_commands()
    command = next(each for each in commands if each.name == "admin")
    world.guild.set_command_permissions(command.id, {world.guild.default_role: True})
    for level in ("server", "channel"):
        for options in ({}, {"spoiler": "on"}):
            result = await world.bob.slash(world.channel, f"admin settings {level}", **options)
            assert result.ephemeral and "right" in result.response.content
    assert world.rows("SELECT * FROM server_settings") == []
    assert world.rows("SELECT * FROM channel_settings") == []


async def test_members_are_offered_their_own_settings_only(world: World):
    """/settings is everybody's, /admin is hidden."""
    assert "settings" in world.bob.available_commands(world.channel)
    with pytest.raises(SetupError):
        await world.bob.slash(world.channel, "admin settings server")


async def test_settings_outlive_a_restart(world: World):
    """What was chosen holds in the next process."""
    await choose(world, delivery="direct")
    await world.stop()
    await world.start()
    assert "by direct message (your choice)" in await choose(world)


# Threads


async def test_pictures_go_to_ones_own_thread(world: World):
    """The first picture opens a thread under its status message, named after its person; the
    status shrinks to a link, and the next picture goes to the same thread."""
    await choose(world, delivery="thread")
    await paint(world, prompt="a lake")
    await paint(world, prompt="a boat")
    (thread,) = world.channel.threads
    assert thread.name == "Pictures of alice"
    assert [bool(each.attachments) for each in thread.history()] == [True, True]
    statuses = [each for each in world.channel.history() if each.components]
    assert not any(each.attachments for each in statuses) and len(statuses) == 2
    for status, result in zip(statuses, thread.history(), strict=True):
        assert f"/{world.guild.id}/{thread.id}/{result.id}" in world.texts(status)


async def test_everybody_has_a_thread_of_their_own(world: World):
    """Another person's pictures stand in another thread, or in the channel."""
    await choose(world, delivery="thread")
    await world.bob.slash(world.channel, "settings", delivery="thread")
    await paint(world, prompt="a lake")
    await paint(world, world.bob, prompt="a boat")
    assert {each.name for each in world.channel.threads} == {
        "Pictures of alice",
        "Pictures of bob",
    }


async def test_a_wish_made_in_a_thread_stays_there(world: World):
    """In a thread the answer becomes the picture, as in a channel; its channel's spoiler counts."""
    await choose(world, delivery="thread")
    await paint(world, prompt="a lake")
    await admin(world, "channel", spoiler="on")
    (thread,) = world.channel.threads
    await world.alice.slash(thread, "imagine", prompt="a boat")
    await world.settled()
    assert [len(each.attachments) for each in thread.history()] == [1, 1]
    assert thread.history()[-1].attachments[0].filename.startswith("SPOILER_")
    assert len(world.channel.threads) == 1


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(400, 160006, "as many open threads"), (403, 50013, "Create Public Threads")],
)
async def test_without_a_thread_the_picture_stands_in_the_channel(
    world: World, status: int, code: int, said: str
):
    """Discord's cap or a missing permission costs nobody a picture, and the picture says why."""
    await choose(world, delivery="thread")
    world.env.inject_error("POST", THREADS, status=status, code=code)
    await paint(world, prompt="a lake")
    message = world.message_with_picture()
    assert said in world.texts(message) and world.channel.threads == []


@pytest.mark.parametrize("right", ["send_messages_in_threads", "create_public_threads"])
async def test_no_thread_is_opened_that_cannot_be_used(world: World, right: str):
    """Without one of the two permissions there is no empty thread, and the picture says why."""
    denied = discord.PermissionOverwrite(**{right: False})
    channel = world.guild.create_text_channel(
        "no threads", overwrites={world.house.client.user: denied}
    )
    await choose(world, delivery="thread")
    await world.alice.slash(channel, "imagine", prompt="a lake")
    await world.settled()
    assert channel.threads == [] and channel.last_message.attachments
    assert "Send Messages in Threads" in world.texts(channel.last_message)


async def test_a_thread_that_is_there_already_is_used(world: World):
    """Opened right before a crash: Discord says that there is one, and the picture goes there."""
    await choose(world, delivery="thread")
    await world.alice.slash(world.channel, "imagine", prompt="a lake")
    await world.settled()
    (thread,) = world.channel.threads
    await world.stop()
    world.forget_delivery()
    world.change("DELETE FROM threads")
    world.change("UPDATE deliveries SET road = NULL, thread_id = NULL, attempted_at = NULL")
    world.env.inject_error("POST", THREADS, status=400, code=160004)
    await world.start()
    await world.settled()
    assert world.rows("SELECT thread_id FROM threads") == [(thread.id,)]


async def test_a_deleted_thread_is_opened_anew(world: World):
    """A moderator deletes the thread; the next picture has another one."""
    await choose(world, delivery="thread")
    await paint(world, prompt="a lake")
    (first,) = world.channel.threads
    world.env.backend.delete_channel(first.id)
    await paint(world, prompt="a boat")
    (second,) = world.channel.threads
    assert second.id != first.id and second.last_message.attachments


async def test_killed_after_the_post_it_stands_in_the_thread_once(world: World):
    """After a crash the result is found in the thread, and not posted again."""
    await choose(world, delivery="thread")
    await paint(world, prompt="a lake")
    await world.stop()
    world.forget_delivery()
    await world.start()
    await world.settled()
    (thread,) = world.channel.threads
    assert len(thread.history()) == 1
    assert world.rows("SELECT state, thread_id FROM deliveries") == [("delivered", thread.id)]


async def test_a_picture_in_a_thread_is_deleted_where_it_stands(world: World):
    """Delete in the panel behind More takes away the message in the thread."""
    await choose(world, delivery="thread")
    await paint(world, prompt="a lake")
    (thread,) = world.channel.threads
    panel = await world.more(world.alice, thread.last_message)
    await world.alice.click(panel, label="Delete")
    await world.env.settle()
    assert thread.history() == []


# Direct messages


async def test_pictures_are_sent_directly(world: World):
    """The picture goes to its person alone, and the channel only hears that it did."""
    await choose(world, delivery="direct")
    await paint(world, prompt="a lake")
    (message,) = direct(world)
    assert len(message.attachments) == 1
    (status,) = world.channel.history()
    assert "by direct message" in world.texts(status) and not status.attachments


async def test_closed_direct_messages_cost_nobody_a_picture(world: World):
    """It stands in the channel, and says why."""
    await choose(world, delivery="direct")
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    await paint(world, prompt="a lake")
    message = world.message_with_picture()
    assert "no direct messages" in world.texts(message)


async def test_killed_after_the_post_it_is_sent_directly_once(world: World):
    """After a crash the direct message is found, and not sent again."""
    await choose(world, delivery="direct")
    await paint(world, prompt="a lake")
    await world.stop()
    world.forget_delivery()
    await world.start()
    await world.settled()
    assert len(direct(world)) == 1


async def test_the_owner_may_forbid_direct_messages(data_dir: Path, painter: ScriptedRenderer):
    """The choice is kept and does not hold; /settings says why."""
    async with open_world(data_dir, painter.load, jobs={"direct_messages": False}) as world:
        text = await choose(world, delivery="direct")
        assert "in the channel (the bot's default; you chose: by direct message)" in text
        assert "owner" in text
        await paint(world, prompt="a lake")
        assert world.message_with_picture() and direct(world) == []


# Spoilers


@pytest.mark.parametrize("count", [1, 2])
async def test_a_spoiler_channel_hides_every_picture(world: World, count: int):
    """The item and the file's name are marked, of a picture as of a sheet; its buttons, its
    recipe and its menu know it all the same."""
    await admin(world, "channel", spoiler="on")
    await paint(world, prompt="a lake", count=count)
    message = world.message_with_picture()
    assert [each.filename.startswith("SPOILER_zimagine-1-") for each in message.attachments] == [
        True
    ]
    assert [item.spoiler for item in galleries(message)] == [True]
    found = await world.bob.context_menu(world.channel, "Recipe", message)
    assert "a lake" in world.texts(found.response.message)


async def test_killed_after_a_spoiler_it_is_found(world: World, painter: ScriptedRenderer):
    """A hidden picture that was posted before a crash is known by its name, and stands once."""
    await choose(world, spoiler="on")
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="a lake")
    world.clock.advance(31)
    painter.release()
    await world.settled()
    await world.stop()
    world.forget_delivery()
    await world.start()
    await world.settled()
    assert len([each for each in world.channel.history() if each.attachments]) == 1
    assert world.rows("SELECT road, state FROM deliveries") == [("post", "delivered")]


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(world: World):
    """What threads, direct messages and spoilers take is what Discord describes."""
    await choose(world, delivery="thread", spoiler="on")
    await paint(world, prompt="a lake")
    await choose(world, delivery="direct")
    await paint(world, prompt="a boat")
    await admin(world, "channel", channel=world.channel, quiet="off")
    api = ApiDescription()
    requests = world.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
    assert any(each.path.endswith("/threads") for each in requests)
