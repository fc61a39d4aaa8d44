"""The real bot over real sockets: what people look up, from files and messages too."""

from __future__ import annotations

import json
from pathlib import Path

from bot.playground.interactions import Interaction
from bot.playground.people import ActingUser
from bot.playground.seed import ADMIN_ID, MEMBER_ID, PAINT_ID
from tests.bot.playground.live import Live, open_live
from tests.bot.playground.test_rest import PNG

LONG = "a red house by the sea at noon, " * 60
"""So long that the line to copy is a file of its own."""


async def said(live: Live, interaction: Interaction) -> str:
    """The answer to an interaction, once it is whole: the words and ids in it."""
    await live.answered(interaction)
    world = live.playground.standin.world

    def whole() -> str:
        message = world.message(PAINT_ID, interaction.response_id or 0)
        if message is None:
            return ""
        assert message.reader_id == interaction.user_id
        return message.content + (json.dumps(message.components) if message.components else "")

    return await live.until(whole)


async def test_looking_up_what_was_painted(tmp_path: Path) -> None:
    """/queue, /explain, /recipe with numbers and files, and the menus: no rule is broken."""
    async with open_live(tmp_path) as live:
        people, registry = live.playground.people, live.playground.standin.registry
        live.send("imagine", prompt="a red house by the sea at noon", seed=5)
        painted = await live.picture()
        await live.settled()
        assert "The queue is empty" in await said(live, live.send("queue", ADMIN_ID))
        assert "noon" in await said(live, live.send("explain", prompt="a lake at noon"))
        by_number = await said(live, live.send("recipe", ADMIN_ID, picture="1"))
        assert "--seed 5" in by_number and "z1:again:1" in by_number
        kept = await people.upload("renamed.png", live.bytes_of(painted))
        by_file = await said(live, live.send("recipe", file=str(kept.id)))
        assert "Picture #1" in by_file and "unmodified" in by_file
        other = await people.upload("x.png", PNG)
        assert "no recipe" in await said(live, live.send("recipe", file=str(other.id)))
        menus = {each.name: each.id for each in registry.all(None) if each.type == 3}
        actor = ActingUser(MEMBER_ID)
        shown = people.context(actor, PAINT_ID, menus["Recipe"], painted.id)
        assert "Picture #1" in await said(live, shown)
        await live.answered(people.context(actor, PAINT_ID, menus["Reroll"], painted.id))
        await live.picture(2)
        live.send("imagine", prompt="a lake", negative=LONG)
        await live.picture(3)
        await live.settled()
        assert "attachment://" in await said(live, live.send("recipe", picture="3"))
        live.check()
        live.check_bodies()
