"""/reroll and the Reroll button: again with a fresh seed, or with exactly the one given."""

from __future__ import annotations

import dataclasses

import pytest

from bot.accounts.permissions import Actor
from bot.request.outcomes import Accepted
from bot.request.params import GenerationParams, InitImages
from engine.types import Mode, Raster
from engine.uploads import Upload, canonical
from storage.inputs import Inputs
from storage.types import utc_now
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.conftest import BotHarness
from tests.fakes import fake_recipe


async def paint(harness: BotHarness, who=None, **options) -> None:
    """Paint one picture to its end."""
    await (who or harness.alice).slash(harness.channel, "imagine", **options)
    await harness.settled()


async def test_the_last_picture_with_a_fresh_seed(harness: BotHarness):
    """/reroll without words paints one's last picture again, with another seed."""
    await paint(harness, prompt="first", seed=1)
    await paint(harness, prompt="second", seed=2, speed="fast")
    await harness.alice.slash(harness.channel, "reroll")
    await harness.settled()
    last = painted(harness)[-1]
    assert (last.prompt, last.steps) == ("second", 4)
    assert last.seed != 2


async def test_exactly_the_seed_given(harness: BotHarness):
    """The same seed gives the very same request, enhancement included."""
    await paint(harness, prompt="a lake", seed=11)
    await harness.alice.slash(harness.channel, "reroll", seed=11)
    await harness.settled()
    first, again = painted(harness)
    assert first == again


async def test_any_of_ones_own_pictures(harness: BotHarness):
    """`picture` offers one's own history, newest first, and rerolls the one chosen."""
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
    """After the first look, typing on asks the database nothing."""
    await paint(harness, prompt="a boat")
    await harness.alice.autocomplete(harness.channel, "reroll", "picture", "")
    await harness.app.services.gallery._history._db.close()
    offered = await harness.alice.autocomplete(harness.channel, "reroll", "picture", "bo")
    assert len(offered) == 1


async def test_nothing_to_reroll_is_said(harness: BotHarness):
    """Who has no picture here, or names one that is not there, is told so and not charged."""
    nothing = await harness.alice.slash(harness.channel, "reroll")
    assert nothing.ephemeral and "/imagine" in nothing.response.content
    for picture in ("77", "x", "-1", "9" * 30, "１"):
        unknown = await harness.alice.slash(harness.channel, "reroll", picture=picture)
        assert unknown.ephemeral and "no picture" in unknown.response.content
    assert harness.charged() == 0


async def test_pictures_of_another_server_are_not_there(harness: BotHarness):
    """A picture's id is worth nothing in another server."""
    await paint(harness, prompt="a secret garden")
    other = harness.env.create_guild()
    channel = other.create_text_channel("elsewhere")
    eve = other.add_member(harness.env.create_user("eve"))
    result = await eve.slash(channel, "reroll", picture="1")
    assert result.ephemeral and "no picture" in result.response.content


async def test_anyone_may_press_reroll_and_who_presses_pays(harness: BotHarness):
    """Bob's press on Alice's picture paints a variation that is Bob's, and charged to him."""
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
    """Where what changes bits has changed, the same seed's picture says so and why."""
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
    """Nobody reads another's prompts by counting; the button under a picture works for anyone."""
    await paint(harness, prompt="a secret boat", seed=1)
    refused = await harness.bob.slash(harness.channel, "reroll", picture="1")
    assert refused.ephemeral and "no picture" in refused.response.content
    await harness.bob.click(harness.message_with_picture(), label="Reroll")
    await harness.settled()
    assert painted(harness)[-1].prompt == "a secret boat"


async def test_what_started_from_a_picture_starts_from_it_again(harness: BotHarness, renderer):
    """A reroll has the same input, which is kept as long as it is needed; once it is gone, that is
    said and nothing is charged."""
    source = Upload.of(Raster(256, 256, bytes(256 * 256 * 3)))
    services, inputs = (
        harness.app.services,
        Inputs(harness.app.services.generation._jobs._db, utc_now),
    )
    await inputs.write(canonical(source), source.sha256)
    await paint(harness, prompt="first")
    (row,) = harness.rows("SELECT guild_id, channel_id, user_id FROM jobs")
    alice = Actor(guild_id=row[0], channel_id=row[1], user_id=row[2], locale="en-US")
    start = InitImages(Mode.IMAGE, (source.sha256,), 0.5)
    accepted = await services.generation.imagine(alice, GenerationParams("x", start=start))
    assert isinstance(accepted, Accepted)
    services.delivery.status_unknown(accepted.job_id)
    await harness.settled()
    await harness.alice.slash(harness.channel, "reroll", picture="2")
    await harness.settled()
    assert renderer.inputs == [(), (source.raster,), (source.raster,)]
    assert painted(harness)[-1].inputs == (source.sha256,)
    charged = harness.charged()
    for file in harness.settings.storage.data_dir.glob("inputs/*/*.png"):
        file.unlink()
    await harness.alice.slash(harness.channel, "reroll", picture="2")
    assert harness.charged() == charged
