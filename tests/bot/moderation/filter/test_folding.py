"""Words are found however they are written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.moderation.filter.folding import fold, fold_pattern, token_spans, tokens


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ＦＯＲＢＩＤＤＥＮ", "forbidden"),
        ("for\u200bbid\u00adden", "forbidden"),
        ("f\u0301o\u0308rbídden", "forbidden"),
        ("ﬁne STRAẞE", "fine strasse"),
        ("裸體　龍", "裸体 龙"),
        ("乾髮發裏後", "干发发里后"),
        ("穿著", "穿着"),
        ("a \n\t  b", "a b"),
        ("\u3164\u2800", ""),
        ("\ud800x", "x"),
    ],
)
def test_the_same_word_is_the_same_text(written: str, folded: str) -> None:
    """Width, case, diacritics, invisible characters and Chinese variants do not count."""
    assert fold(written) == folded


@pytest.mark.parametrize("text", ["が", "สวัสดี", "हिन्दी", "한글", "ไม่"])
def test_letters_of_other_scripts_stay(text: str) -> None:
    """Marks that are letters of their script are not taken away: another word would be found."""
    assert fold(text) == unicodedata.normalize("NFKC", text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)


def test_a_script_without_spaces_has_characters_as_words() -> None:
    """Chinese, Japanese, Thai and emoji are single tokens; other words are whole."""
    assert tokens(fold("a big-cat在龍に_foo 12 naïve 🔫สว")) == [
        *("a", "big", "cat", "在", "龙", "に", "foo", "12", "naive", "🔫", "ส", "ว")
    ]


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("裸.?體", "裸.?体"),
        (r"\bÉtÉ\W+", r"\betE\W+".replace("E", "e")),
        ("[一-龥]", "[一-龥]"),
        ("（a）", "（a）"),
    ],
)
def test_a_regular_expression_keeps_its_grammar(typed: str, folded: str) -> None:
    """Letters of an expression are folded like prompts; what has a meaning in it stays."""
    assert fold_pattern(typed) == folded


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is its own folding, and its tokens are parts of it."""
    folded = fold(text)
    assert fold(folded) == folded
    assert [folded[start:end] for _, start, end in token_spans(folded)] == tokens(folded)
