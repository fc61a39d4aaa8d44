"""From a report to its card and verdict, for members and moderators."""

from __future__ import annotations

import asyncio

import pytest
from simcord.builders import UserHandle

from bot.accounts.permissions import Actor
from bot.discord.views.custom_ids import ComponentAction
from storage.types import Verdict
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import paint
from tests.bot.discord.reports import (
    answer_to,
    button_labels,
    gallery_items,
    report,
    reports_channel,
    reports_shown,
)
from tests.fakes import ScriptedRenderer

# From a report to its card


async def test_a_report_reaches_the_moderators(harness: BotHarness):
    """The card shows the picture as a spoiler, its author, the reporters, the reasons and the
    buttons."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    assert "Report" not in str((await harness.more(harness.alice, picture)).components)
    panel = await harness.more(harness.bob, picture)
    form = await harness.bob.click(panel, label="Report")
    assert form.modal["custom_id"] == marked("z1:report:1")
    result = await harness.bob.submit_modal(form, {"reason": "**@everyone** it hurts"})
    assert result.ephemeral and "Thank you" in result.response.content
    await reports_shown(harness)
    (card,) = mods.history()
    text = harness.texts(card)
    for part in (
        f"<@{harness.alice.id}>",
        f"<@{harness.bob.id}>",
        "it hurts",
        "a lake",
        picture.jump_url,
    ):
        assert part in text, part
    assert "@everyone" not in text and "**@" not in text
    assert button_labels(card) == [
        *("Delete", "Delete and block", "Dismiss"),
        *("Decide with a reason", "Answer the reporters", "Never paint from this picture"),
    ]
    (item,) = gallery_items(card)
    assert item.spoiler and card.attachments[0].filename == "SPOILER_reported-1.png"
    post = next(
        r for r in harness.env.http_requests
        if r.method == "POST" and r.path == f"/channels/{mods.id}/messages"
    )  # fmt: skip
    assert post.json["allowed_mentions"]["parse"] == [] and post.json["enforce_nonce"]
    assert len(harness.channel.history()) == 1  # the picture's channel shows nothing of it


async def test_one_picture_has_one_card(harness: BotHarness):
    """Further reports are added to the card; reporting twice is refused, before and after the
    form."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    panel = await harness.more(harness.bob, picture)
    first, second = [await harness.bob.click(panel, label="Report") for _ in range(2)]
    await harness.bob.submit_modal(first, {})
    again = await harness.bob.submit_modal(second, {"reason": "again"})
    assert again.ephemeral and "already" in again.response.content
    pressed = await harness.bob.click(panel, label="Report")
    assert pressed.ephemeral and "already" in pressed.response.content
    await report(harness, harness.admin, "me too", picture)
    (card,) = mods.history()
    text = harness.texts(card)
    assert "2 reports" in text and "me too" in text and "no reason given" in text
    assert card.attachments and button_labels(card)


async def test_one_of_several_is_reported_by_its_number(harness: BotHarness):
    """Each picture of a series can be reported; the card says that all would be deleted."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake", count=3)
    panel = await harness.more(harness.bob, harness.message_with_picture())
    await harness.bob.click(panel, label="Picture 2")
    form = await harness.bob.click(panel, label="Report")
    await harness.bob.submit_modal(form, {})
    await reports_shown(harness)
    (card,) = mods.history()
    assert "#2" in harness.texts(card) and "one of 3 pictures" in harness.texts(card)
    asked = await harness.moderator.click(card, label="Delete")
    assert "Delete these 3 pictures" in harness.texts(asked.response.message)
    await harness.moderator.click(asked.response.message, label="Delete")
    await reports_shown(harness)
    assert harness.channel.history() == []
    assert harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]


async def test_what_cannot_be_reported(harness: BotHarness):
    """Own, private, deleted and unknown pictures cannot be reported."""
    await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    await paint(harness, prompt="gone")
    newest = harness.message_with_picture()
    await harness.delete(harness.alice, newest)
    fuzzer, message = Fuzzer(harness), harness.message_with_picture()
    for who, picture_id, said in (
        (harness.alice, 1, "your own"),
        (harness.bob, 2, "no picture"),
        (harness.bob, 3, "no picture"),
        (harness.bob, 99, "no picture"),
    ):
        pressed = await fuzzer.press(who, marked(f"z1:report:{picture_id}"), message=message)
        filled = await fuzzer.fill_in(who, marked(f"z1:report:{picture_id}"), "x")
        for each in (pressed, filled):
            assert each.ephemeral and said in answer_to(harness, each)
    assert harness.rows("SELECT * FROM cases") == []


async def test_reports_wait_for_a_channel(harness: BotHarness):
    """Without a reports channel a report is filed anyway, and posted once a channel is set."""
    await paint(harness, prompt="a lake")
    result = await report(harness, harness.bob, "why")
    assert result.ephemeral and "no channel for reports" in result.response.content
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    assert listed.ephemeral and "#1" in harness.texts(listed.response.message)
    assert "No channel is set" in harness.texts(listed.response.message)
    mods = await reports_channel(harness)
    (card,) = mods.history()
    assert "why" in harness.texts(card)
    panel = await harness.admin.slash(harness.channel, "admin log", event="reports")
    await harness.pick(harness.admin, panel.response.message, ComponentAction.LOG_CHANNEL)
    assert "no longer posted in a channel" in harness.texts(panel.response.message)
    assert harness.rows("SELECT * FROM log_channels") == []


# Verdicts


async def test_delete(harness: BotHarness):
    """Delete asks back privately, then removes the picture with its message and file; card and
    question name the moderator."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    file = harness.settings.storage.data_dir / harness.rows("SELECT file FROM pictures")[0][0]
    await report(harness, harness.bob)
    (card,) = mods.history()
    asked = await harness.moderator.click(card, label="Delete")
    question = asked.response.message
    assert asked.ephemeral and "This cannot be undone" in harness.texts(question)
    assert "a lake" in harness.texts(question) and button_labels(question) == ["Delete", "Keep"]
    assert file.exists() and button_labels(mods.history()[0])
    await harness.moderator.click(question, label="Delete")
    await reports_shown(harness)
    assert "deleted picture #1" in harness.texts(asked.response.message)
    assert button_labels(asked.response.message) == []
    (card,) = mods.history()
    assert not file.exists() and harness.channel.history() == []
    assert card.attachments == [] and button_labels(card) == [] and gallery_items(card) == []
    assert f"<@{harness.moderator.id}> deleted" in harness.texts(card)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert harness.rows("SELECT * FROM blocks") == []
    assert harness.charged() == 1


async def test_keep(harness: BotHarness):
    """Whoever keeps the picture after all has decided nothing."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    asked = await harness.moderator.click(mods.history()[0], label="Delete")
    await harness.moderator.click(asked.response.message, label="Keep")
    assert "Nothing was deleted" in harness.texts(asked.response.message)
    await reports_shown(harness)
    assert harness.rows("SELECT verdict FROM cases") == [(None,)]
    assert button_labels(mods.history()[0]) and harness.message_with_picture().attachments


async def test_another_moderator_was_faster(harness: BotHarness):
    """A question that is answered too late says who decided, and what; nothing is deleted."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    (card,) = mods.history()
    first, second = [await harness.moderator.click(card, label="Delete") for _ in range(2)]
    await harness.admin.click(card, label="Dismiss")
    await harness.moderator.click(first.response.message, label="Delete")
    said = harness.texts(first.response.message)
    assert "already been decided" in said and f"<@{harness.admin.id}>" in said
    assert button_labels(first.response.message) == []
    stale = await Fuzzer(harness).press(
        harness.moderator, marked("z1:deletereported:1"), message=harness.message_with_picture()
    )
    assert stale.ephemeral and "already been decided" in answer_to(harness, stale)
    await harness.moderator.click(second.response.message, label="Delete")
    assert "already been decided" in harness.texts(second.response.message)
    assert harness.message_with_picture().attachments
    assert harness.rows("SELECT verdict FROM cases") == [("dismissed",)]


async def test_a_verdict_pressed_twice(harness: BotHarness):
    """Who decided is not told that it was another moderator."""
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "odd")
    message, fuzzer = harness.message_with_picture(), Fuzzer(harness)
    await harness.app.services.reports.decide(
        Actor(harness.moderator.id, harness.guild.id, 1, manages_messages=True),
        1,
        Verdict.DISMISSED,
    )
    pressed = await fuzzer.press(harness.moderator, marked("z1:dismiss:1"), message=message)
    said = answer_to(harness, pressed)
    assert "nother" not in said and f"<@{harness.moderator.id}>" in said


async def test_nobody_else_confirms(harness: BotHarness):
    """Who may not judge cannot confirm a deletion either, whatever they press."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    fuzzer, message = Fuzzer(harness), harness.message_with_picture()
    pressed = await fuzzer.press(harness.bob, marked("z1:erasereported:1"), message=message)
    assert pressed.ephemeral and "permission" in answer_to(harness, pressed)
    assert harness.rows("SELECT verdict FROM cases") == [(None,)] and button_labels(
        mods.history()[0]
    )


async def test_delete_and_block(harness: BotHarness, renderer: ScriptedRenderer):
    """Delete and block also blocks the author and cancels their jobs without a charge."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    renderer.hold()
    for prompt in ("one", "two"):
        await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    await harness.bob.slash(harness.channel, "imagine", prompt="honest")
    await harness.state(2, "painting")
    (card,) = mods.history()
    form = await harness.moderator.click(card, label="Delete and block")
    assert harness.rows("SELECT * FROM blocks") == []  # it asks for the reason first
    await harness.moderator.submit_modal(form, {"reason": "**spam**"})
    renderer.release()
    await harness.settled()
    await reports_shown(harness)
    states = harness.rows("SELECT id, state FROM jobs ORDER BY id")
    assert states == [(1, "painted"), (2, "cancelled"), (3, "cancelled"), (4, "painted")]
    assert harness.charged() == 2
    said = [harness.texts(each) for each in harness.channel.history()]
    assert sum("Cancelled" in each for each in said) == 2
    (card,) = mods.history()
    assert f"blocked <@{harness.alice.id}>" in harness.texts(card) and button_labels(card) == []
    assert harness.rows("SELECT user_id, blocked_by, reason FROM blocks") == [
        (harness.alice.id, harness.moderator.id, "**spam**")
    ]
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="three")
    assert refused.ephemeral and "blocked you" in refused.response.content
    assert "spam" in refused.response.content
    listed = await harness.moderator.slash(harness.channel, "moderation blocked")
    assert f"<@{harness.alice.id}>" in harness.texts(listed.response.message)
    await harness.moderator.slash(harness.channel, "moderation unblock", who=harness.alice)
    assert harness.rows("SELECT * FROM blocks") == []
    assert "moderation" not in harness.alice.available_commands(harness.channel)


async def test_nobody_blocks_upwards(harness: BotHarness):
    """Neither the button nor the commands block the bot, the server's owner, or somebody whose
    highest role is not below that of who asks; nothing is deleted either."""
    mods = await reports_channel(harness)
    await paint(harness, harness.admin, prompt="a lake")
    await report(harness, harness.bob)
    (card,) = mods.history()
    refused = await harness.moderator.click(card, label="Delete and block")
    assert refused.modal is None and "not below yours" in refused.response.content
    form = await Fuzzer(harness).fill_in(harness.moderator, marked("z1:blockreported:1"), "x")
    assert form.ephemeral and "not below yours" in answer_to(harness, form)
    bot = UserHandle(harness.env, harness.env.backend.get_user(harness.guild.me.id))
    ways = (("moderation block", harness.moderator), ("admin block", harness.admin))
    for who in (harness.admin, bot, harness.guild.owner):
        for command, by in ways:
            result = await by.slash(harness.channel, command, who=who)
            assert result.ephemeral and "You cannot block" in result.response.content, command
    assert harness.rows("SELECT * FROM blocks") == []
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NOT NULL") == []
    await harness.admin.slash(harness.channel, "admin block", who=harness.moderator)
    assert harness.rows("SELECT user_id FROM blocks") == [(harness.moderator.id,)]


async def test_dismiss(harness: BotHarness):
    """Dismiss leaves the picture; a new report gets a new card."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob)
    await harness.moderator.click(mods.history()[0], label="Dismiss")
    await reports_shown(harness)
    (card,) = mods.history()
    assert "nothing wrong" in harness.texts(card) and button_labels(card) == []
    assert gallery_items(card)[0].spoiler and card.attachments
    assert harness.message(picture.id).attachments
    await report(harness, harness.bob, "again", picture)
    assert len(mods.history()) == 2 and button_labels(mods.history()[1])
    assert harness.rows("SELECT verdict FROM cases ORDER BY id") == [("dismissed",), (None,)]


async def test_members_decide_nothing(harness: BotHarness):
    """Members cannot decide, even on a card that they can see."""
    await harness.admin.slash(
        harness.channel, "admin log", event="reports", channel=harness.channel
    )
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob, "", picture)
    card = harness.channel.last_message
    for label in ("Delete", "Delete and block", "Dismiss"):
        refused = await harness.bob.click(card, label=label)
        assert refused.ephemeral and "permission" in refused.response.content
    assert harness.rows("SELECT verdict FROM cases") == [(None,)]
    assert harness.message(picture.id).attachments and button_labels(harness.channel.last_message)


async def test_two_moderators_at_once(harness: BotHarness):
    """Of two simultaneous verdicts one holds, and the other moderator is told whose."""
    await harness.admin.slash(
        harness.channel, "admin log", event="reports", channel=harness.channel
    )
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob, "", picture)
    card, fuzzer = harness.channel.last_message, Fuzzer(harness)
    await asyncio.gather(
        fuzzer.press(harness.moderator, marked("z1:dismiss:1"), message=card),
        fuzzer.press(harness.admin, marked("z1:erasereported:1"), message=card),
    )
    late = await fuzzer.press(harness.admin, marked("z1:blockreported:1"), message=card)
    await reports_shown(harness)
    fuzzer.answered_once()
    ((verdict, by),) = harness.rows("SELECT verdict, resolved_by FROM cases")
    kept = harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL")
    assert kept == [(1,)] if verdict == "dismissed" else [(0,)]
    said = answer_to(harness, late)
    assert late.ephemeral and "already been decided" in said and f"<@{by}>" in said
    assert harness.rows("SELECT * FROM blocks") == []
    assert button_labels(harness.message(card.id)) == []


async def test_its_painter_may_be_first(harness: BotHarness):
    """A report can be decided after its author deleted the picture."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    await harness.delete(harness.alice, harness.message_with_picture())
    (card,) = mods.history()
    form = await harness.moderator.click(card, label="Delete and block")
    await harness.moderator.submit_modal(form, {})
    await reports_shown(harness)
    (card,) = mods.history()
    assert harness.rows("SELECT verdict FROM cases") == [("blocked",)] and card.attachments == []


async def test_its_painter_deletes_it_while_it_is_asked(harness: BotHarness):
    """A confirmed deletion of what is gone by then is a verdict like any other."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    asked = await harness.moderator.click(mods.history()[0], label="Delete")
    await harness.delete(harness.alice, harness.message_with_picture())
    await harness.moderator.click(asked.response.message, label="Delete")
    await reports_shown(harness)
    assert "deleted picture #1" in harness.texts(asked.response.message)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]


async def test_what_is_gone_is_decided_at_once(harness: BotHarness):
    """Where nothing can be lost any more, Delete does not ask back."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    await harness.delete(harness.alice, harness.message_with_picture())
    await harness.moderator.click(mods.history()[0], label="Delete")
    await reports_shown(harness)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert button_labels(mods.history()[0]) == []


async def test_a_case_is_decided_from_the_list(harness: BotHarness):
    """Without a channel, Show in /admin reports list opens the card for one moderator."""
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "why")
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    opened = await harness.admin.click(listed.response.message, label="Show")
    assert opened.ephemeral
    card = opened.response.message
    assert "why" in harness.texts(card) and gallery_items(card)[0].spoiler
    await harness.admin.click(card, label="Delete")
    assert button_labels(opened.response.message) == ["Delete", "Keep"]  # in place of the card
    assert gallery_items(opened.response.message) == []
    await harness.admin.click(opened.response.message, label="Delete")
    await reports_shown(harness)
    assert "deleted picture #1" in harness.texts(opened.response.message)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert harness.channel.history() == []
    late = await harness.admin.click(listed.response.message, label="Show")
    assert "deleted picture #1" in harness.texts(late.response.message)
    empty = await harness.admin.slash(harness.channel, "admin reports list")
    assert "no open reports" in harness.texts(empty.response.message)


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """Forms, cards, lists and verdicts are valid by Discord's description."""
    mods = await reports_channel(harness)
    for label in ("Dismiss", "Delete", "Delete and block"):
        await paint(harness, prompt="@everyone **a lake** 一座湖")
        await report(harness, harness.bob, "x" * 500)
        await report(harness, harness.admin, "*_`~" * 125)
        listed = await harness.admin.slash(harness.channel, "admin reports list")
        await harness.admin.click(listed.response.message, label="Show")
        asked = await harness.moderator.click(mods.history()[-1], label=label)
        if label == "Delete":
            await harness.moderator.click(asked.response.message, label=label)
        await reports_shown(harness)
    await harness.admin.slash(harness.channel, "admin blocked")
    api = ApiDescription()
    problems = [
        problem
        for request in harness.env.http_requests
        for problem in api.problems(request.method, request.path, request.json)
    ]
    assert problems == []
