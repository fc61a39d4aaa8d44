"""Combinations of features: delivery routes, previews, permutations, forms, reports, languages."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from bot.request import resolver
from bot.request.resolve import resolve
from tests.bot.discord.delivery_settings import change_settings, direct_messages
from tests.bot.discord.forms import form_fields
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.languages import Speak
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint, run_command
from tests.bot.discord.permutations import propose
from tests.bot.discord.previews import ProgressClock, attachment_names, start_painting
from tests.bot.discord.reports import (
    button_labels,
    delete_reported,
    gallery_items,
    report,
    reports_channel,
    reports_shown,
)
from tests.fakes import ScriptedRenderer

pytestmark = pytest.mark.usefixtures("chinese")


@pytest.mark.parametrize("delivery", ["direct", "thread"])
async def test_no_preview_stands_where_the_picture_will_not(
    harness: BotHarness, renderer: ScriptedRenderer, delivery: str
):
    """A picture delivered elsewhere has no previews in the channel, also after a crash."""
    await change_settings(harness, delivery=delivery)
    clock = ProgressClock(harness)
    result = await start_painting(harness, renderer)
    await clock.edited(renderer, 3)
    assert "step 3 of 8" in harness.texts(harness.message(result.response.id))
    assert attachment_names(harness.message(result.response.id)) == []
    await harness.crash()
    await harness.start()
    await harness.settled()
    assert set(renderer.previews) == {False}


async def test_a_private_picture_has_previews_wherever_it_goes(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A private status message has previews even if the result goes elsewhere."""
    await change_settings(harness, delivery="direct")
    result = await start_painting(harness, renderer, private=True)
    assert result.ephemeral
    renderer.release()
    await harness.settled()
    assert renderer.previews == [True]


@pytest.mark.parametrize(
    ("delivery", "said"),
    [("direct", "sent to you by direct message"), ("thread", "in your thread")],
)
async def test_an_answer_to_a_question_says_where_pictures_go(
    harness: BotHarness, delivery: str, said: str
):
    """An accepted batch names the place where the member's pictures will go."""
    await change_settings(harness, delivery=delivery)
    await paint(harness, prompt="a lake")
    asked = await propose(harness, "{a, b} lake")
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    text = harness.texts(asked.response.message)
    assert said in text and "posted here" not in text
    found = (
        direct_messages(harness) if delivery == "direct" else harness.channel.threads[0].history()
    )
    assert len(found) == 3


async def test_choices_begin_a_thread_where_there_is_none(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Without a status message, the first result opens the thread and the next ones go there."""
    await change_settings(harness, delivery="thread")
    renderer.hold()
    asked = await propose(harness, "{a, b, c} lake")
    await harness.alice.click(asked.response.message, label="Paint 3 pictures")
    for job_id in (1, 2, 3):
        await harness.state(job_id, "painting")
        renderer.step(8)
        await harness.settled(job_id)
        async with asyncio.timeout(10):
            while harness.rows("SELECT 1 FROM threads") == []:
                await asyncio.sleep(0.01)
    renderer.release()
    await harness.settled()
    (first,) = [each for each in harness.channel.history() if each.attachments]
    assert "you had no thread" in harness.texts(first)
    (thread,) = harness.channel.threads
    assert thread.id == first.id and len(thread.history()) == 2
    assert not any("Posted here" in harness.texts(each) for each in thread.history())


async def test_private_answers_to_a_question_are_in_the_readers_language(
    harness: BotHarness,
    renderer: ScriptedRenderer,
    speak: Speak,
):
    """Private status messages of a batch are in the member's language."""
    speak("zh-CN", "en-US")
    renderer.hold()
    asked = await propose(harness, "{a, b} lake", private=True)
    pressed = await harness.alice.click(asked.response.message, custom_id=marked("z1:paint:1"))
    assert "下一个就是你" in harness.texts(pressed.followups[0].message)
    renderer.release()
    await harness.settled()


async def test_a_form_gives_back_the_words_as_they_can_be_typed(
    harness: BotHarness, renderer: ScriptedRenderer
):
    r"""Literal braces and hyphens stay literal in the remix form."""
    await paint(harness, prompt=r"a sign \{red, blue\} \--ar 1:1")
    words = renderer.painted[0].prompt
    assert "{red, blue}" in words and "--ar" in words
    form = await harness.alice.slash(harness.channel, "remix")
    await harness.alice.submit_modal(form, {"prompt": form_fields(form)["prompt"]})
    await harness.settled()
    assert [each.prompt for each in renderer.painted] == [words, words]


async def test_an_erased_picture_goes_from_the_reports_too(harness: BotHarness):
    """A deleted picture disappears from its report's card, which can still be decided."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    await harness.delete(harness.alice, harness.message_with_picture())
    await reports_shown(harness)
    (card,) = mods.history()
    assert gallery_items(card) == [] and card.attachments == []
    assert "already been deleted" in harness.texts(card) and "Dismiss" in button_labels(card)


async def test_what_was_sent_directly_can_be_managed_from_the_history(harness: BotHarness):
    """A picture sent by DM can be deleted through Show in /history."""
    await change_settings(harness, delivery="direct")
    await paint(harness, prompt="a lake")
    listed = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(listed.response.message, label="Show #1")
    panel = await harness.alice.click(shown.response.message, label="More ▾")
    for _ in range(2):  # the second answers the question
        await harness.alice.click(panel.response.message, label="Delete")
    await harness.env.settle()
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NULL") == []
    assert "was deleted" in harness.texts(panel.response.message)
    assert [each for each in harness.channel.history() if not each.flags.ephemeral] == []


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("delivery", ["thread", "channel"])
async def test_a_deleted_picture_leaves_no_link_to_it(
    harness: BotHarness, renderer: ScriptedRenderer, delivery: str, count: int
):
    """Deleting a picture also deletes the status message that links to it."""
    await change_settings(harness, delivery=delivery)
    renderer.hold()
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", count=count)
    await harness.state(1, "painting")
    harness.clock.advance(40)
    renderer.release()
    await harness.settled()
    threads = harness.channel.threads
    place = threads[0] if threads else harness.channel
    message = place.history()[-1]
    assert message.attachments and message.id != result.response.id
    await harness.delete(harness.alice, message)
    await harness.env.settle()
    left = [*place.history(), *harness.channel.history()]
    assert [each for each in left if each.components and not each.flags.ephemeral] == []


@pytest.mark.parametrize("way", ["verdict", "panel"])
async def test_a_thread_that_was_put_away_is_opened_to_delete_from(harness: BotHarness, way: str):
    """A picture in an archived thread can be deleted; the thread is unarchived first."""
    await change_settings(harness, delivery="thread")
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    (thread,) = harness.channel.threads
    message = thread.last_message
    await report(harness, harness.bob, message=message) if way == "verdict" else None
    route = f"/channels/{thread.id}/messages/*"
    harness.env.inject_error("DELETE", route, status=400, code=50083)
    if way == "verdict":
        await delete_reported(harness, harness.moderator, mods.last_message)
    else:
        await harness.delete(harness.alice, message)
        await harness.env.settle()
    assert thread.history() == []
    opened = [r.json for r in harness.env.http_requests if r.path == f"/channels/{thread.id}"]
    assert {"archived": False} in opened


async def test_open_reports_move_to_another_channel(harness: BotHarness):
    """When the reports channel changes, open reports move and the old channel keeps none."""
    old = await reports_channel(harness, "old")
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    assert len(old.history()) == 1
    new = await reports_channel(harness, "new")
    assert old.history() == []
    (card,) = new.history()
    assert "Dismiss" in button_labels(card)
    await harness.moderator.click(card, label="Dismiss")
    await reports_shown(harness)
    (card,) = new.history()
    assert button_labels(card) == [] and old.history() == []


@pytest.mark.parametrize("way", ["choices", "picture", "words"])
async def test_prompts_are_read_off_the_loop(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, way: str
):
    """Prompts are parsed off the event loop, so that nobody else has to wait."""
    threads: set[str] = set()

    def spied(*arguments: Any, **named: Any) -> Any:
        threads.add(threading.current_thread().name)
        return resolve(*arguments, **named)

    monkeypatch.setattr(resolver, "resolve", spied)
    if way == "choices":
        asked = await propose(harness, "{a, b} lake")
        await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    elif way == "picture":
        await run_command(harness, "imagine", prompt="a lake", picture=PHOTO)
    else:
        await paint(harness, prompt="a lake")
    await harness.settled()
    assert harness.charged() > 0
    assert threads and "MainThread" not in threads
