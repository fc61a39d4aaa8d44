"""Times are stored in SQL and read back unchanged."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.timestamps import from_us, to_us


@given(st.datetimes(timezones=st.just(UTC)))
def test_there_and_back_is_the_same_instant(instant: datetime) -> None:
    """No microsecond is lost, however distant the time."""
    assert from_us(to_us(instant)) == instant


def test_other_zones_are_the_same_instant() -> None:
    """An aware time in any zone is stored as UTC."""
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert to_us(east) == to_us(datetime(2026, 1, 1, tzinfo=UTC))


def test_naive_datetimes_are_refused() -> None:
    """A datetime without a zone is refused."""
    with pytest.raises(ValueError, match="naive"):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001
