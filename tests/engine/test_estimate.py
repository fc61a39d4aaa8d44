"""Waiting time is the median speed of the last pictures, times the work ahead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.estimate import Estimator
from tests.fakes import a_request

REQUEST = a_request(width_px=1000, height_px=1000, steps=8)


def test_nothing_is_known_before_the_first_picture() -> None:
    """Without a measurement there is no estimate."""
    assert Estimator().seconds(8.0) is None


def test_the_slow_first_picture_is_shrugged_off() -> None:
    """One outlier among several pictures does not move the estimate."""
    estimator = Estimator()
    for duration_s in (90.0, 4.0, 4.0, 4.0):
        estimator.record(REQUEST, duration_s)
    assert estimator.seconds(REQUEST.work) == pytest.approx(4.0)


def test_old_pictures_are_forgotten() -> None:
    """Only the last pictures count, so that a machine that became slower is noticed."""
    estimator = Estimator(remembered=4)
    for duration_s in (1.0,) * 10 + (5.0,) * 4:
        estimator.record(REQUEST, duration_s)
    assert estimator.seconds(REQUEST.work) == pytest.approx(5.0)


def test_guidance_costs_double() -> None:
    """Guidance above 1 runs the model twice per step, exactly 1 does not."""
    assert a_request(guidance=1.5).work == 2 * a_request(guidance=1.0).work


@given(
    st.lists(st.floats(0, 1e5), min_size=1),
    st.integers(1, 4),
    st.integers(1, 50),
)
def test_an_estimate_is_within_what_was_measured(
    durations_s: list[float], scale: int, steps: int
) -> None:
    """The estimate lies between the fastest and the slowest measurement, scaled to the work."""
    estimator = Estimator(remembered=1000)
    for duration_s in durations_s:
        estimator.record(REQUEST, duration_s)
    wanted = a_request(width_px=1000 * scale, height_px=1000, steps=steps)
    factor = scale * steps / 8
    seconds = estimator.seconds(wanted.work)
    assert seconds is not None
    assert min(durations_s) * factor <= seconds * 1.000001 + 1e-9
    assert seconds <= max(durations_s) * factor * 1.000001 + 1e-9
