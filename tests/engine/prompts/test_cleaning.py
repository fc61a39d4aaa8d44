"""Typed text becomes safe text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.prompts import clean

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
TRICKY = st.text(
    alphabet="a e\u0301\u200b\u200d\ufe0f\t\n\x00\ud83d,.。，!山湖ÅÅ\u3000", max_size=12
)


@given(st.one_of(ANY_TEXT, TRICKY))
@example("a\u200b\u0301")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """clean is idempotent: text is stored and compared after cleaning it once."""
    assert clean(clean(text)) == clean(text)


@given(st.one_of(ANY_TEXT, TRICKY))
@example("a\u200b\u0301")
def test_cleaned_text_is_safe(text: str) -> None:
    """No control characters, half surrogates, line breaks or double spaces survive, and every store
    accepts the result."""
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    categories = {unicodedata.category(each) for each in cleaned if each != "\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_visible_text_is_kept(text: str) -> None:
    """Letters, digits, punctuation and symbols of every script stay as they are, composed."""
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "emoji",
    ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🚀", "❤️", "🇫🇷"],
    ids=["family", "flag", "tone", "heart", "letters"],
)
def test_emoji_stay_whole(emoji: str) -> None:
    """Emoji made of several characters stay together."""
    assert clean(f" a {emoji}  b ") == f"a {emoji} b"


@pytest.mark.parametrize("nothing", ["", " \n\t ", "\x00\x1b", "\u200b\u200d\ufeff", "\ud800"])
def test_invisible_prompts_are_empty(nothing: str) -> None:
    """Text that shows nothing cleans to nothing, so that it is refused as empty."""
    assert clean(nothing) == ""


def test_what_is_newer_than_this_python_is_kept() -> None:
    """An emoji of a later Unicode and the joiners of Persian survive; noncharacters do not."""
    assert clean("\U0001fae8") == "\U0001fae8"
    assert clean("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )
    assert clean("a\ufdd0\uffffb") == "ab"
