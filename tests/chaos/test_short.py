"""A small storm on every run of the tests; the great one is `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import storm_and_verdict
from tests.chaos.report import table, trail
from tests.chaos.storm import ChaosSettings

SEED = 4
KILLS = 6


@pytest.mark.timeout(400)
async def test_a_small_storm_breaks_no_promise(tmp_path: Path) -> None:
    """Killed six times in bad weather, the bot loses nothing, doubles nothing, charges exactly."""
    told: list[str] = []
    orders = ChaosSettings(SEED, KILLS, tmp_path, say=told.append)
    outcome, violations = await storm_and_verdict(orders)
    story = "\n".join([*told, table(outcome, violations), trail(orders, violations)])
    assert not violations, story
    assert outcome.settled and outcome.steps.counts["kill"] == KILLS == len(told), story
    assert outcome.evidence.jobs and outcome.evidence.showing, story
