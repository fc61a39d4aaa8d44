"""/imagine, from the command to the picture."""

from __future__ import annotations

import asyncio
from pathlib import Path

import discord
import pytest

from engine.encode import inscription
from engine.errors import NonFinite, OutOfMemory
from tests.bot.discord.conftest import World, open_world
from tests.fakes import ScriptedRenderer


async def test_a_wish_becomes_a_picture_with_facts_and_buttons(world: World):
    """The status message turns into the picture, its facts and five buttons."""
    result = await world.alice.slash(world.channel, "imagine", prompt="a lake at dawn", seed=5)
    assert result.acknowledged and not result.ephemeral
    await world.settled()
    message = world.message(result.response.id)
    text = world.texts(message)
    assert "a lake at dawn" in text
    assert "seed 5" in text and "256×256" in text and "8 steps" in text
    assert [each.filename for each in message.attachments] == ["zimagine-1-5.png"]
    labels = [b.label for b in message.components[-1].children]
    assert labels == ["Reroll", "Vary (subtle)", "Vary (strong)", "Upscale", "More ▾"]


async def test_the_picture_carries_alt_text_and_its_recipe(world: World):
    """A screen reader hears the prompt, and the uploaded PNG holds the recipe."""
    await world.alice.slash(world.channel, "imagine", prompt="a red house in the snow", seed=7)
    await world.settled()
    requests = [r for r in world.env.http_requests if r.method == "PATCH"]
    gallery = next(c for c in requests[-1].json["components"] if c["type"] == 12)
    assert gallery["items"][0]["description"] == "a red house in the snow"
    data = await world.channel.last_message.attachments[0].read()
    found = inscription(data)
    assert found.recipe.request.seed == 7 and found.untouched


async def test_what_was_added_is_shown_and_can_be_switched_off(world: World):
    """The member sees the enhancement; with enhance off nothing is added to their words."""
    shown = await world.alice.slash(world.channel, "imagine", prompt="a boat", seed=1)
    plain = await world.alice.slash(
        world.channel, "imagine", prompt="a boat", seed=1, enhance="off"
    )
    assert "Added: Crisp focus" in world.texts(shown.response.message)
    assert "Added" not in world.texts(plain.response.message)
    await world.settled()
    assert [r.effective_prompt for r in painted(world)][1] == "a boat"


async def test_options_reach_the_painter(world: World):
    """Aspect, speed, guidance and negative prompt are what is painted."""
    await world.alice.slash(
        world.channel,
        "imagine",
        prompt="a forest",
        aspect="16:9",
        seed=3,
        speed="fast",
        guidance=1.5,
        negative="fog",
    )
    await world.settled()
    request = painted(world)[0]
    assert (request.steps, request.guidance, request.negative_prompt) == (4, 1.5, "fog")
    assert request.width_px / request.height_px == pytest.approx(16 / 9, rel=0.05)


async def test_an_idle_negative_prompt_is_said(world: World):
    """A negative prompt without guidance does nothing, and the answer says so."""
    result = await world.alice.slash(world.channel, "imagine", prompt="a sea", negative="ships")
    assert "does nothing at guidance 1" in world.texts(result.response.message)
    await world.settled()


async def test_progress_is_shown_while_it_paints(world: World, painter: ScriptedRenderer):
    """After three seconds the status message says which step of how many is done."""
    painter.hold()
    result = await world.alice.slash(world.channel, "imagine", prompt="a city --steps 8")
    await world.state(1, "painting")
    painter.step(5)
    board = world.house.services.board
    shown = board._shown[1]
    shown.edited_at_s -= 10
    async with asyncio.timeout(10):
        while "step 5 of 8" not in world.texts(world.message(result.response.id)):
            await asyncio.sleep(0.02)
    painter.release()
    await world.settled()
    assert "step" not in world.texts(world.message(result.response.id)).split("8 steps")[0]


async def test_the_place_in_the_queue_is_said(world: World, painter: ScriptedRenderer):
    """Who asks while others wait is told how many pictures come before theirs."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    second = await world.bob.slash(world.channel, "imagine", prompt="two")
    third = await world.bob.slash(world.channel, "imagine", prompt="three")
    assert "1 picture before yours" in world.texts(second.response.message)
    assert "2 pictures before yours" in world.texts(third.response.message)
    painter.release()
    await world.settled()


async def test_a_late_result_is_a_new_message_that_mentions(
    world: World, painter: ScriptedRenderer
):
    """After more than 30 seconds the picture comes in a message of its own that notifies."""
    painter.hold()
    status = await world.alice.slash(world.channel, "imagine", prompt="a slow lake")
    await world.state(1, "painting")
    world.clock.advance(31)
    painter.release()
    await world.settled()
    picture = world.channel.last_message
    assert picture.id != status.response.id and picture.attachments
    assert world.alice.mention in world.texts(picture)
    post = next(r for r in world.env.http_requests if r.path.endswith("/messages"))
    assert post.json["allowed_mentions"]["users"] == [world.alice.id]
    assert post.json["enforce_nonce"] is True
    moved = world.texts(world.message(status.response.id))
    assert str(picture.id) in moved and "ready" in moved


async def test_a_full_queue_refuses_at_once_and_charges_nothing(data_dir: Path):
    """The refusal is ephemeral, says how many wait, and the ledger stays as it was."""
    painter = ScriptedRenderer()
    painter.hold()
    async with open_world(data_dir, painter.load, engine={"queue_limit": 1}) as world:
        await world.alice.slash(world.channel, "imagine", prompt="one")
        await world.state(1, "painting")
        await world.alice.slash(world.channel, "imagine", prompt="two")
        result = await world.bob.slash(world.channel, "imagine", prompt="three")
        assert result.ephemeral and "queue is full: 1" in result.response.content
        assert world.charged() == 2
        painter.release()
        await world.settled()


async def test_a_spent_quota_refuses_and_says_when(data_dir: Path):
    """Past the quota the answer is ephemeral and holds the time of the next picture."""
    painter = ScriptedRenderer()
    async with open_world(data_dir, painter.load, quota={"pictures": 1, "hours": 2}) as world:
        await world.alice.slash(world.channel, "imagine", prompt="one")
        await world.settled()
        result = await world.alice.slash(world.channel, "imagine", prompt="two")
        assert result.ephemeral and "1 of 1 picture in 2 hours" in result.response.content
        returns = int(world.clock.now.timestamp()) + 2 * 3600
        assert f"<t:{returns}:R>" in result.response.content
        assert world.charged() == 1
        world.clock.advance(2 * 3600 + 1)
        again = await world.alice.slash(world.channel, "imagine", prompt="two")
        assert not again.ephemeral
        await world.settled()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"prompt": "\u200b"}, "empty"),
        ({"prompt": " \t "}, "empty"),
        ({"prompt": "\u3164\u2800"}, "empty"),
        ({"prompt": "a " * 600}, "512 tokens"),
    ],
)
async def test_bad_words_are_refused_before_anything_is_charged(
    world: World, options: dict[str, str], word: str
):
    """Nothing visible, or more than the model reads: refused, ephemerally, in one sentence."""
    result = await world.alice.slash(world.channel, "imagine", **options)
    assert result.ephemeral and word in result.response.content
    assert world.rows("SELECT * FROM jobs") == []


@pytest.mark.parametrize("lacks", ["send_messages", "attach_files", "view_channel"])
async def test_a_channel_it_may_not_post_in_is_refused_first(world: World, lacks: str):
    """Where the bot lacks a permission it says which, before anything is charged."""
    closed = world.guild.create_text_channel(
        "closed",
        overwrites={
            world.guild.me: discord.PermissionOverwrite(**{lacks: False}),
        },
    )
    result = await world.alice.slash(closed, "imagine", prompt="a lake")
    assert result.ephemeral and "lack the permission" in result.response.content
    assert world.rows("SELECT * FROM jobs") == []


@pytest.mark.parametrize(
    ("error", "word"),
    [(NonFinite("step 3"), "broken"), (OutOfMemory(), "memory"), (ValueError("x"), "wrong")],
)
async def test_a_failure_is_said_and_refunded(
    world: World, painter: ScriptedRenderer, error: Exception, word: str
):
    """A picture that cannot be delivered is explained in the status message and costs nothing."""
    painter.failures["a broken thing"] = error
    result = await world.alice.slash(world.channel, "imagine", prompt="a broken thing")
    await world.settled()
    text = world.texts(world.message(result.response.id))
    assert word in text and "not charged" in text
    assert world.charged() == 0
    assert world.rows("SELECT state FROM jobs") == [("failed",)]


async def test_words_in_a_prompt_never_ping_nor_format(world: World):
    """Mentions and Markdown in a prompt are shown as they were typed, to nobody's notice."""
    prompt = "@everyone <@1> **bold** `code` [link](https://example.org)"
    result = await world.alice.slash(world.channel, "imagine", prompt=prompt)
    await world.settled()
    for request in world.env.http_requests:
        if request.method in ("POST", "PATCH") and isinstance(request.json, dict):
            body = request.json.get("data", request.json)
            if "components" in body:
                assert body["allowed_mentions"]["parse"] == []
    text = world.texts(world.message(result.response.id))
    assert "@everyone" not in text.replace("@\u200beveryone", "")
    assert "**bold**" not in text


async def test_long_prompts_fit_the_message(world: World):
    """2,000 characters of Markdown stay within Discord's limits, before and after painting."""
    result = await world.alice.slash(world.channel, "imagine", prompt="*_~`|>" * 333)
    assert not result.ephemeral
    await world.settled()
    message = world.channel.last_message
    assert message.attachments and len(world.texts(message)) < 4000


async def test_everything_painted_is_charged_once(world: World):
    """Ten wishes at once of two people: ten pictures, ten charges, each delivered."""
    for number in range(5):
        await world.alice.slash(world.channel, "imagine", prompt=f"a{number}")
        await world.bob.slash(world.channel, "imagine", prompt=f"b{number}")
    await world.settled()
    assert world.charged() == 10
    assert world.rows("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(10,)]
    assert len({r.prompt for r in painted(world)}) == 10


def painted(world: World) -> list:
    """What the scripted painter was asked for, in order."""
    return world.load.__self__.painted  # type: ignore[attr-defined]


async def test_flags_in_the_prompt_are_obeyed(world: World):
    """Midjourney's flags do what the options do, a phone's dash included; the prompt loses them."""
    await world.alice.slash(world.channel, "imagine", prompt="a lake —seed 5 --repeat 2 --ar 2:1")
    await world.settled()
    first, second = painted(world)
    assert (first.prompt, first.seed, second.seed) == ("a lake", 5, 6)
    assert first.width_px > first.height_px and world.charged() == 2


async def test_a_bad_flag_is_quoted_and_costs_nothing(world: World):
    """Who mistypes a flag is told which one, alone, and nothing is charged."""
    result = await world.alice.slash(world.channel, "imagine", prompt="a lake --sed 5")
    assert result.ephemeral and "`--sed`" in result.response.content
    assert "`--seed`" in result.response.content
    assert world.charged() == 0 and painted(world) == []
