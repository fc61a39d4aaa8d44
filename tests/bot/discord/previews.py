"""Helpers that show previews at a pace set by the test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.bot.discord.harness import BotHarness
from tests.fakes import ScriptedRenderer


@dataclass(slots=True)
class ProgressClock:
    """The clock of the progress updater, moved by a test."""

    harness: BotHarness
    now_s: float = field(default=1000.0)

    def __post_init__(self) -> None:
        self.take_over()

    def take_over(self) -> None:
        """Take over the clock of the progress updater that is running now."""
        self.harness.app.services.progress._now_s = lambda: self.now_s

    async def edited(self, renderer: ScriptedRenderer, steps: int, job_id: int = 1) -> None:
        """Paint `steps` more steps, let three seconds pass, and wait for the edit."""
        handle = self.harness.app.services.engine_jobs.handle_of(job_id)
        assert handle is not None
        done = handle.latest.step if handle.latest else 0
        edits = len(self.edits())
        renderer.step(steps)
        async with asyncio.timeout(10):
            while handle.latest is None or handle.latest.step < done + steps:
                await asyncio.sleep(0.005)
            self.now_s += 3
            while len(self.edits()) == edits:
                await asyncio.sleep(0.005)
        await self.harness.env.settle()

    def edits(self) -> list[Any]:
        """Return every edit of a message so far."""
        return [each for each in self.harness.env.http_requests if each.method == "PATCH"]


def attachment_names(message: Any) -> list[str]:
    return [each.filename for each in message.attachments]


async def start_painting(harness: BotHarness, renderer: ScriptedRenderer, **options: Any) -> Any:
    """Ask for a picture and hold it before its first step; return the result."""
    renderer.hold()
    result = await harness.alice.slash(harness.channel, "imagine", prompt="a city", **options)
    await harness.state(1, "painting")
    return result
