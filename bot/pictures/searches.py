"""What members type to find pictures again, made into a query; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.request.outcomes import EmptyPeriod, NotADay, OutOfRange, Refused, TextTooLong
from bot.request.values.days import read_days
from engine.prompts import clean
from engine.types import MAX_SEED
from storage.search import FIRST_DAY, LAST_DAY, PictureQuery

MAX_SEARCH_CHARS = 100
"""Length of a search text. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What was typed; None and "" are left out. since, until: days, months or years."""

    text: str | None = None
    seed: int | None = None
    since: str | None = None
    until: str | None = None
    model: str | None = None
    lora: str | None = None
    favourites: bool = False


def parse_search(terms: SearchTerms) -> PictureQuery | Refused:
    """Return the query that the terms mean."""
    text = clean(terms.text or "")
    if len(text) > MAX_SEARCH_CHARS:
        return Refused(TextTooLong("search", len(text), MAX_SEARCH_CHARS))
    if terms.seed is not None and not 0 <= terms.seed <= MAX_SEED:
        return Refused(OutOfRange("seed", terms.seed, 0, MAX_SEED))
    since, until = _period(terms.since), _period(terms.until)
    for each in (since, until):
        if isinstance(each, Refused):
            return each
    assert not isinstance(since, Refused) and not isinstance(until, Refused)
    first = None if since is None else since[0]
    last = None if until is None else until[1]
    if first is not None and last is not None and first > last:
        return Refused(EmptyPeriod(first, last))
    return PictureQuery(
        text=text,
        seed=terms.seed,
        since=first,
        until=last,
        model=clean(terms.model or ""),
        # As it is written elsewhere, with a weight.
        lora=clean(terms.lora or "").partition(":")[0].strip(),
        favourites=terms.favourites,
    )


def _period(text: str | None) -> tuple[date, date] | Refused | None:
    """Return the first and the last day that a text means."""
    typed = clean(text or "")
    if not typed:
        return None
    days = read_days(typed)
    if days is not None and FIRST_DAY <= days[0] <= days[1] <= LAST_DAY:
        return days
    return Refused(NotADay(typed, FIRST_DAY, LAST_DAY))
