"""A chosen style acts as if its words had been written, and never against the user's own."""

from __future__ import annotations

import pytest
from hypothesis import given

from engine.prompts import (
    EnhancementLevel,
    PictureStyle,
    Style,
    Styled,
    addition,
    analyse,
    as_read,
    enhance,
    language,
    styled,
)
from tests.engine.prompts.samples import PROMPTS, STYLES

CHOSEN = pytest.mark.parametrize("style", PictureStyle)


def made(
    prompt: str, level: EnhancementLevel = EnhancementLevel.FULL, put: Style = Style.SENTENCES
) -> str:
    """Return the prompt that the model reads."""
    return enhance(
        prompt, negative="", level=level, style=put, negative_works=False
    ).effective_prompt


@CHOSEN
@pytest.mark.parametrize("prompt", ["a fox in the snow", "雪地里的狐狸"])
def test_every_style_has_words_that_are_read_as_one(style: PictureStyle, prompt: str):
    """Its words are in the prompt's language, name a style that the lexicons know, change the
    quality phrases, and name nothing else that could become the picture's subject."""
    found = styled(prompt, style)
    words = found.prompt.removeprefix(prompt).lstrip("，, ")
    assert words and not found.clash and language(words) == language(prompt)
    assert analyse(found.prompt).styles and not analyse(prompt).styles
    assert analyse(found.prompt).subject == analyse(prompt).subject
    ours, plain = (made(text).removeprefix(text) for text in (found.prompt, prompt))
    assert ours != plain


@CHOSEN
@pytest.mark.parametrize("prompt", ["a fox in the snow", "雪地里的狐狸"])
def test_a_style_is_never_added_twice(style: PictureStyle, prompt: str):
    """A prompt with a style's own words gets nothing more of it, and no clash."""
    once = styled(prompt, style).prompt
    assert styled(once, style) == Styled(once)


@pytest.mark.parametrize(
    ("prompt", "style", "read"),
    [
        ("a lake", "oil", "a lake, oil painting"),
        ("a lake,", "oil", "a lake, oil painting"),
        ("a lake.", "oil", "a lake. Oil painting"),
        ("what a lake!", "3d", "what a lake! 3D render"),
        ("一座湖", "ink", "一座湖，水墨画"),
        ("一座湖。", "ink", "一座湖。水墨画"),
        # The user named it in other words.
        ("an impressionist lake", "oil", "an impressionist lake"),
        ("a Polaroid of a dog", "photo", "a Polaroid of a dog, photograph"),
        ("a photo of a dog", "film", "a photo of a dog, film photography"),
        ("low-poly fox", "low-poly", "low-poly fox"),
        ("low poly fox", "isometric", "low poly fox, isometric view"),
        ("sketches of a cat", "pencil", "sketches of a cat"),
        ("a movie poster", "poster", "a movie poster"),
        ("城市海报设计", "poster", "城市海报设计"),
        # Words that say little of a style, and what goes with any.
        ("a cinematic city", "anime", "a cinematic city, anime style"),
        ("a realistic cat", "photo", "a realistic cat, photograph"),
        ("a painting of a cat", "watercolour", "a painting of a cat, watercolour painting"),
        ("a cat sticker", "watercolour", "a cat sticker, watercolour painting"),
        ("black and white street", "film", "black and white street, film photography"),
        ("cyberpunk street", "pixel", "cyberpunk street, pixel art"),
        ("a sign “oil painting”", "anime", "a sign “oil painting”, anime style"),
        ("кот", "oil", "кот, oil painting"),
    ],
)
def test_how_it_is_put(prompt: str, style: str, read: str):
    """Style words follow the prompt's punctuation, are added only if missing, beside what fits."""
    assert styled(prompt, PictureStyle(style)) == Styled(read)


@pytest.mark.parametrize(
    ("prompt", "style", "clash"),
    [
        ("an anime girl", "oil", "anime"),
        ("a photo of a dog", "anime", "photo"),
        ("a painting of a dog", "photo", "painting"),
        ("a dog, no anime", "anime", "anime"),
        ("动漫少女", "oil", "动漫"),
        ("水墨山水", "photo", "水墨"),
        ("pixel art castle", "3d", "pixel art"),
    ],
)
def test_the_persons_words_win(prompt: str, style: str, clash: str):
    """Another style in the prompt, or a denial of this one, prevents it, and the clash is named."""
    assert styled(prompt, PictureStyle(style)) == Styled(prompt, clash)


def test_without_a_style_nothing_is_said():
    """Without a choice nothing is added."""
    assert styled("a lake", None) == Styled("a lake")
    assert as_read("a lake", "a lake. Crisp focus.", None) == "a lake"


@CHOSEN
@given(PROMPTS, STYLES)
def test_it_reads_back_at_any_level(style: PictureStyle, prompt: str, put: Style):
    """The effective prompt begins with the user's words, and both the addition and the presence of
    the style can be read back from it."""
    found = styled(prompt, style)
    for level in (EnhancementLevel.OFF, EnhancementLevel.LIGHT, EnhancementLevel.FULL):
        effective = made(found.prompt, level, put)
        assert as_read(prompt, effective, style) == found.prompt
        if found.prompt != prompt:
            assert addition(prompt, effective)
            assert effective.startswith(prompt.rstrip(" ,，、;；"))


def test_a_prompt_without_the_style_is_known_as_one():
    """A prompt for a model that knows no styles is recognised as without style."""
    assert as_read("a lake", made("a lake"), PictureStyle.OIL) == "a lake"


@pytest.mark.parametrize(
    ("prompt", "never"),
    [
        ("a cinematic shot of a girl, anime style", "photographic"),
        ("a realistic oil painting", "photographic"),
        ("illustration of a cat, watercolour painting", "polished"),
    ],
)
def test_the_more_telling_style_decides_about_quality(prompt: str, never: str):
    """A cinematic anime is an anime: the quality phrases are those of its craft."""
    assert never not in made(prompt).lower()
