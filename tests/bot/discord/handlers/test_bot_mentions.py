"""Whoever mentions the bot is told how to ask, where the owner wants that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.discord.client import create_client
from bot.discord.handlers import bot_mentions
from bot.discord.handlers.bot_mentions import IntervalLimit
from bot.settings import Settings
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import paint
from tests.bot.discord.views.samples.data import NO_SERVICES
from tests.fakes import ScriptedRenderer


@pytest.fixture
async def answering(data_dir: Path) -> AsyncIterator[BotHarness]:
    """The bot with answers to mentions."""
    renderer = ScriptedRenderer()
    async with open_harness(data_dir, renderer.load, discord={"answer_mentions": True}) as harness:
        yield harness


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit on how often mentions are answered."""
    monkeypatch.setattr(bot_mentions, "USER_INTERVAL_S", 0.0)
    monkeypatch.setattr(bot_mentions, "CHANNEL_INTERVAL_S", 0.0)


def mention(harness: BotHarness) -> str:
    """Return text that mentions the bot."""
    assert harness.app.client.user is not None
    return f"<@{harness.app.client.user.id}>"


async def answers(harness: BotHarness, channel: Any = None) -> list[Any]:
    """Return the bot's messages in a channel."""
    assert harness.app.client.user is not None
    await harness.env.settle()
    own_id = harness.app.client.user.id
    history = (channel or harness.channel).history()
    return [each for each in history if each.author.id == own_id]


@pytest.mark.parametrize("text", ["{} a red house", "{}", "hello {}, how do you work?"])
async def test_a_mention_is_answered_with_how_to_ask(answering: BotHarness, text: str):
    """The answer links to /imagine and /help, replies to the message, and notifies nobody."""
    asked = await answering.alice.send(answering.channel, text.format(mention(answering)))
    (said,) = await answers(answering)
    ids = {each.name: each.id for each in await answering.app.client.tree.fetch_commands()}
    assert f"</imagine:{ids['imagine']}>" in said.content
    assert f"</help:{ids['help']}>" in said.content
    assert said.reference is not None and said.reference.message_id == asked.id
    posts = [r for r in answering.env.http_requests if r.path.endswith("/messages")]
    allowed = posts[-1].json["allowed_mentions"]
    assert allowed["parse"] == [] and not allowed.get("replied_user")


async def test_other_messages_are_not_answered(unhurried: None, answering: BotHarness):
    """Without a mention of the bot, to everybody, in a reply to a picture, or from another bot,
    nothing is said."""
    await paint(answering, prompt="a lake")
    before = await answers(answering)
    send, channel = answering.alice.send, answering.channel
    await send(channel, "imagine a red house")
    await send(channel, f"<@{answering.bob.id}> @everyone @here")
    await send(channel, "lovely", reply_to=answering.message_with_picture())
    machine = answering.guild.add_member(answering.env.create_user("machine", bot=True))
    await machine.send(channel, f"{mention(answering)} a red house")
    assert await answers(answering) == before


async def test_one_person_is_answered_once_a_minute(answering: BotHarness):
    """Mentions in a row get one answer, in every channel; so do mentions of several people in one
    channel."""
    other = answering.guild.create_text_channel("other")
    for channel in (answering.channel, answering.channel, other):
        await answering.alice.send(channel, mention(answering))
    await answering.bob.send(answering.channel, mention(answering))
    assert len(await answers(answering)) == 1 and await answers(answering, other) == []
    await answering.bob.send(other, mention(answering))
    assert len(await answers(answering, other)) == 1


@pytest.mark.parametrize("lacks", ["send_messages", "read_message_history"])
async def test_where_it_may_not_write_nothing_is_sent(answering: BotHarness, lacks: str):
    """A channel in which the bot may not write gets no answer, and no request is made."""
    closed = answering.guild.create_text_channel(
        "closed",
        overwrites={answering.guild.me: discord.PermissionOverwrite(**{lacks: False})},
    )
    await answering.alice.send(closed, mention(answering))
    assert await answers(answering, closed) == []
    assert not [r for r in answering.env.http_requests if r.path.endswith(f"{closed.id}/messages")]


async def test_a_failing_answer_is_no_failure(unhurried: None, answering: BotHarness):
    """If Discord refuses the answer, the next mention is answered."""
    answering.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await answering.alice.send(answering.channel, mention(answering))
    assert await answers(answering) == []
    await answering.alice.send(answering.channel, mention(answering))
    assert len(await answers(answering)) == 1


async def test_a_server_that_is_not_served_gets_no_answer(data_dir: Path):
    """On servers that the settings leave out, the bot stays silent."""
    sections = {"answer_mentions": True, "guilds": [5]}
    async with open_harness(data_dir, ScriptedRenderer().load, discord=sections) as harness:
        await harness.alice.send(harness.channel, mention(harness))
        assert await answers(harness) == []


async def test_it_is_off_unless_it_is_set(harness: BotHarness):
    """By default no messages are received, and nobody is answered."""
    assert not Settings().discord.answer_mentions
    assert not harness.app.client.intents.guild_messages
    await harness.alice.send(harness.channel, mention(harness))
    assert await answers(harness) == []


async def test_no_privileged_intent_is_needed():
    """The intent for messages is the only one that answering adds, and it is not privileged."""
    intents: list[set[str]] = []
    for answers_mentions in (False, True):
        client = create_client(NO_SERVICES, answer_mentions=answers_mentions)
        intents.append({name for name, on in client.intents if on})
        await client.http.close()
    without, added = intents
    assert added - without == {"guild_messages"}
    assert not added & {"message_content", "members", "presences"}


def test_a_limit_remembers_only_so_many():
    """The interval holds for each id on its own, and the oldest ids are forgotten."""
    now = [0.0]
    limit = IntervalLimit(10.0, lambda: now[0])
    limit.take(1)
    assert not limit.is_free(1) and limit.is_free(2)
    now[0] = 9.9
    assert not limit.is_free(1)
    now[0] = 10.0
    assert limit.is_free(1)
    limit.take(1)
    for key in range(2, bot_mentions.REMEMBERED + 2):
        limit.take(key)
    assert limit.is_free(1) and not limit.is_free(2)
