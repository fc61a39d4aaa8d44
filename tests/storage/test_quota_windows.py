"""Windows of quotas: rolling hours, and calendar days wherever clocks are changed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.quota_windows import CalendarDay, Rolling, day_of, day_start, find_zone, zone_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",  # 5:45 ahead
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Havana",  # midnight is skipped in spring, and comes twice in autumn
    "Africa/Cairo",  # as there, on other days
    "Pacific/Apia",  # left out a whole day in 2011
    "America/St_Johns",  # until 2011 set back a minute after midnight
    "Atlantic/Azores",
)
US = timedelta(microseconds=1)
instants = st.timedeltas(timedelta(), timedelta(days=365 * 25)).map(
    lambda passed: datetime(2005, 1, 1, tzinfo=UTC) + passed
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", date(2026, 3, 1), utc(2026, 3, 1), 24),
        ("Europe/Berlin", date(2026, 3, 29), utc(2026, 3, 28, 23), 23),
        ("Europe/Berlin", date(2026, 10, 25), utc(2026, 10, 24, 22), 25),
        ("Asia/Kathmandu", date(2026, 1, 1), utc(2025, 12, 31, 18, 15), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), utc(2026, 4, 4, 13), 24.5),
        # 0:00 becomes 1:00; and 1:00 becomes 0:00, which comes twice on the same day.
        ("America/Havana", date(2026, 3, 8), utc(2026, 3, 8, 5), 23),
        ("America/Havana", date(2026, 11, 1), utc(2026, 11, 1, 4), 25),
        # The clock is set back at 0:00 to 23:00: the day before is the longer one.
        ("Africa/Cairo", date(2026, 10, 29), utc(2026, 10, 28, 21), 25),
        # There was no 30 December.
        ("Pacific/Apia", date(2011, 12, 29), utc(2011, 12, 29, 10), 24),
        ("Pacific/Apia", date(2011, 12, 31), utc(2011, 12, 30, 10), 24),
        # 0:01 became 23:01 of the day before, which did not come again.
        ("America/St_Johns", date(2010, 11, 7), utc(2010, 11, 7, 2, 30), 25),
    ],
)
def test_days_are_as_long_as_clocks_say(
    zone: str, day: date, begins: datetime, hours: float
) -> None:
    """A day begins when its date is shown first, and lasts until the next one does."""
    window, length = CalendarDay(zone), timedelta(hours=hours)
    assert day_start(day, zone_of(zone)) == begins
    for at in (begins, begins + length / 2, begins + length - US):
        assert window.counts_after(at) == begins - US
        assert window.returns_at(at) == begins + length
    assert window.returns_at(begins - US) == begins
    assert window.counts_after(begins + length) == begins + length - US


@given(st.sampled_from(ZONES), instants)
def test_every_instant_is_in_one_day(zone: str, at: datetime) -> None:
    """A charge counts from when it is made until the day ends, and never afterwards."""
    window = CalendarDay(zone)
    begins, ends = window.counts_after(at) + US, window.returns_at(at)
    assert begins <= at < ends
    assert timedelta(hours=20) <= ends - begins <= timedelta(hours=48)
    assert window.counts_after(ends - US) + US == begins and window.returns_at(begins) == ends
    assert window.counts_after(ends) + US == ends


@given(st.sampled_from(ZONES), instants, st.timedeltas(timedelta(), timedelta(days=3)))
def test_days_never_go_backwards(zone: str, at: datetime, later: timedelta) -> None:
    """Whatever clocks show, time only leads to the same day or to later ones."""
    place = zone_of(zone)
    assert day_of(at, place) <= day_of(at + later, place)


def test_a_rolling_window_ends_to_the_microsecond() -> None:
    """A charge counts for exactly the hours of the window."""
    at = utc(2026, 3, 29, 0, 30)
    assert Rolling(24).returns_at(at) == at + timedelta(hours=24)
    assert Rolling(24).counts_after(at + timedelta(hours=24)) == at


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "x" * 65,
        "a\0b",
        "\ud800",
    ],
)
def test_odd_names_are_no_zones(name: str) -> None:
    """What is not in the time zone database is not found, and counts as UTC if it is stored."""
    assert find_zone(name) is None and zone_of(name) is UTC
