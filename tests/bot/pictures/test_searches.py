"""What members type to find pictures becomes a query, or a reason why not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.pictures.searches import MAX_SEARCH_CHARS, SearchTerms, parse_search
from bot.request.outcomes import EmptyPeriod, NotADay, OutOfRange, Refused, TextTooLong
from bot.wording.rejections import refusal
from storage.search import FIRST_DAY, LAST_DAY, PictureQuery


def query(**typed: str | int | None) -> PictureQuery:
    """Return what the terms mean."""
    found = parse_search(SearchTerms(**typed))  # pyright: ignore[reportArgumentType]
    assert isinstance(found, PictureQuery), found
    return found


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-03-31", date(2026, 3, 31), date(2026, 3, 31)),
        ("2026/3/1", date(2026, 3, 1), date(2026, 3, 1)),
        ("２０２６．３．１", date(2026, 3, 1), date(2026, 3, 1)),
        ("2026年3月1日", date(2026, 3, 1), date(2026, 3, 1)),
        (" 2026 年 3 月 ", date(2026, 3, 1), date(2026, 3, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026年", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_days_months_and_years(typed: str, first: date, last: date) -> None:
    """A period begins with the first day of what was typed and ends with the last."""
    assert query(since=typed) == PictureQuery(since=first)
    assert query(until=typed) == PictureQuery(until=last)


@pytest.mark.parametrize(
    "typed", ["soon", "2026-13", "2026-02-30", "31.03.2026", "1999", "2100", "٢٠٢٦-"]
)
def test_what_is_no_day(typed: str) -> None:
    """Anything else is quoted in one sentence that says how to write it."""
    found = parse_search(SearchTerms(until=typed))
    assert isinstance(found, Refused)
    assert found.reason == NotADay(typed, FIRST_DAY, LAST_DAY)
    for locale in ("en-US", "zh-CN"):
        assert typed in refusal(found, words(locale), str)


def test_what_contradicts_itself() -> None:
    """A period that ends before it begins, a text or a seed beyond its limit are refused."""
    backwards = parse_search(SearchTerms(since="2026-03", until="2026-02"))
    assert backwards == Refused(EmptyPeriod(date(2026, 3, 1), date(2026, 2, 28)))
    long = parse_search(SearchTerms("x" * 4000))
    assert long == Refused(TextTooLong("search", 4000, MAX_SEARCH_CHARS))
    seed = parse_search(SearchTerms(seed=-1))
    assert isinstance(seed, Refused) and isinstance(seed.reason, OutOfRange)


def test_names_as_they_are_written_elsewhere() -> None:
    """A LoRA is found by its name, whatever weight is written behind it."""
    assert query(lora=" ink:0.8 ", model=" base ") == PictureQuery(lora="ink", model="base")
    assert query(text=" \u200b ", lora="", model=None) == PictureQuery()


@given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_typed_raises(since: str, until: str) -> None:
    """Any two texts are a period or refused."""
    assert isinstance(parse_search(SearchTerms(since=since, until=until)), Refused | PictureQuery)
