"""Cancel in the panel of /queue: it changes in place and says what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.errors import DiskFull
from storage.jobs import Jobs
from tests.bot.discord.conftest import BotHarness
from tests.fakes import ScriptedRenderer


@pytest.fixture
async def busy(harness: BotHarness, renderer: ScriptedRenderer) -> BotHarness:
    """Alice's first picture is held on the painter; her second, and Bob's private one, wait."""
    renderer.hold()
    await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
    await harness.state(1, "painting")
    await harness.alice.slash(harness.channel, "imagine", prompt="a **boat** @everyone")
    await harness.bob.slash(harness.channel, "imagine", prompt="hush", private=True)
    return harness


async def queue(harness: BotHarness, who: Any) -> Any:
    """The answer that is the panel, as it is shown to this person."""
    return (await who.slash(harness.channel, "queue")).response


async def test_the_panel_changes_in_place(busy: BotHarness, renderer: ScriptedRenderer):
    """The row is gone at once, what was cancelled stands first, and no other answer is needed."""
    panel = await queue(busy, busy.alice)
    pressed = await busy.alice.click(panel.message, custom_id="z1:unqueue:2")
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
    """A row whose job ended meanwhile: the panel says so and shows what is left."""
    panel = await queue(busy, busy.alice)
    await busy.alice.slash(busy.channel, "cancel", job="2")
    await busy.alice.click(panel.message, custom_id="z1:unqueue:2")
    text = busy.texts(panel.message)
    assert text.startswith("This job has already finished") and "boat" not in text
    assert busy.charged() == 2
    renderer.release()
    await busy.settled()
    await busy.alice.click(panel.message, custom_id="z1:unqueue:1")
    assert "already finished" in busy.texts(panel.message) and "nothing in the queue" in busy.texts(
        panel.message
    )


async def test_a_private_prompt_stays_unseen(busy: BotHarness, renderer: ScriptedRenderer):
    """Who may cancel for others ends a private job without reading its words, by any road."""
    panel = await queue(busy, busy.admin)
    await busy.admin.click(panel.message, custom_id="z1:unqueue:3")
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
    """Nothing is cancelled where the database takes nothing, and the row stays for a second try."""
    panel = await queue(busy, busy.alice)

    async def full(*_: object) -> None:
        raise DiskFull(Path("zimagine.db"), "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Jobs, "cancelled", full)
        await busy.alice.click(panel.message, custom_id="z1:unqueue:2")
    assert "a problem with its disk" in busy.texts(panel.message)
    assert "z1:unqueue:2" in str(panel.message.components)
    await busy.alice.click(panel.message, custom_id="z1:unqueue:2")
    assert busy.texts(panel.message).startswith("Cancelled")
    renderer.release()
    await busy.settled()
