"""Jobs that end without a public picture: cancelled, expired, private, recovered, kept."""

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
from storage.files import PictureFiles
from tests.bot.discord.harness import BotHarness, open_harness
from tests.fakes import ScriptedRenderer, fake_recipe, gradient


async def test_the_button_cancels_what_waits(harness: BotHarness, renderer: ScriptedRenderer):
    """The Cancel button cancels a waiting job, refunds it and updates the status message."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    waiting = await harness.alice.slash(harness.channel, "imagine", prompt="two")
    pressed = await harness.alice.click(waiting.response.message, label="Cancel")
    assert pressed.ephemeral and "not charged" in pressed.response.content
    await harness.settled(2)
    assert "Cancelled" in harness.texts(harness.message(waiting.response.id))
    assert harness.charged() == 1
    renderer.release()
    await harness.settled()
    assert [request.prompt for request in renderer.painted] == ["one"]


async def test_what_is_painting_stops_at_its_next_step(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Cancelling a job being painted refunds it at once and frees the renderer one step later."""
    renderer.hold()
    status = await harness.alice.slash(harness.channel, "imagine", prompt="one --steps 8")
    await harness.state(1, "painting")
    await harness.alice.slash(harness.channel, "cancel")
    assert harness.rows("SELECT state FROM jobs") == [("cancelled",)] and harness.charged() == 0
    renderer.step(1)
    async with asyncio.timeout(5):
        while harness.app.engine.current is not None:
            await asyncio.sleep(0.01)
    await harness.settled()
    assert "Cancelled" in harness.texts(harness.message(status.response.id))
    assert renderer.painted == []


async def test_cancelling_without_end_is_charged(data_dir: Path, renderer: ScriptedRenderer):
    """Beyond the owner's limit a begun picture stays charged, and the member is told before."""
    async with open_harness(data_dir, renderer.load, quota={"cancelled_s": 100}) as harness:
        now = 0.0
        harness.app.services.cancellation._active.now_s = lambda: now
        said: list[str] = []
        for number, seconds in enumerate((30, 40, 40), 1):
            renderer.hold()
            await harness.alice.slash(harness.channel, "imagine", prompt="one --steps 8")
            renderer.step(1)
            active = harness.app.services.cancellation._active
            async with asyncio.timeout(5):
                while (job := active.get(number)) is None or job.began_s is None:
                    await asyncio.sleep(0.01)
            now += seconds
            cancelled = await harness.alice.slash(harness.channel, "cancel")
            said.append(cancelled.response.content)
            renderer.release()
            await harness.settled(number)
        assert said[0] == "Cancelled and not charged: “one”"
        assert "not charged" in said[1]
        assert "You can cancel 30 seconds more of painting within 24 hours" in said[1]
        assert "1 picture stays charged" in said[2] and "100 seconds of painting" in said[2]
        assert harness.charged() == 1
        assert "It stays charged" in harness.texts(harness.channel.last_message)
        waiting = await harness.alice.slash(harness.channel, "imagine", prompt="two")
        assert waiting.response.message is not None
        await harness.settled()


async def test_what_others_cancel_is_never_charged(data_dir: Path, renderer: ScriptedRenderer):
    """A moderator's cancellation costs its member nothing, whatever the limit."""
    async with open_harness(data_dir, renderer.load, quota={"cancelled_s": 0}) as harness:
        renderer.hold()
        await harness.alice.slash(harness.channel, "imagine", prompt="one --steps 8")
        renderer.step(1)
        await harness.state(1, "painting")
        await harness.admin.slash(harness.channel, "cancel", job="1")
        assert harness.charged() == 0
        renderer.release()
        await harness.settled()


async def test_all_of_ones_own_and_nobody_elses(harness: BotHarness, renderer: ScriptedRenderer):
    """ "all" cancels the member's own jobs and nobody else's."""
    renderer.hold()
    for person in (harness.alice, harness.bob, harness.alice):
        await person.slash(harness.channel, "imagine", prompt=f"of {person.name}")
    await harness.alice.slash(harness.channel, "cancel", job="all")
    renderer.release()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs ORDER BY id") == [
        ("cancelled",),
        ("painted",),
        ("cancelled",),
    ]


async def test_only_admins_cancel_for_others(harness: BotHarness, renderer: ScriptedRenderer):
    """Only members who manage the server can cancel jobs of others."""
    renderer.hold()
    status = await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    refused = await harness.bob.click(status.response.message, label="Cancel")
    assert refused.ephemeral and "permission" in refused.response.content
    assert harness.rows("SELECT state FROM jobs") == [("painting",)]
    await harness.admin.slash(harness.channel, "cancel", job="1")
    assert harness.rows("SELECT state FROM jobs") == [("cancelled",)]
    renderer.release()
    await harness.settled()


@pytest.mark.parametrize("job", ["99", "#1", "x", "１", "-1", "1" * 400, " ", "NULL; --"])
async def test_what_cannot_be_cancelled_is_said(harness: BotHarness, job: str):
    """Unknown, finished and malformed job numbers are explained and change nothing."""
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.settled()
    refused = await harness.alice.slash(harness.channel, "cancel", job=job)
    assert refused.ephemeral and refused.response.content
    assert harness.rows("SELECT state FROM jobs") == [("painted",)] and harness.charged() == 1


async def test_the_clock_ends_what_waits_too_long(
    data_dir: Path, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """A job queued for too long expires, is refunded, and its requester is told."""
    monkeypatch.setattr("bot.jobs.cancellation.LOOK_EVERY_S", 0.02)
    assert LOOK_EVERY_S < 30
    async with open_harness(data_dir, renderer.load, jobs={"max_wait_s": 600}) as harness:
        renderer.hold()
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.state(1, "painting")
        await harness.bob.slash(harness.channel, "imagine", prompt="two")
        harness.clock.advance(601)
        await harness.state(2, "expired")
        await harness.settled(2)
        assert "waited too long" in harness.texts(harness.channel.last_message)
        assert harness.rows("SELECT state FROM jobs WHERE id = 1") == [("painting",)]
        renderer.release()
        await harness.settled()
        assert harness.charged() == 1


async def test_a_job_from_the_future_holds_nothing_up(
    data_dir: Path, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """Jobs accepted while the clock was a year ahead expire in time, as do those behind them."""
    monkeypatch.setattr("bot.jobs.cancellation.LOOK_EVERY_S", 0.02)
    async with open_harness(data_dir, renderer.load, jobs={"max_wait_s": 600}) as harness:
        renderer.hold()
        harness.clock.advance(days=365)
        await harness.alice.slash(harness.channel, "imagine", prompt="one")
        await harness.state(1, "painting")
        await harness.bob.slash(harness.channel, "imagine", prompt="two")
        harness.clock.advance(days=-365)
        await harness.bob.slash(harness.channel, "imagine", prompt="three")
        await asyncio.sleep(0.1)
        assert harness.rows("SELECT state FROM jobs WHERE id > 1") == [("queued",)] * 2
        harness.clock.advance(601)
        await harness.state(2, "expired")
        await harness.state(3, "expired")
        renderer.release()
        await harness.settled()


async def test_a_post_made_by_a_clock_that_was_ahead_is_found(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A result that was posted just before a crash is not posted again, whatever the clock said."""
    renderer.hold()
    harness.clock.advance(days=365)
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    posted = harness.channel.last_message.id
    await harness.crash()
    harness.forget_delivery()
    harness.clock.advance(days=-365)
    before = len(harness.env.http_requests)
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state, result_message_id FROM deliveries") == [
        ("delivered", posted)
    ]
    after = harness.env.http_requests[before:]
    assert not [r for r in after if r.method == "POST" and r.path.endswith("/messages")]


async def test_a_picture_on_the_disk_is_not_painted_again(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """A file written just before a crash is recovered instead of painted again."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one", seed=5, enhance="off")
    await harness.state(1, "painting")
    request = harness.app.services.engine_jobs.handle_of(1)
    assert request is not None
    painted = Painted(gradient(request.spec.request), fake_recipe(request.spec.request), 1.0)
    files = PictureFiles(harness.settings.storage.data_dir, clock=harness.clock)
    written = completion.write_picture(files, "zimagine-1-5.png", painted)
    await harness.crash()
    renderer.painted.clear()
    await harness.start()
    await harness.settled()
    assert renderer.painted == []
    assert harness.rows("SELECT sha256, size_bytes FROM pictures") == [
        (written.sha256, written.size_bytes)
    ]
    assert harness.charged() == 1


async def test_a_private_picture_is_for_one_pair_of_eyes(harness: BotHarness):
    """A private picture is shown only to its requester; nothing is posted."""
    result = await harness.alice.slash(harness.channel, "imagine", prompt="my secret", private=True)
    assert result.ephemeral
    await harness.settled()
    assert harness.rows("SELECT state FROM deliveries") == [("delivered",)]
    assert "my secret" not in "".join(harness.texts(each) for each in harness.channel.history())
    assert not [r for r in harness.env.http_requests if r.path.endswith("/messages")]
    (picture,) = harness.rows("SELECT id FROM pictures")
    stolen = await harness.bob.slash(harness.channel, "reroll", picture=str(picture[0]))
    assert stolen.ephemeral and "no picture" in stolen.response.content
    # For others no job of that number exists, whether finished or not.
    theirs, nobodys = [
        (await harness.bob.slash(harness.channel, "cancel", job=job)).response.content
        for job in ("1", "7")
    ]
    assert theirs == nobodys.replace("7", "1")
    again = await harness.alice.slash(harness.channel, "reroll")
    assert again.ephemeral
    await harness.settled()


async def test_a_full_disk_refuses_in_words(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """If nothing can be written, the request is refused without a charge and the owner is
    alerted."""
    jobs = harness.app.stores.jobs

    async def accept(*_: object):
        raise DiskFull(Path("zimagine.db"), "no space left on device")

    monkeypatch.setattr(jobs, "accept_all", accept)
    refused = await harness.alice.slash(harness.channel, "imagine", prompt="one")
    assert refused.ephemeral and "a problem with my disk" in refused.response.content
    assert harness.rows("SELECT count(*) FROM jobs") == [(0,)]
    async with asyncio.timeout(5):
        while not any(r.path.endswith("/users/@me/channels") for r in harness.env.http_requests):
            await asyncio.sleep(0.01)


async def test_history_shows_what_was_painted(harness: BotHarness):
    """Members can look at each of their own pictures again from the history."""
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.settled()
    page = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(page.response.message, label="Show #1")
    assert shown.ephemeral and "a lake" in harness.texts(shown.response.message)


async def test_a_post_that_a_crash_left_unrecorded_is_found(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """After a crash between posting and recording, the message is found and not posted again."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    posted = harness.channel.last_message.id
    await harness.crash()
    harness.forget_delivery()
    before = len(harness.env.http_requests)
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state, result_message_id FROM deliveries") == [
        ("delivered", posted)
    ]
    after = harness.env.http_requests[before:]
    assert not [r for r in after if r.method == "POST" and r.path.endswith("/messages")]


async def test_a_failure_is_found_by_its_number(harness: BotHarness, renderer: ScriptedRenderer):
    """A message without a picture is found by its job number."""
    renderer.failures["one"] = NonFinite("step 3")
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="one")
    await harness.state(1, "painting")
    harness.clock.advance(31)
    renderer.release()
    await harness.settled()
    messenger = harness.app.services.delivery._messenger
    address = Address(harness.guild.id, harness.channel.id)
    since = harness.clock()
    assert await messenger.find_post(address, 1, since) == harness.channel.last_message.id
    assert await messenger.find_post(address, 2, since) is None
