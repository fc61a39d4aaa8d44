"""Choices in braces: asked about in private, painted once, and never half."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Person
from bot.request.outcomes import QuestionOver, Refused
from storage import consistency
from storage.errors import DatabaseBusy
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World, open_world
from tests.bot.discord.test_fuzz import Fuzzer, check_harmless
from tests.fakes import ScriptedRenderer

FOUR = "{red, blue} house {at dawn, at night}"
ALL_FOUR = [
    "red house at dawn",
    "red house at night",
    "blue house at dawn",
    "blue house at night",
]


async def ask(world: World, prompt: str = FOUR, **options: Any) -> Any:
    """What Alice is answered when she asks for so much."""
    asked = {"prompt": prompt, "enhance": "off"} | options
    return await world.alice.slash(world.channel, "imagine", **asked)


def labels(message: Any) -> list[str]:
    """The buttons of the last row; [] where it has none."""
    row = message.components[-1]
    return [each.label for each in getattr(row, "children", ())]


def prompts(world: World) -> list[str]:
    """Of all jobs, in the order of acceptance."""
    return [row[0] for row in world.rows("SELECT prompt FROM jobs ORDER BY id")]


def nothing_happened(world: World) -> bool:
    """No job, no charge."""
    return world.rows("SELECT id FROM jobs") == [] and world.charged() == 0


def sound(world: World) -> bool:
    """Whether rows, ledger and files agree."""
    return consistency.check(world.settings.storage.data_dir, hashes=True).wrong() == []


def pictures(world: World) -> list[Any]:
    """The messages of the channel that show a picture."""
    return [each for each in world.channel.history() if each.attachments]


async def press(world: World, message: Any, custom_id: str) -> str:
    """Press what another device may still show on this message; what that was answered with."""
    before = len(world.env.http_requests)
    await Fuzzer(world).press(world.alice, custom_id, message=message)
    await world.env.settle()
    sent = world.env.http_requests[before:]
    return str([each.json for each in sent if each.path.endswith("/callback")])


async def test_it_is_asked_before_anything_is_spent(data_dir: Path):
    """In private: how many, which ones, what it costs; nothing is charged for the question."""
    painter = ScriptedRenderer()
    async with open_world(data_dir, painter.load, quota={"pictures": 20, "hours": 2}) as world:
        asked = await ask(world)
        assert asked.ephemeral
        text = world.texts(asked.response.message)
        assert "make 4 pictures" in text and "20 now, 16 after" in text
        for number, prompt in enumerate(ALL_FOUR, 1):
            assert f"{number}. {prompt}" in text
        assert labels(asked.response.message) == ["Paint 4 pictures", "Don't"]
        assert nothing_happened(world) and painter.painted == []
        assert "takes about" not in text  # nothing was painted yet that it could be known from
        await world.alice.slash(world.channel, "imagine", prompt="one")
        await world.settled()
        text = world.texts((await ask(world, "{a, b, c, d, e, f, g}")).response.message)
        assert "takes about" in text and "and 2 more" in text and "19 now, 12 after" in text


async def test_paint_makes_a_job_of_each(world: World, painter: ScriptedRenderer):
    """Each with a seed of its own is charged once and posted once; the question lists the jobs."""
    asked = await ask(world)
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.settled()
    assert prompts(world) == ALL_FOUR
    assert [each.prompt for each in painter.painted] == ALL_FOUR
    assert len({each.seed for each in painter.painted}) == 4
    assert world.charged() == 4 and sound(world)
    posted = pictures(world)
    assert len(posted) == 4 == len(world.channel.history())
    heads = [world.texts(message).splitlines()[0] for message in posted]
    assert sorted(heads) == sorted(f"**{prompt}**" for prompt in ALL_FOUR)  # quick: no ping
    answer = world.texts(asked.response.message)
    assert "4 jobs are accepted" in answer and "blue house at night · job 4" in answer
    assert "/queue" in answer and labels(asked.response.message) == []


async def test_who_waits_long_is_notified(world: World, painter: ScriptedRenderer):
    """As everywhere: a result that comes after half a minute mentions its person, and only them."""
    painter.hold()
    asked = await ask(world, "{a, b} lake")
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.state(1, "painting")
    world.clock.advance(40)
    painter.release()
    await world.settled()
    for message in pictures(world):
        assert world.texts(message).startswith(f"<@{world.alice.id}> **")


async def test_a_fixed_seed_is_that_of_all(world: World, painter: ScriptedRenderer):
    """To be compared; and each choice has as many pictures as were asked for, and its own flags."""
    asked = await ask(world, "a lake --ar {1:1, 16:9} --no fog", seed=7, count=2)
    text = world.texts(asked.response.message)
    assert "make 4 pictures" in text and "--ar 16:9" in text
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.settled()
    assert world.rows("SELECT seed, pictures FROM jobs") == [(7, 2), (7, 2)]
    assert [each.seed for each in painter.painted] == [7, 8, 7, 8]
    assert len({each.width_px for each in painter.painted}) == 2
    assert world.charged() == 4


async def test_declined_nothing_happens(world: World):
    """The question goes, and cannot be answered any more."""
    asked = await ask(world)
    before = asked.response.message
    await world.alice.click(before, label="Don't")
    assert "Nothing was painted or charged" in world.texts(asked.response.message)
    assert labels(asked.response.message) == []
    assert "Nothing was painted" in await press(world, before, "z1:decline:1")
    assert "This question is over" in await press(world, before, "z1:paint:1")
    assert nothing_happened(world)


async def test_pressed_twice_it_is_painted_once(world: World, painter: ScriptedRenderer):
    """The second press is told so, and leaves the first one's answer where it is."""
    painter.hold()
    asked = await ask(world)
    question = asked.response.message
    await world.alice.click(question, label="Paint 4 pictures")
    for custom_id in ("z1:paint:1", "z1:decline:1"):
        assert "answered with Paint already" in await press(world, question, custom_id)
    assert "4 jobs are accepted" in world.texts(asked.response.message)
    painter.release()
    await world.settled()
    assert world.charged() == 4 and len(pictures(world)) == 4


async def test_two_devices_at_once_paint_once(data_dir: Path, painter: ScriptedRenderer):
    """Also where quota and queue would not do for two: one press is obeyed, one is told of it."""
    limits: dict[str, Any] = {"quota": {"pictures": 4, "hours": 2}, "engine": {"user_limit": 4}}
    async with open_world(data_dir, painter.load, **limits) as world:
        painter.hold()
        asked = await ask(world)
        question = asked.response.message
        before, fuzzer = len(world.env.http_requests), Fuzzer(world)
        presses = [fuzzer.press(world.alice, "z1:paint:1", message=question) for _ in range(2)]
        await asyncio.gather(*presses)
        sent = [str(each.json) for each in world.env.http_requests[before:]]
        assert sum("answered with Paint already" in each for each in sent) == 1
        assert "4 jobs are accepted" in world.texts(asked.response.message)
        painter.release()
        await world.settled()
        assert world.charged() == 4 and len(pictures(world)) == 4 and sound(world)


async def test_the_question_outlives_the_process(world: World, painter: ScriptedRenderer):
    """Asked by one process and answered in the next: all that was asked for is painted."""
    asked = await ask(world, "{a, b} lake --steps 4", seed=7, negative="fog")
    await world.stop()
    await world.start()
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    assert [(each.prompt, each.seed, each.steps) for each in painter.painted] == [
        ("a lake", 7, 4),
        ("b lake", 7, 4),
    ]
    assert all(each.negative_prompt == "fog" for each in painter.painted)
    assert len(pictures(world)) == 2


async def test_after_an_hour_it_is_over(world: World):
    """An old question says so instead of painting, forgotten or not yet."""
    asked, second = await ask(world), await ask(world)
    world.clock.advance(3600)
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    assert "This question is over" in world.texts(asked.response.message)
    assert labels(asked.response.message) == []
    await world.house.housekeeping._forget_questions()
    assert world.rows("SELECT id FROM proposals") == []
    await world.alice.click(second.response.message, label="Paint 4 pictures")
    assert "This question is over" in world.texts(second.response.message)
    assert nothing_happened(world)


async def test_a_quota_that_is_too_small_is_said_at_once(data_dir: Path):
    """With the numbers, and without a question; and again where it shrank before the press."""
    painter = ScriptedRenderer()
    async with open_world(data_dir, painter.load, quota={"pictures": 3, "hours": 2}) as world:
        refused = await ask(world)
        assert refused.ephemeral and "used up" not in refused.response.content
        assert "asked for 4 pictures, and 3 of your 3" in refused.response.content
        asked = await ask(world, "{a, b, c}")
        await world.alice.slash(world.channel, "imagine", prompt="one")
        await world.settled()
        question = asked.response.message
        pressed = await world.alice.click(question, label="Paint 3 pictures")
        assert pressed.ephemeral and "and 2 of your 3" in pressed.response.content
        assert world.charged() == 1 and prompts(world) == ["one"]
        world.clock.advance(59 * 60)
        await world.admin.slash(
            world.channel, "admin quota set", who=world.alice, pictures=4, hours=2
        )
        await world.alice.click(asked.response.message, label="Paint 3 pictures")
        await world.settled()
        assert world.charged() == 4 and sound(world)


async def test_a_queue_that_is_too_full_is_said_at_once(data_dir: Path, painter: ScriptedRenderer):
    """With how many there is room for; and again where others came before the press."""
    async with open_world(data_dir, painter.load, engine={"user_limit": 4}) as world:
        painter.hold()
        refused = await ask(world, "{a, b, c, d, e}")
        assert refused.ephemeral and "of the 4 that one member" in refused.response.content
        assert "add 4 now" in refused.response.content
        asked = await ask(world)
        for number in range(2):
            await world.alice.slash(world.channel, "imagine", prompt=f"x{number}")
            await world.state(1, "painting")
        pressed = await world.alice.click(asked.response.message, label="Paint 4 pictures")
        assert pressed.ephemeral and "add 3 now" in pressed.response.content
        assert prompts(world) == ["x0", "x1"] and world.charged() == 2
        painter.release()
        await world.settled()
        await world.alice.click(asked.response.message, label="Paint 4 pictures")
        await world.settled()
        assert world.charged() == 6 and len(pictures(world)) == 6


async def test_too_many_choices_are_refused_with_their_number(world: World):
    """More than ten at once, or more of each than a wish may have, are not even asked about."""
    assert "12 prompts; at most 10" in (await ask(world, "{1,2,3,4} {a,b,c}")).response.content
    assert "count has to be" in (await ask(world, "{a, b} --repeat 5")).response.content
    assert "empty" in (await ask(world, "{a,}")).response.content
    assert "--tile" in (await ask(world, "{a, b --tile}")).response.content
    assert world.rows("SELECT id FROM proposals") == []


async def test_private_stays_private(world: World):
    """Each picture replaces a message that Alice alone sees; the channel stays empty."""
    asked = await ask(world, "{a, b} lake", private=True)
    pressed = await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    assert "Only you will see" in world.texts(asked.response.message)
    shown = pressed.followups
    assert len(shown) == 2 and all(each.ephemeral for each in shown)
    for each, prompt in zip(shown, ("a lake", "b lake"), strict=True):
        assert each.message.attachments and prompt in world.texts(each.message)
    assert pictures(world) == [] or all(each.flags.ephemeral for each in pictures(world))
    assert world.rows("SELECT DISTINCT private FROM jobs") == [(1,)]
    assert world.rows("SELECT DISTINCT road FROM deliveries") == [("reply",)]


async def test_a_private_job_without_its_message_goes_to_its_person(world: World):
    """Where no message of the press can show it, the picture comes as a direct message."""
    asked = await ask(world, "{a, b --private}")
    world.env.inject_error("POST", "/webhooks/*/*", status=404, code=10015)
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    assert world.rows("SELECT private FROM jobs ORDER BY id") == [(0,), (1,)]
    assert world.rows("SELECT road FROM deliveries ORDER BY job_id") == [("post",), ("direct",)]
    assert len(pictures(world)) == 1


async def test_nobody_else_can_press(world: World):
    """Whoever sends its id: the question is not theirs, and stays open."""
    asked = await ask(world)
    services = world.house.services
    bob = Person(world.bob.id, world.guild.id, world.channel.id)
    over = Refused(QuestionOver(answered=False))
    assert await services.choices.take(bob, 1) == over
    assert await services.choices.decline(bob, 1) is None
    elsewhere = Person(world.alice.id, 77, world.channel.id)
    assert await services.choices.take(elsewhere, 1) == over
    assert nothing_happened(world)
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.settled()
    assert world.charged() == 4


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (500, 0)])
async def test_an_answer_that_does_not_arrive_loses_nothing(world: World, status: int, code: int):
    """What was accepted is painted and posted; the question's second press says so."""
    asked = await ask(world, "{a, b} lake")
    world.env.inject_error("POST", "/interactions/*/callback", status=status, code=code)
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    assert world.charged() == 2 and len(pictures(world)) == 2
    again = await world.alice.click(asked.response.message, label="Paint 2 pictures")
    assert "answered with Paint already" in again.response.content and world.charged() == 2


async def test_a_crash_after_the_press_loses_and_doubles_nothing(
    world: World, painter: ScriptedRenderer
):
    """The jobs are in the database: the next process paints each and posts it once."""
    painter.hold()
    asked = await ask(world)
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.state(1, "painting")
    painter.release()
    await world.crash()
    await world.start()
    await world.settled()
    assert world.rows("SELECT DISTINCT state FROM jobs") == [("painted",)]
    assert len(pictures(world)) == 4 and world.charged() == 4
    assert "answered with Paint already" in await press(world, asked.response.message, "z1:paint:1")


async def test_a_disk_in_trouble_accepts_none(world: World, monkeypatch: pytest.MonkeyPatch):
    """The question stays open: pressed again later, everything is painted."""
    asked = await ask(world)
    jobs = world.house.services.painter._jobs
    real, calls = jobs._insert, iter(range(100))

    async def fails(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise DatabaseBusy(Path("x"), "a test")
        return await real(*arguments)

    monkeypatch.setattr(jobs, "_insert", fails)
    pressed = await world.alice.click(asked.response.message, label="Paint 4 pictures")
    assert pressed.ephemeral and "disk is in trouble" in pressed.response.content
    assert nothing_happened(world)
    assert world.house.engine.queue._held == {}
    monkeypatch.undo()
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.settled()
    assert world.charged() == 4 and len(pictures(world)) == 4


async def test_one_of_them_can_be_cancelled(world: World, painter: ScriptedRenderer):
    """By /queue: it is refunded, and nothing is posted for it."""
    painter.hold()
    asked = await ask(world)
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.state(1, "painting")
    queue = await world.alice.slash(world.channel, "queue")
    await world.alice.click(queue.response.message, custom_id="z1:unqueue:3")
    painter.release()
    await world.settled()
    assert len(pictures(world)) == 3 == len(world.channel.history()) and world.charged() == 3


async def test_remix_asks_too(world: World, painter: ScriptedRenderer):
    """Choices and flags in other words for a picture: its numbers hold where no flag says more."""
    await paint(world, prompt="a lake --steps 4", aspect="16:9")
    wide = painter.painted[0].width_px
    shown = await world.alice.slash(world.channel, "remix")
    asked = await world.alice.submit_modal(shown, {"prompt": "{red, blue} pond --ar {16:9, 1:1}"})
    assert asked.ephemeral and "make 4 pictures" in world.texts(asked.response.message)
    await world.bob.slash(world.channel, "imagine", prompt="another")
    await world.settled()
    await world.stop()
    await world.start()
    await world.alice.click(asked.response.message, label="Paint 4 pictures")
    await world.settled()
    made = painter.painted[2:]
    assert [each.prompt for each in made] == ["red pond"] * 2 + ["blue pond"] * 2
    assert {each.steps for each in made} == {4}
    assert [each.width_px == wide for each in made] == [True, False, True, False]
    rows = world.rows("SELECT parent_picture_id FROM jobs WHERE id > 2")
    assert rows == [(1,)] * 4


async def test_a_remix_of_what_is_gone_is_said(world: World):
    """The picture was deleted before the press: nothing is accepted."""
    await paint(world, prompt="a lake")
    message = world.message_with_picture()
    shown = await world.alice.slash(world.channel, "remix")
    asked = await world.alice.submit_modal(shown, {"prompt": "{red, blue} pond"})
    await world.alice.click(await world.more(world.alice, message), label="Delete")
    pressed = await world.alice.click(asked.response.message, label="Paint 2 pictures")
    assert pressed.ephemeral and "There is no picture" in pressed.response.content
    assert world.charged() == 1


async def test_explain_counts_them(world: World):
    """Before anything is asked: how many pictures a prompt makes, and what its first one says."""
    told = await world.alice.slash(world.channel, "explain", prompt=f"{FOUR} --repeat 2")
    text = world.texts(told.response.message)
    assert "make 8 pictures" in text and "**red house at dawn**" in text
    plain = await world.alice.slash(world.channel, "explain", prompt="a red house")
    assert "braces" not in world.texts(plain.response.message)


async def test_nothing_typed_pings_or_formats(world: World):
    """What a person typed is quoted in the question and in its answer."""
    asked = await ask(world, "{<@123456789012345678>, **b** @everyone} lake")
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    for request in world.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            check_harmless(request.json)
    assert r"\*\*b\*\*" in world.texts(asked.response.message)
