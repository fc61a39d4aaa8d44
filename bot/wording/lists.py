"""Lists in a sentence and in a row, as each language writes them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import Words


def listed(items: Iterable[str], say: Words, *, shown: int | None = None) -> str:
    """Return "a", "a and b", or "a, b and c". shown: of more than these, only "a, b, …"."""
    *first, last = tuple(items) or ("",)
    if shown is not None and len(first) >= shown:
        return enumerated((*first, last), say, shown=shown)
    return say("{first} and {last}", first=enumerated(first, say), last=last) if first else last


def alternatives(items: Iterable[str], say: Words) -> str:
    """Return "a", "a or b", or "a, b or c"."""
    *first, last = tuple(items) or ("",)
    return say("{first} or {last}", first=enumerated(first, say), last=last) if first else last


def enumerated(items: Iterable[str], say: Words, *, shown: int | None = None) -> str:
    """Return "a, b, c", for a row that is no sentence. shown: of more than these, "a, b, …"."""
    found = tuple(items)
    text = say("{first}, {next}", first="", next="").join(found[:shown])
    return text if shown is None or len(found) <= shown else say("{first}, …", first=text)


def separated(items: Iterable[str], say: Words) -> str:
    """Return "a: b, c; d: e", for items that are lists themselves."""
    return say("{first}; {next}", first="", next="").join(items)
