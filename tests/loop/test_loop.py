"""The event loop of the real bot, while twenty users use it and it paints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.clocks import LINUX
from tests.loop.run import LoadSettings, run_load

GOAL_MS = 1000.0
EXPECTED = {
    "/cancel", "/history", "/imagine", "/imagine ×2–4", "/queue", "/quota", "/recipe",
    "/recipe file", "/remix", "/reroll", "/upscale", "/vary", "button favour", "button more",
    "button reroll", "button upscale", "typing /reroll picture",
}  # fmt: skip


@pytest.mark.skipif(not LINUX, reason="only Linux tells how long a thread waited for a processor")
async def test_nothing_keeps_the_loop(tmp_path: Path) -> None:
    """Nothing occupies the loop for 50 ms or waits for a disk, and all responses are in time.

    Garbage collections take no longer either, and most responses take less than a second.
    """
    used = await run_load(LoadSettings(acts=200, people=20, folder=tmp_path))
    assert used.exit_code == 0 and used.findings is not None, used.log
    broken = used.findings.violations()
    assert not broken, "\n".join([*broken, str(used.findings)])
    assert used.by_kind().keys() >= EXPECTED, sorted(EXPECTED - used.by_kind().keys())
    assert len(used.answered) >= 200 and used.findings.callbacks > 2000 and used.pictures >= 5
    assert not used.problems and not used.late(), (used.problems, used.late())
    assert used.median_ms() < GOAL_MS
