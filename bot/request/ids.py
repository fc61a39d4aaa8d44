"""Numbers of pictures and jobs as members type them."""

from __future__ import annotations

_MAX_DIGITS = 18
"""Longer numbers could overflow SQLite's 64-bit integers."""


def parse_id(text: str) -> int | None:
    """Return the id in "12" or "#12"; None if the text is no id.

    Only ASCII digits count, and at most 18 of them.
    """
    digits = text.strip().lstrip("#")
    valid = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if valid else None
