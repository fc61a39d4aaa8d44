"""The language that a prompt is answered in."""

import pytest

from engine.prompts import language
from engine.prompts.language import is_foreign


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("a mountain lake", "en"),
        ("晨曦中的山湖", "zh"),
        ("山湖 with a boat and a house", "en"),
        ("山湖 boat", "zh"),
        ("12345 !!!", "en"),
        ("", "en"),
        ("㐀", "zh"),
    ],
)
def test_language(text: str, spoken: str) -> None:
    """A third of Han letters makes a text Chinese; digits and punctuation do not count."""
    assert language(text) == spoken


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("кот на крыше", True),
        ("قطة على السطح", True),
        ("夜の東京の街並み", True),
        ("고양이", True),
        ("a café in Łódź", False),
        ("ｃａｔ", False),
        ("黎明的湖", False),
        ("🐈", False),
        ("", False),
    ],
)
def test_foreign_scripts(text: str, foreign: bool) -> None:
    """A script that no lexicon covers is told from Latin and Han, and kana from Chinese."""
    assert is_foreign(text) is foreign
