"""/owner status and /owner diagnose; and that every command takes any value."""

from __future__ import annotations

from typing import Any

from engine.errors import BlankPicture
from tests.bot.discord.fuzzer import Fuzzer, commands
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.owner.owners import command, give_owner, restart_with, told
from tests.bot.discord.painting import paint, private_text


async def diagnosis(harness: BotHarness, **options: Any) -> list[str]:
    """Return what was marked with ✗ about a member."""
    text = await told(harness, "diagnose", **options)
    return [line for line in text.splitlines() if line.startswith("✗ ")]


async def test_the_state_of_the_bot(harness: BotHarness) -> None:
    """It says what works, with which model and memory, how fast it was, and what failed last."""
    await give_owner(harness)
    await paint(harness, prompt="a boat")
    harness.renderer.failures["nothing"] = BlankPicture(0.1)
    await paint(harness, prompt="nothing")
    text = await told(harness, "status")
    assert "**State:** Ready to paint." in text and "**Model:** fake on cpu" in text
    assert "float32 · memory of the GPU: 2.0 of 4.0 GiB in use" in text
    assert "Nothing waits, and nothing is being painted." in text
    assert "**Last hour:** 1 picture · " in text
    assert "`blank` × 1" in text and "The picture came out blank" in text
    assert "zimagine " in text and "up for " in text


async def test_nothing_keeps_a_member_from_painting(harness: BotHarness) -> None:
    """Of a member who can paint, every question is answered with yes."""
    await give_owner(harness)
    await paint(harness, prompt="a boat")
    text = await told(harness, "diagnose", user=harness.alice)
    assert "✗" not in text and "Nothing here keeps this member from painting now." in text
    assert "Of 1 channel that they see, they can paint in 1." in text
    assert "It was painted." in text


async def test_what_keeps_a_member_from_painting(harness: BotHarness) -> None:
    """A block, a spent quota, a rule, a pause, a drain and a server not served are named."""
    await give_owner(harness)
    await harness.admin.slash(harness.channel, "admin block", who=harness.bob)
    assert ["blocked" in each for each in await diagnosis(harness, user=harness.bob)] == [True]
    await harness.admin.slash(
        harness.channel, "admin quota set", who=harness.alice, pictures=0, hours=24
    )
    (spent,) = await diagnosis(harness, user=harness.alice)
    assert "quota is used up" in spent
    await harness.admin.slash(
        harness.channel, "admin rules set", what="paint", value="block", who=harness.moderator
    )
    (ruled_out,) = await diagnosis(harness, user=harness.moderator)
    assert "rules let them paint in no channel" in ruled_out
    await harness.admin.slash(harness.channel, "admin rules remove", who=harness.moderator)
    await harness.admin.slash(harness.channel, "admin pause")
    (paused,) = await diagnosis(harness, user=harness.moderator)
    assert "admins paused painting" in paused
    await harness.admin.slash(harness.channel, "admin resume")
    asked = await command(harness, "drain")
    await harness.admin.click(asked.response.message, label="Accept nothing new")
    (closed,) = await diagnosis(harness, user=harness.moderator)
    assert "drains the queue" in closed
    await told(harness, "resume")
    await restart_with(harness, guilds=(1,))
    (foreign,) = await diagnosis(harness, user=harness.moderator)
    assert "not enabled on that server" in foreign


async def test_somebody_who_is_no_member(harness: BotHarness) -> None:
    """Who is not on the other server is said to be no member there; nothing else stops."""
    await give_owner(harness)
    other = harness.env.create_guild(name="Elsewhere")
    await harness.env.settle()
    (missing,) = await diagnosis(harness, user=harness.alice, server=str(other.id))
    assert "no member there" in missing
    found = await harness.admin.autocomplete(harness.channel, "owner diagnose", "server", "elsew")
    assert [each["value"] for each in found] == [str(other.id)]
    unknown = await command(harness, "diagnose", user=harness.alice, server="nowhere")
    assert "I am on no server “nowhere”." in private_text(unknown)


async def test_every_option_takes_anything(harness: BotHarness) -> None:
    """Every odd value of every option is answered once, without a ping."""
    await give_owner(harness)
    fuzzer = Fuzzer(harness)
    tree = harness.app.client.tree
    for each in commands(tree.get_commands(guild=harness.app.client.get_guild(harness.guild.id))):
        needed = {o.name: fuzzer.honest(o) for o in each.parameters if o.required}
        await fuzzer.use(harness.admin, each, needed)
        for option in each.parameters:
            for value in fuzzer.values(option):
                await fuzzer.use(harness.admin, each, needed | {option.name: value})
                if option.autocomplete:
                    await fuzzer.use(harness.admin, each, {option.name: value}, focus=option.name)
    await told(harness, "resume")
    await fuzzer.checked()
