"""Names in place of codes in a prompt, in every way in which a prompt comes to the bot."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import discord
import pytest
import simcord.interactions

from bot.discord.interaction.mentions import MAX_LOOKUPS
from tests.bot.discord.forms import form_fields, open_remix
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import MENU, PHOTO
from tests.bot.discord.painting import paint, painted, run_command
from tests.bot.sample_pictures import a_picture

STRANGER = 123456789012345678
EMOJI = f"<:red_house:{STRANGER}>"
LONG_NUMBER = re.compile(r"\d{17}")


def lookups(harness: BotHarness) -> list[int]:
    """Return the ids of the members that the bot has fetched."""
    found = (re.search(r"/members/(\d+)$", each.path) for each in harness.env.http_requests)
    return [int(each[1]) for each in found if each]


@pytest.fixture
def send_names(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """A function that sets what Discord sends with interactions about mentioned people."""
    whole = simcord.interactions.base_payload
    resolved: dict[str, Any] = {}

    def base_payload(*args: Any, **kwargs: Any) -> Any:
        record, payload = whole(*args, **kwargs)
        return record, payload | {"data": payload["data"] | {"resolved": resolved}}

    monkeypatch.setattr(simcord.interactions, "base_payload", base_payload)
    return resolved.update


async def test_emoji_are_read_by_their_names(harness: BotHarness):
    """The model, the alt text, the history and the file name have the names of emoji, no ids."""
    await paint(
        harness, prompt=f"{EMOJI} in <a:deep_snow:{STRANGER}>", negative=f"{EMOJI}s", guidance=1.5
    )
    (request,) = painted(harness)
    assert request.prompt == "red house in deep snow"
    assert request.effective_prompt == "red house in deep snow"
    assert request.negative_prompt == "red house s"
    assert harness.rows("SELECT prompt FROM jobs") == [("red house in deep snow",)]
    requests = [r for r in harness.env.http_requests if r.method == "PATCH"]
    gallery = next(c for c in requests[-1].json["components"] if c["type"] == 12)
    assert gallery["items"][0]["description"] == "red house in deep snow"
    (file,) = harness.message_with_picture().attachments
    assert not LONG_NUMBER.search(file.filename)
    assert lookups(harness) == []


async def test_a_mentioned_member_is_looked_up_once(harness: BotHarness):
    """A member whom Discord did not name is fetched, once for all mentions of them."""
    text = f"<@{harness.bob.id}> and <@!{harness.bob.id}>, {harness.bob.id}"
    request = await run_command(harness, "imagine", prompt=text)
    assert request.prompt == "bob and bob, bob"
    assert lookups(harness) == [harness.bob.id]


async def test_whoever_asks_and_the_bot_need_no_lookup(harness: BotHarness):
    """The names of the requester and of the bot are known."""
    me = harness.app.client.user
    assert me is not None
    request = await run_command(
        harness, "imagine", prompt=f"<@{harness.alice.id}> meets <@{me.id}>"
    )
    assert request.prompt.startswith("alice meets ") and "somebody" not in request.prompt
    assert lookups(harness) == []


async def test_names_that_discord_sends_are_used(
    harness: BotHarness, send_names: Callable[[dict[str, Any]], None]
):
    """Nicknames, display names and user names come with the interaction; nobody is fetched."""
    named = {"11": ("carol_1", "Carol"), "12": ("dave_2", None), "13": ("erin_3", "Erin")}
    users = {
        user_id: {
            "id": user_id,
            "username": user_name,
            "global_name": shown,
            "discriminator": "0",
            "avatar": None,
        }
        for user_id, (user_name, shown) in named.items()
    }
    knight = {"nick": "The Knight", "roles": [], "joined_at": None, "flags": 0, "permissions": "0"}
    channel = {"id": "15", "name": "sea-side", "type": 0, "permissions": "0"}
    role = {"id": "14", "name": "Art-Mods", "permissions": "0"}
    send_names(
        {
            "users": users,
            "members": {"13": knight},
            "roles": {"14": role},
            "channels": {"15": channel},
        }
    )
    request = await run_command(
        harness, "imagine", prompt="<@11>, <@12>, <@!13> of <@&14> in <#15>"
    )
    assert request.prompt == "Carol, dave 2, The Knight of Art Mods in sea side"
    assert lookups(harness) == []


async def test_roles_and_channels_are_named_from_the_cache(harness: BotHarness):
    """Roles and channels of the server have their names, others are “a role” and “a channel”."""
    role = harness.guild.create_role("Snow_Artists")
    sea = harness.guild.create_text_channel("sea-side")
    text = f"<@&{role.id}> in <#{sea.id}>, <#{harness.channel.id}>, <@&{STRANGER}> in <#{STRANGER}>"
    request = await run_command(harness, "imagine", prompt=text)
    assert request.prompt == "Snow Artists in sea side, painting, a role in a channel"


async def test_the_name_of_a_hidden_channel_is_not_told(harness: BotHarness):
    """A channel that the member cannot see stays “a channel”; who sees it reads its name."""
    hidden = harness.guild.create_text_channel(
        "secret-plans",
        overwrites={
            harness.guild.default_role: discord.PermissionOverwrite(view_channel=False),
            harness.admin: discord.PermissionOverwrite(view_channel=True),
        },
    )
    request = await run_command(harness, "imagine", prompt=f"<#{hidden.id}> {hidden.id}")
    assert request.prompt == "a channel somebody"
    await paint(harness, harness.admin, prompt=f"<#{hidden.id}> {hidden.id}")
    assert painted(harness)[-1].prompt == "secret plans secret plans"


async def test_strangers_are_somebody(harness: BotHarness):
    """Who is no member here is “somebody”, and only so many people are looked up."""
    text = " ".join(f"<@{STRANGER + each}>" for each in range(MAX_LOOKUPS + 3))
    request = await run_command(harness, "imagine", prompt=text)
    assert request.prompt == " ".join(["somebody"] * (MAX_LOOKUPS + 3))
    assert len(lookups(harness)) == MAX_LOOKUPS


@pytest.mark.parametrize("status", [403, 404, 429, 500])
async def test_a_failing_lookup_is_no_failure(harness: BotHarness, status: int):
    """Whatever Discord answers to the lookup, the picture is painted and answered in time."""
    harness.env.inject_error("GET", "/guilds/*/members/*", status=status, times=None)
    before = time.monotonic()
    request = await run_command(harness, "imagine", prompt=f"<@{harness.bob.id}> on a horse")
    assert request.prompt == "somebody on a horse"
    assert time.monotonic() - before < 10


async def test_a_slow_lookup_does_not_keep_discord_waiting(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A name that does not come within a second is not waited for, and the request for it ends."""
    ended: list[int] = []

    async def slow(_guild: discord.Guild, user_id: int, /) -> discord.Member:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(user_id)
        raise AssertionError

    monkeypatch.setattr(discord.Guild, "fetch_member", slow)
    before = time.monotonic()
    result = await harness.alice.slash(
        harness.channel, "imagine", prompt=f"<@{harness.bob.id}> and <@{STRANGER}>"
    )
    assert time.monotonic() - before < 3
    assert result.acknowledged and ended == [harness.bob.id, STRANGER]
    await harness.settled()
    assert painted(harness)[-1].prompt == "somebody and somebody"


async def test_a_name_cannot_set_options(harness: BotHarness):
    """Whoever calls themselves like flags and choices only lends their letters to a prompt."""
    mallory = harness.guild.add_member(
        harness.env.create_user("mallory", global_name="{a, b} --private —seed 5 \\")
    )
    await paint(harness, prompt=f"<@{mallory.id}> in snow --seed 7")
    (request,) = painted(harness)
    assert (request.prompt, request.seed) == ("a b private seed 5 in snow", 7)
    assert harness.rows("SELECT private FROM jobs") == [(0,)]


async def test_nobody_is_pinged(harness: BotHarness):
    """No message about a prompt with mentions may notify anybody but its requester."""
    await paint(harness, prompt=f"<@{harness.bob.id}> <@&{harness.guild.id}> @everyone")
    for request in harness.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            body = request.json.get("data", request.json)
            if "components" in body:
                allowed = body["allowed_mentions"]
                assert allowed["parse"] == [] and str(harness.bob.id) not in str(allowed)
    assert painted(harness)[0].prompt == "bob everyone @everyone"


async def test_choices_keep_the_names(harness: BotHarness):
    """Mentions within braces are choices like other words."""
    asked = await harness.alice.slash(
        harness.channel, "imagine", prompt=f"{{<@{harness.bob.id}>, {EMOJI}}} in <t:1618953630:f>"
    )
    await harness.alice.click(asked.response.message, label="Paint 2 pictures")
    await harness.settled()
    assert {each.prompt for each in painted(harness)} == {
        "bob in 20 April 2021 at 21:20 UTC",
        "red house in 20 April 2021 at 21:20 UTC",
    }


# Other ways in


async def test_remix(harness: BotHarness):
    """The remix form reads codes in its prompt and its negative prompt, and /remix shows names in
    the form."""
    await paint(harness, prompt="a lake", seed=5)
    form = await open_remix(harness, harness.bob)
    typed = {"prompt": f"{EMOJI} of <@{harness.alice.id}>", "negative": EMOJI}
    await harness.bob.submit_modal(form, typed)
    await harness.settled()
    request = painted(harness)[-1]
    assert (request.prompt, request.negative_prompt) == ("red house of alice", "red house")
    assert request.guidance == 1.8
    shown = await harness.alice.slash(harness.channel, "remix", prompt=f"<@{harness.bob.id}>")
    assert form_fields(shown)["prompt"] == "bob"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("imagine", {"picture": PHOTO}),
        ("blend", {"first": PHOTO, "second": ("b.png", a_picture(30, 90))}),
        ("inpaint", {"picture": PHOTO, "mask": ("m.png", a_picture(600, 400, "white"))}),
    ],
)
async def test_commands_that_start_from_pictures(
    harness: BotHarness, command: str, options: dict[str, Any]
):
    """Commands with pictures read names as /imagine does."""
    request = await run_command(
        harness, command, prompt=f"{EMOJI} of <@{harness.bob.id}>", **options
    )
    assert request.prompt == "red house of bob"


async def test_the_form_of_paint_from_this(harness: BotHarness):
    """The form of the message menu reads names too."""
    message = await harness.bob.send(harness.channel, "look", attachments=[PHOTO])
    form = await harness.alice.context_menu(harness.channel, MENU, message)
    await harness.alice.submit_modal(form, {"prompt": f"{EMOJI} of <@{harness.bob.id}>"})
    await harness.settled()
    assert painted(harness)[-1].prompt == "red house of bob"


async def test_explain(harness: BotHarness):
    """/explain shows the prompt as the model would read it."""
    result = await harness.alice.slash(
        harness.channel, "explain", prompt=f"{EMOJI} of <@{harness.bob.id}> and {STRANGER}"
    )
    text = harness.texts(result.response.message)
    said = re.sub(r"</\w+:\d+>", "", text)  # links to commands are for the reader
    assert "red house of bob and somebody" in said and not LONG_NUMBER.search(said)
