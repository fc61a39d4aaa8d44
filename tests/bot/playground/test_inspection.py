"""The real bot answers questions about pictures, also from files and messages."""

from __future__ import annotations

from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from tests.bot.playground.live import answer_text, open_live
from tests.bot.playground.payloads import PNG

LONG = "a red house by the sea at noon, " * 45
"""Twice this is too long for the reply, so that the line to copy becomes a file; the model can read
it once."""


async def test_looking_up_what_was_painted(tmp_path: Path) -> None:
    """/queue, /explain, /recipe with numbers and files, and the menus work; no rule is broken."""
    async with open_live(tmp_path) as live:
        people, registry = live.playground.people, live.playground.standin.registry
        live.send("imagine", prompt="a red house by the sea at noon", seed=5)
        painted = await live.picture()
        await live.settled()
        assert "The queue is empty" in await answer_text(live, live.send("queue", ADMIN_ID))
        assert "noon" in await answer_text(live, live.send("explain", prompt="a lake at noon"))
        by_number = await answer_text(live, live.send("recipe", ADMIN_ID, picture="1"))
        assert "--seed 5" in by_number and "z1:again:1" in by_number
        kept = await people.upload("renamed.png", live.bytes_of(painted))
        by_file = await answer_text(live, live.send("recipe", file=str(kept.id)))
        assert "Picture #1" in by_file and "unmodified" in by_file
        other = await people.upload("x.png", PNG)
        assert "no recipe" in await answer_text(live, live.send("recipe", file=str(other.id)))
        menus = {each.name: each.id for each in registry.all(None) if each.type == 3}
        actor = ActingUser(MEMBER_ID)
        shown = people.context(actor, PAINT_ID, menus["Recipe"], painted.id)
        assert "Picture #1" in await answer_text(live, shown)
        await live.answered(people.context(actor, PAINT_ID, menus["Reroll"], painted.id))
        await live.picture(2)
        live.send("imagine", prompt=LONG, negative=LONG)
        await live.picture(3)
        await live.settled()
        assert "attachment://" in await answer_text(live, live.send("recipe", picture="3"))
        live.check()
        live.check_bodies()
