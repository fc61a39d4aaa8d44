"""What the application says while it shuts down."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.bot.discord.harness import open_harness
from tests.fakes import ScriptedRenderer


@pytest.mark.parametrize("painting", [True, False])
async def test_a_shutdown_says_what_it_waits_for(tmp_path: Path, painting: bool) -> None:
    """While a picture is finished, which can take minutes, the log says so, and how to end now."""
    renderer = ScriptedRenderer()
    with capture_logs() as logged:
        async with open_harness(tmp_path, renderer.load) as harness:
            if painting:
                renderer.hold()
                await harness.alice.slash(harness.channel, "imagine", prompt="a lake")
                await harness.state(1, "painting")
                asyncio.get_running_loop().call_later(0.2, renderer.release)
            await harness.stop()
            assert not painting or harness.rows("SELECT state FROM jobs") == [("painted",)]
    assert any("stop again" in each["event"] for each in logged) == painting
