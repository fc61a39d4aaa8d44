"""Report → card → verdict, as members and moderators meet them; and who is blocked."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import WAIT_S, BotHarness
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.test_fuzz import Fuzzer
from tests.fakes import ScriptedRenderer


async def shown(harness: BotHarness) -> None:
    """Wait until the moderators see what there is to see."""
    async with asyncio.timeout(WAIT_S):
        while harness.app.services.report_notifier.busy:
            await asyncio.sleep(0.01)
    await harness.env.settle()


async def hidden_channel(harness: BotHarness, name: str = "mods") -> Any:
    """A channel that moderators, admins and the bot see, and nobody else."""
    see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
    staff = dict.fromkeys((harness.moderator, harness.admin, harness.guild.me), see)
    everyone = {harness.guild.default_role: blind}
    return harness.guild.create_text_channel(name, overwrites=everyone | staff)


async def reports_channel(harness: BotHarness, name: str = "mods") -> Any:
    """The same, set for reports."""
    channel = await hidden_channel(harness, name)
    await harness.admin.slash(harness.channel, "admin reports channel", channel=channel)
    await shown(harness)
    return channel


async def report(harness: BotHarness, who: Any, reason: str = "", message: Any = None) -> Any:
    """Press Report on the newest picture and send the form in; the answer."""
    panel = await harness.more(who, message or harness.message_with_picture())
    form = await who.click(panel, label="Report")
    result = await who.submit_modal(form, {"reason": reason})
    await shown(harness)
    return result


def answer_to(harness: BotHarness, interaction: Any) -> str:
    """What was said to an interaction that was sent by hand."""
    return harness.env.backend.get_message(harness.channel.id, interaction.message_id).content


def labels(message: Any) -> list[str]:
    """The buttons of a card."""
    rows = [part for part in message.components if isinstance(part, discord.ActionRow)]
    parts = [part for row in rows for part in row.children]
    return [str(part.label) for part in parts if isinstance(part, discord.Button)]


def gallery(message: Any) -> list[Any]:
    """The pictures of a card."""
    found = [p for p in message.components if isinstance(p, discord.MediaGalleryComponent)]
    return [item for part in found for item in part.items]


# From the report to the card


async def test_a_report_reaches_the_moderators(harness: BotHarness):
    """The card: picture behind a spoiler, whose, who reported and why, where, what can be done."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    assert "Report" not in str((await harness.more(harness.alice, picture)).components)
    panel = await harness.more(harness.bob, picture)
    form = await harness.bob.click(panel, label="Report")
    assert form.modal["custom_id"] == "z1:report:1"
    result = await harness.bob.submit_modal(form, {"reason": "**@everyone** it hurts"})
    assert result.ephemeral and "Thank you" in result.response.content
    await shown(harness)
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
    assert labels(card) == ["Delete", "Delete and block", "Dismiss"]
    (item,) = gallery(card)
    assert item.spoiler and card.attachments[0].filename == "SPOILER_reported-1.png"
    post = next(
        r for r in harness.env.http_requests
        if r.method == "POST" and r.path == f"/channels/{mods.id}/messages"
    )  # fmt: skip
    assert post.json["allowed_mentions"]["parse"] == [] and post.json["enforce_nonce"]
    assert len(harness.channel.history()) == 1  # nothing of it where the picture stands


async def test_one_picture_has_one_card(harness: BotHarness):
    """Further reports join it; who reports twice is told, before the form and after."""
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
    assert card.attachments and labels(card)


async def test_one_of_several_is_reported_by_its_number(harness: BotHarness):
    """The menu behind More names each; the card says that all would go together."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake", count=3)
    panel = await harness.more(harness.bob, harness.message_with_picture())
    form = await harness.bob.select(panel, ["z1:report:2"])
    await harness.bob.submit_modal(form, {})
    await shown(harness)
    (card,) = mods.history()
    assert "#2" in harness.texts(card) and "one of 3 pictures" in harness.texts(card)
    await harness.moderator.click(card, label="Delete")
    await shown(harness)
    assert harness.channel.history() == []
    assert harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]


async def test_what_cannot_be_reported(harness: BotHarness):
    """One's own, private, deleted pictures and those that never were: a sentence, no case."""
    await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await harness.alice.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.settled()
    await paint(harness, prompt="gone")
    newest = harness.message_with_picture()
    await harness.alice.click(await harness.more(harness.alice, newest), label="Delete")
    fuzzer, message = Fuzzer(harness), harness.message_with_picture()
    for who, picture_id, said in (
        (harness.alice, 1, "your own"),
        (harness.bob, 2, "no picture"),
        (harness.bob, 3, "no picture"),
        (harness.bob, 99, "no picture"),
    ):
        pressed = await fuzzer.press(who, f"z1:report:{picture_id}", message=message)
        filled = await fuzzer.fill_in(who, f"z1:report:{picture_id}", "x")
        for each in (pressed, filled):
            assert each.ephemeral and said in answer_to(harness, each)
    assert harness.rows("SELECT * FROM cases") == []


async def test_reports_wait_for_a_channel(harness: BotHarness):
    """Without one the report is filed and the person told whom to ask; a channel shows it later."""
    await paint(harness, prompt="a lake")
    result = await report(harness, harness.bob, "why")
    assert result.ephemeral and "no channel for reports" in result.response.content
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    assert listed.ephemeral and "#1" in harness.texts(listed.response.message)
    assert "No channel is set" in harness.texts(listed.response.message)
    mods = await reports_channel(harness)
    (card,) = mods.history()
    assert "why" in harness.texts(card)
    off = await harness.admin.slash(harness.channel, "admin reports channel")
    assert "no longer posted in a channel" in off.response.content


# Verdicts


async def test_delete(harness: BotHarness):
    """The picture goes with its message and file; the card says who, and shows nothing of it."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    file = harness.settings.storage.data_dir / harness.rows("SELECT file FROM pictures")[0][0]
    await report(harness, harness.bob)
    (card,) = mods.history()
    await harness.moderator.click(card, label="Delete")
    await shown(harness)
    (card,) = mods.history()
    assert not file.exists() and harness.channel.history() == []
    assert card.attachments == [] and labels(card) == [] and gallery(card) == []
    assert f"<@{harness.moderator.id}> deleted" in harness.texts(card)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert harness.rows("SELECT * FROM blocks") == []
    assert harness.charged() == 1


async def test_delete_and_block(harness: BotHarness, renderer: ScriptedRenderer):
    """That, and its painter paints no more; what they wait for is cancelled and not charged."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    renderer.hold()
    for prompt in ("one", "two"):
        await harness.alice.slash(harness.channel, "imagine", prompt=prompt)
    await harness.bob.slash(harness.channel, "imagine", prompt="honest")
    await harness.state(2, "painting")
    (card,) = mods.history()
    await harness.moderator.click(card, label="Delete and block")
    renderer.release()
    await harness.settled()
    await shown(harness)
    states = harness.rows("SELECT id, state FROM jobs ORDER BY id")
    assert states == [(1, "painted"), (2, "cancelled"), (3, "cancelled"), (4, "painted")]
    assert harness.charged() == 2
    said = [harness.texts(each) for each in harness.channel.history()]
    assert sum("Cancelled" in each for each in said) == 2
    (card,) = mods.history()
    assert f"blocked <@{harness.alice.id}>" in harness.texts(card) and labels(card) == []
    assert harness.rows("SELECT user_id, blocked_by FROM blocks") == [
        (harness.alice.id, harness.moderator.id)
    ]
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="three")
    assert refused.ephemeral and "blocked you" in refused.response.content


async def test_dismiss(harness: BotHarness):
    """Nothing happens to the picture; a new report opens a new case with a card of its own."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob)
    await harness.moderator.click(mods.history()[0], label="Dismiss")
    await shown(harness)
    (card,) = mods.history()
    assert "nothing wrong" in harness.texts(card) and labels(card) == []
    assert gallery(card)[0].spoiler and card.attachments
    assert harness.message(picture.id).attachments
    await report(harness, harness.bob, "again", picture)
    assert len(mods.history()) == 2 and labels(mods.history()[1])
    assert harness.rows("SELECT verdict FROM cases ORDER BY id") == [("dismissed",), (None,)]


async def test_members_decide_nothing(harness: BotHarness):
    """A card that everybody sees is pressed by a member: refused in private, nothing moves."""
    await harness.admin.slash(harness.channel, "admin reports channel", channel=harness.channel)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob, "", picture)
    card = harness.channel.last_message
    for label in ("Delete", "Delete and block", "Dismiss"):
        refused = await harness.bob.click(card, label=label)
        assert refused.ephemeral and "permission" in refused.response.content
    assert harness.rows("SELECT verdict FROM cases") == [(None,)]
    assert harness.message(picture.id).attachments and labels(harness.channel.last_message)


async def test_two_moderators_at_once(harness: BotHarness):
    """One verdict holds, the other moderator hears whose; pressed again later it is the same."""
    await harness.admin.slash(harness.channel, "admin reports channel", channel=harness.channel)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob, "", picture)
    card, fuzzer = harness.channel.last_message, Fuzzer(harness)
    await asyncio.gather(
        fuzzer.press(harness.moderator, "z1:dismiss:1", message=card),
        fuzzer.press(harness.admin, "z1:deletereported:1", message=card),
    )
    late = await fuzzer.press(harness.admin, "z1:blockreported:1", message=card)
    await shown(harness)
    fuzzer.answered_once()
    ((verdict, by),) = harness.rows("SELECT verdict, resolved_by FROM cases")
    kept = harness.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL")
    assert kept == [(1,)] if verdict == "dismissed" else [(0,)]
    said = answer_to(harness, late)
    assert late.ephemeral and "faster" in said and f"<@{by}>" in said
    assert harness.rows("SELECT * FROM blocks") == []
    assert labels(harness.message(card.id)) == []


async def test_its_painter_may_be_first(harness: BotHarness):
    """Deleted by its own person, a reported picture can still be decided upon."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob)
    await harness.alice.click(
        await harness.more(harness.alice, harness.message_with_picture()), label="Delete"
    )
    (card,) = mods.history()
    await harness.moderator.click(card, label="Delete and block")
    await shown(harness)
    (card,) = mods.history()
    assert harness.rows("SELECT verdict FROM cases") == [("blocked",)] and card.attachments == []


async def test_a_case_is_decided_from_the_list(harness: BotHarness):
    """Where no channel shows it: Show in /admin reports list has the card, for one moderator."""
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "why")
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    opened = await harness.admin.click(listed.response.message, label="Show")
    assert opened.ephemeral
    card = opened.response.message
    assert "why" in harness.texts(card) and gallery(card)[0].spoiler
    await harness.admin.click(card, label="Delete")
    await shown(harness)
    assert "deleted picture #1" in harness.texts(opened.response.message)
    assert harness.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert harness.channel.history() == []
    late = await harness.admin.click(listed.response.message, label="Show")
    assert "deleted picture #1" in harness.texts(late.response.message)
    empty = await harness.admin.slash(harness.channel, "admin reports list")
    assert "no open reports" in harness.texts(empty.response.message)


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """Forms, cards, lists and verdicts: no body breaks Discord's own description."""
    mods = await reports_channel(harness)
    for label in ("Dismiss", "Delete", "Delete and block"):
        await paint(harness, prompt="@everyone **a lake** 一座湖")
        await report(harness, harness.bob, "x" * 500)
        await report(harness, harness.admin, "*_`~" * 125)
        listed = await harness.admin.slash(harness.channel, "admin reports list")
        await harness.admin.click(listed.response.message, label="Show")
        await harness.moderator.click(mods.history()[-1], label=label)
        await shown(harness)
    await harness.admin.slash(harness.channel, "admin blocked")
    api = ApiDescription()
    problems = [
        problem
        for request in harness.env.http_requests
        for problem in api.problems(request.method, request.path, request.json)
    ]
    assert problems == []
