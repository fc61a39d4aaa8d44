"""Pictures in the user's thread, by direct message and behind a spoiler, on the stand-in."""

from __future__ import annotations

from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, BOT_ID, GUILD_ID, MEMBER_ID
from bot.playground.interactions import Interaction
from bot.playground.model import Channel, Message
from bot.playground.people import ActingUser
from tests.bot.playground.live import LivePlayground, open_live


def own_threads(live: LivePlayground) -> list[Channel]:
    """Return the threads that the bot has opened."""
    channels = live.playground.standin.world.guilds[GUILD_ID].channels.values()
    return [each for each in channels if each.is_thread and each.owner_id == BOT_ID]


async def test_every_way_of_delivery(tmp_path: Path) -> None:
    """On every route, each picture is shown once, in the right place, without breaking a rule.

    The routes: thread, full server, direct message, closed direct messages, spoiler.
    """
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        await live.answered(live.send("settings", delivery="thread"))
        await live.answered(live.send("admin settings server", ADMIN_ID, spoiler="on"))
        live.send("imagine", prompt="a red house")
        (thread,) = await live.until(lambda: own_threads(live))
        live.send("imagine", prompt="a boat")
        await live.until(lambda: len(world.messages(thread.id)) == 2)
        assert thread.name == "Pictures by Member 1"
        shown = [each.attachments[0] for each in world.messages(thread.id)]
        assert [each.spoiler for each in shown] == [True, True] and live.pictures() == []

        world.delete_channel(thread)
        world.guilds[GUILD_ID].thread_limit = 0
        live.send("imagine", prompt="a tree")
        in_channel = await live.picture()
        assert "as many open threads" in str(in_channel.components)

        await live.answered(live.send("settings", delivery="direct"))
        live.send("imagine", prompt="a tower")
        await live.until(lambda: live.rows("SELECT 1 FROM deliveries WHERE road = 'direct'"))
        await live.settled()
        assert len(world.messages(world.private_channel(BOT_ID, MEMBER_ID).id)) == 1

        world.close_private(MEMBER_ID)
        live.send("imagine", prompt="a balloon")
        refused = await live.picture(2)
        assert "not accept direct messages" in str(refused.components)
        await live.settled()
        assert live.charged() == 5
        live.check()


def press_directly(live: LivePlayground, message: Message, label: str) -> Interaction:
    """Press the last button with this label in the member's direct messages."""
    parts = [part for row in message.components for part in row.get("components", [])]
    part = [each for each in parts if each.get("label") == label][-1]
    return live.playground.people.component(
        ActingUser(MEMBER_ID), message.channel_id, message.id, part["custom_id"]
    )


async def test_direct_messages_of_somebody_who_left(tmp_path: Path) -> None:
    """Who left the server is refused there, and who came back paints there."""
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        await live.answered(live.send("settings", MEMBER_ID, delivery="direct"))
        live.send("imagine", MEMBER_ID, prompt="a red house")
        private = world.private_channel(BOT_ID, MEMBER_ID)
        (message,) = await live.until(lambda: world.messages(private.id))

        async def answer_to(label: str) -> str:
            pressed = press_directly(live, message, label)
            await live.answered(pressed)
            found = world.message(private.id, pressed.response_id or 0)
            assert found is not None
            return found.content

        member = world.leave(world.guilds[GUILD_ID], MEMBER_ID)
        assert "You are no longer a member of" in await answer_to("Reroll")
        world.join(world.guilds[GUILD_ID], member)
        assert await answer_to("Reroll") == ""
        await live.settled()
        assert live.charged() == 2 and live.pictures() == []
        live.check()


async def test_a_copy_is_deleted_with_its_picture(tmp_path: Path) -> None:
    """Delete below a copy removes the copy too, although no table knows of it."""
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        live.send("imagine", MEMBER_ID, prompt="a red house")
        shown = await live.picture()
        opened = live.press(shown, "More ▾")
        await live.answered(opened)
        await live.answered(live.press(live.answer(opened), "DM me a copy"))
        private = world.private_channel(BOT_ID, MEMBER_ID)
        (copy,) = await live.until(lambda: world.messages(private.id))
        opened = press_directly(live, copy, "More ▾")
        await live.answered(opened)
        panel = world.message(private.id, opened.response_id or 0)
        assert panel is not None
        for _ in range(2):  # the second answers the question
            await live.answered(press_directly(live, panel, "Delete"))
        await live.until(lambda: "The picture was deleted." in str(panel.components))
        await live.until(lambda: world.message(private.id, copy.id) is None)
        assert live.pictures() == []
        live.check()
