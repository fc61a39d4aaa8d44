"""The real bot where it lost a permission, or never was: private threads, deleted channels."""

from __future__ import annotations

from pathlib import Path

from bot.delivery.attachments import PREVIEW_NAME
from bot.playground.initial_world import BOT_ID, GUILD_ID, MEMBER_ID, PAINT_ID, SECOND_ID, THREAD_ID
from bot.playground.interactions import Interaction
from bot.playground.model import Channel, ChannelType, Message, Overwrite
from bot.playground.people import ActingUser
from bot.playground.permissions import bits
from tests.bot.playground.live import LivePlayground, open_live

SLOW = "a slow balloon --steps 50"


def private_thread(live: LivePlayground) -> Channel:
    """Open a private thread to which the bot was not added."""
    world = live.playground.standin.world
    thread = Channel(
        world.ids.new(),
        ChannelType.PRIVATE_THREAD,
        "between us",
        GUILD_ID,
        parent_id=PAINT_ID,
        owner_id=MEMBER_ID,
        members=(MEMBER_ID,),
        created_at=world.clock(),
    )
    world.create_channel(thread)
    return thread


def imagine(live: LivePlayground, channel_id: int, prompt: str) -> Interaction:
    """Ask for a picture in a channel."""
    command = next(c for c in live.playground.standin.registry.all(None) if c.name == "imagine")
    return live.playground.people.command(
        ActingUser(MEMBER_ID), channel_id, command.id, [], {"prompt": prompt}
    )


async def painting(live: LivePlayground, channel_id: int) -> Interaction:
    """Ask for a picture, and wait until it is being painted."""
    sent = imagine(live, channel_id, SLOW)
    await live.answered(sent)
    await live.until(lambda: live.rows("SELECT 1 FROM jobs WHERE state = 'painting'"))
    return sent


def pictures(live: LivePlayground, channel_id: int) -> list[Message]:
    """Return a channel's messages with a finished picture."""
    messages = live.playground.standin.world.messages(channel_id)
    return [m for m in messages if m.attachments and m.attachments[0].filename != PREVIEW_NAME]


def sent_directly(live: LivePlayground) -> list[Message]:
    """Return the pictures that the member got by direct message."""
    return pictures(live, live.playground.standin.world.private_channel(BOT_ID, MEMBER_ID).id)


async def test_a_private_thread_without_the_bot(tmp_path: Path) -> None:
    """The token shows pictures and what a button makes, also after a kill; when it is spent, the
    picture goes to the direct messages."""
    async with open_live(tmp_path) as live:
        standin, world = live.playground.standin, live.playground.standin.world
        thread = private_thread(live)
        first = imagine(live, thread.id, "a red boat")
        (shown,) = await live.until(lambda: pictures(live, thread.id))
        assert shown.id == first.response_id
        row = next(part for part in shown.components if part["type"] == 1)
        reroll = row["components"][0]["custom_id"]
        pressed = live.playground.people.component(
            ActingUser(MEMBER_ID), thread.id, shown.id, reroll
        )
        await live.answered(pressed)
        await live.until(lambda: len(pictures(live, thread.id)) == 2)
        await live.settled()

        killed = await painting(live, thread.id)
        live.playground.process.kill()
        await live.until(lambda: not standin.gateway.online)
        await live.ready()
        await live.until(lambda: len(pictures(live, thread.id)) == 3)
        assert killed.response_id in [each.id for each in pictures(live, thread.id)]

        await painting(live, thread.id)
        standin.interactions.expire_all()
        await live.until(lambda: sent_directly(live))
        await live.settled()
        assert len(pictures(live, thread.id)) == 3 and len(sent_directly(live)) == 1
        assert world.permissions(thread, BOT_ID) == 0
        own = [each for each in live.exchanges if f"/channels/{thread.id}/" in each.path]
        assert own and all(each.status == 403 for each in own)
        live.check()


async def test_permissions_that_are_taken_while_painting(tmp_path: Path) -> None:
    """Without View Channel, Send Messages or Attach Files the token shows the picture."""
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        channel = world.channel(PAINT_ID)
        assert channel is not None
        for number, name in enumerate(("VIEW_CHANNEL", "SEND_MESSAGES", "ATTACH_FILES"), start=1):
            sent = await painting(live, PAINT_ID)
            world.overwrite(channel, Overwrite(BOT_ID, 1, 0, bits(name)))
            shown = await live.picture(number)
            assert shown.id == sent.response_id, name
            await live.settled()
            world.overwrite(channel, Overwrite(BOT_ID, 1, 0, 0))
        assert sent_directly(live) == []
        live.check()


async def test_places_that_vanish_while_painting(tmp_path: Path) -> None:
    """From a locked thread and from a deleted channel the picture goes to the direct messages."""
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        thread, channel = world.channel(THREAD_ID), world.channel(SECOND_ID)
        assert thread is not None and channel is not None
        await painting(live, THREAD_ID)
        world.archive(thread, locked=True)
        await live.until(lambda: len(sent_directly(live)) == 1)
        await live.settled()
        await painting(live, SECOND_ID)
        world.delete_channel(channel)
        await live.until(lambda: len(sent_directly(live)) == 2)
        await live.settled()
        assert live.charged() == 2 and pictures(live, THREAD_ID) == []
        live.check()


async def test_a_picture_deleted_where_the_bot_has_no_access(tmp_path: Path) -> None:
    """The bot cannot delete its message in a private thread, but a press of More there can."""
    async with open_live(tmp_path) as live:
        thread = private_thread(live)
        world, people = live.playground.standin.world, live.playground.people
        await live.answered(imagine(live, thread.id, "a red house --steps 1 --size 128x128"))
        (shown,) = await live.until(lambda: pictures(live, thread.id))
        await live.settled()

        async def press(action: str) -> str:
            pressed = people.component(
                ActingUser(MEMBER_ID), thread.id, *ids_of(world.messages(thread.id), action)
            )
            await live.answered(pressed)
            told = [world.message(thread.id, each) for each in pressed.followups]
            return " ".join(each.content for each in told if each is not None)

        for action in ("more", "delete", "erase"):
            await press(f"z1:{action}:1")
        panel = world.messages(thread.id)[-1]
        await live.until(lambda: "press More ▾ there" in str(panel.components))
        assert pictures(live, thread.id) == [shown]
        assert "now its message is, too" in await press("z1:more:1")
        assert pictures(live, thread.id) == []
        live.check()


def ids_of(messages: list[Message], action: str) -> tuple[int, str]:
    """Return the id of the newest message with a button for this, and that button's custom_id."""
    for message in reversed(messages):
        for row in message.components:
            for part in row.get("components", []):
                if part.get("custom_id", "").startswith(action):
                    return message.id, part["custom_id"]
    raise AssertionError(action)
