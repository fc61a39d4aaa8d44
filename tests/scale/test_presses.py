"""The verdict and the table of response times."""

from __future__ import annotations

from tests.loop.findings import BlockingCall, Findings
from tests.loop.load import ResponseTime
from tests.loop.run import LoadResult
from tests.scale.presses import broken, table


def used(*answered: ResponseTime, findings: Findings | None = None) -> LoadResult:
    """A load with these answers, without a fault otherwise."""
    return LoadResult([*answered], 1.0, 1, [], "", 0, findings)


def test_late_and_slow_answers_are_told() -> None:
    """An unanswered interaction and a kind with a median of a second are reported, others not."""
    fine = ResponseTime("/queue", 999.0)
    assert broken(used(fine)) == []
    problems = broken(used(fine, ResponseTime("/quota", None), ResponseTime("/quota", 5.0)))
    assert problems == ["/quota was not answered within 3000 ms", "/quota: median 1502 ms"]
    assert broken(used(ResponseTime("button more", 1000.0))) == ["button more: median 1000 ms"]


def test_what_kept_the_loop_is_told() -> None:
    """Where the loop was watched, its findings belong to the verdict."""
    findings = Findings(blocked=[BlockingCall("open", "'x'", "task", ("here.py:1 f",))])
    (problems,) = broken(used(ResponseTime("/queue", 1.0), findings=findings))
    assert "open" in problems and "here.py:1 f" in problems


def test_the_slowest_kind_comes_first_and_all_come_last() -> None:
    """Each kind has a row with count, median, 95th percentile and longest."""
    times = [ResponseTime("/queue", each) for each in (1.0, 2.0, 3.0)]
    rows = table(used(*times, ResponseTime("/quota", 20.0))).splitlines()[2:]
    assert rows == [
        "| /quota | 1 | 20 ms | 20 ms | 20 ms |",
        "| /queue | 3 | 2 ms | 3 ms | 3 ms |",
        "| all | 4 | 2 ms | 20 ms | 20 ms |",
    ]
