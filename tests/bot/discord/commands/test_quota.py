"""/quota and /admin quota."""

from __future__ import annotations

import pytest
from simcord.backend.errors import SetupError

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint


async def test_one_sees_ones_own_quota(harness: BotHarness):
    """/quota shows what is allowed, used and left, and when the next picture returns."""
    await paint(harness, prompt="a lake")
    result = await harness.alice.slash(harness.channel, "quota")
    text = result.response.content
    assert result.ephemeral
    assert "50 pictures in 24 hours" in text and "Used: 1. Left: 49." in text
    assert f"<t:{int(harness.clock.now.timestamp()) + 24 * 3600}:R>" in text


async def test_admins_set_clear_and_show(harness: BotHarness):
    """A member's own quota takes effect at once, is shown, and ends when cleared."""
    await harness.admin.slash(
        harness.channel, "admin quota set", who=harness.alice, pictures=1, hours=3
    )
    await paint(harness, prompt="one")
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    assert refused.ephemeral and "1 of 1 picture in 3 hours" in refused.response.content
    shown = await harness.admin.slash(harness.channel, "admin quota show", who=harness.alice)
    assert shown.ephemeral and "set for this member" in shown.response.content
    await harness.admin.slash(harness.channel, "admin quota clear", who=harness.alice)
    await paint(harness, prompt="two")
    assert harness.charged() == 2


async def test_the_default_holds_for_all_but_those_with_their_own(harness: BotHarness):
    """/admin quota default changes everyone's quota except members with their own."""
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.bob, pictures=2)
    result = await harness.admin.slash(harness.channel, "admin quota default", pictures=0)
    assert "0 pictures" in result.response.content
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="one")
    assert refused.ephemeral and "0 pictures" in refused.response.content
    await paint(harness, harness.bob, prompt="one")
    assert harness.charged() == 1


async def test_quotas_outlive_a_restart(harness: BotHarness):
    """Quotas and their use survive a restart."""
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.alice, pictures=1)
    await paint(harness, prompt="one")
    await harness.stop()
    await harness.start()
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    assert refused.ephemeral and "used up" in refused.response.content


async def test_members_do_not_see_admin_commands(harness: BotHarness):
    """/admin is hidden from members who do not manage the server."""
    assert "admin" not in harness.bob.available_commands(harness.channel)
    with pytest.raises(SetupError):
        await harness.bob.slash(harness.channel, "admin quota default", pictures=5)


async def test_rights_are_checked_again(harness: BotHarness):
    """Opening /admin to everyone grants nothing: the bot checks permissions itself."""
    command = next(
        each for each in await harness.app.client.tree.fetch_commands() if each.name == "admin"
    )
    harness.guild.set_command_permissions(command.id, {harness.guild.default_role: True})
    for name, options in (
        ("admin quota default", {"pictures": 5}),
        ("admin quota set", {"who": harness.bob, "pictures": 5}),
        ("admin quota clear", {"who": harness.bob}),
        ("admin quota show", {"who": harness.alice}),
    ):
        result = await harness.bob.slash(harness.channel, name, **options)
        assert result.ephemeral and "permission" in result.response.content
    assert harness.rows("SELECT * FROM user_quotas") == []
    assert harness.rows("SELECT * FROM server_quotas") == []


async def test_quota_answers_never_ping(harness: BotHarness):
    """Naming a member in a reply notifies nobody."""
    await harness.admin.slash(harness.channel, "admin quota show", who=harness.alice)
    callback = [r for r in harness.env.http_requests if r.path.endswith("/callback")][-1]
    assert callback.json["data"]["allowed_mentions"]["parse"] == []


async def test_a_single_hour_is_one(harness: BotHarness):
    """A window of one hour is written in the singular when set, shown and refused."""
    told = await harness.admin.slash(harness.channel, "admin quota default", pictures=1, hours=1)
    assert "1 picture in 1 hour," in told.response.content
    await paint(harness, prompt="one")
    shown = await harness.alice.slash(harness.channel, "quota")
    assert "1 picture in 1 hour (" in shown.response.content
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    assert "1 of 1 picture in 1 hour." in refused.response.content
