"""Moderators answer reporters through the bot and are replied to, with their names kept apart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.bot.discord.direct_messages import labels, press, shown_directly
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import WAIT_S, BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint
from tests.bot.discord.reports import (
    answer_to,
    button_labels,
    report,
    reports_channel,
    reports_shown,
)


async def answers_sent(harness: BotHarness) -> None:
    """Wait until nothing is left to be sent to reporters, and the cards say so."""
    async with asyncio.timeout(WAIT_S):
        while harness.app.services.answer_sender.busy:
            await asyncio.sleep(0.01)
    await reports_shown(harness)


async def reported(harness: BotHarness) -> Any:
    """Let Bob report a picture of Alice; return the channel with its card."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "it hurts")
    return mods


async def answer(harness: BotHarness, mods: Any, text: str = "Which part?", **fields: Any) -> str:
    """Answer from the card as a moderator; return what they are told."""
    form = await harness.moderator.click(mods.history()[0], label="Answer the reporters")
    done = await harness.moderator.submit_modal(form, {"message": text, **fields})
    await answers_sent(harness)
    assert done.ephemeral
    return done.response.content


async def reply(harness: BotHarness, text: str = "The left one.") -> str:
    """Reply from Bob's newest direct message; return what he is told."""
    form = await press(harness, shown_directly(harness, harness.bob)[-1], "Reply", harness.bob)
    done = await harness.bob.user.submit_modal(form, {"message": text})
    await reports_shown(harness)
    return done.response.content


async def test_an_answer_and_a_reply(harness: BotHarness):
    """The reporter reads what the moderators of the server write, without a name; the reply and the
    answer appear on the card, with who wrote them, and a message says that there is a reply."""
    mods = await reported(harness)
    assert "Delivered to 1 reporter" in await answer(harness, mods, "Which **part**? @everyone")
    (message,) = shown_directly(harness, harness.bob)
    text = harness.texts(message)
    assert f"The moderators of {harness.guild.name} write to you about picture #1" in text
    assert "Which" in text and "@everyone" not in text and labels(message) == ["Reply"]
    assert str(harness.moderator.id) not in text
    assert "can now see your reply" in await reply(harness)
    card, told = mods.history()
    where = f"https://discord.com/channels/{harness.guild.id}/{mods.id}/{card.id}"
    assert "replied to the moderators" in harness.texts(told) and where in harness.texts(told)
    assert f"<@{harness.bob.id}>" in harness.texts(told)
    shown = harness.texts(card)
    assert f"<@{harness.moderator.id}> to <@{harness.bob.id}>" in shown
    assert "The left one." in shown and "not delivered" not in shown
    assert shown_directly(harness) == []  # the painter learns nothing of it


async def test_they_go_on_after_a_restart(harness: BotHarness):
    """Killed after an answer was sent and before that was recorded: the next process finds it on
    Discord, sends no second one, and its button works there."""
    mods = await reported(harness)
    await answer(harness, mods)
    await harness.crash()
    harness.change(
        "UPDATE report_messages SET state = 'waiting', settled_at = NULL, message_id = NULL"
    )
    harness.clock.advance(minutes=30)
    await harness.start()
    await answers_sent(harness)
    (message,) = shown_directly(harness, harness.bob)
    assert harness.rows("SELECT state, message_id FROM report_messages") == [
        ("delivered", message.id)
    ]
    assert "can now see" in await reply(harness)
    assert "The left one." in harness.texts(mods.history()[0])


async def test_who_takes_no_direct_messages(harness: BotHarness):
    """The moderator is told at once, and the card says so."""
    mods = await reported(harness)
    where = f"/channels/{harness.bob.user.dm_channel.id}/messages"
    harness.env.inject_error("POST", where, status=403, code=50007)
    assert "takes no direct messages" in await answer(harness, mods)
    assert "they take no direct messages from me" in harness.texts(mods.history()[0])


async def test_who_left(harness: BotHarness):
    """A reporter who left gets nothing, and the moderator is told; an earlier button says so."""
    mods = await reported(harness)
    await answer(harness, mods)
    message = shown_directly(harness, harness.bob)[-1]
    harness.guild.remove_member(harness.bob)
    assert "who is no longer on this server" in await answer(harness, mods, "Still there?")
    assert len(shown_directly(harness, harness.bob)) == 1
    pressed = await press(harness, message, "Reply", harness.bob)
    assert "no longer a member" in pressed.response.content


async def test_a_closed_report(harness: BotHarness):
    """Neither side can write any more: one sentence each."""
    mods = await reported(harness)
    await answer(harness, mods)
    message = shown_directly(harness, harness.bob)[-1]
    form = await harness.moderator.click(mods.history()[0], label="Answer the reporters")
    await harness.moderator.click(mods.history()[0], label="Dismiss")
    late = await harness.moderator.submit_modal(form, {"message": "One more thing"})
    assert "already been decided" in late.response.content
    pressed = await press(harness, message, "Reply", harness.bob)
    assert "have closed your report of picture #1" in pressed.response.content
    await answers_sent(harness)
    assert len(shown_directly(harness, harness.bob)) == 1


async def test_a_deleted_picture(harness: BotHarness):
    """The report of a picture whose painter deleted it can be talked about; the reporter is told
    that it is gone."""
    mods = await reported(harness)
    await harness.delete(harness.alice, harness.message_with_picture())
    await reports_shown(harness)
    assert "Delivered" in await answer(harness, mods)
    assert "already been deleted" in harness.texts(shown_directly(harness, harness.bob)[-1])
    assert "can now see" in await reply(harness)


async def test_one_of_several_reporters(harness: BotHarness):
    """All who reported it are answered, or one of them; the other learns nothing then."""
    mods = await reported(harness)
    await report(harness, harness.admin, "me too", harness.message_with_picture())
    assert "Delivered to 2 reporters" in await answer(harness, mods, report=["0"])
    ((report_id,),) = harness.rows("SELECT id FROM reports WHERE user_id = ?", harness.bob.id)
    assert "Delivered to 1 reporter" in await answer(harness, mods, "You?", report=[str(report_id)])
    assert len(shown_directly(harness, harness.bob)) == 2
    assert len(shown_directly(harness, harness.admin)) == 1


async def test_a_verdict_with_a_reason(harness: BotHarness):
    """The reporter gets the verdict and the reason without the moderator's name, and can not reply;
    the picture is deleted."""
    mods = await reported(harness)
    form = await harness.moderator.click(mods.history()[0], label="Decide with a reason")
    await harness.moderator.submit_modal(
        form, {"verdict": ["deleted"], "reason": "Against rule 3."}
    )
    await answers_sent(harness)
    (message,) = shown_directly(harness, harness.bob)
    text = harness.texts(message)
    assert "have deleted picture #1, which you reported. Their reason:" in text
    assert "Against rule 3." in text and labels(message) == []
    assert str(harness.moderator.id) not in text
    assert harness.channel.history() == [] and button_labels(mods.history()[0]) == []
    assert "Against rule 3." in harness.texts(mods.history()[0])


@pytest.mark.parametrize("told", ["", "Thank you."])
async def test_a_block_tells_reporters_what_the_moderator_wants(harness: BotHarness, told: str):
    """The reason of the block is for the painter; the reporters get theirs, or nothing."""
    mods = await reported(harness)
    form = await harness.moderator.click(mods.history()[0], label="Delete and block")
    await harness.moderator.submit_modal(form, {"reason": "enough", "told": told})
    await answers_sent(harness)
    texts = [harness.texts(each) for each in shown_directly(harness, harness.bob)]
    assert len(texts) == bool(told) and not any("enough" in each for each in texts)
    assert harness.rows("SELECT reason FROM blocks") == [("enough",)]


async def test_rights_and_foreign_presses(harness: BotHarness):
    """Members cannot answer or decide, nobody replies to what they did not report, and nothing is
    written."""
    mods = await reported(harness)
    await answer(harness, mods)
    fuzzer = Fuzzer(harness)
    for act, who, said in (
        ("answerreporters", harness.bob, "permission"),
        ("judge", harness.bob, "permission"),
        ("neverpaint", harness.moderator, "permission"),
        ("replymods", harness.alice, "no longer exists"),
        ("answerreporters", harness.moderator, ""),
    ):
        pressed = await fuzzer.press(who, marked(f"z1:{act}:1"))
        if said:
            assert said in answer_to(harness, pressed), act
    for act, who, said in (
        ("answerreporters", harness.moderator, "empty"),
        ("replymods", harness.bob, "empty"),
        ("answerreporters", harness.bob, "permission"),
    ):
        sent = await fuzzer.fill_in(who, marked(f"z1:{act}:1"), "x")
        assert said in answer_to(harness, sent), act
    assert harness.rows("SELECT count(*) FROM report_messages") == [(1,)]


async def test_never_paint_from_it(harness: BotHarness):
    """An admin puts the picture on the list from its card; the report stays open."""
    mods = await reported(harness)
    done = await harness.admin.click(mods.history()[0], label="Never paint from this picture")
    assert done.ephemeral and "From now on, nothing is painted" in done.response.content
    assert harness.rows("SELECT picture_id FROM filter_pictures") == [(1,)]
    again = await harness.admin.click(mods.history()[0], label="Never paint from this picture")
    assert "already" in again.response.content
    refused = await harness.bob.click(harness.message_with_picture(), label="Reroll")
    assert "Nothing may be painted from this picture" in str(
        refused.response.content if refused.response else refused.followups[-1].content
    )
    assert "Dismiss" in button_labels(mods.history()[0])


async def test_erasing_a_reporter_takes_what_was_written(harness: BotHarness):
    """The words go from the database and the card, and the direct messages are deleted."""
    mods = await reported(harness)
    await answer(harness, mods)
    await reply(harness)
    asked = await harness.bob.slash(harness.channel, "privacy erase")
    await harness.bob.click(asked.response.message, label="Erase")
    await reports_shown(harness)
    async with asyncio.timeout(WAIT_S):
        while shown_directly(harness, harness.bob):
            await asyncio.sleep(0.01)
    assert harness.rows("SELECT * FROM report_messages") == []
    assert "The left one." not in harness.texts(mods.history()[0])
    form = await harness.moderator.click(mods.history()[0], label="Dismiss")
    assert form is not None
