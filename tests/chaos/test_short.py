"""A short chaos run in every test run; the long one is `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import run_and_judge
from tests.chaos.chaos_run import ChaosSettings
from tests.chaos.report import table, trail

SEED = 4
KILLS = 6


@pytest.mark.timeout(400)
async def test_a_small_storm_breaks_no_promise(tmp_path: Path) -> None:
    """Killed six times under faults, the bot loses and duplicates nothing and charges correctly."""
    told: list[str] = []
    settings = ChaosSettings(SEED, KILLS, tmp_path, say=told.append)
    result, violations = await run_and_judge(settings)
    story = "\n".join([*told, table(result, violations), trail(settings, violations)])
    assert not violations, story
    assert result.settled and result.steps.counts["kill"] == KILLS == len(told), story
    assert result.evidence.jobs and result.evidence.showing, story
