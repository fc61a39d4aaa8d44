"""Even at level debug, the log contains no prompts and no secrets."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from bot.playground.standin_server import PlaygroundPlan, open_playground
from tests.bot.playground.live import LivePlayground

WORDS = ("quokkaglimmer", "axolotlmarsh", "typedpangolin", "soughtnumbat", "wrongokapi")


async def send_text_everywhere(live: LivePlayground) -> list[str]:
    """Send members' text in every possible way, and return the tokens of all interactions."""
    prompt, negative, picture, sought, job = WORDS
    asked = {"guidance": 2.0, "negative": f"{negative} and fog"}
    sent = [
        live.send("imagine", prompt=f"a {prompt} by the sea", private=True, **asked),
        live.send("imagine", prompt=f"the {prompt} in a boat", seed=3, **asked),
        live.send("reroll", picture=picture),
        live.send("cancel", job=job),
        live.send("history"),
    ]
    await live.picture(2)
    public = next(each for each in live.pictures() if each.reader_id is None)
    sent.append(live.press(public, "Reroll", ADMIN_ID))
    known = {each.name: each.id for each in live.playground.standin.registry.all(None)}
    for name, option in (("reroll", "picture"), ("cancel", "job")):
        await live.playground.people.autocomplete(
            ActingUser(MEMBER_ID), PAINT_ID, known[name], [], {option: sought}, option
        )
    await live.answered(*sent)
    await live.settled()
    return [each.token for each in sent]


async def test_a_bot_at_level_debug_writes_no_words_and_no_secrets(tmp_path: Path) -> None:
    """No prompt and no token is logged, over real sockets and with discord.py's own loggers."""
    written = io.StringIO()
    environment = {
        "ZIMAGINE_STORAGE__DATA_DIR": str(tmp_path),
        "ZIMAGINE_DISCORD__GUILDS": "[]",
        "ZIMAGINE_LOG__LEVEL": "debug",
        "ZIMAGINE_LOG__FORMAT": "json",
    }
    plan = PlaygroundPlan(["run", "--config", os.devnull], environment, output=written)
    async with asyncio.timeout(120), open_playground(plan) as playground:
        live = LivePlayground(playground, tmp_path)
        await live.ready()
        tokens = await send_text_everywhere(live)
        assert len(live.rows("SELECT 1 FROM pictures")) == 3
        asked = live.rows("SELECT prompt || request FROM jobs")
    log = written.getvalue()
    assert all(word in str(asked) for word in WORDS[:2])
    # Everything else was logged, including discord.py's debug messages.
    assert '"level": "debug"' in log and '"logger": "discord' in log, log[:2000]
    secrets = [*WORDS, *tokens, playground.standin.token]
    found = [line for line in log.splitlines() if any(each in line for each in secrets)]
    assert all(secrets) and found == []
