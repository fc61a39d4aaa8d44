"""Remind me: offered where a quota is used up, set once, and kept as it was promised."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.bot.discord.direct_messages import picture_in_direct, press, shown_directly
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import WAIT_S, BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint, private_text
from tests.bot.discord.reports import answer_to

BACK = "has returned: you can paint again."


async def reminded(harness: BotHarness) -> None:
    """Let the sender of reminders look once."""
    sender = harness.app.services.reminder_sender
    sender.wake()
    async with asyncio.timeout(WAIT_S):
        while not sender.idle:
            await asyncio.sleep(0.01)
    await harness.env.settle()


async def used_up(harness: BotHarness, who: Any = None) -> Any:
    """Use Alice's quota of one picture up and ask for another; return the refusal."""
    await harness.admin.slash(
        harness.channel, "admin quota set", who=harness.alice, pictures=1, hours=3
    )
    await paint(harness, prompt="one")
    return await harness.alice.slash(harness.channel, "imagine", prompt="two")


async def remind(harness: BotHarness, refused: Any, who: Any = None) -> str:
    """Press Remind me on a refusal; return the answer, which only they see."""
    pressed = await (who or harness.alice).click(refused.response.message, label="Remind me")
    assert pressed.ephemeral
    return pressed.response.content


async def test_a_member_is_reminded_once(harness: BotHarness):
    """The refusal offers it, the answer says when, a second press that it is set; when the quota
    has returned, one direct message comes, over a restart."""
    refused = await used_up(harness)
    assert refused.ephemeral and "used up" in refused.response.content
    due = int(harness.clock.now.timestamp()) + 3 * 3600
    said = await remind(harness, refused)
    assert f"I will tell you <t:{due}:R>, by direct message." in said
    assert "I will mention you here" in said
    assert f"already set: I will tell you <t:{due}:R>" in await remind(harness, refused)
    await reminded(harness)
    assert shown_directly(harness) == []
    await harness.crash()
    harness.clock.advance(hours=3)
    await harness.start()
    await reminded(harness)
    (message,) = shown_directly(harness)
    text = harness.texts(message)
    assert f"Your quota on {harness.guild.name} {BACK}" in text
    assert "You asked me to remind you <t:" in text
    await reminded(harness)
    assert len(shown_directly(harness)) == 1
    assert harness.rows("SELECT * FROM quota_reminders") == []


async def test_one_that_was_being_sent_when_the_bot_died(harness: BotHarness):
    """After a restart the message is found on Discord and not sent again."""
    await remind(harness, await used_up(harness))
    harness.clock.advance(hours=3)
    await harness.crash()
    rows = harness.rows("SELECT * FROM quota_reminders")
    await harness.start()
    await reminded(harness)
    assert len(shown_directly(harness)) == 1
    await harness.crash()
    marks = ", ".join("NULL" if each is None else repr(each) for each in rows[0][:-1])
    at = int(harness.clock.now.timestamp() * 1_000_000)
    harness.change(f"INSERT INTO quota_reminders VALUES ({marks}, {at})")
    harness.clock.advance(minutes=30)
    await harness.start()
    await reminded(harness)
    assert len(shown_directly(harness)) == 1
    assert harness.rows("SELECT * FROM quota_reminders") == []


async def test_who_takes_no_direct_messages_is_mentioned(harness: BotHarness):
    """It comes in the channel where it was asked for, and pings nobody but them."""
    await remind(harness, await used_up(harness))
    where = f"/channels/{harness.alice.user.dm_channel.id}/messages"
    harness.env.inject_error("POST", where, status=403, code=50007)
    harness.clock.advance(hours=3)
    before = len(harness.channel.history())
    await reminded(harness)
    message = harness.channel.history()[-1]
    assert len(harness.channel.history()) == before + 1
    assert f"<@{harness.alice.id}>, your quota {BACK}" in harness.texts(message)
    posts = [
        each for each in harness.env.http_requests
        if each.method == "POST" and each.path == f"/channels/{harness.channel.id}/messages"
    ]  # fmt: skip
    mentions = posts[-1].json["allowed_mentions"]
    assert mentions["users"] == [str(harness.alice.id)] or mentions["users"] == [harness.alice.id]
    assert mentions["parse"] == [] and not mentions.get("roles")


async def test_a_grant_sends_it_early(harness: BotHarness):
    """Once an admin has granted a picture, the member is told at once."""
    await remind(harness, await used_up(harness))
    await harness.admin.slash(harness.channel, "admin quota grant", who=harness.alice, pictures=1)
    await reminded(harness)
    assert len(shown_directly(harness)) == 1
    await paint(harness, prompt="two")


async def test_erasing_forgets_it(harness: BotHarness):
    """Who erased their data is not reminded."""
    await remind(harness, await used_up(harness))
    asked = await harness.alice.slash(harness.channel, "privacy erase")
    await harness.alice.click(asked.response.message, label="Erase")
    assert harness.rows("SELECT * FROM quota_reminders") == []
    harness.clock.advance(hours=3)
    await reminded(harness)
    assert shown_directly(harness) == []


async def test_in_direct_messages(harness: BotHarness):
    """A press there that the server's quota does not allow offers it, too."""
    message = await picture_in_direct(harness)
    await harness.admin.slash(
        harness.channel, "admin quota set", who=harness.alice, pictures=1, hours=3
    )
    refused = await press(harness, message, "Reroll")
    assert "used up" in private_text(refused)
    said = refused.followups[-1] if refused.followups else refused.response
    pressed = await harness.alice.user.click(said.message, label="Remind me")
    assert "by direct message." in private_text(pressed)
    assert "mention you" not in private_text(pressed)
    harness.clock.advance(hours=3)
    before = len(shown_directly(harness))
    await reminded(harness)
    assert len(shown_directly(harness)) == before + 1


async def test_there_is_none_where_nothing_returns(harness: BotHarness):
    """A quota of nothing, and other refusals, offer no reminder."""
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.alice, limit="none")
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    assert "0 pictures" in refused.response.content
    assert refused.response.message.components == []
    refused = await harness.bob.slash(harness.channel, "imagine", prompt="x --ar 1:9999")
    assert "Remind me" not in str(refused.response.message.components)
    assert harness.rows("SELECT * FROM proposals WHERE wish LIKE '%remind%'") == []


async def test_offers_are_each_members_own(harness: BotHarness):
    """Another member's press, an offer that is an hour old and one that never was: one sentence."""
    refused = await used_up(harness)
    ((offer_id,),) = harness.rows("SELECT id FROM proposals WHERE wish LIKE '%remind%'")
    fuzzer = Fuzzer(harness)
    for row in (offer_id, 99):
        pressed = await fuzzer.press(harness.bob, marked(f"z1:remind:{row}"))
        assert "have expired" in answer_to(harness, pressed)
    harness.clock.advance(hours=1)
    assert "have expired" in await remind(harness, refused)
    assert harness.rows("SELECT * FROM quota_reminders") == []


async def test_a_quota_that_is_back_needs_none(harness: BotHarness):
    """A press after the quota has returned says so and sets nothing."""
    refused = await used_up(harness)
    await harness.admin.slash(harness.channel, "admin quota reset", who=harness.alice)
    assert "already returned" in await remind(harness, refused)
    assert harness.rows("SELECT * FROM quota_reminders") == []
