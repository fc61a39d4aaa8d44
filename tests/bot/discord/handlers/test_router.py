"""The table of handlers; deletion, paging, permissions, and buttons after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import discord
import pytest

from bot.accounts.permissions import Actor
from bot.discord.handlers.router import BUTTON_HANDLERS, FORM_HANDLERS
from bot.discord.views.custom_ids import ComponentAction
from bot.request.outcomes import Accepted
from bot.request.params import GenerationParams
from tests.bot.discord.direct_messages import refreshed
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import last_row_labels, paint, private_text, response_text
from tests.bot.discord.reports import answer_to
from tests.fakes import ScriptedRenderer


def test_every_action_has_a_handler():
    """Every action has a button handler, and forms have only known actions."""
    assert set(BUTTON_HANDLERS) == set(ComponentAction)
    assert set(FORM_HANDLERS) < set(ComponentAction)


async def test_the_requester_may_delete(harness: BotHarness):
    """Delete removes the message, the file and the entry in the history."""
    await paint(harness, prompt="a lake")
    message = harness.channel.last_message
    file = harness.settings.storage.data_dir / harness.rows("SELECT file FROM pictures")[0][0]
    assert file.exists()
    panel = await harness.delete(harness.alice, message)
    assert panel.flags.ephemeral and "was deleted" in harness.texts(panel)
    assert message.id not in {each.id for each in harness.channel.history()}
    assert not file.exists()
    page = await harness.alice.slash(harness.channel, "history")
    assert "You have no pictures here" in harness.texts(page.response.message)
    assert harness.charged() == 1


async def test_a_stranger_may_not_delete_and_a_moderator_may(harness: BotHarness):
    """Other members cannot delete; members who manage messages can."""
    await paint(harness, prompt="a lake", count=2)
    message = harness.channel.last_message
    assert "Delete" not in str(message.components)
    assert "Delete" not in str((await harness.more(harness.bob, message)).components)
    fuzzer = Fuzzer(harness)
    for forged in (marked("z1:delete:1"), marked("z1:erase:1")):
        refused = await fuzzer.press(harness.bob, forged, message=message)
        assert refused.ephemeral and "permission" in answer_to(harness, refused)
    assert message.id in {each.id for each in harness.channel.history()}
    await harness.delete(harness.moderator, message)
    assert message.id not in {each.id for each in harness.channel.history()}
    await paint(harness, prompt="a lake")
    message = harness.channel.last_message
    assert "Delete" not in str((await harness.more(harness.bob, message)).components)
    await harness.delete(harness.moderator, message)
    assert message.id not in {each.id for each in harness.channel.history()}


async def test_a_deletion_is_asked_back_first(harness: BotHarness):
    """Delete asks back where only the member sees it; Keep deletes nothing. The public button of
    older messages asks as well."""
    await paint(harness, prompt="a lake", count=3)
    message = harness.channel.last_message
    opened = await harness.alice.click(message, label="More ▾")
    await harness.alice.click(opened.response.message, label="Delete all")
    assert "Delete these 3 pictures" in response_text(harness, opened)
    assert last_row_labels(opened.response.message) == ["Delete", "Keep"]
    await harness.alice.click(opened.response.message, label="Keep")
    assert "Nothing was deleted" in response_text(harness, opened)
    assert last_row_labels(opened.response.message) == []
    old = await Fuzzer(harness).press(harness.alice, marked("z1:delete:1"), message=message)
    sent = harness.env.http_requests[-1].json
    assert old.ephemeral and "Delete these 3 pictures" in str(sent) and "z1:erase:1" in str(sent)
    assert harness.channel.last_message.id == message.id
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NOT NULL") == []


async def test_history_turns_pages_both_ways(harness: BotHarness):
    """The history shows five pictures per page, newest first, and pages both ways."""
    for number in range(12):
        await paint(harness, prompt=f"picture number {number}")
    first = await harness.alice.slash(harness.channel, "history")
    assert first.ephemeral
    shown = harness.texts(first.response.message)
    assert "12 pictures" in shown and "number 11" in shown and "number 6" not in shown
    await harness.alice.click(first.response.message, label="Older")
    second = harness.texts(first.response.message)
    assert "number 6" in second and "number 2" in second and "number 11" not in second
    await harness.alice.click(first.response.message, label="Older")
    assert "number 0" in harness.texts(first.response.message)
    await harness.alice.click(first.response.message, label="Newer")
    assert harness.texts(first.response.message) == second
    await harness.alice.click(first.response.message, label="Newer")
    assert harness.texts(first.response.message) == shown


async def test_old_buttons_work_after_a_restart(harness: BotHarness):
    """Pictures of the previous process can be rerolled and deleted."""
    await paint(harness, prompt="a lake", seed=5)
    message = harness.channel.last_message
    await harness.stop()
    await harness.start()
    await harness.bob.click(message, label="Reroll")
    await harness.settled()
    assert harness.charged() == 2
    await harness.delete(harness.alice, message)
    assert message.id not in {each.id for each in harness.channel.history()}


async def test_waiting_jobs_survive_an_orderly_stop(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """On shutdown the current picture is delivered; waiting jobs are painted by the next
    process."""
    renderer.hold()
    for number in range(3):
        await harness.alice.slash(harness.channel, "imagine", prompt=f"wish {number}")
    await harness.state(1, "painting")
    renderer.release()
    await harness.stop()
    states = dict(harness.rows("SELECT id, state FROM jobs"))
    assert states[1] == "painted" and states[3] == "queued"
    assert harness.rows("SELECT state FROM deliveries WHERE job_id = 1") == [("delivered",)]
    await harness.start()
    await harness.settled()
    assert harness.charged() == 3
    assert sorted(r.prompt for r in renderer.painted) == ["wish 0", "wish 1", "wish 2"]


async def test_a_crash_while_painting_costs_one_retry(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A job interrupted by a crash is painted once more, delivered once and charged once."""
    renderer.hold()
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", seed=5)
    await harness.state(1, "painting")
    await harness.crash()
    assert harness.rows("SELECT state FROM jobs") == [("painting",)]
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state, attempts FROM jobs") == [("painted", 2)]
    assert harness.charged() == 1
    assert harness.message(result.response.id).attachments


async def test_a_job_that_crashes_twice_is_given_up_and_refunded(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A job that crashes the bot twice fails, is refunded, and its requester is told."""
    renderer.hold()
    result = await harness.alice.slash(harness.channel, "imagine", prompt="poison")
    for _ in range(2):
        await harness.state(1, "painting")
        await harness.crash()
        renderer.hold()
        await harness.start()
    await harness.settled()
    renderer.release()
    assert harness.rows("SELECT state, error_code FROM jobs") == [("failed", "crashed")]
    assert harness.charged() == 0
    assert "crashed twice" in harness.texts(harness.message(result.response.id))


async def test_other_servers_are_turned_away(data_dir: Path, renderer: ScriptedRenderer):
    """Outside the configured servers, commands and old buttons are refused ephemerally."""
    async with open_harness(data_dir, renderer.load, discord={"guilds": [1]}) as harness:
        result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
        assert result.ephemeral and "not enabled on this server" in result.response.content
        offered = await harness.alice.autocomplete(harness.channel, "reroll", "picture", "")
        assert offered == []
        assert harness.rows("SELECT * FROM jobs") == []


async def test_progress_goes_on_after_a_restart(harness: BotHarness, renderer: ScriptedRenderer):
    """The status message of a job that waited through a restart is updated."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    second = await harness.bob.slash(harness.channel, "imagine", prompt="two")
    await harness.state(1, "painting")
    await harness.crash()
    renderer.hold()
    await harness.start()
    async with asyncio.timeout(10):
        while "1 picture ahead" not in harness.texts(harness.message(second.response.id)):
            await asyncio.sleep(0.05)
    renderer.release()
    await harness.settled()


async def test_a_wish_that_was_never_answered_is_withdrawn(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A job accepted but not answered before a crash is refunded silently by the next start."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    bob = Actor(harness.bob.id, harness.guild.id, harness.channel.id, reply_token="never-used")
    accepted = await harness.app.services.generation.imagine(bob, GenerationParams("two"))
    assert isinstance(accepted, Accepted)
    await harness.crash()
    before = len(harness.channel.history())
    harness.clock.advance(4)  # too late for any response to the command
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT id, state FROM jobs") == [(1, "painted"), (2, "cancelled")]
    assert harness.charged() == 1 and len(harness.channel.history()) == before


async def test_an_answer_that_never_arrives_costs_nothing(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """If Discord rejects the response, the job is withdrawn, because its requester saw an error."""
    renderer.hold()
    harness.env.inject_error("POST", "/interactions/*/callback", status=400, code=50035)
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs") == [("cancelled",)]
    assert harness.charged() == 0 and harness.channel.history() == []


async def test_an_answer_that_arrived_unnoticed_is_used(
    harness: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """If only the confirmation was lost (40060 on the retry), the message is found."""
    send = discord.InteractionResponse.send_message

    async def twice(self, *args, **kwargs):
        await send(self, *args, **kwargs)
        self._response_type = None
        return await send(self, *args, **kwargs)

    monkeypatch.setattr(discord.InteractionResponse, "send_message", twice)
    result = await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.settled()
    assert harness.message(result.response.id).attachments
    assert len(harness.channel.history()) == 1


async def test_a_deletion_whose_answer_came_too_late(harness: BotHarness):
    """The picture is gone, so its message goes as well, although nobody can be told."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    late = "/interactions/*/*/callback"
    harness.env.inject_error("POST", late, status=404, code=10062)
    await harness.alice.click(panel, label="Delete")
    assert harness.channel.history() == []


async def test_a_message_that_was_left_behind(harness: BotHarness):
    """Where Discord did not let a message be deleted, More deletes it later, for whoever may."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    where = f"/channels/{harness.channel.id}/messages/*"
    harness.env.inject_error("DELETE", where, status=403, code=50013, times=2)
    panel = await harness.delete(harness.alice, message)
    assert "To try again, press More ▾ there." in harness.texts(panel)
    token = "/webhooks/*/*/messages/*"
    harness.env.inject_error("DELETE", token, status=404, code=10008)
    again = await harness.alice.click(message, label="More ▾")
    assert "I cannot delete its message" in private_text(again)
    other = await harness.bob.click(message, label="More ▾")
    assert "may have been deleted" in private_text(other)
    assert len(harness.channel.history()) == 1
    harness.env.inject_error("DELETE", where, status=403, code=50001, times=None)
    await harness.moderator.click(message, label="More ▾")  # its token can
    assert harness.channel.history() == []


async def test_a_message_that_somebody_else_deleted(harness: BotHarness):
    """What is gone already needs no second attempt."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    panel = await harness.more(harness.alice, message)
    await harness.alice.click(panel, label="Delete")
    await harness.env.settle()
    harness.env.inject_error("DELETE", f"/channels/*/messages/{message.id}", status=404, code=10008)
    await harness.alice.click(panel, label="Delete")
    assert harness.texts(refreshed(harness, panel)) == "The picture was deleted."


async def test_a_menu_of_an_earlier_version_replaces_no_picture(harness: BotHarness):
    """Such menus were below the pictures: what only one member may see is answered privately."""
    await paint(harness, prompt="a lake", count=2)
    message = harness.message_with_picture()
    before, fuzzer = harness.texts(message), Fuzzer(harness)
    chosen = marked("z1:favour:2")
    answered = await fuzzer.press(harness.alice, marked("z1:pick:1"), 3, message, value=chosen)
    assert answered.ephemeral
    assert harness.texts(harness.message_with_picture()) == before
    assert harness.rows("SELECT id FROM pictures WHERE favourite_at IS NOT NULL") == [(2,)]


async def test_keep_after_a_deletion_does_not_deny_it(harness: BotHarness):
    """Who pressed Delete and then Keep, or whose picture a moderator deleted, reads the truth."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.alice, harness.message_with_picture())
    await harness.alice.click(panel, label="Delete")
    await harness.delete(harness.moderator, harness.message_with_picture())
    await harness.alice.click(panel, label="Keep")
    assert harness.texts(refreshed(harness, panel)) == "The picture was deleted."
