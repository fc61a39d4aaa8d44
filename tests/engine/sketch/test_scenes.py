"""Scenes: their drawings, and the combinations that training never sees."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sketch.scenes import draw, draw_with_boxes
from engine.sketch.shapes import SHAPES, SMALL_SHAPES
from engine.sketch.spec import (
    COLOURS,
    DEFAULTS,
    HELD_OUT_SHARE,
    PLACES,
    STYLES,
    THINGS,
    TIMES,
    WEATHERS,
    Scene,
    Subject,
    draw_scene,
    is_held_out,
    times_of,
    unspoken,
)

_SCENES = st.builds(
    Scene,
    place=st.sampled_from(PLACES),
    time=st.sampled_from(TIMES),
    weather=st.sampled_from(WEATHERS),
    subjects=st.lists(
        st.builds(Subject, st.sampled_from(THINGS), st.sampled_from(COLOURS)), max_size=2
    ).map(tuple),
    style=st.sampled_from(STYLES),
)
_RED_HOUSE = (Subject("house", "red"),)
_SEEDS = st.integers(0, 2**32 - 1)


def _draw(scene: Scene, seed: int = 0, size: tuple[int, int] = (128, 128)) -> np.ndarray:
    return draw(scene, np.random.default_rng(seed), *size).astype(float)


@pytest.mark.parametrize("size", [*SHAPES, *SMALL_SHAPES, (384, 384)])
def test_a_drawing_has_the_size_it_was_asked_for(size: tuple[int, int]) -> None:
    """Every size that training uses is drawn exactly, and not as one flat colour."""
    pixels = _draw(Scene("lake", "dawn", "snow", _RED_HOUSE), size=size)
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels.std() > 10


@given(scene=_SCENES, seed=_SEEDS)
def test_the_same_seed_draws_the_same_picture(scene: Scene, seed: int) -> None:
    """Scene and seed determine a drawing."""
    assert np.array_equal(_draw(scene, seed, (64, 64)), _draw(scene, seed, (64, 64)))


@pytest.mark.parametrize("place", [place for place in PLACES if len(times_of(place)) == len(TIMES)])
@pytest.mark.parametrize("weather", WEATHERS)
def test_night_is_darker_than_every_other_time(place: str, weather: str) -> None:
    """In every place and weather, night is drawn darkest and sunset redder than noon."""
    drawn = {time: _draw(Scene(place, time, weather)) for time in TIMES}
    light = {time: pixels.mean() for time, pixels in drawn.items()}
    assert min(light, key=lambda time: light[time]) == "night"
    warmth = {time: (p[..., 0] - p[..., 2]).mean() for time, p in drawn.items()}
    assert warmth["sunset"] > warmth["noon"] + 40


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("time", TIMES)
def test_a_red_thing_is_redder_than_a_blue_one(thing: str, time: str) -> None:
    """The thing's colour shows at every time of day, on a fair part of the picture."""
    red = _draw(Scene("city", time, "clear", (Subject(thing, "red"),)))
    blue = _draw(Scene("city", time, "clear", (Subject(thing, "blue"),)))
    redder = (red[..., 0] - red[..., 2]) - (blue[..., 0] - blue[..., 2]) > 100
    assert redder.mean() > 0.015


def test_the_held_out_combinations_are_a_tenth_and_training_never_draws_one() -> None:
    """Training and evaluation draw from disjoint sets of place, time, thing and colour."""
    rng = np.random.default_rng(1)
    seen = {each for _ in range(3000) for each in _combinations(draw_scene(rng, held_out=False))}
    assert not any(is_held_out(Scene(p, t, "clear", (s,))) for p, t, s in seen)
    assert all(is_held_out(draw_scene(rng, held_out=True)) for _ in range(600))
    every = [
        Scene(place, time, "clear", (Subject(thing, colour),))
        for place in PLACES
        for time in TIMES
        for thing in THINGS
        for colour in COLOURS
    ]
    share = sum(map(is_held_out, every)) / len(every)
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.03)


def _combinations(scene: Scene) -> list[tuple[str, str, Subject]]:
    return [(scene.place, scene.time, Subject(s.thing, s.colour)) for s in scene.subjects]


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_as_it_is_shown_by_default_is_trained(thing: str) -> None:
    """What a prompt of one word paints is never held out, and a caption may leave all of it out."""
    usual = DEFAULTS[thing]
    for colour in usual.colours:
        scene = Scene(usual.place, usual.time, usual.weather, (Subject(thing, colour),))
        assert not is_held_out(scene)
        assert unspoken(scene) == {"place", "time", "weather", "colour"}


@given(scene=_SCENES, seed=_SEEDS, size=st.sampled_from(SMALL_SHAPES))
def test_things_stay_apart_and_in_the_picture(
    scene: Scene, seed: int, size: tuple[int, int]
) -> None:
    """Things stand side by side in the order of their mention, and none is cut off at the top."""
    _, boxes = draw_with_boxes(scene, np.random.default_rng(seed), *size)
    assert len(boxes) == sum(each.count for each in scene.subjects)
    middles = [(left + right) / 2 for left, _, right, _ in boxes]
    assert middles == sorted(middles)
    assert all(top > -0.08 * size[1] and bottom < size[1] for _, top, _, bottom in boxes)
    for (_, _, right, _), (left, _, _, _) in itertools.pairwise(boxes):
        assert right < left + 0.06 * size[0]


@pytest.mark.parametrize("style", STYLES[1:])
def test_styles_look_different(style: str) -> None:
    """Every style changes a good part of a picture, and no two give the same."""
    scene = Scene("lake", "noon", "clear", _RED_HOUSE)
    plain = _draw(scene)
    styled = {each: _draw(Scene(*_base(scene), style=each)) for each in STYLES[1:]}
    assert np.abs(styled[style] - plain).mean() > 4
    for other, pixels in styled.items():
        assert other == style or np.abs(styled[style] - pixels).mean() > 8


def _base(scene: Scene) -> tuple[str, str, str, tuple[Subject, ...]]:
    return scene.place, scene.time, scene.weather, scene.subjects


def test_the_weather_does_not_decide_what_is_held_out() -> None:
    """A held-out combination is held out in every weather."""
    for weather in WEATHERS:
        clear = Scene("sea", "dawn", "clear", (Subject("boat", "red"),))
        other = Scene("sea", "dawn", weather, (Subject("boat", "red"),))
        assert is_held_out(clear) == is_held_out(other)
