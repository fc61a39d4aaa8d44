"""/reroll and the Reroll button: again with a fresh seed, or with exactly the one given."""

from __future__ import annotations

import dataclasses

import pytest

from bot.accounts.permissions import Person
from bot.request.outcomes import Accepted
from bot.request.params import Start, Wish
from engine.types import Mode, Raster
from engine.uploads import Upload, canonical
from storage.inputs import Inputs
from storage.types import utc_now
from tests.bot.discord.commands.test_imagine import painted
from tests.bot.discord.conftest import World
from tests.fakes import fake_recipe


async def paint(world: World, who=None, **options) -> None:
    """Paint one picture to its end."""
    await (who or world.alice).slash(world.channel, "imagine", **options)
    await world.settled()


async def test_the_last_picture_with_a_fresh_seed(world: World):
    """/reroll without words paints one's last picture again, with another seed."""
    await paint(world, prompt="first", seed=1)
    await paint(world, prompt="second", seed=2, speed="fast")
    await world.alice.slash(world.channel, "reroll")
    await world.settled()
    last = painted(world)[-1]
    assert (last.prompt, last.steps) == ("second", 4)
    assert last.seed != 2


async def test_exactly_the_seed_given(world: World):
    """The same seed gives the very same request, enhancement included."""
    await paint(world, prompt="a lake", seed=11)
    await world.alice.slash(world.channel, "reroll", seed=11)
    await world.settled()
    first, again = painted(world)
    assert first == again


async def test_any_of_ones_own_pictures(world: World):
    """`picture` offers one's own history, newest first, and rerolls the one chosen."""
    await paint(world, prompt="a red boat", seed=1)
    await paint(world, prompt="a blue house", seed=2)
    await paint(world, world.bob, prompt="a green tree", seed=3)
    offered = await world.alice.autocomplete(world.channel, "reroll", "picture", "")
    assert [each["name"] for each in offered] == ["#2 a blue house", "#1 a red boat"]
    typed = await world.alice.autocomplete(world.channel, "reroll", "picture", "BOAT")
    assert [each["value"] for each in typed] == ["1"]
    await world.alice.slash(world.channel, "reroll", picture="1", seed=1)
    await world.settled()
    assert painted(world)[-1].prompt == "a red boat"


async def test_autocomplete_answers_from_memory(world: World):
    """After the first look, typing on asks the database nothing."""
    await paint(world, prompt="a boat")
    await world.alice.autocomplete(world.channel, "reroll", "picture", "")
    await world.house.services.album._history._db.close()
    offered = await world.alice.autocomplete(world.channel, "reroll", "picture", "bo")
    assert len(offered) == 1


async def test_nothing_to_reroll_is_said(world: World):
    """Who has no picture here, or names one that is not there, is told so and not charged."""
    nothing = await world.alice.slash(world.channel, "reroll")
    assert nothing.ephemeral and "/imagine" in nothing.response.content
    for picture in ("77", "x", "-1", "9" * 30, "１"):
        unknown = await world.alice.slash(world.channel, "reroll", picture=picture)
        assert unknown.ephemeral and "no picture" in unknown.response.content
    assert world.charged() == 0


async def test_pictures_of_another_server_are_not_there(world: World):
    """A picture's id is worth nothing in another server."""
    await paint(world, prompt="a secret garden")
    other = world.env.create_guild()
    channel = other.create_text_channel("elsewhere")
    eve = other.add_member(world.env.create_user("eve"))
    result = await eve.slash(channel, "reroll", picture="1")
    assert result.ephemeral and "no picture" in result.response.content


async def test_anyone_may_press_reroll_and_who_presses_pays(world: World):
    """Bob's press on Alice's picture paints a variation that is Bob's, and charged to him."""
    await paint(world, prompt="a lake", seed=5)
    await world.bob.click(world.channel.last_message, label="Reroll")
    await world.settled()
    owners = world.rows("SELECT user_id FROM ledger ORDER BY job_id")
    assert owners == [(world.alice.id,), (world.bob.id,)]
    assert painted(world)[1].seed != 5 and painted(world)[1].prompt == "a lake"
    page = await world.bob.slash(world.channel, "history")
    assert "#2" in world.texts(page.response.message)


async def test_a_replay_under_other_conditions_says_not_exact(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Where what changes bits has changed, the same seed's picture says so and why."""
    await paint(world, prompt="a lake", seed=5)
    world.clock.advance(1)
    changed = fake_recipe(painted(world)[0])
    conditions = dataclasses.replace(changed.conditions, threads=9)
    monkeypatch.setattr(
        "tests.fakes.fake_recipe",
        lambda _: dataclasses.replace(changed, conditions=conditions),
    )
    await world.alice.slash(world.channel, "reroll", seed=5)
    await world.settled()
    text = world.texts(world.channel.last_message)
    assert "Not exact" in text and "threads: 1 → 9" in text


async def test_a_typed_number_finds_ones_own_pictures_alone(world: World):
    """Nobody reads another's prompts by counting; the button under a picture works for anyone."""
    await paint(world, prompt="a secret boat", seed=1)
    refused = await world.bob.slash(world.channel, "reroll", picture="1")
    assert refused.ephemeral and "no picture" in refused.response.content
    await world.bob.click(world.message_with_picture(), label="Reroll")
    await world.settled()
    assert painted(world)[-1].prompt == "a secret boat"


async def test_what_started_from_a_picture_starts_from_it_again(world: World, painter):
    """A reroll has the same input, which is kept as long as it is needed; once it is gone, that is
    said and nothing is charged."""
    source = Upload.of(Raster(256, 256, bytes(256 * 256 * 3)))
    services, inputs = world.house.services, Inputs(world.house.services.painter._jobs._db, utc_now)
    await inputs.write(canonical(source), source.sha256)
    await paint(world, prompt="first")
    (row,) = world.rows("SELECT guild_id, channel_id, user_id FROM jobs")
    alice = Person(guild_id=row[0], channel_id=row[1], user_id=row[2], locale="en-US")
    start = Start(Mode.IMAGE, (source.sha256,), 0.5)
    assert isinstance(await services.painter.imagine(alice, Wish("x", start=start)), Accepted)
    await world.settled()
    await world.alice.slash(world.channel, "reroll", picture="2")
    await world.settled()
    assert painter.inputs == [(), (source.raster,), (source.raster,)]
    assert painted(world)[-1].inputs == (source.sha256,)
    charged = world.charged()
    for file in world.settings.storage.data_dir.glob("inputs/*/*.png"):
        file.unlink()
    await world.alice.slash(world.channel, "reroll", picture="2")
    assert world.charged() == charged
