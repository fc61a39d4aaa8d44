"""The real bot takes over an application that an earlier program has used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.playground.initial_world import GUILD_ID, MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from tests.bot.playground.live import answer_text, open_live


def old(name: str) -> dict[str, Any]:
    """Return a command as an earlier program registered it."""
    option = {"type": 3, "name": "text", "description": "What", "required": True}
    return {"name": name, "description": "Dreams", "type": 1, "options": [option]}


async def test_the_commands_of_an_earlier_program(tmp_path: Path) -> None:
    """Doubles are removed at the next start, the rest is named, and using it is answered."""
    async with open_live(tmp_path) as live:
        registry, process = live.playground.standin.registry, live.playground.process
        registry.overwrite(GUILD_ID, [old("imagine"), old("dream")])
        dream = next(each for each in registry.all(GUILD_ID) if each.name == "dream")
        await live.restart()
        await live.until(lambda: {each.name for each in registry.all(GUILD_ID)} == {"dream"})
        assert registry.all(GUILD_ID)[0].id == dream.id
        await live.until(lambda: any("commands of another" in line for line in process.lines))
        used = live.playground.people.command(
            ActingUser(MEMBER_ID), PAINT_ID, dream.id, [], {"text": "a lake"}
        )
        assert "I do not have this command" in await answer_text(live, used)
        live.check()
