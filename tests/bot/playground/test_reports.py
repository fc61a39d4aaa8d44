"""A report, its card and its verdict on the stand-in, without breaking a rule."""

from __future__ import annotations

from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID, MODERATOR_ID, STAFF_ID
from bot.playground.people import ActingUser
from tests.bot.playground.live import open_live


async def test_a_report_and_its_verdict(tmp_path: Path) -> None:
    """After two reports a decision on the card blocks the owner, who is then unblocked."""
    async with open_live(tmp_path) as live:
        people, world = live.playground.people, live.playground.standin.world
        channel = live.send("admin log", ADMIN_ID, event="reports", channel=str(STAFF_ID))
        await live.answered(channel)
        assert str(STAFF_ID) in live.answer(channel).content
        live.send("imagine", prompt="a red house by the sea at noon", seed=5)
        picture = await live.picture(wait_s=120)
        for person in (MODERATOR_ID, ADMIN_ID):
            more = live.press(picture, "More ▾", person)
            await live.answered(more)
            opened = live.press(live.answer(more), "Report", person)
            await live.until(lambda opened=opened: opened.modal is not None)
            why = {"reason": "**too red** @everyone"}
            await live.answered(
                people.modal(ActingUser(person), opened.id, live.marked("z1:report:1"), why)
            )
        card = (await live.until(lambda: world.messages(STAFF_ID)))[0]
        await live.until(lambda: "2 reports" in str(world.messages(STAFF_ID)[0].components))
        assert card.attachments[0].filename.startswith("SPOILER_")
        listed = live.send("admin reports list", ADMIN_ID)
        await live.answered(listed)
        pressed = people.component(
            ActingUser(MODERATOR_ID), STAFF_ID, card.id, live.marked("z1:blockreported:1")
        )
        await live.until(lambda: pressed.modal is not None)
        block = live.marked("z1:blockreported:1")
        blocking = people.modal(ActingUser(MODERATOR_ID), pressed.id, block, {"reason": "spam"})
        await live.answered(blocking)
        await live.until(lambda: not live.pictures())
        await live.until(lambda: "blockreported" not in str(world.messages(STAFF_ID)[0].components))
        refused = live.send("imagine", prompt="another house")
        blocked = live.send("admin blocked", ADMIN_ID)
        await live.answered(refused, blocked)
        assert "blocked you" in live.answer(refused).content
        freed = live.send("admin unblock", ADMIN_ID, who=str(MEMBER_ID))
        await live.answered(freed)
        live.send("imagine", prompt="a third house")
        await live.picture(wait_s=120)
        await live.settled()
        live.check()
