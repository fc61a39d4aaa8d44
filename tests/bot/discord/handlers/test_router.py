"""Delete, paging, rights, and the life of buttons beyond a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import discord
import pytest

from bot.accounts.permissions import Person
from bot.request.outcomes import Accepted
from bot.request.params import Wish
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World, open_world
from tests.fakes import ScriptedRenderer


async def test_the_requester_may_delete(world: World):
    """Delete takes away the message, the file and the place in the history."""
    await paint(world, prompt="a lake")
    message = world.channel.last_message
    file = world.settings.storage.data_dir / world.rows("SELECT file FROM pictures")[0][0]
    assert file.exists()
    shown = await world.alice.click(message, label="More ▾")
    await world.alice.click(shown.response.message, label="Delete")
    assert shown.ephemeral and "is deleted" in world.texts(shown.response.message)
    assert message.id not in {each.id for each in world.channel.history()}
    assert not file.exists()
    page = await world.alice.slash(world.channel, "history")
    assert "not painted anything" in world.texts(page.response.message)
    assert world.charged() == 1


async def test_a_stranger_may_not_delete_and_a_moderator_may(world: World):
    """Another member is refused in private, or not even asked; who manages messages is not."""
    await paint(world, prompt="a lake", count=2)
    message = world.channel.last_message
    refused = await world.bob.click(message, label="Delete")
    assert refused.ephemeral and "right" in refused.response.content
    assert message.id in {each.id for each in world.channel.history()}
    await world.moderator.click(message, label="Delete")
    assert message.id not in {each.id for each in world.channel.history()}
    await paint(world, prompt="a lake")
    message = world.channel.last_message
    assert "Delete" not in str((await world.more(world.bob, message)).components)
    await world.moderator.click(await world.more(world.moderator, message), label="Delete")
    assert message.id not in {each.id for each in world.channel.history()}


async def test_history_turns_pages_both_ways(world: World):
    """Newest first, five a page, and back to where one came from."""
    for number in range(12):
        await paint(world, prompt=f"picture number {number}")
    first = await world.alice.slash(world.channel, "history")
    assert first.ephemeral
    shown = world.texts(first.response.message)
    assert "12 pictures" in shown and "number 11" in shown and "number 6" not in shown
    await world.alice.click(first.response.message, label="Older")
    second = world.texts(first.response.message)
    assert "number 6" in second and "number 2" in second and "number 11" not in second
    await world.alice.click(first.response.message, label="Older")
    assert "number 0" in world.texts(first.response.message)
    await world.alice.click(first.response.message, label="Newer")
    assert world.texts(first.response.message) == second
    await world.alice.click(first.response.message, label="Newer")
    assert world.texts(first.response.message) == shown


async def test_old_buttons_work_after_a_restart(world: World):
    """A picture of the last process can be rerolled and deleted in the next one."""
    await paint(world, prompt="a lake", seed=5)
    message = world.channel.last_message
    await world.stop()
    await world.start()
    await world.bob.click(message, label="Reroll")
    await world.settled()
    assert world.charged() == 2
    await world.alice.click(await world.more(world.alice, message), label="Delete")
    assert message.id not in {each.id for each in world.channel.history()}


async def test_waiting_jobs_survive_an_orderly_stop(world: World, painter: ScriptedRenderer):
    """The one being painted is finished and delivered; the rest is painted by the next process."""
    painter.hold()
    for number in range(3):
        await world.alice.slash(world.channel, "imagine", prompt=f"wish {number}")
    await world.state(1, "painting")
    painter.release()
    await world.stop()
    states = dict(world.rows("SELECT id, state FROM jobs"))
    assert states[1] == "painted" and states[3] == "queued"
    assert world.rows("SELECT state FROM deliveries WHERE job_id = 1") == [("delivered",)]
    await world.start()
    await world.settled()
    assert world.charged() == 3
    assert sorted(r.prompt for r in painter.painted) == ["wish 0", "wish 1", "wish 2"]


async def test_a_crash_while_painting_costs_one_retry(world: World, painter: ScriptedRenderer):
    """What was painting is painted again once, delivered once and charged once."""
    painter.hold()
    result = await world.alice.slash(world.channel, "imagine", prompt="a lake", seed=5)
    await world.state(1, "painting")
    painter.release()
    await world.crash()
    assert world.rows("SELECT state FROM jobs") == [("painting",)]
    await world.start()
    await world.settled()
    assert world.rows("SELECT state, attempts FROM jobs") == [("painted", 2)]
    assert world.charged() == 1
    assert world.message(result.response.id).attachments


async def test_a_job_that_crashes_twice_is_given_up_and_refunded(
    world: World, painter: ScriptedRenderer
):
    """A poison job cannot become a crash loop; its person is told and not charged."""
    painter.hold()
    result = await world.alice.slash(world.channel, "imagine", prompt="poison")
    for _ in range(2):
        await world.state(1, "painting")
        painter.release()
        await world.crash()
        painter.hold()
        await world.start()
    await world.settled()
    painter.release()
    assert world.rows("SELECT state, error_code FROM jobs") == [("failed", "crashed")]
    assert world.charged() == 0
    assert "crashed twice" in world.texts(world.message(result.response.id))


async def test_other_servers_are_turned_away(data_dir: Path, painter: ScriptedRenderer):
    """Outside `[discord] guilds` commands and old buttons are refused, in private."""
    async with open_world(data_dir, painter.load, discord={"guilds": [1]}) as world:
        result = await world.alice.slash(world.channel, "imagine", prompt="a lake")
        assert result.ephemeral and "not work on this server" in result.response.content
        offered = await world.alice.autocomplete(world.channel, "reroll", "picture", "")
        assert offered == []
        assert world.rows("SELECT * FROM jobs") == []


async def test_progress_goes_on_after_a_restart(world: World, painter: ScriptedRenderer):
    """The status message of a job that waited through a restart is brought up to date."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    second = await world.bob.slash(world.channel, "imagine", prompt="two")
    await world.state(1, "painting")
    painter.release()
    await world.crash()
    painter.hold()
    await world.start()
    async with asyncio.timeout(10):
        while "1 picture before" not in world.texts(world.message(second.response.id)):
            await asyncio.sleep(0.05)
    painter.release()
    await world.settled()


async def test_a_wish_that_was_never_answered_is_withdrawn(world: World, painter: ScriptedRenderer):
    """Killed before the answer was sent: the next start refunds it and says nothing."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    bob = Person(world.bob.id, world.guild.id, world.channel.id, reply_token="never-used")
    accepted = await world.house.services.painter.imagine(bob, Wish("two"))
    assert isinstance(accepted, Accepted)
    painter.release()
    await world.crash()
    before = len(world.channel.history())
    world.clock.advance(4)  # nothing can answer the command any more
    await world.start()
    await world.settled()
    assert world.rows("SELECT id, state FROM jobs") == [(1, "painted"), (2, "cancelled")]
    assert world.charged() == 1 and len(world.channel.history()) == before


async def test_an_answer_that_never_arrives_costs_nothing(world: World, painter: ScriptedRenderer):
    """When Discord takes no answer, the person was told that the bot did not respond."""
    painter.hold()
    world.env.inject_error("POST", "/interactions/*/callback", status=400, code=50035)
    await world.alice.slash(world.channel, "imagine", prompt="one")
    painter.release()
    await world.settled()
    assert world.rows("SELECT state FROM jobs") == [("cancelled",)]
    assert world.charged() == 0 and world.channel.history() == []


async def test_an_answer_that_arrived_unnoticed_is_used(
    world: World, painter: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """When only the confirmation was lost (40060 on a second try), the message is found."""
    send = discord.InteractionResponse.send_message

    async def twice(self, *args, **kwargs):
        await send(self, *args, **kwargs)
        self._response_type = None
        return await send(self, *args, **kwargs)

    monkeypatch.setattr(discord.InteractionResponse, "send_message", twice)
    result = await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.settled()
    assert world.message(result.response.id).attachments
    assert len(world.channel.history()) == 1
