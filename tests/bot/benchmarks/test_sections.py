"""What processes measured of the whole bot becomes rows with goals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.benchmarks import sections
from engine.benchmarks.comparison import Variant
from engine.benchmarks.sections import Plan, Row

Runs = dict[str, list[dict[str, Any]]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What each variant prints, by its name, in place of processes that take minutes."""
    runs: Runs = {}

    def in_turn(variants: Sequence[Variant], rounds: int, **_: bool) -> Runs:
        return {each.name: runs[each.name][:rounds] for each in variants}

    monkeypatch.setattr(sections, "in_turn", in_turn)
    monkeypatch.setattr(sections, "available_cores", lambda: [0])
    return runs


def by_key(rows: Sequence[Row]) -> dict[str, Row]:
    """Return rows by the keys of their numbers."""
    return {each.key: each for each in rows}


def a_service(pace: float, beside_s: float, gap_s: float) -> dict[str, Any]:
    """Return what the process of the whole bot prints."""
    return {"pace": pace, "beside_s": beside_s, "gaps_s": [0.001] * 95 + [gap_s] * 5}


def test_the_service_is_compared_with_its_painter_and_with_diffusers(found: Runs):
    """The pace of the painter alone is its pictures by their seconds; only that has a goal."""
    found["the bot"] = [a_service(1.9, 0.0149, 0.9), a_service(1.94, 0.0149, 0.9)]
    found["its painter"] = [{"seconds": [0.25, 0.75]}] * 2
    found["diffusers"] = [{"seconds": [0.5, 1.5]}] * 2
    rows = by_key(list(sections.service(Plan(rounds=2))))
    pace = rows["service_ratio"]
    assert (pace.ours, pace.other) == ("1.92 / s", "2.00 / s")
    assert (pace.ratio, pace.goal, pace.met) == ("0.96 (0.95 to 0.97)", "≥ 0.95", True)
    assert rows["service_diffusers_ratio"].ratio == "1.92 (1.90 to 1.94)"
    assert rows["service_diffusers_ratio"].met is None
    assert rows["service_beside_ms"].met and rows["service_beside_ms"].ours == "14.9 ms"
    assert rows["service_gap_ms"].met and rows["service_gap_ms"].ours == "1.0 ms"


def test_a_service_that_keeps_its_painter_waiting_misses_its_goals(found: Runs):
    """Six of a hundred pauses may not be long, and processor time counts a picture."""
    found["the bot"] = [a_service(1.89, 0.016, 0.9)]
    found["the bot"][0]["gaps_s"].append(0.9)
    found["its painter"] = [{"seconds": [0.5]}]
    found["diffusers"] = [{"seconds": [1.0]}]
    rows = by_key(list(sections.service(Plan(rounds=1))))
    missed = [key for key, row in rows.items() if row.met is False]
    assert missed == ["service_ratio", "service_beside_ms", "service_gap_ms"]


def test_two_cores_are_measured_where_there_are_two(found: Runs, monkeypatch: pytest.MonkeyPatch):
    """Processor time beside painting is told for one thread alone."""
    monkeypatch.setattr(sections, "available_cores", lambda: [0, 1])
    found["the bot"] = [a_service(2.0, 0.01, 0.001)]
    found["its painter"] = found["diffusers"] = [{"seconds": [0.5]}]
    keys = set(by_key(list(sections.service(Plan(rounds=1)))))
    assert {"service_ratio", "service_2_cores_ratio", "service_2_cores_gap_ms"} < keys
    assert "service_2_cores_beside_ms" not in keys


def test_acknowledgements_are_compared_round_by_round(found: Runs):
    """The slowest counts by itself, and one that never came as Discord's limit."""
    found["zimagine"] = [{"took_s": [0.1] * 98 + [0.3, 0.9]}, {"took_s": [0.6, None]}]
    found["bare"] = [{"took_s": [0.2] * 100}, {"took_s": [2.0, 1.0]}]
    rows = by_key(list(sections.acknowledgement(Plan(rounds=1))))
    assert rows["ack_p99_ratio"].ratio == "1.50 (1.50 to 1.50)" and rows["ack_p99_ratio"].met
    assert rows["ack_p99_ratio_500"].met and rows["ack_max_s"].met
    rows = by_key(list(sections.acknowledgement(Plan(rounds=2))))
    assert (rows["ack_max_s"].ours, rows["ack_max_s"].met) == ("3.00 s", False)
    assert rows["ack_p99_ratio"].number == 1.5


def test_growth_is_compared_for_every_operation(
    found: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A search has a limit of its own, whatever it costs with fewer pictures."""
    monkeypatch.setattr(sections, "run", lambda variant: {})
    found["10 waiting"] = [{"fill": 1e-6, "take": 1e-6}]
    found["10000 waiting"] = [{"fill": 4e-6, "take": 5e-6}]
    found["10000 pictures"] = [{"accept_ms": 1.0, "search_ms": 1.0}]
    found["1000000 pictures"] = [{"accept_ms": 1.6, "search_ms": 19.0}]
    monkeypatch.setattr(sections, "DATABASE_BYTES", 0)
    rows = by_key(list(sections.scale(Plan(rounds=1, folder=tmp_path))))
    assert {key: row.met for key, row in rows.items()} == {
        "scale_fill_ratio": True,
        "scale_take_ratio": False,
        "scale_accept_ratio": False,
        "scale_search_ms": True,
    }
    assert rows["scale_take_ratio"].ours == "5 µs"


def test_growth_says_in_one_line_that_it_needs_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The tests' databases are not in an installed package; the other sections go on."""
    monkeypatch.setattr(sections, "REPOSITORY", tmp_path)
    (row,) = sections.scale(Plan())
    assert row.ours == "not measured" and row.met is None and "needs the repository" in row.what
