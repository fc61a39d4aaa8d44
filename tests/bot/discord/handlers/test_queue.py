"""Cancel on the panel of /queue updates the panel and shows the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.errors import DiskFull
from storage.jobs import Jobs
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
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
    assert text.startswith("This job has already finished") and "boat" not in text
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
