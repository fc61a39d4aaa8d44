"""What was measured becomes rows with goals, and the model of random weights paints in both."""

from datetime import date
from pathlib import Path

import pytest

from engine.benchmarks import sections
from engine.benchmarks.comparison import BenchmarkFailed
from engine.benchmarks.report import fields, table
from engine.benchmarks.sections import GIB, LEVELS, TEXTS, Plan, Row


def runs(*seconds: float, forwards: int = 8, gib: float = 1.0) -> list[dict[str, object]]:
    """Two rounds of two pictures, of which the second takes this long."""
    return [
        {
            "seconds": [9.0, each],
            "forwards": forwards,
            "peak_bytes": int(gib * GIB),
            "ready_s": each,
        }
        for each in seconds
    ]


def pace(ours: list[dict[str, object]], other: list[dict[str, object]], goal: float | None) -> Row:
    return sections._pace("a picture", "key", ours, other, goal, lambda each: each[1])


def test_a_pace_is_met_by_the_median_of_the_rounds():
    """The goal is for the ratio, and the seconds stand beside it."""
    row = pace(runs(1.0, 2.0), runs(1.5, 3.0), 1.5)
    assert (row.ours, row.other, row.ratio) == ("1.50 s", "2.25 s", "1.50 (1.50 to 1.50)")
    assert row.met is True and row.number == 1.5
    assert pace(runs(1.0), runs(1.4), 1.5).met is False
    assert pace(runs(1.0), runs(1.4), None).met is None


def test_different_work_is_not_compared():
    """A pipeline that computes another number of steps is refused, not called slower."""
    with pytest.raises(AssertionError, match="different numbers of steps"):
        pace(runs(1.0), runs(1.0, forwards=9), None)


def test_goals_of_the_full_size_do_not_apply_to_a_quick_run():
    """A tiny model would meet every limit of memory."""
    quick = sections._peak("peak", "key", Plan(quick=True), runs(1.0), runs(1.0))
    full = sections._peak("peak", "key", Plan(), runs(1.0, gib=13.5), runs(1.0, gib=19.0))
    assert quick.goal == "" and quick.met is None
    assert (full.goal, full.met, full.ours) == ("≤ 13 GiB", False, "13.50 GiB")


def test_a_report_lists_what_was_missed():
    """The JSON report names goals by key; the table writes them as words."""
    missed, met = Row("a", "1 s", met=False, key="a", number=1.0), Row("b", "2 s", met=True)
    report = fields({"sketch": [missed, met]}, date(2026, 11, 30), quick=False)
    assert report["missed"] == ["a"] and report["numbers"] == {"a": 1.0}
    assert table([missed])[-1] == "| a | 1 s |  |  |  | no |"


def test_values_are_put_into_words():
    """A table and a report have the numbers in place of the braces, and a table other words."""
    row = Row(TEXTS["memory"], LEVELS, values={"last": 20, "first": 2, "levels": 3})
    (said,) = fields({"memory": [row]}, date(2026, 11, 30), quick=True)["rows"]
    assert said["what"] == "memory after picture 20, and after picture 2"
    assert table([row])[-1].startswith(f"| {said['what']} | 3 of 255 levels |")
    shouted = table([row], lambda text, **values: text.format(**values).upper())
    assert shouted[0].startswith("| WHAT | ZIMAGINE |") and "AFTER PICTURE 20" in shouted[-1]


def test_a_disk_without_room_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Both numbers are in the sentence."""
    monkeypatch.setattr(sections, "FULL_BYTES", 10**18)
    with pytest.raises(BenchmarkFailed, match=r"takes 1000000000 GB, and [\d.]+ GB are free"):
        list(sections.processor(Plan(folder=tmp_path / "model")))
    assert not (tmp_path / "model").exists()
