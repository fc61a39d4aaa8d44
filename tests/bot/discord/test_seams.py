"""Where features meet: ways of delivery, previews, choices, forms, reports, and languages."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from bot.request.resolve import compose
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.commands.test_settings import choose, direct
from tests.bot.discord.conftest import World
from tests.bot.discord.handlers.test_image_to_image import PHOTO, began
from tests.bot.discord.handlers.test_moderation import (
    gallery,
    labels,
    report,
    reports_channel,
    shown,
)
from tests.bot.discord.handlers.test_permutations import ask
from tests.bot.discord.test_languages import Speak, chinese, speak  # noqa: F401
from tests.bot.discord.test_previews import Hands, names, painting
from tests.bot.discord.views.test_modals import fields
from tests.fakes import ScriptedRenderer


@pytest.mark.parametrize("delivery", ["direct", "thread"])
async def test_no_preview_stands_where_the_picture_will_not(
    world: World, painter: ScriptedRenderer, delivery: str
):
    """Who wants pictures elsewhere has nothing of them shown in the channel, also after a crash."""
    await choose(world, delivery=delivery)
    hands = Hands(world)
    result = await painting(world, painter)
    await hands.edited(painter, 3)
    assert "step 3 of 8" in world.texts(world.message(result.response.id))
    assert names(world.message(result.response.id)) == []
    painter.release()
    await world.crash()
    await world.start()
    await world.settled()
    assert set(painter.previews) == {False}


async def test_a_private_picture_has_previews_wherever_it_goes(
    world: World, painter: ScriptedRenderer
):
    """Its status message is for its person alone, as the direct message will be."""
    await choose(world, delivery="direct")
    result = await painting(world, painter, private=True)
    assert result.ephemeral
    painter.release()
    await world.settled()
    assert painter.previews == [True]


@pytest.mark.parametrize(
    ("delivery", "said"),
    [("direct", "sent to you by direct message"), ("thread", "in your thread")],
)
async def test_an_answer_to_a_question_says_where_pictures_go(
    world: World, delivery: str, said: str
):
    """To the place that its person wants, which is not always here."""
    await choose(world, delivery=delivery)
    await paint(world, prompt="a lake")
    asked = await ask(world, "{a, b} lake")
    await world.alice.click(asked.response.message, label="Paint 2 pictures")
    await world.settled()
    text = world.texts(asked.response.message)
    assert said in text and "posted here" not in text
    found = direct(world) if delivery == "direct" else world.channel.threads[0].history()
    assert len(found) == 3


async def test_choices_begin_a_thread_where_there_is_none(world: World, painter: ScriptedRenderer):
    """No status message could open it, so the first picture does; the next ones stand in it."""
    await choose(world, delivery="thread")
    painter.hold()
    asked = await ask(world, "{a, b, c} lake")
    await world.alice.click(asked.response.message, label="Paint 3 pictures")
    for job_id in (1, 2, 3):
        await world.state(job_id, "painting")
        painter.step(8)
        await world.settled(job_id)
        async with asyncio.timeout(10):
            while world.rows("SELECT 1 FROM threads") == []:
                await asyncio.sleep(0.01)
    painter.release()
    await world.settled()
    (first,) = [each for each in world.channel.history() if each.attachments]
    assert "you had no thread" in world.texts(first)
    (thread,) = world.channel.threads
    assert thread.id == first.id and len(thread.history()) == 2
    assert not any("It is here" in world.texts(each) for each in thread.history())


async def test_private_answers_to_a_question_are_in_the_readers_language(
    world: World,
    painter: ScriptedRenderer,
    speak: Speak,  # noqa: F811
):
    """Like every other status message that one person alone sees."""
    speak("zh-CN", "en-US")
    painter.hold()
    asked = await ask(world, "{a, b} lake", private=True)
    pressed = await world.alice.click(asked.response.message, custom_id="z1:paint:1")
    assert "下一个就是你" in world.texts(pressed.followups[0].message)
    painter.release()
    await world.settled()


async def test_a_form_gives_back_the_words_as_they_can_be_typed(
    world: World, painter: ScriptedRenderer
):
    r"""Braces and hyphens that were words once are words in Remix: nothing is asked or obeyed."""
    await paint(world, prompt=r"a sign \{red, blue\} \--ar 1:1")
    words = painter.painted[0].prompt
    assert "{red, blue}" in words and "--ar" in words
    form = await world.alice.slash(world.channel, "remix")
    await world.alice.submit_modal(form, {"prompt": fields(form)["prompt"]})
    await world.settled()
    assert [each.prompt for each in painter.painted] == [words, words]


async def test_an_erased_picture_goes_from_the_reports_too(world: World):
    """Its painter takes it away everywhere; the case stays, to be decided."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    await report(world, world.bob)
    panel = await world.more(world.alice, world.message_with_picture())
    await world.alice.click(panel, label="Delete")
    await shown(world)
    (card,) = mods.history()
    assert gallery(card) == [] and card.attachments == []
    assert "deleted already" in world.texts(card) and "Dismiss" in labels(card)


async def test_what_was_sent_directly_can_be_managed_from_the_history(world: World):
    """A direct message has no buttons: Show in /history leads to More, and so to Delete."""
    await choose(world, delivery="direct")
    await paint(world, prompt="a lake")
    listed = await world.alice.slash(world.channel, "history")
    shown = await world.alice.click(listed.response.message, label="Show")
    panel = await world.alice.click(shown.response.message, label="More ▾")
    await world.alice.click(panel.response.message, label="Delete")
    await world.env.settle()
    assert world.rows("SELECT 1 FROM pictures WHERE deleted_at IS NULL") == []
    assert "is deleted" in world.texts(panel.response.message)
    assert [each for each in world.channel.history() if not each.flags.ephemeral] == []


@pytest.mark.parametrize("way", ["panel", "result"])
@pytest.mark.parametrize("delivery", ["thread", "channel"])
async def test_a_deleted_picture_leaves_no_link_to_it(
    world: World, painter: ScriptedRenderer, delivery: str, way: str
):
    """The status message told its words and where it stands: it goes with the picture."""
    await choose(world, delivery=delivery)
    painter.hold()
    count = 2 if way == "result" else 1
    result = await world.alice.slash(world.channel, "imagine", prompt="a lake", count=count)
    await world.state(1, "painting")
    world.clock.advance(40)
    painter.release()
    await world.settled()
    threads = world.channel.threads
    place = threads[0] if threads else world.channel
    message = place.history()[-1]
    assert message.attachments and message.id != result.response.id
    pressed = await world.more(world.alice, message) if way == "panel" else message
    await world.alice.click(pressed, label="Delete")
    await world.env.settle()
    left = [*place.history(), *world.channel.history()]
    assert [each for each in left if each.components and not each.flags.ephemeral] == []


@pytest.mark.parametrize("way", ["verdict", "panel", "result"])
async def test_a_thread_that_was_put_away_is_opened_to_delete_from(world: World, way: str):
    """After a day Discord refuses every change in it: nothing that was deleted may stay there."""
    await choose(world, delivery="thread")
    mods = await reports_channel(world)
    count = 2 if way == "result" else 1
    await paint(world, prompt="a lake", count=count)
    (thread,) = world.channel.threads
    message = thread.last_message
    panel = await world.more(world.alice, message)
    await report(world, world.bob, message=message) if way == "verdict" else None
    routes = {"result": "/webhooks/*/*/messages/@original"}
    route = routes.get(way, f"/channels/{thread.id}/messages/*")
    world.env.inject_error("DELETE", route, status=400, code=50083)
    if way == "verdict":
        await world.moderator.click(mods.last_message, label="Delete")
        await shown(world)
    else:
        await world.alice.click(panel if way == "panel" else message, label="Delete")
        await world.env.settle()
    assert thread.history() == []
    if way != "result":
        opened = [r.json for r in world.env.http_requests if r.path == f"/channels/{thread.id}"]
        assert {"archived": False} in opened


async def test_open_reports_move_to_another_channel(world: World):
    """The old channel keeps nothing: perhaps it was the wrong one."""
    old = await reports_channel(world, "old")
    await paint(world, prompt="a lake")
    await report(world, world.bob)
    assert len(old.history()) == 1
    new = await reports_channel(world, "new")
    assert old.history() == []
    (card,) = new.history()
    assert "Dismiss" in labels(card)
    await world.moderator.click(card, label="Dismiss")
    await shown(world)
    (card,) = new.history()
    assert labels(card) == [] and old.history() == []


@pytest.mark.parametrize("way", ["choices", "picture", "words"])
async def test_prompts_are_read_off_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
):
    """Ten long ones take a tenth of a second, in which nobody else would be answered."""
    threads: set[str] = set()

    def spied(*arguments: Any) -> Any:
        threads.add(threading.current_thread().name)
        return compose(*arguments)

    for module in ("permutations", "image_to_image", "generation"):
        monkeypatch.setattr(f"bot.jobs.{module}.compose", spied)
    if way == "choices":
        asked = await ask(world, "{a, b} lake")
        await world.alice.click(asked.response.message, label="Paint 2 pictures")
    elif way == "picture":
        await began(world, "imagine", prompt="a lake", picture=PHOTO)
    else:
        await paint(world, prompt="a lake")
    await world.settled()
    assert world.charged() > 0
    assert threads and "MainThread" not in threads
