"""A server's patterns are found in prompts, and bad ones refused."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.moderation.filter.matcher import Matcher
from bot.moderation.filter.patterns import (
    MAX_REGEX_CHARS,
    MAX_WORD_CHARS,
    Words,
    compile_regex,
    read_regex,
    read_words,
)
from bot.request.reasons.filters import PatternProblem, PatternRefused
from storage.filters import FilterRule


def rule(id_: int = 1, **patterns: Any) -> FilterRule:
    """Return a rule with these patterns."""
    return FilterRule(id_, "a rule", "a rule", **patterns)


def found(text: str, **patterns: Any) -> list[str]:
    """Return the patterns of one rule that are found in a text."""
    return [each.pattern for each in Matcher([rule(**patterns)]).matches(text)]


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("cat", "a CAT, sleeping"),
        ("cat", "一只cat在睡觉"),
        ("cat", "Ｃａｔ"),
        ("cat", "c\u200bat"),
        ("café", "a cafe"),
        ("cafe", "a café"),
        ("cat*", "two catfish"),
        ("*cat", "a bobcat"),
        ("*cat*", "concatenate"),
        ("c*t", "a coat"),
        ("big cat", "a BIG,  cat!"),
        ("big c*", "a big-cow"),
        ("裸體", "一個裸体的人"),
        ("裸体", "一個裸體的人"),
        ("裸体", "裸 体"),
        ("*裸体*", "裸体画"),
        ("AV女優", "av女优"),
        ("🔫", "a man with a 🔫"),
        ("straße", "STRASSE"),
    ],
)
def test_a_word_is_found(word: str, prompt: str) -> None:
    """A word or phrase is found wherever it stands as words, however it is written."""
    assert found(prompt, words=(word,)) == [word]


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("cat", "concatenate"),
        ("cat", "cats"),
        ("cat*", "bobcat"),
        ("*cat", "catfish"),
        ("big cat", "a bigcat"),
        ("big cat", "cat, big"),
        ("裸体", "体裸"),
        ("c*t", "cute boat"),
    ],
)
def test_another_word_is_not_found(word: str, prompt: str) -> None:
    """English words end at their boundaries, and a wildcard at the end of the word."""
    assert found(prompt, words=(word,)) == []


def test_regular_expressions_see_the_folded_prompt() -> None:
    """An expression is searched anywhere, without regard to case, width and Chinese variants."""
    assert found("ＮＮＵＵＤＥ", regexes=("n+u+d+e",)) == ["n+u+d+e"]
    assert found("全裸體畫", regexes=("裸.?體",)) == ["裸.?體"]
    assert found("a Gun", regexes=(r"\bguns?\b",)) == [r"\bguns?\b"]
    assert found("a gunner", regexes=(r"\bguns?\b",)) == []
    assert found("first\nlast", regexes=("^first last$",)) == ["^first last$"]


def test_allowed_words_are_left_out_of_their_rule() -> None:
    """Nothing is found within an allowed word or phrase, but beside it, and by other rules."""
    patterns = {"words": ("*cat*",), "regexes": ("nude",), "allowed": ("concat*", "nude colour")}
    assert found("concatenation", **patterns) == []
    assert found("concatenated cats", **patterns) == ["*cat*"]
    assert found("a Nude Colour", **patterns) == []
    assert found("nude, colour nude", **patterns) == ["nude"]
    other = Matcher([rule(1, **patterns), rule(2, words=("*cat*",))]).matches("concatenation")
    assert [each.rule_id for each in other] == [2]


def test_allowed_words_do_not_join_what_they_part() -> None:
    """A phrase is not found across an allowed word that stands in it."""
    patterns = {"words": ("big cat",), "allowed": ("friendly",)}
    assert found("a big friendly cat", **patterns) == []
    assert found("a friendly big cat", **patterns) == ["big cat"]


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("", PatternProblem.EMPTY),
        ("  \u200b ", PatternProblem.EMPTY),
        ("!?", PatternProblem.EMPTY),
        ("*", PatternProblem.EVERYTHING),
        ("** *", PatternProblem.EVERYTHING),
        ("x" * (MAX_WORD_CHARS + 1), PatternProblem.TOO_LONG),
    ],
)
def test_a_word_that_cannot_be_one_is_refused(word: str, problem: PatternProblem) -> None:
    """Nothing, only wildcards and too many characters are refused, each as what it is."""
    read = read_words(word)
    assert isinstance(read, PatternRefused) and read.problem is problem


@pytest.mark.parametrize(
    ("regex", "problem"),
    [
        ("", PatternProblem.EMPTY),
        ("(", PatternProblem.INVALID),
        ("(?=a)", PatternProblem.INVALID),
        (r"(a)\1", PatternProblem.INVALID),
        ("a{1001}", PatternProblem.INVALID),
        ("(x{1000}|y{1000}){100}", PatternProblem.INVALID),
        ("\ud800", PatternProblem.INVALID),
        ("a*", PatternProblem.EVERYTHING),
        (".", PatternProblem.EVERYTHING),
        (r"\w", PatternProblem.EVERYTHING),
        ("[一-龥]", PatternProblem.EVERYTHING),
        ("x" * (MAX_REGEX_CHARS + 1), PatternProblem.TOO_LONG),
    ],
)
def test_an_expression_that_cannot_be_one_is_refused(regex: str, problem: PatternProblem) -> None:
    """What does not compile, is too large, or is found in everything is refused as what it is."""
    read = read_regex(regex)
    assert isinstance(read, PatternRefused) and read.problem is problem


def test_no_expression_takes_long() -> None:
    """What hangs other engines for years takes milliseconds."""
    matcher = Matcher([rule(regexes=(r"(a+)+$b", r"(x+x+)+y", r"([a-z]+)*\d$"))])
    began_s = time.perf_counter()
    matcher.matches("a" * 4000 + "x" * 4000)
    assert time.perf_counter() - began_s < 1.0


def test_patterns_that_do_not_fit_together_are_found_all_the_same() -> None:
    """Where RE2's memory does not hold all of them at once, they are searched one by one."""
    patterns = tuple(f"wo{number:03}rd[aeiou]+s?x*" for number in range(300))
    tight = Matcher([rule(regexes=patterns)], set_memory_bytes=1 << 14)
    assert not tight.fits and Matcher([rule(regexes=patterns)]).fits
    assert [each.pattern for each in tight.matches("a wo007rdaa")] == [patterns[7]]


def test_little_memory_changes_nothing_that_is_found() -> None:
    """Expressions with many states are found with however little memory they compile."""
    patterns = tuple(f"(?:{each}[ab]{{40}})" for each in ("a", "b", "ab"))
    for bits in range(13, 20):
        matcher = Matcher([rule(regexes=patterns)], set_memory_bytes=1 << bits)
        assert [each.pattern for each in matcher.matches("ab" * 3000)] == list(patterns)


WORD = st.text("abc裸體 *", min_size=1, max_size=6)


@settings(max_examples=200)
@given(st.lists(WORD, min_size=1, max_size=8, unique=True), st.text("abc裸體体 ,", max_size=30))
def test_all_at_once_finds_what_each_finds(words: list[str], prompt: str) -> None:
    """Many words together find exactly what each finds alone, as its expression says."""
    usable = [each for each in words if isinstance(read_words(each), Words)]
    together = Matcher([rule(words=tuple(usable))]).matches(prompt)
    assert {each.pattern for each in together} == {
        each for each in usable if found(prompt, words=(each,))
    }


def test_compiled_expressions_are_bounded() -> None:
    """Compiled expressions that nobody uses are let go."""
    assert compile_regex.cache_info().maxsize is not None
