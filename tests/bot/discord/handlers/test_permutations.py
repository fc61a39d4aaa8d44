"""Permutations: proposed privately, painted once, all or none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.request.outcomes import ProposalClosed, Refused
from storage import consistency
from storage.errors import DatabaseBusy
from tests.bot.discord.fuzzer import Fuzzer, check_harmless
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import last_row_labels, paint, painted, picture_messages
from tests.bot.discord.permutations import FOUR, propose
from tests.fakes import ScriptedRenderer

ALL_FOUR = [
    "red house at dawn",
    "red house at night",
    "blue house at dawn",
    "blue house at night",
]


def prompts(harness: BotHarness) -> list[str]:
    """Return the prompts of all jobs in the order of acceptance."""
    return [row[0] for row in harness.rows("SELECT prompt FROM jobs ORDER BY id")]


def nothing_charged(harness: BotHarness) -> bool:
    """Return whether there is no job and no charge."""
    return harness.rows("SELECT id FROM jobs") == [] and harness.charged() == 0


def consistent(harness: BotHarness) -> bool:
    """Return whether rows, ledger and files agree."""
    return consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []


async def press(harness: BotHarness, message: Any, custom_id: str) -> str:
    """Press a button that another device may still show on a message; return the response."""
    before = len(harness.env.http_requests)
    await Fuzzer(harness).press(harness.alice, custom_id, message=message)
    await harness.env.settle()
    sent = harness.env.http_requests[before:]
    return str([each.json for each in sent if each.path.endswith("/callback")])


async def test_choices_within_another_programs_text(harness: BotHarness):
    """Each permutation of a pasted prompt has its settings; the proposal shows only prompts."""
    text = "{red, blue} house\nNegative prompt: fog\nSteps: 20, Sampler: x, Seed: 5, Size: 256x192"
    asked = await propose(harness, text, guidance=1.5)
    shown = harness.texts(asked.response.message)
    assert "1. red house" in shown and "Steps" not in shown
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert prompts(harness) == ["red house", "blue house"]
    requests = [(each.seed, each.negative_prompt, each.height_px) for each in painted(harness)]
    assert requests == [(5, "fog", 192)] * 2


async def test_it_is_asked_before_anything_is_spent(data_dir: Path):
    """The ephemeral proposal shows how many, which ones and the cost; it costs nothing itself."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, quota={"pictures": 20, "hours": 2}) as harness:
        asked = await propose(harness)
        assert asked.ephemeral
        text = harness.texts(asked.response.message)
        assert "make 4 pictures" in text and "20 left now, 16 after" in text
        for number, prompt in enumerate(ALL_FOUR, 1):
            assert f"{number}. {prompt}" in text
        assert last_row_labels(asked.response.message) == ["Paint 4 pictures", "Cancel"]
        assert nothing_charged(harness) and renderer.painted == []
        assert "will take about" not in text  # no picture was painted yet, so the speed is unknown
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.settled()
        text = harness.texts((await propose(harness, "{a, b, c, d, e, f, g}")).response.message)
        assert (
            "will take about" in text
            and "and 2 more" in text
            and "19 left now, 12 afterwards" in text
        )


async def test_paint_makes_a_job_of_each(harness: BotHarness, renderer: ScriptedRenderer):
    """Each job has its own seed, one charge and one post; the proposal is replaced by their
    list."""
    asked = await propose(harness)
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.settled()
    assert prompts(harness) == ALL_FOUR
    assert [each.prompt for each in renderer.painted] == ALL_FOUR
    assert len({each.seed for each in renderer.painted}) == 4
    assert harness.charged() == 4 and consistent(harness)
    posted = picture_messages(harness)
    assert len(posted) == 4 == len(harness.channel.history())
    heads = [harness.texts(message).splitlines()[0] for message in posted]
    assert sorted(heads) == sorted(f"**{prompt}**" for prompt in ALL_FOUR)  # no mention
    answer = harness.texts(asked.response.message)
    assert "4 jobs were accepted" in answer and "blue house at night · job 4" in answer
    assert "/queue" in answer and last_row_labels(asked.response.message) == []


async def test_who_waits_long_is_notified(harness: BotHarness, renderer: ScriptedRenderer):
    """A result later than 30 seconds mentions its requester and nobody else."""
    renderer.hold()
    asked = await propose(harness, "{a, b} lake")
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.state(1, "painting")
    harness.clock.advance(40)
    renderer.release()
    await harness.settled()
    for message in picture_messages(harness):
        assert harness.texts(message).startswith(f"<@{harness.alice.id}> **")


async def test_a_fixed_seed_is_that_of_all(harness: BotHarness, renderer: ScriptedRenderer):
    """A fixed seed is used for all prompts; count and flags apply to each."""
    asked = await propose(harness, "a lake --ar {1:1, 16:9} --no fog", seed=7, count=2)
    text = harness.texts(asked.response.message)
    assert "make 4 pictures" in text and "--ar 16:9" in text
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.settled()
    assert harness.rows("SELECT seed, pictures FROM jobs") == [(7, 2), (7, 2)]
    assert [each.seed for each in renderer.painted] == [7, 8, 7, 8]
    assert len({each.width_px for each in renderer.painted}) == 2
    assert harness.charged() == 4


async def test_declined_nothing_happens(harness: BotHarness):
    """A declined proposal disappears and can no longer be answered."""
    asked = await propose(harness)
    before = asked.response.message
    await harness.alice.click(before, label="Cancel")
    assert "Nothing was painted or charged" in harness.texts(asked.response.message)
    assert last_row_labels(asked.response.message) == []
    assert "Nothing was painted" in await press(harness, before, marked("z1:decline:1"))
    assert "These buttons have expired" in await press(harness, before, marked("z1:paint:1"))
    assert nothing_charged(harness)


async def test_pressed_twice_it_is_painted_once(harness: BotHarness, renderer: ScriptedRenderer):
    """A second press is refused and leaves the first one's response in place."""
    renderer.hold()
    asked = await propose(harness)
    question = asked.response.message
    await harness.alice.click(question, label="Paint 4 pictures")
    for custom_id in (marked("z1:paint:1"), marked("z1:decline:1")):
        assert "already pressed Paint" in await press(harness, question, custom_id)
    assert "4 jobs were accepted" in harness.texts(asked.response.message)
    renderer.release()
    await harness.settled()
    assert harness.charged() == 4 and len(picture_messages(harness)) == 4


async def test_two_devices_at_once_paint_once(data_dir: Path, renderer: ScriptedRenderer):
    """Of two simultaneous presses one is accepted, even if quota and queue fit only one."""
    limits: dict[str, Any] = {"quota": {"pictures": 4, "hours": 2}, "engine": {"user_limit": 4}}
    async with open_harness(data_dir, renderer.load, **limits) as harness:
        renderer.hold()
        asked = await propose(harness)
        question = asked.response.message
        before, fuzzer = len(harness.env.http_requests), Fuzzer(harness)
        presses = [
            fuzzer.press(harness.alice, marked("z1:paint:1"), message=question) for _ in range(2)
        ]
        await asyncio.gather(*presses)
        sent = [str(each.json) for each in harness.env.http_requests[before:]]
        assert sum("already pressed Paint" in each for each in sent) == 1
        assert "4 jobs were accepted" in harness.texts(asked.response.message)
        renderer.release()
        await harness.settled()
        assert (
            harness.charged() == 4 and len(picture_messages(harness)) == 4 and consistent(harness)
        )


async def test_the_question_outlives_the_process(harness: BotHarness, renderer: ScriptedRenderer):
    """A proposal can be accepted after a restart and paints everything in it."""
    asked = await propose(harness, "{a, b} lake --steps 4", seed=7, negative="fog")
    await harness.stop()
    await harness.start()
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert [(each.prompt, each.seed, each.steps) for each in renderer.painted] == [
        ("a lake", 7, 4),
        ("b lake", 7, 4),
    ]
    assert all(each.negative_prompt == "fog" for each in renderer.painted)
    assert len(picture_messages(harness)) == 2


async def test_after_an_hour_it_is_over(harness: BotHarness):
    """An expired proposal says so instead of painting, whether its row still exists or not."""
    asked, second = await propose(harness), await propose(harness)
    harness.clock.advance(3600)
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    assert "These buttons have expired" in harness.texts(asked.response.message)
    assert last_row_labels(asked.response.message) == []
    await harness.app.maintenance.forget_old_proposals()
    assert harness.rows("SELECT id FROM proposals") == []
    await harness.alice.click(second.response.message, label="Paint 4 pictures")
    assert "These buttons have expired" in harness.texts(second.response.message)
    assert nothing_charged(harness)


async def test_a_quota_that_is_too_small_is_said_at_once(data_dir: Path):
    """A quota that is too small is refused with the numbers, at once and again when accepting."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, quota={"pictures": 3, "hours": 2}) as harness:
        refused = await propose(harness)
        assert refused.ephemeral and "used up" not in refused.response.content
        assert "asked for 4 pictures, but only 3 of your 3" in refused.response.content
        asked = await propose(harness, "{a, b, c}")
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.settled()
        question = asked.response.message
        pressed = await harness.alice.click(question, label="Paint 3 pictures")
        assert pressed.ephemeral and "only 2 of your 3" in pressed.response.content
        assert harness.charged() == 1 and prompts(harness) == ["one"]
        harness.clock.advance(59 * 60)
        await harness.admin.slash(
            harness.channel, "admin quota set", who=harness.alice, pictures=4, hours=2
        )
        await harness.alice.click(asked.response.message, label="Paint 3 pictures")
        await harness.settled()
        assert harness.charged() == 4 and consistent(harness)


async def test_a_queue_that_is_too_full_is_said_at_once(data_dir: Path, renderer: ScriptedRenderer):
    """A queue that is too full is refused with the free places, at once and again when
    accepting."""
    async with open_harness(data_dir, renderer.load, engine={"user_limit": 4}) as harness:
        renderer.hold()
        refused = await propose(harness, "{a, b, c, d, e}")
        assert refused.ephemeral and "one member can have 4 waiting" in refused.response.content
        assert "add 4 now" in refused.response.content
        asked = await propose(harness)
        for number in range(2):
            await harness.alice.slash(harness.channel, "imagine", prompt=f"x{number}")
            await harness.state(1, "painting")
        pressed = await harness.alice.click(asked.response.message, label="Paint 4 pictures")
        assert pressed.ephemeral and "add 3 now" in pressed.response.content
        assert prompts(harness) == ["x0", "x1"] and harness.charged() == 2
        renderer.release()
        await harness.settled()
        await harness.alice.click(asked.response.message, label="Paint 4 pictures")
        await harness.settled()
        assert harness.charged() == 6 and len(picture_messages(harness)) == 6


async def test_too_many_choices_are_refused_with_their_number(harness: BotHarness):
    """More than ten prompts, or an empty one, are refused without a proposal."""
    assert (
        "12 prompts; at most 10" in (await propose(harness, "{1,2,3,4} {a,b,c}")).response.content
    )
    assert "empty" in (await propose(harness, "{a,}")).response.content
    assert harness.rows("SELECT id FROM proposals") == []


async def test_private_stays_private(harness: BotHarness):
    """Each private picture replaces an ephemeral message; the channel stays empty."""
    asked = await propose(harness, "{a, b} lake", private=True)
    pressed = await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert "Only you will see" in harness.texts(asked.response.message)
    shown = pressed.followups
    assert len(shown) == 2 and all(each.ephemeral for each in shown)
    for each, prompt in zip(shown, ("a lake", "b lake"), strict=True):
        assert each.message.attachments and prompt in harness.texts(each.message)
    assert picture_messages(harness) == [] or all(
        each.flags.ephemeral for each in picture_messages(harness)
    )
    assert harness.rows("SELECT DISTINCT private FROM jobs") == [(1,)]
    assert harness.rows("SELECT DISTINCT road FROM deliveries") == [("reply",)]


async def test_a_private_job_without_its_message_goes_to_its_person(harness: BotHarness):
    """A private job whose status message cannot be shown is delivered by DM."""
    asked = await propose(harness, "{a, b --private}")
    harness.env.inject_error("POST", "/webhooks/*/*", status=404, code=10015)
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert harness.rows("SELECT private FROM jobs ORDER BY id") == [(0,), (1,)]
    assert harness.rows("SELECT road FROM deliveries ORDER BY job_id") == [("post",), ("direct",)]
    assert len(picture_messages(harness)) == 1


async def test_nobody_else_can_press(harness: BotHarness):
    """Another member's press is refused and leaves the proposal open."""
    asked = await propose(harness)
    services = harness.app.services
    bob = Actor(harness.bob.id, harness.guild.id, harness.channel.id)
    over = Refused(ProposalClosed(answered=False))
    assert await services.permutations.accept(bob, 1) == over
    assert await services.permutations.decline(bob, 1) is None
    elsewhere = Actor(harness.alice.id, 77, harness.channel.id)
    assert await services.permutations.accept(elsewhere, 1) == over
    assert nothing_charged(harness)
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.settled()
    assert harness.charged() == 4


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (500, 0)])
async def test_an_answer_that_does_not_arrive_loses_nothing(
    harness: BotHarness, status: int, code: int
):
    """If the response to an acceptance fails, everything is painted and posted; pressing again says
    so."""
    asked = await propose(harness, "{a, b} lake")
    harness.env.inject_error("POST", "/interactions/*/callback", status=status, code=code)
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert harness.charged() == 2 and len(picture_messages(harness)) == 2
    again = await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    assert "already pressed Paint" in again.response.content and harness.charged() == 2


async def test_a_crash_after_the_press_loses_and_doubles_nothing(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """After a crash, each accepted job is painted and posted exactly once."""
    renderer.hold()
    asked = await propose(harness)
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.state(1, "painting")
    await harness.crash()
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT DISTINCT state FROM jobs") == [("painted",)]
    assert len(picture_messages(harness)) == 4 and harness.charged() == 4
    assert "already pressed Paint" in await press(
        harness, asked.response.message, marked("z1:paint:1")
    )


async def test_a_disk_in_trouble_accepts_none(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """If the database fails, nothing is accepted and the proposal can be accepted later."""
    asked = await propose(harness)
    jobs = harness.app.stores.jobs
    real, calls = jobs._insert, iter(range(100))

    async def fails(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 2:
            raise DatabaseBusy(Path("x"), "a test")
        return await real(*arguments, **named)

    monkeypatch.setattr(jobs, "_insert", fails)
    pressed = await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    assert pressed.ephemeral and "a problem with my disk" in pressed.response.content
    assert nothing_charged(harness)
    assert harness.app.engine.queue._held == {}
    monkeypatch.undo()
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.settled()
    assert harness.charged() == 4 and len(picture_messages(harness)) == 4


async def test_one_of_them_can_be_cancelled(harness: BotHarness, renderer: ScriptedRenderer):
    """A single job can be cancelled in /queue and is refunded."""
    renderer.hold()
    asked = await propose(harness)
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.state(1, "painting")
    queue = await harness.alice.slash(harness.channel, "queue")
    await harness.alice.click(queue.response.message, custom_id=marked("z1:unqueue:3"))
    renderer.release()
    await harness.settled()
    assert (
        len(picture_messages(harness)) == 3 == len(harness.channel.history())
        and harness.charged() == 3
    )


async def test_remix_asks_too(harness: BotHarness, renderer: ScriptedRenderer):
    """A remix can have permutations and flags; otherwise the original's parameters apply."""
    await paint(harness, prompt="a lake --steps 4", aspect="16:9")
    wide = renderer.painted[0].width_px
    shown = await harness.alice.slash(harness.channel, "remix")
    asked = await harness.alice.submit_modal(shown, {"prompt": "{red, blue} pond --ar {16:9, 1:1}"})
    assert asked.ephemeral and "make 4 pictures" in harness.texts(asked.response.message)
    await harness.bob.slash(harness.channel, "imagine", prompt="another")
    await harness.settled()
    await harness.stop()
    await harness.start()
    await harness.alice.click(asked.response.message, label="Paint 4 pictures")
    await harness.settled()
    made = renderer.painted[2:]
    assert [each.prompt for each in made] == ["red pond"] * 2 + ["blue pond"] * 2
    assert {each.steps for each in made} == {4}
    assert [each.width_px == wide for each in made] == [True, False, True, False]
    rows = harness.rows("SELECT parent_picture_id FROM jobs WHERE id > 2")
    assert rows == [(1,)] * 4


async def test_a_remix_of_what_is_gone_is_said(harness: BotHarness):
    """Accepting a remix of a deleted picture is refused."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    shown = await harness.alice.slash(harness.channel, "remix")
    asked = await harness.alice.submit_modal(shown, {"prompt": "{red, blue} pond"})
    await harness.delete(harness.alice, message)
    pressed = await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    assert pressed.ephemeral and "There is no picture" in pressed.response.content
    assert harness.charged() == 1


async def test_explain_counts_them(harness: BotHarness):
    """/explain shows how many pictures a prompt makes, and explains the first prompt."""
    told = await harness.alice.slash(harness.channel, "explain", prompt=f"{FOUR} --repeat 2")
    text = harness.texts(told.response.message)
    assert "make 8 pictures" in text and "**red house at dawn**" in text
    plain = await harness.alice.slash(harness.channel, "explain", prompt="a red house")
    assert "braces" not in harness.texts(plain.response.message)


async def test_json_is_one_picture(harness: BotHarness, renderer: ScriptedRenderer):
    """Braces that are no choices are painted as written, in one picture and without a question."""
    for prompt in ('{"subject": "a red house", "place": "snow"}', "{SALE} at the {mood} shop"):
        await paint(harness, prompt=prompt)
        assert renderer.painted[-1].prompt == prompt
    assert harness.rows("SELECT id FROM proposals") == [] and harness.charged() == 2


async def test_what_does_nothing_is_noted(harness: BotHarness):
    """The question and the card name syntax of other programs that has no effect."""
    asked = await propose(harness, "{2$$red|blue} house")
    text = harness.texts(asked.response.message)
    assert "1. red house" in text and "“2$$”: this has no effect here" in text
    shown = await harness.alice.slash(harness.channel, "imagine", prompt="a [red|blue] house")
    assert "this has no effect here" in harness.texts(shown.response.message)


async def test_nothing_typed_pings_or_formats(harness: BotHarness):
    """User input in a proposal and its response is escaped."""
    asked = await propose(harness, "{<@123456789012345678>, **b** @everyone} lake")
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    for request in harness.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            check_harmless(request.json)
    assert r"\*\*b\*\*" in harness.texts(asked.response.message)


async def test_wrong_flags_of_choices_are_offered_for_correction(harness: BotHarness):
    """A count that is too high and a wrong flag in one choice are named, with Edit."""
    for prompt, part in (("{a, b} --repeat 5", "count must be"), ("{a, b --tile}", "--tile")):
        asked = await propose(harness, prompt)
        assert part in harness.texts(asked.response.message)
        assert last_row_labels(asked.response.message) == ["Edit", "Paint without them"]
