"""Scenes: their drawings, their captions, and the combinations that training never sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sketch import phrases_en, phrases_zh
from engine.sketch.captions import (
    LANGUAGES,
    Wording,
    caption,
    draw_caption,
    patterns,
)
from engine.sketch.scenes import draw
from engine.sketch.shapes import SHAPES, SMALL_SHAPES
from engine.sketch.spec import (
    COLOURS,
    HELD_OUT_SHARE,
    PLACES,
    THINGS,
    TIMES,
    WEATHERS,
    Scene,
    draw_scene,
    is_held_out,
)

_SCENES = st.builds(
    Scene,
    place=st.sampled_from(PLACES),
    time=st.sampled_from(TIMES),
    weather=st.sampled_from(WEATHERS),
    thing=st.sampled_from(THINGS),
    colour=st.sampled_from(COLOURS),
)
_SEEDS = st.integers(0, 2**32 - 1)


def _draw(scene: Scene, seed: int = 0, size: tuple[int, int] = (128, 128)) -> np.ndarray:
    return draw(scene, np.random.default_rng(seed), *size).astype(float)


@pytest.mark.parametrize("size", [*SHAPES, *SMALL_SHAPES, (384, 384)])
def test_a_drawing_has_the_size_it_was_asked_for(size: tuple[int, int]) -> None:
    """Every size that training uses is drawn exactly, and not as one flat colour."""
    pixels = _draw(Scene("lake", "dawn", "snow", "house", "red"), size=size)
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels.std() > 10


@given(scene=_SCENES, seed=_SEEDS)
def test_the_same_seed_draws_the_same_picture(scene: Scene, seed: int) -> None:
    """Scene and seed determine a drawing."""
    assert np.array_equal(_draw(scene, seed, (64, 64)), _draw(scene, seed, (64, 64)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("weather", WEATHERS)
def test_night_is_darker_than_every_other_time(place: str, weather: str) -> None:
    """In every place and weather, night is drawn darkest and sunset redder than noon."""
    drawn = {time: _draw(Scene(place, time, weather, None, None)) for time in TIMES}
    light = {time: pixels.mean() for time, pixels in drawn.items()}
    assert min(light, key=lambda time: light[time]) == "night"
    warmth = {time: (p[..., 0] - p[..., 2]).mean() for time, p in drawn.items()}
    assert warmth["sunset"] > warmth["noon"] + 40


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("time", TIMES)
def test_a_red_thing_is_redder_than_a_blue_one(thing: str, time: str) -> None:
    """The thing's colour shows at every time of day, on a fair part of the picture."""
    red = _draw(Scene("city", time, "clear", thing, "red"))
    blue = _draw(Scene("city", time, "clear", thing, "blue"))
    redder = (red[..., 0] - red[..., 2]) - (blue[..., 0] - blue[..., 2]) > 100
    assert redder.mean() > 0.015


def test_the_held_out_combinations_are_a_tenth_and_training_never_draws_one() -> None:
    """Training and evaluation draw from disjoint sets of place, time, thing and colour."""
    rng = np.random.default_rng(1)
    seen = {_combination(draw_scene(rng, held_out=False)) for _ in range(3000)}
    kept = {_combination(draw_scene(rng, held_out=True)) for _ in range(600)}
    assert seen.isdisjoint(kept)
    every = [
        Scene(place, time, "clear", thing, colour)
        for place in PLACES
        for time in TIMES
        for thing in THINGS
        for colour in COLOURS
    ]
    share = sum(map(is_held_out, every)) / len(every)
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.03)


def _combination(scene: Scene) -> tuple[str | None, ...]:
    return scene.place, scene.time, scene.thing, scene.colour


def test_the_weather_does_not_decide_what_is_held_out() -> None:
    """A held-out combination is held out in every weather."""
    for weather in WEATHERS:
        clear = Scene("sea", "dawn", "clear", "boat", "red")
        other = Scene("sea", "dawn", weather, "boat", "red")
        assert is_held_out(clear) == is_held_out(other)


@given(scene=_SCENES, seed=_SEEDS, enhanced=st.booleans(), data=st.data())
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("new", [False, True])
def test_every_caption_says_what_is_drawn(
    language: str, new: bool, scene: Scene, seed: int, enhanced: bool, data: st.DataObject
) -> None:
    """Any pattern of either language names the place, the time, the thing and its colour."""
    pattern = data.draw(st.sampled_from(patterns(language, held_out=new)))
    text = caption(scene, Wording(language, pattern, enhanced), np.random.default_rng(seed))
    for options in _words(language, scene):
        assert any(option.lower() in text.lower() for option in options), (options, text)


def _words(language: str, scene: Scene) -> list[tuple[str, ...]]:
    thing, colour = scene.thing or "", scene.colour or ""
    if language == "en":
        en = phrases_en
        return [
            (*en.PLACE_NOUNS[scene.place], *en.PLACE_PHRASES[scene.place]),
            (*en.TIME_PHRASES[scene.time], *en.TIME_NOUNS[scene.time]),
            en.THING_WORDS[thing],
            en.COLOUR_WORDS[colour],
        ]
    zh = phrases_zh
    return [
        (*zh.PLACE_NOUNS[scene.place], *zh.PLACE_PHRASES[scene.place]),
        zh.TIME_PHRASES[scene.time],
        tuple(word for _, word in zh.THING_WORDS[thing]),
        tuple(word.removesuffix("的") for word in zh.COLOUR_WORDS[colour]),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_omitted_part_is_not_mentioned(language: str) -> None:
    """Omitted parts are not mentioned, and leave no doubled comma or dangling word behind."""
    scene = Scene("lake", "night", "rain", "boat", "red")
    for pattern in patterns(language):
        parts = ("place", "time", "thing", "colour")
        for part, words in zip(parts, _words(language, scene), strict=True):
            wording = Wording(language, pattern, False, frozenset({part}))
            text = caption(scene, wording, np.random.default_rng(3))
            if part != "place":  # "moonlit night" may contain a word of another part
                assert not any(f" {word} " in f" {text} " for word in words), text
            assert ",," not in text and "，，" not in text and "  " not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_patterns_are_not_among_those_of_training(language: str) -> None:
    """The evaluation has sentence patterns that training does not use."""
    assert set(patterns(language)).isdisjoint(patterns(language, held_out=True))


def test_a_tenth_of_training_captions_names_nothing() -> None:
    """Guidance has something to steer away from: empty captions and negative prompts."""
    rng = np.random.default_rng(5)
    scene = Scene("sea", "noon", "clear", "bird", "blue")
    texts = [draw_caption(scene, rng) for _ in range(2000)]
    negatives = {*phrases_en.NEGATIVES, *phrases_zh.NEGATIVES}
    unnamed = [text for text in texts if not text or text in negatives]
    assert 0.07 < len(unnamed) / len(texts) < 0.13
    assert "" in unnamed and negatives & set(unnamed)
