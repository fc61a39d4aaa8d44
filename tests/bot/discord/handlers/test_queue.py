"""Cancel and Cancel all on the panel of /queue update the panel and show the outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.discord.handlers import queue as handlers
from bot.request.outcomes import JobFinished, JobsCancelled, Refused
from storage.errors import DiskFull
from storage.jobs import Jobs
from tests.bot.discord.harness import BotHarness, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import alice_as_actor, button_rows
from tests.fakes import ScriptedRenderer


@pytest.fixture
async def busy(harness: BotHarness, renderer: ScriptedRenderer) -> BotHarness:
    """Alice's first picture is held while painting; her second one and Bob's private one wait."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.state(1, "painting")
    await harness.alice.slash(harness.channel, "imagine", prompt="a **boat** @everyone")
    await harness.bob.slash(harness.channel, "imagine", prompt="hush", private=True)
    return harness


async def queue(harness: BotHarness, who: Any) -> Any:
    """Run /queue; return the result."""
    return (await who.slash(harness.channel, "queue")).response


async def test_the_panel_changes_in_place(busy: BotHarness, renderer: ScriptedRenderer):
    """The cancelled job's row disappears at once, the outcome comes first, and there is no other
    reply."""
    panel = await queue(busy, busy.alice)
    pressed = await busy.alice.click(panel.message, custom_id=marked("z1:unqueue:2"))
    assert pressed.response.id == panel.id
    text = busy.texts(panel.message)
    assert text.startswith("Cancelled and not charged: “a \\*\\*boat\\*\\*")
    assert "@everyone" not in text and "z1:unqueue:2" not in str(panel.message.components)
    assert "z1:unqueue:1" in str(panel.message.components) and "1 job is waiting" in text
    assert busy.charged() == 2
    await busy.alice.click(panel.message, label="Refresh")
    assert "Cancelled" not in busy.texts(panel.message)
    renderer.release()
    await busy.settled()


async def test_what_is_over_is_said_in_the_panel(busy: BotHarness, renderer: ScriptedRenderer):
    """If a job has ended meanwhile, the panel says so and shows the rest."""
    panel = await queue(busy, busy.alice)
    await busy.alice.slash(busy.channel, "cancel", job="2")
    await busy.alice.click(panel.message, custom_id=marked("z1:unqueue:2"))
    text = busy.texts(panel.message)
    assert text.startswith("This has already been cancelled") and "boat" not in text
    assert busy.charged() == 2
    renderer.release()
    await busy.settled()
    await busy.alice.click(panel.message, custom_id=marked("z1:unqueue:1"))
    assert "already finished" in busy.texts(panel.message) and "nothing in the queue" in busy.texts(
        panel.message
    )


async def test_a_private_prompt_stays_unseen(busy: BotHarness, renderer: ScriptedRenderer):
    """An admin can cancel a private job but never sees its prompt."""
    panel = await queue(busy, busy.admin)
    await busy.admin.click(panel.message, custom_id=marked("z1:unqueue:3"))
    text = busy.texts(panel.message)
    assert "Cancelled and not charged: (private)" in text and "hush" not in text
    await busy.bob.slash(busy.channel, "imagine", prompt="psst", private=True)
    said = await busy.admin.slash(busy.channel, "cancel", job="4")
    assert said.ephemeral and said.response.content == "Cancelled and not charged: (private)"
    renderer.release()
    await busy.settled()


async def test_a_full_disk_is_said_in_the_panel(
    busy: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """If the database fails, nothing is cancelled and the row stays."""
    panel = await queue(busy, busy.alice)

    async def full(*_: object) -> None:
        raise DiskFull(Path("zimagine.db"), "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Jobs, "cancelled_by_requester", full)
        await busy.alice.click(panel.message, custom_id=marked("z1:unqueue:2"))
    assert "a problem with my disk" in busy.texts(panel.message)
    assert "z1:unqueue:2" in str(panel.message.components)
    await busy.alice.click(panel.message, custom_id=marked("z1:unqueue:2"))
    assert busy.texts(panel.message).startswith("Cancelled")
    renderer.release()
    await busy.settled()


def labels(panel: Any) -> list[str]:
    """Return the labels of the buttons in rows of their own."""
    return [each["label"] for row in button_rows(panel) for each in row]


async def test_cancel_all(busy: BotHarness, renderer: ScriptedRenderer):
    """All of the member's own jobs end, nobody else's, and the panel names them in their place."""
    panel = await queue(busy, busy.alice)
    assert labels(panel) == ["Cancel all", "Refresh"]
    pressed = await busy.alice.click(panel.message, label="Cancel all")
    assert pressed.response.id == panel.id
    text = busy.texts(panel.message)
    assert text.startswith("2 jobs cancelled and not charged: “a \\*\\*boat\\*\\*")
    assert "“a lake”" in text and "@everyone" not in text
    assert "You have nothing in the queue here" in text and labels(panel) == ["Refresh"]
    states = dict(busy.rows("SELECT id, state FROM jobs"))
    assert states[1] == states[2] == "cancelled" and states[3] != "cancelled"
    assert busy.charged() == 1
    renderer.release()
    await busy.settled()
    assert busy.rows("SELECT id FROM jobs WHERE state = 'painted'") == [(3,)]


async def test_cancel_all_twice_and_too_late(busy: BotHarness, renderer: ScriptedRenderer):
    """On a panel that is out of date, also after a restart, it says that nothing is left."""
    panels = [await queue(busy, busy.alice) for _ in range(2)]
    await busy.alice.click(panels[0].message, label="Cancel all")
    renderer.release()
    await busy.settled()
    await busy.stop()
    await busy.start()
    await busy.alice.click(panels[1].message, label="Cancel all")
    text = busy.texts(panels[1].message)
    assert text.startswith("You have no picture waiting or being painted here.")
    assert labels(panels[1]) == ["Refresh"]


async def test_one_job_needs_no_cancel_all(busy: BotHarness, renderer: ScriptedRenderer):
    """With one job there is only its own Cancel."""
    panel = await queue(busy, busy.bob)
    assert labels(panel) == ["Refresh"]
    renderer.release()
    await busy.settled()


async def test_an_admin_cancels_only_their_own(busy: BotHarness, renderer: ScriptedRenderer):
    """Where others' jobs are listed too, the button says whose it cancels."""
    for prompt in ("one", "two"):
        await busy.admin.slash(busy.channel, "imagine", prompt=prompt)
    panel = await queue(busy, busy.admin)
    assert labels(panel) == ["Cancel all of mine", "Refresh"]
    await busy.admin.click(panel.message, label="Cancel all of mine")
    cancelled = busy.rows("SELECT id FROM jobs WHERE state = 'cancelled' ORDER BY id")
    assert cancelled == [(4,), (5,)]
    text = busy.texts(panel.message)
    assert text.startswith("2 jobs cancelled") and "a lake" in text
    renderer.release()
    await busy.settled()


async def test_cancel_all_beyond_the_limit(data_dir: Path, renderer: ScriptedRenderer):
    """What stays charged is said, and why."""
    async with open_harness(data_dir, renderer.load, quota={"cancelled_s": 0}) as harness:
        renderer.hold()
        await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
        await harness.state(1, "painting")
        await harness.alice.slash(harness.channel, "imagine", prompt="a boat")
        panel = await queue(harness, harness.alice)
        await harness.alice.click(panel.message, label="Cancel all")
        text = harness.texts(panel.message)
        assert "Cancelled and not charged: “a boat”" in text
        assert "Cancelled, but 1 picture stays charged: “a lake”" in text
        assert harness.charged() == 1
        renderer.release()
        await harness.settled()


async def test_a_slow_cancel_all_is_announced(
    busy: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """If it takes long, the panel stays until the outcome takes its place."""

    async def not_finished(_task: Any, _limit_s: float) -> bool:
        return False

    monkeypatch.setattr(handlers, "finished_within", not_finished)
    panel = await queue(busy, busy.alice)
    pressed = await busy.alice.click(panel.message, label="Cancel all")
    assert not pressed.followups
    assert busy.texts(panel.message).startswith("2 jobs cancelled and not charged")
    renderer.release()
    await busy.settled()


async def test_a_full_disk_stops_cancel_all(
    busy: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """If the database fails, the panel says so and still lists what was not cancelled."""
    panel = await queue(busy, busy.alice)

    async def full(*_: object) -> None:
        raise DiskFull(Path("zimagine.db"), "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Jobs, "cancelled_by_requester", full)
        await busy.alice.click(panel.message, label="Cancel all")
    assert "a problem with my disk" in busy.texts(panel.message)
    assert labels(panel) == ["Cancel all", "Refresh"] and busy.charged() == 3
    renderer.release()
    await busy.settled()


async def test_a_disk_that_fills_up_during_cancel_all(
    busy: BotHarness, renderer: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
):
    """What was cancelled before the database failed is said, and the rest is still listed."""
    panel, real = await queue(busy, busy.alice), Jobs.cancelled_by_requester

    async def full_at_the_first(jobs: Jobs, job_id: int, *rest: Any) -> Any:
        if job_id == 1:
            raise DiskFull(Path("zimagine.db"), "no space left")
        return await real(jobs, job_id, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Jobs, "cancelled_by_requester", full_at_the_first)
        await busy.alice.click(panel.message, label="Cancel all")
    text = busy.texts(panel.message)
    assert text.startswith("Cancelled and not charged: “a \\*\\*boat") and "**a lake**" in text
    renderer.release()
    await busy.settled()


async def test_cancel_pressed_twice_at_once(busy: BotHarness, renderer: ScriptedRenderer):
    """The second press is not told that the job has finished, as if it were painted and charged."""
    cancel, actor = busy.app.services.cancellation.cancel, alice_as_actor(busy)
    first, second = await asyncio.gather(cancel(actor, "2"), cancel(actor, "2"))
    assert isinstance(first, JobsCancelled) and second == Refused(JobFinished(cancelled=True))
    renderer.release()
    await busy.settled()
