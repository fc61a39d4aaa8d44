"""Numbers as members type them, above all those of pictures and jobs."""

from __future__ import annotations

_MAX_DIGITS = 18
"""Longer numbers could overflow SQLite's 64-bit integers."""


_FULL_WIDTH = str.maketrans("０１２３４５６７８９＃．，－＋", "0123456789#.,-+")


def plain_digits(text: str) -> str:
    """Return a typed number with ASCII digits and signs in place of full-width ones."""
    return text.translate(_FULL_WIDTH)


def parse_id(text: str) -> int | None:
    """Return the id in "12", "#12" or "＃１２"; None if the text is no id.

    Only ASCII and full-width digits count, and at most 18 of them.
    """
    digits = plain_digits(text).strip().lstrip("#")
    valid = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if valid else None
