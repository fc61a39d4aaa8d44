"""Ends that are no picture in a channel: cancelled, expired, private, found again, kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.delivery.messenger import Address
from bot.jobs import completion
from bot.jobs.cancellation import LOOK_EVERY_S
from engine.errors import NonFinite
from engine.types import Painted
from storage.errors import DiskFull
from tests.bot.discord.conftest import World, open_world
from tests.fakes import ScriptedRenderer, fake_recipe, gradient


async def test_the_button_cancels_what_waits(world: World, painter: ScriptedRenderer):
    """One press: cancelled, refunded, and the status message says so."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    waiting = await world.alice.slash(world.channel, "imagine", prompt="two")
    pressed = await world.alice.click(waiting.response.message, label="Cancel")
    assert pressed.ephemeral and "not charged" in pressed.response.content
    await world.settled(2)
    assert "Cancelled" in world.texts(world.message(waiting.response.id))
    assert world.charged() == 1
    painter.release()
    await world.settled()
    assert [request.prompt for request in painter.painted] == ["one"]


async def test_what_is_painting_stops_at_its_next_step(world: World, painter: ScriptedRenderer):
    """Cancelled while it is painted: refunded at once, and the painter is free a step later."""
    painter.hold()
    status = await world.alice.slash(world.channel, "imagine", prompt="one --steps 8")
    await world.state(1, "painting")
    await world.alice.slash(world.channel, "cancel")
    assert world.rows("SELECT state FROM jobs") == [("cancelled",)] and world.charged() == 0
    painter.step(1)
    async with asyncio.timeout(5):
        while world.house.engine.current is not None:
            await asyncio.sleep(0.01)
    await world.settled()
    assert "Cancelled" in world.texts(world.message(status.response.id))
    assert painter.painted == []


async def test_all_of_ones_own_and_nobody_elses(world: World, painter: ScriptedRenderer):
    """ "all" ends everything of the person who says it; others' jobs go on."""
    painter.hold()
    for person in (world.alice, world.bob, world.alice):
        await person.slash(world.channel, "imagine", prompt=f"of {person.name}")
    await world.alice.slash(world.channel, "cancel", job="all")
    painter.release()
    await world.settled()
    assert world.rows("SELECT state FROM jobs ORDER BY id") == [
        ("cancelled",),
        ("painted",),
        ("cancelled",),
    ]


async def test_only_admins_cancel_for_others(world: World, painter: ScriptedRenderer):
    """A member is refused somebody else's job; who manages the server is not."""
    painter.hold()
    status = await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    refused = await world.bob.click(status.response.message, label="Cancel")
    assert refused.ephemeral and "right" in refused.response.content
    assert world.rows("SELECT state FROM jobs") == [("painting",)]
    await world.admin.slash(world.channel, "cancel", job="1")
    assert world.rows("SELECT state FROM jobs") == [("cancelled",)]
    painter.release()
    await world.settled()


@pytest.mark.parametrize("job", ["99", "#1", "x", "１", "-1", "1" * 400, " ", "NULL; --"])
async def test_what_cannot_be_cancelled_is_said(world: World, job: str):
    """A number that is unknown, over or no number at all gets words, and changes nothing."""
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.settled()
    refused = await world.alice.slash(world.channel, "cancel", job=job)
    assert refused.ephemeral and refused.response.content
    assert world.rows("SELECT state FROM jobs") == [("painted",)] and world.charged() == 1


async def test_the_clock_ends_what_waits_too_long(
    data_dir: Path, painter: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """After the longest wait a queued job expires with a refund and a word to its person."""
    monkeypatch.setattr("bot.jobs.cancellation.LOOK_EVERY_S", 0.02)
    assert LOOK_EVERY_S < 30
    async with open_world(data_dir, painter.load, jobs={"max_wait_s": 600}) as world:
        painter.hold()
        await world.alice.slash(world.channel, "imagine", prompt="one")
        await world.state(1, "painting")
        await world.bob.slash(world.channel, "imagine", prompt="two")
        world.clock.advance(601)
        await world.state(2, "expired")
        await world.settled(2)
        assert "waited too long" in world.texts(world.channel.last_message)
        assert world.rows("SELECT state FROM jobs WHERE id = 1") == [("painting",)]
        painter.release()
        await world.settled()
        assert world.charged() == 1


async def test_a_picture_on_the_disk_is_not_painted_again(world: World, painter: ScriptedRenderer):
    """Killed between the file and the database: the next start takes the file over."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one", seed=5, enhance="off")
    await world.state(1, "painting")
    request = world.house.services.painter.live(1)
    assert request is not None
    painted = Painted(gradient(request.spec.request), fake_recipe(request.spec.request), 1.0)
    files = world.house.settling._files
    written = completion.write_picture(files, "zimagine-1-5.png", painted)
    painter.release()
    await world.crash()
    painter.painted.clear()
    await world.start()
    await world.settled()
    assert painter.painted == []
    assert world.rows("SELECT sha256, size_bytes FROM pictures") == [
        (written.sha256, written.size_bytes)
    ]
    assert world.charged() == 1


async def test_a_private_picture_is_for_one_pair_of_eyes(world: World):
    """The answer is ephemeral and becomes the picture; nothing of it is posted."""
    result = await world.alice.slash(world.channel, "imagine", prompt="my secret", private=True)
    assert result.ephemeral
    await world.settled()
    assert world.rows("SELECT state FROM deliveries") == [("delivered",)]
    assert "my secret" not in "".join(world.texts(each) for each in world.channel.history())
    assert not [r for r in world.env.http_requests if r.path.endswith("/messages")]
    (picture,) = world.rows("SELECT id FROM pictures")
    stolen = await world.bob.slash(world.channel, "reroll", picture=str(picture[0]))
    assert stolen.ephemeral and "no picture" in stolen.response.content
    # Nor is there a job of that number for anybody else, over or not.
    theirs, nobodys = [
        (await world.bob.slash(world.channel, "cancel", job=job)).response.content
        for job in ("1", "7")
    ]
    assert theirs == nobodys.replace("7", "1")
    again = await world.alice.slash(world.channel, "reroll")
    assert again.ephemeral
    await world.settled()


async def test_a_full_disk_refuses_in_words(world: World, monkeypatch: pytest.MonkeyPatch):
    """When nothing can be written the wish is refused, nothing is charged, the owner is told."""
    jobs = world.house.services.painter._jobs

    async def accept(*_: object):
        raise DiskFull(Path("zimagine.db"), "no space left on device")

    monkeypatch.setattr(jobs, "accept_all", accept)
    refused = await world.alice.slash(world.channel, "imagine", prompt="one")
    assert refused.ephemeral and "disk is in trouble" in refused.response.content
    assert world.rows("SELECT count(*) FROM jobs") == [(0,)]
    async with asyncio.timeout(5):
        while not any(r.path.endswith("/users/@me/channels") for r in world.env.http_requests):
            await asyncio.sleep(0.01)


async def test_history_shows_what_was_painted(world: World):
    """Every picture can be looked at again from the history, by its own person alone."""
    await world.alice.slash(world.channel, "imagine", prompt="a lake")
    await world.settled()
    page = await world.alice.slash(world.channel, "history")
    shown = await world.alice.click(page.response.message, label="Show")
    assert shown.ephemeral and "a lake" in world.texts(shown.response.message)


async def test_a_post_that_a_crash_left_unrecorded_is_found(
    world: World, painter: ScriptedRenderer
):
    """Killed right after a post: the next start finds the message and posts no other."""
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    world.clock.advance(31)
    painter.release()
    await world.settled()
    posted = world.channel.last_message.id
    await world.crash()
    world.forget_delivery()
    before = len(world.env.http_requests)
    await world.start()
    await world.settled()
    assert world.rows("SELECT state, result_message_id FROM deliveries") == [("delivered", posted)]
    after = world.env.http_requests[before:]
    assert not [r for r in after if r.method == "POST" and r.path.endswith("/messages")]


async def test_a_failure_is_found_by_its_number(world: World, painter: ScriptedRenderer):
    """A message without a picture is known by the job's number in it."""
    painter.failures["one"] = NonFinite("step 3")
    painter.hold()
    await world.alice.slash(world.channel, "imagine", prompt="one")
    await world.state(1, "painting")
    world.clock.advance(31)
    painter.release()
    await world.settled()
    messenger = world.house.services.delivery._messenger
    address = Address(world.guild.id, world.channel.id)
    since = world.clock()
    assert await messenger.find_post(address, 1, since) == world.channel.last_message.id
    assert await messenger.find_post(address, 2, since) is None
