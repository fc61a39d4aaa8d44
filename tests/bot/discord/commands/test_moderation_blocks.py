"""Who is blocked paints in no way and keeps what is theirs; and the commands of moderators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World
from tests.bot.discord.handlers.test_image_to_image import MENU, PHOTO
from tests.bot.discord.handlers.test_moderation import hidden_channel
from tests.fakes import ScriptedRenderer


async def block(world: World, who: Any, **options: Any) -> Any:
    """Block somebody by command."""
    return await world.admin.slash(world.channel, "admin block", who=who, **options)


async def ways_to_paint(world: World) -> list[Callable[[], Awaitable[Any]]]:
    """Everything by which Bob could paint, made ready while he may."""
    bob, channel = world.bob, world.channel
    await paint(world, bob, prompt="his own")
    own = world.message_with_picture()
    await paint(world, prompt="hers")
    hers = world.message_with_picture()
    panel = await world.more(bob, hers)
    form = await bob.click(panel, label="Remix")
    details = (await bob.click(panel, label="Details")).response.message
    await paint(world, prompt="several", count=2)
    several = world.message_with_picture()
    many = await world.more(bob, several)
    theirs = await world.alice.send(channel, "look", attachments=[PHOTO])
    ask = await bob.slash(channel, "imagine", prompt="{a, b} lake")
    from_hers, from_theirs = [await bob.context_menu(channel, MENU, m) for m in (hers, theirs)]
    return [
        lambda: bob.slash(channel, "imagine", prompt="x"),
        lambda: bob.slash(channel, "imagine", prompt="x", private=True),
        *(lambda c=c: bob.slash(channel, c) for c in ("reroll", "vary", "upscale", "remix")),
        lambda: bob.slash(channel, "reroll", seed=5),
        lambda: bob.context_menu(channel, "Reroll", hers),
        *(
            lambda m=m, label=label: bob.click(m, label=label)
            for m in (own, hers)
            for label in ("Reroll", "Vary (subtle)", "Vary (strong)", "Upscale")
        ),
        lambda: bob.click(panel, label="Remix"),
        lambda: bob.click(details, label="Paint it again"),
        lambda: bob.submit_modal(form, {"prompt": "x"}),
        lambda: bob.click(several, label="Reroll all"),
        lambda: bob.select(several, ["z1:upscale:3"]),
        lambda: bob.select(several, ["z1:strong:3"]),
        lambda: bob.select(many, ["z1:remix:3"]),
        lambda: bob.slash(channel, "imagine", prompt="{a, b} hill"),
        lambda: bob.click(ask.response.message, label="Paint 2 pictures"),
        lambda: bob.slash(channel, "imagine", prompt="x", picture=PHOTO),
        lambda: bob.slash(channel, "blend", first=PHOTO, second=PHOTO),
        lambda: bob.slash(channel, "inpaint", prompt="x", picture=PHOTO, mask=PHOTO),
        lambda: bob.slash(channel, "inpaint", prompt="x", painting="1", mask=PHOTO),
        *(lambda m=m: bob.context_menu(channel, MENU, m) for m in (hers, several, theirs)),
        *(lambda f=f: bob.submit_modal(f, {"prompt": "x"}) for f in (from_hers, from_theirs)),
    ]


async def test_who_is_blocked_paints_in_no_way(world: World):
    """Each way is refused with the moderators' reason, harmless, and nothing is charged."""
    ways = await ways_to_paint(world)
    done = await block(world, world.bob, reason="**@everyone** three warnings")
    assert done.ephemeral and f"<@{world.bob.id}>" in done.response.content
    before = world.rows("SELECT count(*) FROM jobs"), world.charged()
    for way in ways:
        refused = await way()
        assert refused.ephemeral and refused.modal is None
        said = refused.response.content
        assert "blocked you" in said and "three warnings" in said
        assert "@everyone" not in said and "**@" not in said
    await world.settled()
    assert (world.rows("SELECT count(*) FROM jobs"), world.charged()) == before
    assert world.rows("SELECT count(*) FROM job_inputs") == [(0,)]


async def test_who_is_blocked_keeps_what_is_theirs(world: World):
    """History, recipes, favourites, quota, reports; and another server's business is its own."""
    await paint(world, world.bob, prompt="his own")
    message = world.message_with_picture()
    await block(world, world.bob)
    history = await world.bob.slash(world.channel, "history")
    assert "his own" in world.texts(history.response.message)
    recipe = await world.bob.slash(world.channel, "recipe", picture="1")
    assert "his own" in world.texts(recipe.response.message)
    panel = await world.more(world.bob, message)
    await world.bob.click(panel, label="Make it a favourite")
    assert world.rows("SELECT count(*) FROM pictures WHERE favourite_at IS NOT NULL") == [(1,)]
    await world.alice.slash(world.channel, "imagine", prompt="hers")
    await world.settled()
    assert world.charged() == 2


async def test_what_waits_is_cancelled_and_refunded(world: World, painter: ScriptedRenderer):
    """Also what is being painted and what is private; others' jobs go on. It outlives a crash."""
    painter.hold()
    for private in (False, True, False):
        await world.bob.slash(world.channel, "imagine", prompt="x", private=private)
    await world.alice.slash(world.channel, "imagine", prompt="hers")
    await world.state(1, "painting")
    done = await block(world, world.bob)
    assert "3 jobs of theirs are cancelled" in done.response.content
    assert world.charged() == 1
    painter.release()
    await world.crash()
    await world.start()
    await world.settled()
    assert world.rows("SELECT state FROM jobs ORDER BY id") == [
        ("cancelled",), ("cancelled",), ("cancelled",), ("painted",)
    ]  # fmt: skip
    assert world.charged() == 1


async def test_blocks_are_taken_off_and_listed(world: World):
    """/admin blocked names them and why; /admin unblock lets them paint; neither is for oneself."""
    nobody = await world.admin.slash(world.channel, "admin blocked")
    assert "Nobody" in world.texts(nobody.response.message)
    await block(world, world.bob, reason="spam")
    listed = await world.admin.slash(world.channel, "admin blocked")
    text = world.texts(listed.response.message)
    assert listed.ephemeral and f"<@{world.bob.id}>" in text and "spam" in text
    await world.stop()
    await world.start()
    refused = await world.bob.slash(world.channel, "imagine", prompt="x")
    assert "spam" in refused.response.content
    freed = await world.admin.slash(world.channel, "admin unblock", who=world.bob)
    assert freed.ephemeral and "again" in freed.response.content
    await paint(world, world.bob, prompt="x")
    assert world.charged() == 1
    twice = await world.admin.slash(world.channel, "admin unblock", who=world.bob)
    assert "not blocked" in twice.response.content
    oneself = await block(world, world.admin)
    assert "yourself" in oneself.response.content
    assert world.rows("SELECT * FROM blocks") == []


# Commands


async def test_rights_are_checked_again(world: World):
    """/admin opened to everyone changes nothing; a moderator blocks and lists, and no more."""
    command = next(
        each for each in await world.house.client.tree.fetch_commands() if each.name == "admin"
    )
    world.guild.set_command_permissions(command.id, {world.guild.default_role: True})
    calls: tuple[tuple[str, dict[str, Any], bool], ...] = (
        ("admin reports channel", {"channel": world.channel}, False),
        ("admin reports list", {}, True),
        ("admin block", {"who": world.alice}, True),
        ("admin blocked", {}, True),
        ("admin unblock", {"who": world.alice}, True),
    )
    for name, options, _ in calls:
        result = await world.bob.slash(world.channel, name, **options)
        assert result.ephemeral and "right" in result.response.content
    assert world.rows("SELECT * FROM blocks") == world.rows("SELECT * FROM server_settings") == []
    for name, options, allowed in calls:
        result = await world.moderator.slash(world.channel, name, **options)
        assert ("right to" not in (result.response.content or "")) == allowed, name


async def test_a_channel_that_the_bot_cannot_use_is_not_taken(world: World):
    """What it lacks is named; a channel that everybody sees is taken with a warning."""
    deny = discord.PermissionOverwrite(attach_files=False, view_channel=True)
    closed = world.guild.create_text_channel("closed", overwrites={world.guild.me: deny})
    refused = await world.admin.slash(world.channel, "admin reports channel", channel=closed)
    assert refused.ephemeral and "“Attach Files”" in refused.response.content
    assert world.rows("SELECT * FROM server_settings") == []
    open_ = await world.admin.slash(world.channel, "admin reports channel", channel=world.channel)
    assert "Everybody can see" in open_.response.content
    quiet = await world.admin.slash(
        world.channel, "admin reports channel", channel=await hidden_channel(world)
    )
    assert "Everybody" not in quiet.response.content
