"""Numbers that members type for pictures and jobs."""

from __future__ import annotations

import pytest

from bot.request.values.ids import parse_id


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" #12 ", 12),
        ("##12", 12),
        ("0001", 1),
        ("0", 0),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        ("#", None),
        ("# 12", None),
        ("-1", None),
        ("1.5", None),
        ("1_000", None),
        ("x", None),
        ("\uff11\uff12", 12),
        ("\uff03\uff11", 1),
        ("\u0663", None),
        ("\u00b2", None),
    ],
)
def test_ids_are_short_ascii_numbers(text: str, number: int | None):
    """A number sign and spaces around it are allowed; other digits and signs are not."""
    assert parse_id(text) == number
