"""A series is one request several times over, each time with different noise."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.series import place_in_series, series
from engine.types import MAX_SEED, MAX_VARIATIONS, ImageRequest, Variation
from tests.fakes import a_request

# Seeds near both ends are where counting can go wrong.
seeds = st.integers(0, MAX_SEED) | st.integers(0, 3) | st.integers(MAX_SEED - 3, MAX_SEED)
turns = st.lists(st.builds(Variation, seeds, st.floats(0.01, 1.0)), max_size=MAX_VARIATIONS).map(
    tuple
)
requests = st.builds(lambda seed, turned: a_request(seed=seed, variations=turned), seeds, turns)
counts = st.integers(1, 9)


def without_noise(request: ImageRequest) -> ImageRequest:
    amounts = tuple(Variation(0, each.amount) for each in request.variations)
    return dataclasses.replace(request, seed=0, variations=amounts)


@given(requests, counts)
def test_the_first_is_the_request_and_all_are_distinct(request: ImageRequest, count: int) -> None:
    """There are `count` requests, all distinct, and the first is the request itself."""
    made = series(request, count)
    assert len(set(made)) == len(made) == count
    assert made[0] == request


@given(requests, counts)
def test_nothing_but_the_noise_differs(request: ImageRequest, count: int) -> None:
    """Every seed is valid; everything else is the request's."""
    for each in series(request, count):
        assert without_noise(each) == without_noise(request)
        assert 0 <= each.seed <= MAX_SEED
        assert all(0 <= turn.seed <= MAX_SEED for turn in each.variations)


@given(requests, counts)
def test_variations_stay_variations_of_their_picture(request: ImageRequest, count: int) -> None:
    """Where the noise has variations, only the last one differs: all vary the same picture."""
    for each in series(request, count):
        if request.variations:
            assert (each.seed, each.variations[:-1]) == (request.seed, request.variations[:-1])


@given(requests, counts)
def test_each_knows_its_place(request: ImageRequest, count: int) -> None:
    """A member's index can be read from it, whatever became of the others."""
    places = [place_in_series(request, each) for each in series(request, count)]
    assert places == list(range(count))


def test_seeds_begin_again_after_the_last() -> None:
    """After 2³² - 1 comes 0."""
    made = series(a_request(seed=MAX_SEED), 3)
    assert [each.seed for each in made] == [MAX_SEED, 0, 1]


def test_nothing_is_no_series() -> None:
    """A series of no pictures is refused."""
    with pytest.raises(ValueError, match="at least one"):
        series(a_request(), 0)
