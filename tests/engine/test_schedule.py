"""Noise levels are the scheduler's own, and strength selects one of them."""

from itertools import pairwise
from typing import Any

import pytest
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import SHIFT, levels_from, steps_from, unshifted

SIGMAS = st.floats(0.001, 1.0)


@given(SIGMAS)
def test_the_inverse_of_the_shift(sigma: float):
    """Shifting the unshifted number gives the noise level back."""
    s = unshifted(sigma)
    assert SHIFT * s / (1 + (SHIFT - 1) * s) == pytest.approx(sigma, rel=1e-9)


@given(SIGMAS, st.integers(1, 50))
def test_a_run_begins_exactly_where_it_was_asked_to(sigma: float, steps: int):
    """The levels that diffusers' scheduler makes of ours begin at σ, fall, and end at 0."""
    scheduler: Any = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    scheduler.set_timesteps(sigmas=levels_from(sigma, steps))
    sigmas = scheduler.sigmas.tolist()
    assert sigmas[0] == pytest.approx(sigma, rel=1e-5) and sigmas[-1] == 0
    assert all(before > after for before, after in pairwise(sigmas))
    assert len(sigmas) == steps_from(sigma, steps) + 1


@given(st.integers(1, 50))
def test_pure_noise_takes_every_step(steps: int):
    """From σ = 1 no step is skipped, and the last step is as large as the others."""
    levels = levels_from(1.0, steps)
    assert len(levels) == steps and levels[-1] == pytest.approx(1 / steps)


@pytest.mark.parametrize(("sigma", "left"), [(0.1, 1), (0.35, 2), (0.6, 3), (0.9, 6), (1.0, 8)])
def test_of_eight_steps(sigma: float, left: int):
    """From some noise levels, the expected number of the usual eight steps remains."""
    assert steps_from(sigma, 8) == left
