"""Paint it below /explain: paints exactly what was explained, like /imagine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.accounts.permissions import Actor
from bot.jobs.proposals import explained_requests
from bot.request.outcomes import ProposalClosed, Refused
from engine.diffusion.families import SKETCH_FAMILY
from storage import consistency
from storage.errors import DiskFull
from storage.proposals import Proposals
from tests.bot.discord.fuzzer import check_harmless
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import last_row_labels, paint, picture_messages
from tests.fakes import ScriptedRenderer

PAINT = "Paint it"


async def explain(harness: BotHarness, prompt: str) -> Any:
    """Run /explain as Alice; return the message that only she sees."""
    result = await harness.alice.slash(harness.channel, "explain", prompt=prompt)
    assert result.ephemeral
    return result.response.message


async def press(harness: BotHarness, message: Any) -> Any:
    """Press Paint it as Alice, and wait for what comes of it."""
    pressed = await harness.alice.click(message, label=PAINT)
    await harness.settled()
    return pressed


async def test_it_paints_what_was_explained(harness: BotHarness, renderer: ScriptedRenderer):
    """The flags of the prompt are obeyed, it is charged, and everybody sees it, as by /imagine."""
    prompt = "a red boat --ar 16:9 --seed 7 --steps 4 --count 2 --no fog --enhance light"
    message = await explain(harness, prompt)
    assert "“Paint it” paints 2 pictures, like </imagine:" in harness.texts(message)
    assert harness.charged() == 0
    pressed = await press(harness, message)
    assert not pressed.ephemeral and harness.charged() == 2
    explained = renderer.painted[:]
    await paint(harness, prompt=prompt)
    assert explained == renderer.painted[2:] and explained[0].seed == 7
    assert last_row_labels(message) == [PAINT]


async def test_each_press_paints(harness: BotHarness):
    """Like other suggestions it can be pressed again, within an hour and after a restart."""
    message = await explain(harness, "a lake")
    await press(harness, message)
    await harness.stop()
    await harness.start()
    await press(harness, message)
    assert harness.charged() == 2 and len(picture_messages(harness)) == 2
    assert consistency.check(harness.settings.storage.data_dir, hashes=True).wrong() == []


async def test_after_an_hour_it_is_over(harness: BotHarness):
    """It says so privately, whether its row still exists or not; the explanation stays."""
    one, two = await explain(harness, "a lake"), await explain(harness, "a boat")
    harness.clock.advance(3600)
    first = await press(harness, one)
    await harness.app.maintenance.forget_old_proposals()
    second = await press(harness, two)
    for pressed in (first, second):
        assert pressed.ephemeral and "have expired" in pressed.response.content
    assert "a lake" in harness.texts(one) and last_row_labels(one) == [PAINT]
    assert harness.charged() == 0


async def test_choices_are_asked_about(harness: BotHarness):
    """Several prompts are proposed first, as by /imagine."""
    message = await explain(harness, "a {red, blue} boat --repeat 2")
    assert "“Paint it” paints 4 pictures" in harness.texts(message)
    pressed = await press(harness, message)
    assert pressed.ephemeral and harness.charged() == 0
    await harness.alice.click(pressed.response.message, label="Paint 4 pictures")
    await harness.settled()
    assert harness.charged() == 4


async def test_private_stays_private(harness: BotHarness):
    """A picture that is asked for privately is shown to its requester alone."""
    pressed = await press(harness, await explain(harness, "a lake --private"))
    assert pressed.ephemeral and harness.rows("SELECT private FROM jobs") == [(1,)]


async def test_a_spent_quota_and_a_block_are_said(data_dir: Path, renderer: ScriptedRenderer):
    """Whatever /imagine refuses whoever asks, this refuses too, and paints nothing."""
    async with open_harness(data_dir, renderer.load, quota={"pictures": 1, "hours": 2}) as harness:
        message = await explain(harness, "a lake")
        await press(harness, message)
        spent = await press(harness, message)
        assert spent.ephemeral and "used up" in spent.response.content
        await harness.admin.slash(harness.channel, "admin block", who=harness.alice, reason="spam")
        blocked = await press(harness, message)
        assert blocked.ephemeral and "spam" in blocked.response.content
        assert harness.charged() == 1


async def test_where_it_may_not_post_it_says_so(harness: BotHarness):
    """Without permission to post pictures the press is refused before anything is charged."""
    denied = discord.PermissionOverwrite(attach_files=False)
    channel = harness.guild.create_text_channel(
        "no files", overwrites={harness.app.client.user: denied}
    )
    result = await harness.alice.slash(channel, "explain", prompt="a lake")
    pressed = await harness.alice.click(result.response.message, label=PAINT)
    assert pressed.ephemeral and "Attach Files" in pressed.response.content
    assert harness.charged() == 0


@pytest.mark.parametrize(
    "prompt",
    [
        "a lake --foo",
        "a lake --ar 99:1",
        "\u200b",
        "{a,b,c,d,e,f,g,h,i,j,k}",
        "--seed 5",
        "a lake --strength 0.5",
        "a lake --count 9",
    ],
)
async def test_what_is_refused_has_no_button(harness: BotHarness, prompt: str):
    """A prompt that /imagine refuses is not explained, and nothing is kept of it."""
    message = await explain(harness, prompt)
    assert PAINT not in str(message.components)
    assert harness.rows("SELECT * FROM proposals") == []


async def test_all_that_is_wrong_is_named(harness: BotHarness):
    """/explain names as much as /imagine, also what only this model or the number refuses."""
    prompt = "a lake --foo --ar 99:1 --count 9 --strength 0.5"
    said = harness.texts(await explain(harness, prompt))
    for part in ("--foo", "99:1", "between 1 and 4", "--strength"):
        assert part in said
    result = await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    assert all(line in harness.texts(result.response) for line in said.splitlines())


async def test_what_is_explained_but_not_painted_has_none(harness: BotHarness):
    """A prompt with too many tokens is explained with that advice, and has no button either."""
    prompt = "a lake " * 260
    message = await explain(harness, prompt)
    assert "of 512" in harness.texts(message) and "Nothing was painted" in harness.texts(message)
    assert PAINT not in str(message.components)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    assert refused.ephemeral and harness.charged() == 0


async def test_a_flag_for_enhancement_is_explained(harness: BotHarness):
    """What would be added is that of the level that the prompt asks for."""
    for flag, words in (("--enhance full", "(full"), ("--raw", "(off)"), ("", "(off)")):
        message = await explain(harness, f"a fox at dusk {flag}")
        assert f"What would be added {words}" in harness.texts(message)


async def test_the_demo_model_asks_first(data_dir: Path, renderer: ScriptedRenderer):
    """A prompt in which the model knows nothing is asked about, as by /imagine."""
    async with open_harness(data_dir, renderer.load, family=SKETCH_FAMILY) as harness:
        pressed = await press(harness, await explain(harness, "a giraffe"))
        assert pressed.ephemeral and harness.charged() == 0
        assert "Nothing has been painted or charged" in harness.texts(pressed.response.message)
        await harness.alice.click(pressed.response.message, label="Paint anyway")
        await harness.settled()
        assert harness.charged() == 1


async def test_without_the_database_it_still_explains(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """If the prompt cannot be kept, the answer comes without the button."""

    async def full(*_: object) -> None:
        raise DiskFull(Path("zimagine.db"), "no space left")

    monkeypatch.setattr(Proposals, "ask", full)
    message = await explain(harness, "a lake")
    assert "a lake" in harness.texts(message) and PAINT not in str(message.components)


async def test_a_slow_database_costs_only_the_button(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """The answer does not wait for a database that is in trouble."""

    async def stuck(*_: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(explained_requests, "KEEP_LIMIT_S", 0.01)
    monkeypatch.setattr(Proposals, "ask", stuck)
    message = await explain(harness, "a lake")
    assert "a lake" in harness.texts(message) and PAINT not in str(message.components)


async def test_nobody_else_can_press(harness: BotHarness):
    """Another member's press, or one from another server, finds nothing; nor does another kind."""
    message = await explain(harness, "a lake")
    assert marked("z1:explained:1") in str(message.components)
    wrong = await harness.alice.slash(harness.channel, "imagine", prompt="a boat --foo")
    assert "--foo" in harness.texts(wrong.response.message)
    find, over = harness.app.services.explained.find, Refused(ProposalClosed(answered=False))
    alice, bob = harness.alice.id, harness.bob.id
    for user, guild, row in ((bob, harness.guild.id, 1), (alice, 77, 1), (alice, None, 2)):
        actor = Actor(user, guild or harness.guild.id, harness.channel.id)
        assert await find(actor, row) == over
    corrected = await harness.app.services.corrections.find(
        Actor(alice, harness.guild.id, harness.channel.id), 1
    )
    assert corrected == over


async def test_nothing_typed_pings_or_breaks(harness: BotHarness):
    """Odd prompts are kept and painted like any others."""
    for prompt in ("<@123456789012345678> **b** @everyone \ud800 lake", "a\x00b\u202e 湖 👩‍👩‍👧"):
        pressed = await press(harness, await explain(harness, prompt))
        assert not pressed.ephemeral
    assert harness.charged() == 2
    for request in harness.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            check_harmless(request.json)
