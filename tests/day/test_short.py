"""A short day in every test run; the long one is `make day`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.day.day_run import play
from tests.day.town import Scale

SCALE = Scale(
    seed=7,
    members=24,
    hours=2,
    minutes_per_step=10,
    kills=1,
    erasures=2,
    crowds=1,
    crowd=30,
)


@pytest.mark.timeout(900)
async def test_a_few_hours_break_no_promise(tmp_path: Path) -> None:
    """Quotas are exact to the picture, every refusal has its reason, no member gets to what is for
    admins, and nothing is left of who was erased, over kills and a clock that is set back."""
    told: list[str] = []
    result = await play(SCALE, tmp_path, told.append)
    story = "\n".join([f"seed {SCALE.seed}", *map(str, result.counts.items()), *result.wrong])
    assert not result.wrong, story
    counts = result.counts
    assert counts["kills"] > SCALE.kills and counts["clock set back"] and counts["crowds"], story
    assert counts["painted"] and counts["failed"] and counts["refused: quota"], story
    assert counts["members who left something everywhere"] == SCALE.erasures, story
    assert counts["erasures with a backup"] and counts["quotas compared"], story
