"""What the bot paints with is kept in a file for other programs, whole at any moment."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bot.runtime.status_file import keep_status_file
from tests.bot.discord.harness import open_harness
from tests.fakes import ScriptedRenderer, until


async def test_the_file_is_renewed_and_removed(tmp_path: Path) -> None:
    """It comes once its folder is there, says what /status says, and goes with the bot."""
    path = tmp_path / "later" / "status.json"
    async with open_harness(tmp_path / "data", ScriptedRenderer().load) as harness:
        await harness.app.engine.ready()
        status = harness.app.services.status
        task = asyncio.create_task(keep_status_file(path, status, every_s=0.01))
        await asyncio.sleep(0.05)
        assert not task.done() and not path.exists()
        path.parent.mkdir()
        await until(path.exists)
        found, now = json.loads(path.read_text(encoding="utf-8")), await status.current()
        assert (found["steps"], found["guidance"]) == (now.steps, now.guidance)
        assert (found["model"], found["dtype"]) == (now.model, now.dtype) and now.model
        assert now.memory is not None
        assert found["memory"]["total_bytes"] == now.memory.total_bytes
        assert found["memory"]["shared"] is now.memory.shared
        path.unlink()
        await until(path.exists)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert list(path.parent.iterdir()) == []
