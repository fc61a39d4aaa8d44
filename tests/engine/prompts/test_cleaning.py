"""Typed text becomes safe text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.prompts import clean, visible

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
TRICKY = st.text(
    alphabet="a e\u0301\u200b\u200d\ufe0f\t\n\x00\ud83d,.。，!山湖ÅÅ\u3000", max_size=12
) | st.text(
    "a5-\u0301\u034f\ufe0f\u20e3\u3164\u115f\u1160\u1100\u1161\u11a8\u180e\u1820\U0001f3f4"
    "\U000e0067\U000e007f\u212a",
    max_size=12,
)
BLANKS = "\u115f\u1160\u2800\u3164\uffa0\ufffc"
DRAWN_WITH_OTHERS = (*map(ord, "\u200c\u200d\u180e"), *range(0xE0020, 0xE0080))
"""Characters that are invisible by themselves, but change what stands beside them."""


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
    shown = cleaned.translate(dict.fromkeys(DRAWN_WITH_OTHERS))
    categories = {unicodedata.category(each) for each in shown}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters=BLANKS)))
def test_visible_text_is_kept(text: str) -> None:
    """Letters, digits, punctuation and symbols of every script stay as they are, composed."""
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "emoji",
    [
        "👨‍👩‍👧‍👦",
        "🏳️‍🌈",
        "👩🏽‍🚀",
        "❤️",
        "🇫🇷",
        "5️⃣",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
    ids=["family", "flag", "tone", "heart", "letters", "keycap", "Scotland"],
)
def test_emoji_stay_whole(emoji: str) -> None:
    """Emoji made of several characters stay together."""
    assert clean(f" a {emoji}  b ") == f"a {emoji} b"


@pytest.mark.parametrize(
    "word",
    [
        "क्\u200dष",
        "می\u200cخواهم",
        "한국어",
        "\u1112\u119e\u11ab",
        "\u115f\u1161",
        "\u1100\u1160",
        "ᠨᠢᠭᠡ\u180eᠡ",
        "ᠨ\u180b",
        "葛飾北斎",
        "ㅋㅋㅋ",
    ],
    ids=[
        "Hindi", "Persian", "Korean", "old Korean", "no initial", "no vowel", "Mongolian",
        "Mongolian variant", "Japanese", "jamo",
    ],
)  # fmt: skip
def test_words_keep_what_they_need(word: str) -> None:
    """Joiners, fillers and selectors stay inside words of the scripts that need them."""
    assert clean(f"a {word} b") == visible(f"a {word} b") == f"a {word} b"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("red\u3164house", "red house"),
        ("red\u3164\u3164 house\u3164", "red house"),
        ("ㅋㅋㅋ\u3164집", "ㅋㅋㅋ 집"),
        ("一只\uffa0猫", "一只 猫"),
        ("\u2800a\u2800cat\u2800", "a cat"),
        ("a well-known\u3164house", "a well-known house"),
        ("a cat\ufffc", "a cat"),
        ("5\ufe0f cats\U000e0100", "5 cats"),
        ("a\U000e0067\U000e007f cat", "a cat"),
        ("🏴\U000e0067 a cat", "🏴 a cat"),
        ("a\u180ecat", "acat"),
        ("cat\ufe0f🙂", "cat🙂"),
    ],
)
def test_blanks_are_spaces_and_idle_marks_nothing(text: str, read: str) -> None:
    """What is drawn as a gap parts words; selectors and tags that select nothing are dropped."""
    assert clean(text) == read


@pytest.mark.parametrize(
    "nothing", ["", " \n\t ", "\x00\x1b", "\u200b\u200d\ufeff", "\ud800", "\ufffc", "\u3164\u2800"]
)
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
