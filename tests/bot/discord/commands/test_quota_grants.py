"""/admin quota grant, reset and usage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer

DAY_S = 24 * 3600


async def admin(harness: BotHarness, command: str, **options: Any) -> str:
    """Return the answer to a command of an admin, which only they see."""
    result = await harness.admin.slash(harness.channel, f"admin quota {command}", **options)
    assert result.ephemeral
    return result.response.content


async def test_a_grant_is_taken_once_the_quota_is_used_up(harness: BotHarness):
    """Granted pictures outlive a restart, are taken last, and the refusal counts them."""
    await admin(harness, "set", pictures=1)
    told = await admin(harness, "grant", who=harness.alice, pictures=3)
    assert "can paint 3 pictures on top of their quota, whenever they like." in told
    await harness.stop()
    await harness.start()
    await paint(harness, prompt="a lake", count=2)
    own = (await harness.alice.slash(harness.channel, "quota")).response.content
    assert "Used: 1. Left: 0." in own and "2 more were granted on top" in own
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake", count=4)
    assert (
        "You asked for 4 pictures, but only 2 are left, 2 of them granted on top of your quota."
        in refused.response.content
    )
    await paint(harness, prompt="a lake", count=2)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    assert "used up: 1 of 1 picture in 24 hours. You can paint again" in refused.response.content
    assert harness.rows("SELECT pictures, used FROM quota_grants") == [(3, 3)]


async def test_a_grant_lasts_to_the_end_of_its_day(harness: BotHarness):
    """The last day of a grant is one of the server's time zone, and can be chosen from a list."""
    await admin(harness, "set", limit="none")
    await harness.admin.slash(harness.channel, "admin settings server", timezone="Asia/Tokyo")
    offered = await harness.admin.autocomplete(
        harness.channel, "admin quota grant", "expires", "in 1 day)"
    )
    (tomorrow,) = (each["value"] for each in offered)
    told = await admin(harness, "grant", who=harness.alice, pictures=2, expires=tomorrow)
    (expires_us,) = harness.rows("SELECT expires_at FROM quota_grants")[0]
    assert f"<t:{expires_us // 1_000_000}:R>" in told
    # 15:00 in UTC is midnight in Tokyo.
    assert expires_us // 1_000_000 % DAY_S == 15 * 3600
    await paint(harness, prompt="a lake")
    harness.clock.advance(days=2)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    assert "your quota is 0 pictures" in refused.response.content


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        ("1999-12-31", "The day 1999-12-31 is over"),
        ("2999-12-31", "“2999-12-31” is not a day that I know"),
        ("soon", "“soon” is not a day that I know"),
        ("2026-02-30", "“2026-02-30” is not a day that I know"),
    ],
)
async def test_a_day_that_cannot_be_grants_nothing(harness: BotHarness, expires: str, says: str):
    """A last day that is over, far away, or none at all gets one sentence."""
    assert says in await admin(harness, "grant", who=harness.alice, pictures=2, expires=expires)
    assert harness.rows("SELECT * FROM quota_grants") == []


async def test_too_many_grants_are_refused(harness: BotHarness):
    """A member can have twenty grants with pictures left, and not one more."""
    for _ in range(20):
        await admin(harness, "grant", who=harness.alice, pictures=1)
    told = await admin(harness, "grant", who=harness.alice, pictures=1)
    assert "already has 20 grants with pictures left" in told
    assert harness.rows("SELECT count(*) FROM quota_grants") == [(20,)]


async def test_a_reset_lets_nothing_count(harness: BotHarness):
    """After a reset the whole quota is there again, and the pictures are."""
    await admin(harness, "set", pictures=2)
    await paint(harness, prompt="a lake", count=2)
    assert "Used: 0. Left: 2." in await admin(harness, "reset", who=harness.alice)
    await paint(harness, prompt="a lake", count=2)
    assert harness.charged() == 4
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    assert "used up: 2 of 2 pictures" in refused.response.content


async def test_usage_is_a_list_with_numbers_first(harness: BotHarness):
    """/admin quota usage says who painted how much, most first, each with its number before the
    bar, granted and forgiven pictures included."""
    assert await admin(harness, "usage") == "Nobody has painted here within 24 hours."
    await paint(harness, prompt="a lake", count=3)
    await paint(harness, harness.bob, prompt="a lake")
    await admin(harness, "reset", who=harness.alice)
    assert (await admin(harness, "usage", hours=1)).splitlines() == [
        "**4 pictures were painted here within 1 hour**",
        f"1. <@{harness.alice.id}>: 3 pictures, 75 % ▰▰▰▰▰▰▰▰▰▰",
        f"2. <@{harness.bob.id}>: 1 picture, 25 % ▰▰▰",
    ]
    harness.clock.advance(hours=26)
    assert "Nobody" in await admin(harness, "usage")
    assert "4 pictures" in await admin(harness, "usage", hours=48)


async def test_the_owners_ceiling_holds_whatever_admins_allow(data_dir: Path):
    """All members of a server share what the bot's owner lets it paint, and the refusal says so."""
    quota = {"server_pictures": 3, "server_hours": 48}
    async with open_harness(data_dir, ScriptedRenderer().load, quota=quota) as harness:
        await admin(harness, "set", limit="unlimited")
        await paint(harness, prompt="a lake", count=2)
        result = await harness.bob.slash(harness.channel, "imagine", prompt="a lake", count=2)
        told = result.response.content
        assert result.ephemeral and told.startswith(
            "The bot's owner lets this server paint 3 pictures in 48 hours; left now: 1. "
            "Nothing was charged; you can paint that many <t:"
        )
        await paint(harness, harness.bob, prompt="a lake")
        assert harness.charged() == 3
