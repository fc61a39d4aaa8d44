"""/reroll and the Reroll button, with a fresh seed or a chosen one."""

from __future__ import annotations

import dataclasses

import pytest

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import PHOTO
from tests.bot.discord.painting import paint, painted
from tests.fakes import fake_recipe


async def test_the_last_picture_with_a_fresh_seed(harness: BotHarness):
    """/reroll without options paints the member's last picture with another seed."""
    await paint(harness, prompt="first", seed=1)
    await paint(harness, prompt="second", seed=2, speed="fast")
    await harness.alice.slash(harness.channel, "reroll")
    await harness.settled()
    last = painted(harness)[-1]
    assert (last.prompt, last.steps) == ("second", 4)
    assert last.seed != 2


async def test_exactly_the_seed_given(harness: BotHarness):
    """The same seed gives exactly the same request, including the enhancement."""
    await paint(harness, prompt="a lake", seed=11)
    await harness.alice.slash(harness.channel, "reroll", seed=11)
    await harness.settled()
    first, again = painted(harness)
    assert first == again


async def test_any_of_ones_own_pictures(harness: BotHarness):
    """`picture` suggests the member's own history, newest first, and rerolls the chosen one."""
    await paint(harness, prompt="a red boat", seed=1)
    await paint(harness, prompt="a blue house", seed=2)
    await paint(harness, harness.bob, prompt="a green tree", seed=3)
    offered = await harness.alice.autocomplete(harness.channel, "reroll", "picture", "")
    assert [each["name"] for each in offered] == ["#2 a blue house", "#1 a red boat"]
    typed = await harness.alice.autocomplete(harness.channel, "reroll", "picture", "BOAT")
    assert [each["value"] for each in typed] == ["1"]
    await harness.alice.slash(harness.channel, "reroll", picture="1", seed=1)
    await harness.settled()
    assert painted(harness)[-1].prompt == "a red boat"


async def test_autocomplete_answers_from_memory(harness: BotHarness):
    """After the first suggestion, further typing does not query the database."""
    await paint(harness, prompt="a boat")
    await harness.alice.autocomplete(harness.channel, "reroll", "picture", "")
    await harness.app.services.gallery._history._db.close()
    offered = await harness.alice.autocomplete(harness.channel, "reroll", "picture", "bo")
    assert len(offered) == 1


async def test_nothing_to_reroll_is_said(harness: BotHarness):
    """Having no picture, or naming an unknown one, is explained and not charged."""
    nothing = await harness.alice.slash(harness.channel, "reroll")
    assert nothing.ephemeral and "/imagine" in nothing.response.content
    for picture in ("77", "x", "-1", "9" * 30, "１"):
        unknown = await harness.alice.slash(harness.channel, "reroll", picture=picture)
        assert unknown.ephemeral and "no picture" in unknown.response.content
    assert harness.charged() == 0


async def test_pictures_of_another_server_are_not_there(harness: BotHarness):
    """A picture's id is unknown on another server."""
    await paint(harness, prompt="a secret garden")
    other = harness.env.create_guild()
    channel = other.create_text_channel("elsewhere")
    eve = other.add_member(harness.env.create_user("eve"))
    result = await eve.slash(channel, "reroll", picture="1")
    assert result.ephemeral and "no picture" in result.response.content


async def test_anyone_may_press_reroll_and_who_presses_pays(harness: BotHarness):
    """Anyone can press Reroll; the result belongs to, and is charged to, whoever pressed."""
    await paint(harness, prompt="a lake", seed=5)
    await harness.bob.click(harness.channel.last_message, label="Reroll")
    await harness.settled()
    owners = harness.rows("SELECT user_id FROM ledger ORDER BY job_id")
    assert owners == [(harness.alice.id,), (harness.bob.id,)]
    assert painted(harness)[1].seed != 5 and painted(harness)[1].prompt == "a lake"
    page = await harness.bob.slash(harness.channel, "history")
    assert "#2" in harness.texts(page.response.message)


async def test_a_replay_under_other_conditions_says_not_exact(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """When conditions that change pixels differ, the result is marked "Not exact" with the
    reason."""
    await paint(harness, prompt="a lake", seed=5)
    harness.clock.advance(1)
    changed = fake_recipe(painted(harness)[0])
    conditions = dataclasses.replace(changed.conditions, threads=9)
    monkeypatch.setattr(
        "tests.fakes.fake_recipe",
        lambda _: dataclasses.replace(changed, conditions=conditions),
    )
    await harness.alice.slash(harness.channel, "reroll", seed=5)
    await harness.settled()
    text = harness.texts(harness.channel.last_message)
    assert "Not exact" in text and "threads: 1 → 9" in text


async def test_a_typed_number_finds_ones_own_pictures_alone(harness: BotHarness):
    """Typed numbers find only the member's own pictures; buttons work for everyone."""
    await paint(harness, prompt="a secret boat", seed=1)
    refused = await harness.bob.slash(harness.channel, "reroll", picture="1")
    assert refused.ephemeral and "no picture" in refused.response.content
    await harness.bob.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()
    assert painted(harness)[-1].prompt == "a secret boat"


async def test_what_started_from_a_picture_starts_from_it_again(harness: BotHarness, renderer):
    """A reroll uses the same input picture; once that is gone, it is refused and nothing is
    charged."""
    await paint(harness, prompt="first")
    await paint(harness, prompt="x", picture=PHOTO, strength=0.5)
    await harness.alice.slash(harness.channel, "reroll", picture="2")
    await harness.settled()
    without, once, again = renderer.inputs
    assert without == () and len(once) == 1 and again == once
    assert painted(harness)[2].inputs == painted(harness)[1].inputs
    charged = harness.charged()
    for file in harness.settings.storage.data_dir.glob("inputs/*/*.png"):
        file.unlink()
    await harness.alice.slash(harness.channel, "reroll", picture="2")
    assert harness.charged() == charged
