"""Report → card → verdict, as members and moderators meet them; and who is blocked."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import WAIT_S, World
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.test_fuzz import Fuzzer
from tests.fakes import ScriptedRenderer


async def shown(world: World) -> None:
    """Wait until the moderators see what there is to see."""
    async with asyncio.timeout(WAIT_S):
        while world.house.services.casework.busy:
            await asyncio.sleep(0.01)
    await world.env.settle()


async def hidden_channel(world: World, name: str = "mods") -> Any:
    """A channel that moderators, admins and the bot see, and nobody else."""
    see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
    staff = dict.fromkeys((world.moderator, world.admin, world.guild.me), see)
    everyone = {world.guild.default_role: blind}
    return world.guild.create_text_channel(name, overwrites=everyone | staff)


async def reports_channel(world: World, name: str = "mods") -> Any:
    """The same, set for reports."""
    channel = await hidden_channel(world, name)
    await world.admin.slash(world.channel, "admin reports channel", channel=channel)
    await shown(world)
    return channel


async def report(world: World, who: Any, reason: str = "", message: Any = None) -> Any:
    """Press Report on the newest picture and send the form in; the answer."""
    panel = await world.more(who, message or world.message_with_picture())
    form = await who.click(panel, label="Report")
    result = await who.submit_modal(form, {"reason": reason})
    await shown(world)
    return result


def answer_to(world: World, interaction: Any) -> str:
    """What was said to an interaction that was sent by hand."""
    return world.env.backend.get_message(world.channel.id, interaction.message_id).content


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


async def test_a_report_reaches_the_moderators(world: World):
    """The card: picture behind a spoiler, whose, who reported and why, where, what can be done."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    assert "Report" not in str((await world.more(world.alice, picture)).components)
    panel = await world.more(world.bob, picture)
    form = await world.bob.click(panel, label="Report")
    assert form.modal["custom_id"] == "z1:report:1"
    result = await world.bob.submit_modal(form, {"reason": "**@everyone** it hurts"})
    assert result.ephemeral and "Thank you" in result.response.content
    await shown(world)
    (card,) = mods.history()
    text = world.texts(card)
    for part in (
        f"<@{world.alice.id}>",
        f"<@{world.bob.id}>",
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
        r for r in world.env.http_requests
        if r.method == "POST" and r.path == f"/channels/{mods.id}/messages"
    )  # fmt: skip
    assert post.json["allowed_mentions"]["parse"] == [] and post.json["enforce_nonce"]
    assert len(world.channel.history()) == 1  # nothing of it where the picture stands


async def test_one_picture_has_one_card(world: World):
    """Further reports join it; who reports twice is told, before the form and after."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    panel = await world.more(world.bob, picture)
    first, second = [await world.bob.click(panel, label="Report") for _ in range(2)]
    await world.bob.submit_modal(first, {})
    again = await world.bob.submit_modal(second, {"reason": "again"})
    assert again.ephemeral and "already" in again.response.content
    pressed = await world.bob.click(panel, label="Report")
    assert pressed.ephemeral and "already" in pressed.response.content
    await report(world, world.admin, "me too", picture)
    (card,) = mods.history()
    text = world.texts(card)
    assert "2 reports" in text and "me too" in text and "no reason given" in text
    assert card.attachments and labels(card)


async def test_one_of_several_is_reported_by_its_number(world: World):
    """The menu behind More names each; the card says that all would go together."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake", count=3)
    panel = await world.more(world.bob, world.message_with_picture())
    form = await world.bob.select(panel, ["z1:report:2"])
    await world.bob.submit_modal(form, {})
    await shown(world)
    (card,) = mods.history()
    assert "#2" in world.texts(card) and "one of 3 pictures" in world.texts(card)
    await world.moderator.click(card, label="Delete")
    await shown(world)
    assert world.channel.history() == []
    assert world.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL") == [(0,)]


async def test_what_cannot_be_reported(world: World):
    """One's own, private, deleted pictures and those that never were: a sentence, no case."""
    await reports_channel(world)
    await paint(world, prompt="a lake")
    await world.alice.slash(world.channel, "imagine", prompt="hush", private=True)
    await world.settled()
    await paint(world, prompt="gone")
    newest = world.message_with_picture()
    await world.alice.click(await world.more(world.alice, newest), label="Delete")
    fuzzer, message = Fuzzer(world), world.message_with_picture()
    for who, picture_id, said in (
        (world.alice, 1, "your own"),
        (world.bob, 2, "no picture"),
        (world.bob, 3, "no picture"),
        (world.bob, 99, "no picture"),
    ):
        pressed = await fuzzer.press(who, f"z1:report:{picture_id}", message=message)
        filled = await fuzzer.fill_in(who, f"z1:report:{picture_id}", "x")
        for each in (pressed, filled):
            assert each.ephemeral and said in answer_to(world, each)
    assert world.rows("SELECT * FROM cases") == []


async def test_reports_wait_for_a_channel(world: World):
    """Without one the report is filed and the person told whom to ask; a channel shows it later."""
    await paint(world, prompt="a lake")
    result = await report(world, world.bob, "why")
    assert result.ephemeral and "no place for reports" in result.response.content
    listed = await world.admin.slash(world.channel, "admin reports list")
    assert listed.ephemeral and "#1" in world.texts(listed.response.message)
    assert "No channel is set" in world.texts(listed.response.message)
    mods = await reports_channel(world)
    (card,) = mods.history()
    assert "why" in world.texts(card)
    off = await world.admin.slash(world.channel, "admin reports channel")
    assert "no channel from now on" in off.response.content


# Verdicts


async def test_delete(world: World):
    """The picture goes with its message and file; the card says who, and shows nothing of it."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    file = world.settings.storage.data_dir / world.rows("SELECT file FROM pictures")[0][0]
    await report(world, world.bob)
    (card,) = mods.history()
    await world.moderator.click(card, label="Delete")
    await shown(world)
    (card,) = mods.history()
    assert not file.exists() and world.channel.history() == []
    assert card.attachments == [] and labels(card) == [] and gallery(card) == []
    assert f"<@{world.moderator.id}> deleted" in world.texts(card)
    assert world.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert world.rows("SELECT * FROM blocks") == []
    assert world.charged() == 1


async def test_delete_and_block(world: World, painter: ScriptedRenderer):
    """That, and its painter paints no more; what they wait for is cancelled and not charged."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    await report(world, world.bob)
    painter.hold()
    for prompt in ("one", "two"):
        await world.alice.slash(world.channel, "imagine", prompt=prompt)
    await world.bob.slash(world.channel, "imagine", prompt="honest")
    await world.state(2, "painting")
    (card,) = mods.history()
    await world.moderator.click(card, label="Delete and block")
    painter.release()
    await world.settled()
    await shown(world)
    states = world.rows("SELECT id, state FROM jobs ORDER BY id")
    assert states == [(1, "painted"), (2, "cancelled"), (3, "cancelled"), (4, "painted")]
    assert world.charged() == 2
    said = [world.texts(each) for each in world.channel.history()]
    assert sum("Cancelled" in each for each in said) == 2
    (card,) = mods.history()
    assert f"blocked <@{world.alice.id}>" in world.texts(card) and labels(card) == []
    assert world.rows("SELECT user_id, blocked_by FROM blocks") == [
        (world.alice.id, world.moderator.id)
    ]
    refused = await world.alice.slash(world.channel, "imagine", prompt="three")
    assert refused.ephemeral and "blocked you" in refused.response.content


async def test_dismiss(world: World):
    """Nothing happens to the picture; a new report opens a new case with a card of its own."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    await report(world, world.bob)
    await world.moderator.click(mods.history()[0], label="Dismiss")
    await shown(world)
    (card,) = mods.history()
    assert "nothing wrong" in world.texts(card) and labels(card) == []
    assert gallery(card)[0].spoiler and card.attachments
    assert world.message(picture.id).attachments
    await report(world, world.bob, "again", picture)
    assert len(mods.history()) == 2 and labels(mods.history()[1])
    assert world.rows("SELECT verdict FROM cases ORDER BY id") == [("dismissed",), (None,)]


async def test_members_decide_nothing(world: World):
    """A card that everybody sees is pressed by a member: refused in private, nothing moves."""
    await world.admin.slash(world.channel, "admin reports channel", channel=world.channel)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    await report(world, world.bob, "", picture)
    card = world.channel.last_message
    for label in ("Delete", "Delete and block", "Dismiss"):
        refused = await world.bob.click(card, label=label)
        assert refused.ephemeral and "right" in refused.response.content
    assert world.rows("SELECT verdict FROM cases") == [(None,)]
    assert world.message(picture.id).attachments and labels(world.channel.last_message)


async def test_two_moderators_at_once(world: World):
    """One verdict holds, the other moderator hears whose; pressed again later it is the same."""
    await world.admin.slash(world.channel, "admin reports channel", channel=world.channel)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    await report(world, world.bob, "", picture)
    card, fuzzer = world.channel.last_message, Fuzzer(world)
    await asyncio.gather(
        fuzzer.press(world.moderator, "z1:dismiss:1", message=card),
        fuzzer.press(world.admin, "z1:deletereported:1", message=card),
    )
    late = await fuzzer.press(world.admin, "z1:blockreported:1", message=card)
    await shown(world)
    fuzzer.answered_once()
    ((verdict, by),) = world.rows("SELECT verdict, resolved_by FROM cases")
    kept = world.rows("SELECT count(*) FROM pictures WHERE deleted_at IS NULL")
    assert kept == [(1,)] if verdict == "dismissed" else [(0,)]
    said = answer_to(world, late)
    assert late.ephemeral and "faster" in said and f"<@{by}>" in said
    assert world.rows("SELECT * FROM blocks") == []
    assert labels(world.message(card.id)) == []


async def test_its_painter_may_be_first(world: World):
    """Deleted by its own person, a reported picture can still be decided upon."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    await report(world, world.bob)
    await world.alice.click(
        await world.more(world.alice, world.message_with_picture()), label="Delete"
    )
    (card,) = mods.history()
    await world.moderator.click(card, label="Delete and block")
    await shown(world)
    (card,) = mods.history()
    assert world.rows("SELECT verdict FROM cases") == [("blocked",)] and card.attachments == []


async def test_a_case_is_decided_from_the_list(world: World):
    """Where no channel shows it: Show in /admin reports list has the card, for one moderator."""
    await paint(world, prompt="a lake")
    await report(world, world.bob, "why")
    listed = await world.admin.slash(world.channel, "admin reports list")
    opened = await world.admin.click(listed.response.message, label="Show")
    assert opened.ephemeral
    card = opened.response.message
    assert "why" in world.texts(card) and gallery(card)[0].spoiler
    await world.admin.click(card, label="Delete")
    await shown(world)
    assert "deleted picture #1" in world.texts(opened.response.message)
    assert world.rows("SELECT verdict FROM cases") == [("deleted",)]
    assert world.channel.history() == []
    late = await world.admin.click(listed.response.message, label="Show")
    assert "deleted picture #1" in world.texts(late.response.message)
    empty = await world.admin.slash(world.channel, "admin reports list")
    assert "No report waits" in world.texts(empty.response.message)


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(world: World):
    """Forms, cards, lists and verdicts: no body breaks Discord's own description."""
    mods = await reports_channel(world)
    for label in ("Dismiss", "Delete", "Delete and block"):
        await paint(world, prompt="@everyone **a lake** 一座湖")
        await report(world, world.bob, "x" * 500)
        await report(world, world.admin, "*_`~" * 125)
        listed = await world.admin.slash(world.channel, "admin reports list")
        await world.admin.click(listed.response.message, label="Show")
        await world.moderator.click(mods.history()[-1], label=label)
        await shown(world)
    await world.admin.slash(world.channel, "admin blocked")
    api = ApiDescription()
    problems = [
        problem
        for request in world.env.http_requests
        for problem in api.problems(request.method, request.path, request.json)
    ]
    assert problems == []
