"""A few pictures without faults, and the comparison that the long soak is based on."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.soak import Sample, SoakResult, SoakSettings, grown, run_soak, table


async def test_a_little_soak(tmp_path: Path) -> None:
    """Twenty-four pictures for many users all arrive, and neither memory nor handles grow."""
    settings = SoakSettings(pictures=24, users=6, at_once=4, seed=1, folder=tmp_path)
    result = await run_soak(settings)
    # The time for so few pictures is too short to compare memory.
    broken = [each for each in result.violations if each.kind != "measured"]
    assert broken == [], table(settings, result)
    assert result.refused == 0 and result.samples[-1].done >= 20
    assert "per second" in table(settings, result)


def measured(memory_mib: float, handles: int) -> SoakResult:
    """Return a soak of a hundred pictures that ends with these numbers."""
    early = [Sample(done, float(done), 500.0, 20) for done in range(90)]
    late = [Sample(done, float(done), memory_mib, handles) for done in range(90, 100)]
    return SoakResult([*early, *late])


def test_what_grows_is_told() -> None:
    """More than a tenth of the memory or five handles are reported; the limits themselves pass."""
    assert grown(measured(550.0, 25), 100) == []
    assert [each.kind for each in grown(measured(551.0, 25), 100)] == ["memory"]
    assert [each.kind for each in grown(measured(500.0, 26), 100)] == ["handles"]


def test_too_little_is_no_measurement() -> None:
    """Without samples in both tenths nothing is reported."""
    assert [each.kind for each in grown(SoakResult(), 100)] == ["measured"]
