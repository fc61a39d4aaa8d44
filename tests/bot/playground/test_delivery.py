"""Pictures in the user's thread, by direct message and behind a spoiler, on the stand-in."""

from __future__ import annotations

from pathlib import Path

from bot.playground.model import Channel
from bot.playground.people import ActingUser
from bot.playground.seed import ADMIN_ID, BOT_ID, GUILD_ID, MEMBER_ID
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


async def test_direct_messages_of_somebody_who_left(tmp_path: Path) -> None:
    """Who left the server is refused there, and who came back paints there."""
    async with open_live(tmp_path) as live:
        world = live.playground.standin.world
        await live.answered(live.send("settings", MEMBER_ID, delivery="direct"))
        live.send("imagine", MEMBER_ID, prompt="a red house")
        private = world.private_channel(BOT_ID, MEMBER_ID)
        (message,) = await live.until(lambda: world.messages(private.id))

        async def press(label: str) -> str:
            parts = [part for row in message.components for part in row.get("components", [])]
            (part,) = [each for each in parts if each.get("label") == label]
            pressed = live.playground.people.component(
                ActingUser(MEMBER_ID), private.id, message.id, part["custom_id"]
            )
            await live.answered(pressed)
            found = world.message(private.id, pressed.response_id or 0)
            assert found is not None
            return found.content

        member = world.leave(world.guilds[GUILD_ID], MEMBER_ID)
        assert "You are no longer a member of" in await press("Reroll")
        world.join(world.guilds[GUILD_ID], member)
        assert await press("Reroll") == ""
        await live.settled()
        assert live.charged() == 2 and len(live.pictures()) == 0
        live.check()
