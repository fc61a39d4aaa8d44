"""How long something lasts, as it is typed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.moderation.durations import read_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30m", timedelta(minutes=30)),
        (" 12 Hours ", timedelta(hours=12)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("3 天", timedelta(days=3)),
        ("366d", timedelta(days=366)),
        ("367d", None),
        ("0m", None),
        ("-1d", None),
        ("3", None),
        ("d", None),
        ("1d2h", None),
        ("9999999h", None),
        ("", None),
    ],
)
def test_a_number_and_a_unit_are_read(text: str, duration: timedelta | None) -> None:
    """Times of more than nothing and at most a leap year are read; nothing else is guessed."""
    assert read_duration(text) == duration
