"""Processes take turns, and what they say is compared round by round."""

from pathlib import Path

import pytest

from engine.benchmarks.comparison import BenchmarkFailed, Ratio, Variant, in_turn, ratio, values

MODULE = "tests.engine.benchmarks.turns"


def test_variants_take_turns_and_the_first_run_does_not_count(tmp_path: Path):
    """One warm run each, then A B A B; every run is a process, and its last line is its result."""
    log = tmp_path / "log"
    variants = [Variant(each, MODULE, (str(log), each)) for each in ("a", "b")]
    found = in_turn(variants, 2)
    assert log.read_text(encoding="utf-8") == "ab" + "abab"
    assert values(found["a"], "runs") == [3, 5] and values(found["b"], "runs") == [4, 6]


def test_a_process_that_fails_is_named_with_its_last_line(tmp_path: Path):
    """Nothing is compared with a run that broke off."""
    with pytest.raises(BenchmarkFailed, match=r"^slow: there is no device$"):
        in_turn([Variant("slow", MODULE, (str(tmp_path / "log"), "broken"))], 1)


def test_a_ratio_is_taken_within_a_round():
    """A machine that is slower in the second round slows both sides of it."""
    assert ratio([2.0, 20.0, 6.0], [1.0, 10.0, 2.0]) == Ratio(2.0, 2.0, 3.0)
    assert str(Ratio(1.234, 1.0, 1.5)) == "1.23 (1.00 to 1.50)"
