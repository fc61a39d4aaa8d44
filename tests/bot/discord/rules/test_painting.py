"""Rules hold in every way of painting, before anything is charged, and say which they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord

from engine.sketch import MODEL_DIR
from tests.bot.discord.access_rules import answer, rule
from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.direct_messages import picture_in_direct, press, shown_directly
from tests.bot.discord.every_way import ways_to_paint
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.painting import paint, painted, private_text
from tests.fakes import ScriptedRenderer


async def test_a_blocked_channel_names_one_where_painting_is_allowed(harness: BotHarness) -> None:
    """Only the allowed channel and its threads paint; elsewhere, the refusal names the rule and
    that channel, and nothing is charged."""
    art = harness.guild.create_text_channel("art")
    said = await rule(harness, "paint", "allow", where=art)
    assert "allowed" in said and "Nothing blocks painting yet" in said
    assert "From now on for this server: Painting: blocked" in await rule(harness, "paint", "block")
    refused = await answer(harness)
    assert "there is a rule for the whole server" in refused
    assert f"You can do this in <#{art.id}>." in refused and "Nothing was charged." in refused
    assert harness.rows("SELECT count(*) FROM jobs") == [(0,)]
    await change_settings(harness, delivery="thread")
    assert await answer(harness, where=art) == ""
    (thread,) = art.threads
    assert await answer(harness, where=thread) == ""
    assert harness.charged() == 2


async def test_a_rule_for_a_forum_holds_in_its_posts(harness: BotHarness) -> None:
    """As one for a channel does in its threads; other channels are not concerned."""
    forum = harness.guild.create_forum_channel("showcase")
    await harness.env.settle()
    channel = harness.app.client.get_channel(forum.id)
    assert isinstance(channel, discord.ForumChannel)
    await channel.create_thread(name="cats", content="Show your cats")
    (post,) = forum.threads
    assert await answer(harness, where=post) == ""
    assert f"<#{forum.id}>" in await rule(harness, "paint", "block", where=forum)
    assert f"Nobody may paint in <#{forum.id}>" in await answer(harness, where=post)
    assert await answer(harness) == "" and harness.charged() == 2
    await rule(harness, "paint", "allow", where=forum)
    await rule(harness, "paint", "block")
    assert f"You can do this in <#{forum.id}>." in await answer(harness)
    assert await answer(harness, where=post) == ""


async def test_a_channel_that_the_member_cannot_see_is_not_named(harness: BotHarness) -> None:
    """A refusal names no channel that is hidden from its reader."""
    blind = discord.PermissionOverwrite(view_channel=False)
    hidden = harness.guild.create_text_channel("hidden", overwrites={harness.alice: blind})
    await rule(harness, "paint", "allow", where=hidden)
    await rule(harness, "paint", "block", where=harness.channel)
    refused = await answer(harness)
    assert f"<#{hidden.id}>" not in refused
    assert "in the other channels of this server" in refused


async def test_every_way_of_painting_is_refused(harness: BotHarness) -> None:
    """Commands, buttons, forms and presets are refused alike by a rule for the channel, the
    member's role or the member, and nothing of it is charged."""
    await harness.alice.slash(harness.channel, "preset save", name="mine", settings="soft --ar 1:1")
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    forms = [await harness.alice.slash(harness.channel, "remix") for _ in range(2)]
    role = harness.guild.create_role("artists")
    bob = harness.guild.add_member(harness.env.create_user("artist"), roles=[role])
    for subject, who, said in (
        ({"where": harness.channel}, harness.alice, f"Nobody may paint in <#{harness.channel.id}>"),
        ({"who": role}, bob, f"there is a rule for your role <@&{role.id}>"),
        ({"who": harness.alice}, harness.alice, "there is a rule for you"),
    ):
        await rule(harness, "paint", "block", **subject)
        for options in (
            {},
            {"preset": "mine"} if who is harness.alice else {},
            {"private": True},
            {"prompt": "a {fox, cat}"},
            {"prompt": "a lake", "picture": PHOTO},
        ):
            assert said in await answer(harness, who, **options), options
        for label in ("Reroll", "Vary (subtle)", "Upscale"):
            assert said in private_text(await who.click(message, label=label)), label
        if who is harness.alice:
            refused = await who.submit_modal(forms.pop(), {"prompt": "a sea"})
            assert said in private_text(refused)
        await harness.admin.slash(harness.channel, "admin rules remove", **subject)
    assert harness.charged() == 1 and len(painted(harness)) == 1


async def test_no_way_of_painting_is_left_out(harness: BotHarness) -> None:
    """Whoever a rule keeps from painting paints in none of the ways that there are."""
    ways = await ways_to_paint(harness)
    await rule(harness, "paint", "block", who=harness.bob)
    charged, jobs = harness.charged(), harness.rows("SELECT count(*) FROM jobs")
    for number, way in enumerate(ways):
        result = await way()
        assert "there is a rule for you" in private_text(result), number
    await harness.settled()
    assert harness.charged() == charged and harness.rows("SELECT count(*) FROM jobs") == jobs


async def test_roles_open_models(data_dir: Path, renderer: ScriptedRenderer) -> None:
    """A rule for a role opens a model that the server has closed, a channel's list comes before it,
    and the refusal says whose rule it is."""
    second = {"source": str(MODEL_DIR), "title": "The Second"}
    models = {"models": {"second": second}}
    async with open_harness(data_dir, renderer.load, engine=models) as harness:
        role = harness.guild.create_role("artists")
        artist = harness.guild.add_member(harness.env.create_user("artist"), roles=[role])
        await harness.admin.slash(harness.channel, "admin models server", names="sketch")
        await rule(harness, "models", "second, sketch", who=role)
        assert await answer(harness, artist, model="second") == ""
        refused = await answer(harness, model="second")
        assert "The model `second` is not open here." in refused and "rule" not in refused
        await rule(harness, "models", "sketch", who=harness.alice)
        refused = await answer(harness, model="second")
        assert "A rule for you says so. Open here: `sketch`." in refused
        await harness.admin.slash(
            harness.channel, "admin models channel", channel=harness.channel, names="sketch"
        )
        assert "not open here" in await answer(harness, artist, model="second")
        assert harness.charged() == 1


async def test_a_press_in_direct_messages_is_checked(harness: BotHarness) -> None:
    """There no rule for a channel holds: what the server blocks is refused, whatever channel is
    allowed, and a rule for the member still lets them."""
    message = await picture_in_direct(harness)
    await rule(harness, "paint", "allow", where=harness.channel)
    await rule(harness, "paint", "block")
    refused = await press(harness, message, "Reroll")
    assert "does not let its members paint in direct messages" in refused.response.content
    assert f"<#{harness.channel.id}>" in refused.response.content
    await rule(harness, "paint", "allow", who=harness.alice)
    await press(harness, message, "Reroll")
    await harness.settled()
    assert len(shown_directly(harness)) == 2 and harness.charged() == 2


async def test_limits_of_size_steps_speed_and_pictures(harness: BotHarness) -> None:
    """What is asked for beyond a rule is refused with the rule; what is left open stays within."""
    for what, value in (("size", "192x192"), ("steps", "6"), ("count", "2")):
        await rule(harness, what, value, where=harness.channel)
    refused = await answer(harness, prompt="a lake --size 256x256")
    assert "at most as many pixels as 192×192" in refused and "256×256" in refused
    assert f"A rule for the channel <#{harness.channel.id}> says so." in refused
    assert "at most 6 steps here; this one would have 8" in await answer(
        harness, prompt="a lake --steps 8"
    )
    assert "at most 2 pictures at once" in await answer(harness, count=3)
    assert await answer(harness) == "" and await answer(harness, aspect="16:9") == ""
    for each in painted(harness):
        assert each.steps == 6 and each.width_px * each.height_px <= 192 * 192
    await rule(harness, "speed", "fast", who=harness.alice)
    refused = await answer(harness, prompt="a lake --steps 6")
    assert "The slowest speed here is fast, at most 4 steps" in refused
    assert "A rule for you says so." in refused
    assert await answer(harness) == "" and painted(harness)[-1].steps == 4
    assert harness.charged() == 3
    upscaled = await harness.alice.click(harness.message_with_picture(), label="Upscale")
    await harness.settled()
    assert "at most as many pixels" in private_text(upscaled)


async def test_pending_jobs_and_cooldowns(harness: BotHarness) -> None:
    """A member cannot have more unfinished jobs than the rule says, nor ask again too soon; the
    refusal says when."""
    harness.renderer.hold()
    await rule(harness, "pending", "2")
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.alice.slash(harness.channel, "imagine", prompt="two")
    refused = await refusal_of(harness, prompt="three")
    assert "You can have 2 unfinished jobs here at a time; you have 2" in refused
    assert "A rule for the whole server says so." in refused
    harness.renderer.release()
    await harness.settled()
    await rule(harness, "cooldown", "60", where=harness.channel)
    refused = await answer(harness)
    assert "60 seconds after your last request" in refused and "You can paint again <t:" in refused
    harness.clock.advance(61)
    assert await answer(harness) == ""
    assert harness.charged() == 3


async def refusal_of(harness: BotHarness, **options: Any) -> str:
    """Return why /imagine was refused, while others are still being painted."""
    return private_text(await harness.alice.slash(harness.channel, "imagine", **options))


async def test_private_only_and_spoilers(harness: BotHarness) -> None:
    """In such a channel a picture is seen by its requester alone, or is hidden until clicked,
    whatever way it is asked for; elsewhere nothing changes."""
    await rule(harness, "private", "on", where=harness.channel)
    before = len(harness.channel.history())
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    assert result.ephemeral and len(harness.channel.history()) == before
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a", picture=PHOTO)
    await harness.settled()
    assert result.ephemeral and len(harness.channel.history()) == before
    assert harness.rows("SELECT DISTINCT private FROM jobs") == [(1,)]
    other = harness.guild.create_text_channel("other")
    await rule(harness, "spoiler", "on", where=other)
    await harness.alice.slash(other, "imagine", prompt="a lake")
    await harness.settled()
    (shown,) = [each for each in other.history() if each.attachments]
    assert shown.attachments[0].filename.startswith("SPOILER_")


async def test_a_public_picture_is_upscaled_privately(harness: BotHarness) -> None:
    """A button below a picture from before the rule shows nothing new to others."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    await rule(harness, "private", "on")
    before = len(harness.channel.history())
    for label in ("Reroll", "Upscale"):
        await harness.bob.click(message, label=label)
        await harness.settled()
    assert len(harness.channel.history()) == before
    assert harness.rows("SELECT private FROM jobs ORDER BY id") == [(0,), (1,), (1,)]
