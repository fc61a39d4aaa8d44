"""Actions on a picture, on the stand-in: buttons, menus, the modal, a copy by direct message."""

from __future__ import annotations

from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID
from bot.playground.people import ActingUser
from tests.bot.playground.live import open_live


async def test_everything_one_does_with_a_picture(tmp_path: Path) -> None:
    """Vary, upscale, remix, favourite, copy, and one of several work without breaking a rule."""
    async with open_live(tmp_path) as live:
        people = live.playground.people
        live.send("imagine", prompt="a red house by the sea at noon", seed=5)
        first = await live.picture()
        presses = [live.press(first, "Vary (strong)", ADMIN_ID), live.press(first, "Upscale")]
        await live.picture(3)
        more = live.press(first, "More ▾")
        await live.answered(*presses, more)
        panel = live.answer(more)
        for label in ("Add to favourites", "Remove from favourites", "DM me a copy"):
            pressed = live.press(panel, label)
            await live.answered(pressed)
        opened = live.press(panel, "Remix")
        await live.until(lambda: opened.modal is not None)
        assert opened.modal is not None and opened.modal["custom_id"] == live.marked("z1:remix:1")
        words = {"prompt": "a blue house", "negative": "", "seed": "7"}
        sent_in = people.modal(ActingUser(MEMBER_ID), opened.id, live.marked("z1:remix:1"), words)
        await live.answered(sent_in)
        await live.picture(4)
        live.send("imagine", prompt="a waiting tree", count=2)
        several = await live.picture(5)
        await live.settled()
        ids = [row[0] for row in live.rows("SELECT id FROM pictures ORDER BY id")][-2:]
        more = live.press(several, "More ▾", ADMIN_ID)
        await live.answered(more)
        panel = live.answer(more)
        for label in ("Picture 2", "Original", "Details"):
            pressed = live.press(panel, label, ADMIN_ID)
            await live.answered(pressed)
        chosen = [live.press(several, label, ADMIN_ID) for label in ("Vary 2", "Upscale 2")]
        await live.answered(*chosen)
        await live.settled()
        assert live.rows("SELECT parent_picture_id FROM jobs ORDER BY id") == [
            (None,), (1,), (1,), (1,), (None,), (ids[1],), (ids[1],),
        ]  # fmt: skip
        live.check()
