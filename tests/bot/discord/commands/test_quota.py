"""/quota and /admin quota."""

from __future__ import annotations

from typing import Any

import pytest
from simcord.backend.errors import SetupError

from tests.bot.discord.fuzzer import DELETED_ROLE, Fuzzer, commands
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
    """/admin quota set without `who` changes everyone's quota except members with their own."""
    await harness.admin.slash(harness.channel, "admin quota set", who=harness.bob, pictures=2)
    result = await harness.admin.slash(harness.channel, "admin quota set", pictures=0)
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
        await harness.bob.slash(harness.channel, "admin quota set", pictures=5)


async def test_rights_are_checked_again(harness: BotHarness):
    """Opening /admin to everyone grants nothing: the bot checks permissions itself."""
    command = next(
        each for each in await harness.app.client.tree.fetch_commands() if each.name == "admin"
    )
    harness.guild.set_command_permissions(command.id, {harness.guild.default_role: True})
    for name, options in (
        ("admin quota set", {"pictures": 5}),
        ("admin quota set", {"who": harness.bob, "pictures": 5}),
        ("admin quota clear", {"who": harness.bob}),
        ("admin quota clear", {}),
        ("admin quota show", {"who": harness.alice}),
        ("admin quota why", {"who": harness.alice}),
        ("admin quota list", {}),
    ):
        result = await harness.bob.slash(harness.channel, name, **options)
        assert result.ephemeral and "permission" in result.response.content
    assert harness.rows("SELECT * FROM user_quotas") == []
    assert harness.rows("SELECT * FROM server_quotas") == []
    assert harness.rows("SELECT * FROM role_quotas") == []


async def test_quota_answers_never_ping(harness: BotHarness):
    """Naming a member in a reply notifies nobody."""
    await harness.admin.slash(harness.channel, "admin quota show", who=harness.alice)
    callback = [r for r in harness.env.http_requests if r.path.endswith("/callback")][-1]
    assert callback.json["data"]["allowed_mentions"]["parse"] == []


async def test_a_single_hour_is_one(harness: BotHarness):
    """A window of one hour is written in the singular when set, shown and refused."""
    told = await harness.admin.slash(harness.channel, "admin quota set", pictures=1, hours=1)
    assert "1 picture in 1 hour," in told.response.content
    await paint(harness, prompt="one")
    shown = await harness.alice.slash(harness.channel, "quota")
    assert "1 picture in 1 hour (" in shown.response.content
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    assert "1 of 1 picture in 1 hour." in refused.response.content


async def admin(harness: BotHarness, command: str, **options: Any) -> str:
    """Return the answer to a command of an admin, which only they see."""
    result = await harness.admin.slash(harness.channel, f"admin {command}", **options)
    assert result.ephemeral
    return result.response.content


async def test_a_role_has_a_quota_and_why_says_so(harness: BotHarness):
    """The quota of a member's most generous role holds, and /admin quota why explains it."""
    some, more = harness.guild.create_role("some"), harness.guild.create_role("more")
    carol = harness.guild.add_member(harness.env.create_user("carol"), roles=[some, more])
    told = await admin(harness, "quota set", who=some, pictures=1, hours=24)
    assert f"with the role <@&{some.id}> can paint 1 picture in 24 hours" in told
    await admin(harness, "quota set", who=more, pictures=2, per="day")
    await admin(harness, "quota set", limit="none")
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    assert refused.ephemeral and "your quota is 0 pictures" in refused.response.content
    await paint(harness, carol, prompt="a lake", count=2)
    refused = await carol.slash(harness.channel, "imagine", prompt="a lake")
    assert "2 of 2 pictures in a calendar day. You can paint again <t:" in refused.response.content
    why = (await admin(harness, "quota why", who=carol)).splitlines()
    assert why[0].endswith(
        f": 2 pictures in a calendar day, by the clocks of UTC (set for the role <@&{more.id}>)"
    )
    assert why[1] == "Used: 2. Left: 0." and why[2].startswith("All of it becomes available <t:")
    assert [line.partition(" ")[0] for line in why[4:]] == ["1.", "2.", "3.", "4."]
    assert f"<@&{more.id}>" in why[4] and f"<@&{some.id}>" in why[5]
    assert "server" in why[6] and "the bot's default: 50 pictures in 24 hours" in why[7]


async def test_unlimited_and_none(harness: BotHarness):
    """A member without a limit paints on, and one with none cannot, whatever the server allows."""
    await admin(harness, "quota set", pictures=1)
    told = await admin(harness, "quota set", who=harness.alice, limit="unlimited")
    assert "any number of pictures (set for this member)\nUsed: 0." in told
    await admin(harness, "quota set", who=harness.bob, limit="none")
    for _ in range(2):
        await paint(harness, prompt="a lake", count=2)
    refused = await harness.bob.slash(harness.channel, "imagine", prompt="a lake")
    assert refused.ephemeral and harness.charged() == 4


async def test_everyone_is_the_server(harness: BotHarness):
    """Choosing the role @everyone, or nobody, sets and clears the server's quota."""
    await admin(harness, "quota set", who=harness.guild.default_role, pictures=3)
    assert harness.rows("SELECT pictures, hours FROM server_quotas") == [(3, 24)]
    assert harness.rows("SELECT * FROM role_quotas") == []
    assert "no quota of its own any more" in await admin(harness, "quota clear")
    assert harness.rows("SELECT * FROM server_quotas") == []
    assert "no quota of its own; the bot" in await admin(harness, "quota clear")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Please say how many with `pictures`, or use `limit`."),
        ({"hours": 5}, "Please say how many with `pictures`, or use `limit`."),
        ({"pictures": 5, "limit": "none"}, "`pictures` and `limit` exclude each other"),
        ({"pictures": 5, "hours": 2, "per": "day"}, "`hours` and `per` exclude each other"),
    ],
)
async def test_contradictions_change_nothing(
    harness: BotHarness, options: dict[str, Any], says: str
):
    """A quota that says too little or too much is refused in a sentence."""
    assert says in await admin(harness, "quota set", **options)
    assert harness.rows("SELECT * FROM server_quotas") == []


@pytest.mark.parametrize("name", ["admin quota set", "admin quota clear"])
async def test_a_role_that_was_deleted_changes_nothing(harness: BotHarness, name: str):
    """A role that is gone by the time Discord is asked for it gets one sentence."""
    fuzzer = Fuzzer(harness)
    command = next(
        each
        for each in commands(harness.app.client.tree.get_commands())
        if each.qualified_name == name
    )
    chosen = {"who": DELETED_ROLE} | ({"pictures": 5} if name.endswith("set") else {})
    await fuzzer.use(harness.admin, command, chosen)
    callback = [r for r in harness.env.http_requests if r.path.endswith("/callback")][-1]
    assert "does not exist any more, so nothing was changed" in callback.json["data"]["content"]
    for table in ("user_quotas", "role_quotas", "server_quotas"):
        assert harness.rows(f"SELECT * FROM {table}") == []


async def test_a_look_after_a_wrong_clock_is_no_decision(harness: BotHarness):
    """Looking at a quota puts charges of a clock that was ahead in order, and leaves no entry in
    the audit log: nothing was decided."""
    await paint(harness, prompt="a lake")
    harness.clock.advance(hours=-2)
    for command in ("quota show", "quota why"):
        assert "Used: 1." in await admin(harness, command, who=harness.alice)
    assert harness.rows("SELECT * FROM audit_log") == []


async def test_the_list_shows_all_and_drops_what_can_never_hold(harness: BotHarness):
    """/admin quota list shows every quota, and removes those of roles that were deleted."""
    role = harness.guild.create_role("painters")
    await admin(harness, "quota set", who=role, pictures=7, per="day")
    await admin(harness, "quota set", who=harness.alice, limit="unlimited")
    harness.change(
        f"INSERT INTO role_quotas VALUES ({harness.guild.id}, {DELETED_ROLE}, 5, 24, 1, 1)"
    )
    listed = (await admin(harness, "quota list")).splitlines()
    assert listed == [
        "**Quotas on this server**",
        f"- <@&{role.id}>: 7 pictures in a calendar day, by the clocks of UTC",
        f"- <@{harness.alice.id}>: any number of pictures",
        "- everybody else: 50 pictures in 24 hours",
        "1 quota of a role that was deleted was removed.",
    ]
    assert harness.rows("SELECT role_id FROM role_quotas") == [(role.id,)]
    assert len((await admin(harness, "quota list", page=9)).splitlines()) == 4


async def test_days_are_those_of_the_servers_time_zone(harness: BotHarness):
    """/admin settings server sets the zone by any spelling of its name, and suggests names."""
    told = await admin(harness, "settings server", timezone="asia/tokyo")
    assert "Time zone: Asia/Tokyo" in told
    told = await admin(harness, "quota set", pictures=5, per="day")
    assert "5 pictures in a calendar day, by the clocks of Asia/Tokyo" in told
    told = await admin(harness, "settings server", timezone="Mars/Olympus")
    assert "I know no time zone “Mars/Olympus”" in told
    assert harness.rows("SELECT timezone FROM server_settings") == [("Asia/Tokyo",)]
    told = await admin(harness, "settings server", timezone="default")
    assert "Time zone: not set" in told
    command, option = "admin settings server", "timezone"
    offered = await harness.admin.autocomplete(harness.channel, command, option, "new y")
    assert offered[0]["value"] == "America/New_York" and offered[-1]["value"] == "default"
    assert len(await harness.admin.autocomplete(harness.channel, command, option, "")) == 25
