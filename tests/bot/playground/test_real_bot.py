"""The real bot over real sockets: no failure on the way loses or duplicates a picture."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.playground.faults import Fault
from bot.playground.initial_world import ADMIN_ID, MEMBER_ID, MODERATOR_ID, PAINT_ID, READ_ONLY_ID
from bot.playground.interactions import State
from bot.playground.people import ActingUser
from tests.bot.playground.live import open_live


async def test_a_picture_and_every_button(tmp_path: Path) -> None:
    """From the first command to the last button, no rule is broken."""
    async with open_live(tmp_path) as live:
        sent = live.send("imagine", prompt="a red house by the sea at noon", seed=5)
        first = await live.picture()
        await live.settled()
        assert live.leads_to_picture(sent)
        again = live.send("reroll", seed=5)
        second = await live.picture(2)
        assert live.bytes_of(first) == live.bytes_of(second)
        pressed = live.press(first, "Reroll", ADMIN_ID)
        third = await live.picture(3)
        assert live.bytes_of(third) != live.bytes_of(first)
        more = live.press(first, "More ▾", MODERATOR_ID)
        await live.answered(more)
        question = live.press(live.answer(more), "Delete", MODERATOR_ID)
        await live.answered(question)
        foreign = live.press(live.answer(more), "Delete", MODERATOR_ID)
        await live.answered(sent, again, pressed, foreign)
        assert first not in live.pictures()
        choices = await live.playground.people.autocomplete(
            ActingUser(MEMBER_ID),
            PAINT_ID,
            next(c.id for c in live.playground.standin.registry.all(None) if c.name == "reroll"),
            [],
            {},
            "picture",
        )
        assert [choice["name"] for choice in choices] == ["#2 a red house by the sea at noon"]
        history, quota = live.send("history"), live.send("quota")
        limit = live.send("admin quota set", ADMIN_ID, who=str(MEMBER_ID), pictures=0)
        await live.answered(history, quota, limit)
        refused = live.send("imagine", prompt="too much")
        await live.answered(refused)
        world = live.playground.standin.world
        answer = world.message(PAINT_ID, refused.response_id or 0)
        assert answer is not None and answer.reader_id == MEMBER_ID
        await live.settled()
        live.check()


async def test_every_command_of_a_crowd_is_answered(tmp_path: Path) -> None:
    """Of two hundred commands at once, each is answered in time; refused ones are not charged."""
    async with open_live(tmp_path, ENGINE__QUEUE_LIMIT="20", ENGINE__USER_LIMIT="1000") as live:
        await live.until(lambda: any("model loaded" in x for x in live.playground.process.lines))
        sent = [live.send("imagine", prompt=f"a lake {number} --steps 2") for number in range(200)]
        await live.answered(*sent)
        accepted = live.rows("SELECT count(*) FROM jobs")[0][0]
        assert 20 <= accepted < 60
        await live.settled()
        assert len(live.pictures()) == accepted == live.charged()


async def test_faults_on_the_way(tmp_path: Path) -> None:
    """With 429, 503, lost responses and a dropped socket, each picture arrives exactly once."""
    async with open_live(tmp_path) as live:
        faults, standin = live.playground.standin.faults, live.playground.standin
        faults.plan(Fault.LOST_ANSWER, "POST", "/callback")
        lost = live.send("imagine", prompt="a boat on a lake --steps 2", seed=1)
        await live.picture(1)
        assert lost.state is State.ANSWERED
        printed = live.playground.process.lines
        assert not [line for line in printed if "another copy" in line], "it was its own answer"
        for fault in (Fault.RATE_LIMIT, Fault.SERVER_ERROR, Fault.LOST_ANSWER):
            faults.inject(fault)
            before = len(live.pictures())
            for number in range(3):
                live.send("imagine", prompt=f"a tree {fault} {number} --steps 2")
                await asyncio.sleep(0.2)
            await live.until(lambda: not live.playground.standin.interactions.of_user(MEMBER_ID))
            faults.inject(fault, active=False)
            await live.settled()
            painted = live.rows(
                f"SELECT 1 FROM jobs WHERE state = 'painted' AND request LIKE '%{fault}%'"
            )
            assert len(live.pictures()) - before == len(painted)
        standin.gateway.drop_sockets()
        missed = live.send("imagine", prompt="a house in the snow --steps 2")
        await live.answered(missed)
        before = len(live.pictures())
        standin.gateway.invalidate()
        await live.until(lambda: not standin.gateway.online)
        await live.ready()
        late = live.send("imagine", prompt="a tower at night --steps 2")
        await live.answered(late)
        await live.settled()
        assert len({m.attachments[0].filename for m in live.pictures()}) == len(live.pictures())
        assert live.charged() == len(live.rows("SELECT id FROM pictures"))


async def test_killed_in_the_middle(tmp_path: Path) -> None:
    """After a kill the picture is painted again and delivered once; old buttons work."""
    async with open_live(tmp_path) as live:
        live.send("imagine", prompt="a red car in the city", seed=3)
        old = await live.picture()
        slow = live.send("imagine", prompt="a slow balloon --steps 50", seed=4)
        await live.until(lambda: live.rows("SELECT 1 FROM jobs WHERE state = 'painting'"))
        live.send("imagine", prompt="a waiting tree", seed=6)
        # Not only its row: what is not answered when the bot is killed is withdrawn.
        known = "SELECT 1 FROM deliveries WHERE message_id IS NOT NULL"
        await live.until(lambda: len(live.rows(known)) == 3)
        live.playground.process.kill()
        live.playground.standin.interactions.expire_all()
        await live.until(lambda: not live.playground.standin.gateway.online)
        await live.ready()
        await live.picture(3)
        await live.settled()
        names = [m.attachments[0].filename for m in live.pictures()]
        assert sorted(name.split("-")[1] for name in names) == ["1", "2", "3"]
        assert live.leads_to_picture(slow)
        pressed = live.press(old, "Reroll")
        await live.answered(pressed)
        await live.picture(4)
        await live.settled()
        assert live.charged() == 4


async def test_where_it_may_not_write_it_says_so(tmp_path: Path) -> None:
    """In a channel without permission to post, the command is refused privately at once."""
    async with open_live(tmp_path) as live:
        standin = live.playground.standin
        command = next(c for c in standin.registry.all(None) if c.name == "imagine")
        sent = live.playground.people.command(
            ActingUser(ADMIN_ID), READ_ONLY_ID, command.id, [], {"prompt": "a lake"}
        )
        await live.answered(sent)
        answer = standin.world.message(READ_ONLY_ID, sent.response_id or 0)
        assert answer is not None and answer.reader_id == ADMIN_ID
        assert "Send Messages" in answer.content
        assert live.rows("SELECT count(*) FROM jobs") == [(0,)]
        live.check()
