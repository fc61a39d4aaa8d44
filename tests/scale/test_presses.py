"""The verdict and the table of response times."""

from __future__ import annotations

from tests.loop.findings import Blocked, Findings
from tests.loop.load import Answered
from tests.loop.run import Used
from tests.scale.presses import broken, table


def used(*answered: Answered, findings: Findings | None = None) -> Used:
    """A load with these answers, without a fault otherwise."""
    return Used([*answered], 1.0, 1, [], "", 0, findings)


def test_late_and_slow_answers_are_told() -> None:
    """An unanswered interaction and a kind with a median of a second are reported, others not."""
    fine = Answered("/queue", 999.0)
    assert broken(used(fine)) == []
    problems = broken(used(fine, Answered("/quota", None), Answered("/quota", 5.0)))
    assert problems == ["/quota was not answered within 3000 ms", "/quota: median 1502 ms"]
    assert broken(used(Answered("button more", 1000.0))) == ["button more: median 1000 ms"]


def test_what_kept_the_loop_is_told() -> None:
    """Where the loop was watched, its findings belong to the verdict."""
    findings = Findings(blocked=[Blocked("open", "'x'", "task", ("here.py:1 f",))])
    (problems,) = broken(used(Answered("/queue", 1.0), findings=findings))
    assert "open" in problems and "here.py:1 f" in problems


def test_the_slowest_kind_comes_first_and_all_come_last() -> None:
    """Each kind has a row with count, median, 95th percentile and longest."""
    times = [Answered("/queue", each) for each in (1.0, 2.0, 3.0)]
    rows = table(used(*times, Answered("/quota", 20.0))).splitlines()[2:]
    assert rows == [
        "| /quota | 1 | 20 ms | 20 ms | 20 ms |",
        "| /queue | 3 | 2 ms | 3 ms | 3 ms |",
        "| all | 4 | 2 ms | 20 ms | 20 ms |",
    ]
