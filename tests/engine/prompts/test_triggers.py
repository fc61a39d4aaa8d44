"""Trigger words are added where they are missing, and only there."""

import pytest

from engine.prompts import as_read, enhance, missing_words, styled, with_words, words_in
from engine.prompts.enhancement import EnhancementLevel, Style
from engine.prompts.styles import PictureStyle


@pytest.mark.parametrize(
    ("prompt", "words", "wanted"),
    [
        ("a lake", ("ohwx",), "a lake, ohwx"),
        ("a lake.", ("ohwx man", "film"), "a lake. ohwx man, film"),
        ("a lake,", ("ohwx",), "a lake, ohwx"),
        ("an OHWX  Man at a lake", ("ohwx man",), "an OHWX  Man at a lake"),
        ("foxes", ("fox",), "foxes, fox"),
        ("a fox", ("fox", "ink"), "a fox, ink"),
        ("湖边的水墨风格", ("水墨",), "湖边的水墨风格"),
        ("湖边的狐狸", ("水墨", "ohwx"), "湖边的狐狸，水墨，ohwx"),
        ("a lake", ("",), "a lake"),
        ("a lake", (), "a lake"),
    ],
)
def test_words_are_added_where_they_are_missing(
    prompt: str, words: tuple[str, ...], wanted: str
) -> None:
    """A word that stands in the prompt, in any case, is not added again; adding twice adds once."""
    assert with_words(prompt, words) == wanted
    assert with_words(wanted, words) == wanted
    assert missing_words(wanted, words) == ()


@pytest.mark.parametrize(
    ("prompt", "word", "there"),
    [
        ("a Fox, PIXEL  ART!", "pixel art", True),
        ("pixel artists", "pixel art", False),
        ("一张像素画风格的狐狸", "像素画", True),
        ("像素pixel art风格", "pixel art", True),
        ("картина маслом", "маслом", True),
        ("картинами", "картина", False),
        ("un café", "caf", False),
        ("픽셀아트를", "픽셀아트", True),
    ],
)
def test_words_are_found_whole(prompt: str, word: str, there: bool) -> None:
    """Words are found whole, in scripts without spaces wherever they stand."""
    assert words_in(prompt, [word]) == ((word,) if there else ())


def test_the_words_are_read_back_from_the_whole_text() -> None:
    """Of an enhanced prompt with a style and trigger words, that part is found again; a text from
    before the LoRA is read without them."""
    whole = with_words(styled("a lake", PictureStyle.INK).prompt, ("ohwx",))
    enhanced = enhance(
        whole, negative="", level=EnhancementLevel.FULL, style=Style.SENTENCES, negative_works=False
    ).effective_prompt
    assert enhanced.startswith("a lake, ink wash painting, ohwx")
    assert as_read("a lake", enhanced, PictureStyle.INK, ("ohwx",)) == whole
    assert as_read("a lake", "a lake, ohwx. Soft light.", None, ("ohwx",)) == "a lake, ohwx"
    assert as_read("a lake", "a lake. Soft light.", None, ("ohwx",)) == "a lake"
