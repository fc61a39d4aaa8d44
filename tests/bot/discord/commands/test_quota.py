"""/quota and /admin quota."""

from __future__ import annotations

import pytest
from simcord.backend.errors import SetupError

from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World


async def test_one_sees_ones_own_quota(world: World):
    """/quota names what is allowed, used and left, and when the next picture returns."""
    await paint(world, prompt="a lake")
    result = await world.alice.slash(world.channel, "quota")
    text = result.response.content
    assert result.ephemeral
    assert "50 pictures in 24 hours" in text and "Used: 1. Left: 49." in text
    assert f"<t:{int(world.clock.now.timestamp()) + 24 * 3600}:R>" in text


async def test_admins_set_clear_and_show(world: World):
    """A quota of one's own holds at once, is shown, and ends when it is cleared."""
    await world.admin.slash(world.channel, "admin quota set", who=world.alice, pictures=1, hours=3)
    await paint(world, prompt="one")
    refused = await world.alice.slash(world.channel, "imagine", prompt="two")
    assert refused.ephemeral and "1 of 1 picture in 3 hours" in refused.response.content
    shown = await world.admin.slash(world.channel, "admin quota show", who=world.alice)
    assert shown.ephemeral and "set for this member" in shown.response.content
    await world.admin.slash(world.channel, "admin quota clear", who=world.alice)
    await paint(world, prompt="two")
    assert world.charged() == 2


async def test_the_default_holds_for_all_but_those_with_their_own(world: World):
    """/admin quota default changes everyone's quota and leaves a member's own alone."""
    await world.admin.slash(world.channel, "admin quota set", who=world.bob, pictures=2)
    result = await world.admin.slash(world.channel, "admin quota default", pictures=0)
    assert "0 pictures" in result.response.content
    refused = await world.alice.slash(world.channel, "imagine", prompt="one")
    assert refused.ephemeral and "0 pictures" in refused.response.content
    await paint(world, world.bob, prompt="one")
    assert world.charged() == 1


async def test_quotas_outlive_a_restart(world: World):
    """What was set, and what was used, holds in the next process."""
    await world.admin.slash(world.channel, "admin quota set", who=world.alice, pictures=1)
    await paint(world, prompt="one")
    await world.stop()
    await world.start()
    refused = await world.alice.slash(world.channel, "imagine", prompt="two")
    assert refused.ephemeral and "used up" in refused.response.content


async def test_members_do_not_see_admin_commands(world: World):
    """/admin is hidden from who does not manage the server."""
    assert "admin" not in world.bob.available_commands(world.channel)
    with pytest.raises(SetupError):
        await world.bob.slash(world.channel, "admin quota default", pictures=5)


async def test_rights_are_checked_again(world: World):
    """A server that opened /admin to everyone changes nothing: the bot checks by itself."""
    command = next(
        each for each in await world.house.client.tree.fetch_commands() if each.name == "admin"
    )
    world.guild.set_command_permissions(command.id, {world.guild.default_role: True})
    for name, options in (
        ("admin quota default", {"pictures": 5}),
        ("admin quota set", {"who": world.bob, "pictures": 5}),
        ("admin quota clear", {"who": world.bob}),
        ("admin quota show", {"who": world.alice}),
    ):
        result = await world.bob.slash(world.channel, name, **options)
        assert result.ephemeral and "right" in result.response.content
    assert world.rows("SELECT * FROM user_quotas") == []
    assert world.rows("SELECT * FROM server_quotas") == []


async def test_quota_answers_never_ping(world: World):
    """Naming a member in an answer notifies nobody."""
    await world.admin.slash(world.channel, "admin quota show", who=world.alice)
    callback = [r for r in world.env.http_requests if r.path.endswith("/callback")][-1]
    assert callback.json["data"]["allowed_mentions"]["parse"] == []


async def test_a_single_hour_is_one(world: World):
    """A window of one hour reads as one, set, shown and refused."""
    told = await world.admin.slash(world.channel, "admin quota default", pictures=1, hours=1)
    assert "1 picture in 1 hour," in told.response.content
    await paint(world, prompt="one")
    shown = await world.alice.slash(world.channel, "quota")
    assert "1 picture in 1 hour (" in shown.response.content
    refused = await world.alice.slash(world.channel, "imagine", prompt="two")
    assert "1 of 1 picture in 1 hour." in refused.response.content
