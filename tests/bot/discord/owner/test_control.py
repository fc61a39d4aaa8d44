"""/owner pause, resume, drain, unload, model and retry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bot.discord.direct_messages import shown_directly
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.owner.owners import command, give_owner, restart_with, told
from tests.bot.discord.painting import paint, private_text
from tests.fakes import ScriptedRenderer, until

COMMANDS = ("status", "pause", "resume", "drain", "retry", "reload", "unload")
REFUSED = "Only the bot's owners can do this."


async def press(harness: BotHarness, name: str, label: str) -> str:
    """Answer the question of a command; return what takes its place."""
    asked = await command(harness, name)
    await harness.admin.click(asked.response.message, label=label)
    return harness.texts(asked.response.message)


async def imagine(harness: BotHarness, **options: Any) -> str:
    """Ask for a picture without waiting for it; return the answer."""
    result = await harness.alice.slash(harness.channel, "imagine", **options)
    return harness.texts(result.response.message)


async def test_only_owners_may(harness: BotHarness) -> None:
    """Anyone else on the owners' server is refused in one sentence, whatever they may do there."""
    await give_owner(harness)
    for who in (harness.alice, harness.moderator):
        answers = [await who.slash(harness.channel, f"owner {name}") for name in COMMANDS]
        answers.append(await who.slash(harness.channel, "owner announce", text="hello"))
        answers.append(await who.slash(harness.channel, "owner diagnose", user=harness.bob))
        assert {private_text(each) for each in answers} == {REFUSED}
        assert await who.autocomplete(harness.channel, "owner diagnose", "server", "") == []
    assert harness.rows("SELECT * FROM painting_control") == []


async def test_a_question_is_answered_by_owners_alone(harness: BotHarness) -> None:
    """Its button does nothing for somebody who is no owner any more."""
    await give_owner(harness)
    asked = await command(harness, "drain")
    await restart_with(harness, owners=(harness.bob.id,))
    pressed = await harness.admin.click(asked.response.message, label="Accept nothing new")
    assert private_text(pressed) == REFUSED
    assert harness.app.control.accepting


async def test_a_pause_lets_requests_wait(harness: BotHarness) -> None:
    """While painting is paused, requests are accepted, say that they wait, and are painted
    afterwards; what was being painted is finished."""
    await give_owner(harness)
    harness.renderer.hold()
    await imagine(harness, prompt="the present one")
    await until(lambda: harness.app.engine.current is not None)
    assert "The present picture is finished first." in await told(harness, "pause")
    harness.renderer.release()
    await harness.settled(1)
    assert "Painting is paused; your request waits" in await imagine(harness, prompt="the next")
    queue = await harness.alice.slash(harness.channel, "queue")
    assert "Painting is paused; what waits" in harness.texts(queue.response.message)
    status = await harness.alice.slash(harness.channel, "status")
    assert "Painting is paused by the bot's owner." in harness.texts(status.response.message)
    assert "1 job is waiting" in await told(harness, "status")
    assert harness.rows("SELECT state FROM jobs ORDER BY id") == [("painted",), ("queued",)]
    assert "I paint and accept requests." in await told(harness, "resume")
    await harness.settled()
    assert [each.prompt for each in harness.renderer.painted] == ["the present one", "the next"]


async def test_a_pause_survives_a_restart(harness: BotHarness) -> None:
    """After a crash painting is still paused, and nothing that waits has waited too long, however
    long the pause was."""
    await give_owner(harness)
    await told(harness, "pause")
    await imagine(harness, prompt="patient")
    harness.clock.advance(days=3)
    await harness.crash()
    await harness.start()
    await harness.app.engine.ready()
    assert harness.app.engine.paused and harness.renderer.painted == []
    await told(harness, "resume")
    await harness.settled()
    assert [each.prompt for each in harness.renderer.painted] == ["patient"]
    await harness.crash()
    await harness.start()
    assert not harness.app.engine.paused


async def test_a_drain_paints_what_waits(harness: BotHarness) -> None:
    """Requests are refused and cost nothing, what waits is painted, the owners are told once, and
    everything goes on after `resume`."""
    await give_owner(harness)
    harness.renderer.hold()
    await imagine(harness, prompt="first")
    await imagine(harness, prompt="second")
    said = await press(harness, "drain", "Accept nothing new")
    assert "Nothing new is accepted, also after a restart." in said and "direct message" in said
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="third")
    assert "accept nothing new at the moment" in private_text(refused)
    assert harness.charged() == 2
    harness.renderer.release()
    await harness.settled()
    await until(lambda: told_directly(harness))
    assert len(harness.renderer.painted) == 2
    (text,) = told_directly(harness)
    assert "Everything that waited is painted" in text and "/owner resume" in text
    await restart_with(harness)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="third")
    assert "accept nothing new" in private_text(refused) and len(told_directly(harness)) == 1
    await told(harness, "resume")
    await paint(harness, prompt="fourth")
    assert harness.renderer.painted[-1].prompt == "fourth"


def told_directly(harness: BotHarness) -> list[str]:
    """Return what the bot wrote to the owner by direct message."""
    return [harness.texts(each) for each in shown_directly(harness, harness.admin)]


async def test_a_question_may_be_left(harness: BotHarness) -> None:
    """Leaving the question of a drain changes nothing."""
    await give_owner(harness)
    assert "Nothing was changed." in await press(harness, "drain", "Leave it")
    await paint(harness, prompt="as ever")
    assert len(harness.renderer.painted) == 1


async def test_unloading(harness: BotHarness) -> None:
    """The memory is given back at once, or after a question once the present picture is painted."""
    await give_owner(harness)
    assert "The memory of the model is given back." in await told(harness, "unload")
    assert harness.renderer.unloaded == 1
    harness.renderer.hold()
    await imagine(harness, prompt="in between")
    await until(lambda: harness.app.engine.current is not None)
    asked = await command(harness, "unload")
    assert "One is being painted." in harness.texts(asked.response.message)
    harness.renderer.release()
    await harness.admin.click(asked.response.message, label="Give it back")
    await harness.settled()
    await until(lambda: harness.renderer.unloaded == 2)
    assert harness.rows("SELECT state FROM jobs") == [("painted",)]


async def test_nothing_to_retry(harness: BotHarness) -> None:
    """Where no model failed, /owner retry says so, and what happens if one does."""
    await give_owner(harness)
    assert "No model has failed to load" in await told(harness, "retry")


async def test_another_model(data_dir: Path) -> None:
    """It is loaded in place of the other one, which is said with how long it takes; jobs stay."""
    models = {"quick": "elsewhere/quick"}
    async with open_harness(
        data_dir, ScriptedRenderer().load, engine={"models": models}
    ) as harness:
        await give_owner(harness)
        said = await told(harness, "model", name="quick")
        assert "The model quick is loaded." in said
        assert harness.app.engine.models.loaded == "quick"
        assert "in use already" in await told(harness, "model", name="quick")
        assert "no model" in private_text(await command(harness, "model", name="slow")).lower()
