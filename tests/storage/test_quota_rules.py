"""The pure quota decision, compared with a reference that walks through time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.quota_rules import Charge, decide
from storage.quota_windows import Rolling
from tests.storage.fakes import START

HOURS = 1
MINUTES = 60

# Minutes before now; beyond one hour they do not count, below zero the clock was set back.
charge_lists = st.lists(
    st.builds(
        lambda minutes_ago, pictures: Charge(START - timedelta(minutes=minutes_ago), pictures),
        st.integers(-5, 70),
        st.integers(1, 4),
    ),
    max_size=8,
)


def used_at(charges: list[Charge], minute: int) -> int:
    now = START + timedelta(minutes=minute)
    return sum(c.pictures for c in charges if (now - c.at) < timedelta(hours=HOURS))


@given(charge_lists, st.integers(0, 10), st.integers(1, 6))
def test_agrees_with_a_walk_through_every_minute(
    charges: list[Charge], limit: int, requested: int
) -> None:
    """The decision, the usage and the retry time equal those of a brute-force walk."""
    decision = decide(charges, limit=limit, window=Rolling(HOURS), now=START, requested=requested)

    assert decision.used == used_at(charges, 0)
    assert decision.remaining == max(0, limit - decision.used)
    fitting = (m for m in range(2 * MINUTES) if used_at(charges, m) + requested <= limit)
    first = next(fitting, None)
    assert decision.allowed == (first == 0)
    assert decision.retry_at == (None if first is None else START + timedelta(minutes=first))


@given(charge_lists, st.integers(0, 10), st.integers(1, 6))
def test_retry_is_exact_to_the_microsecond(
    charges: list[Charge], limit: int, requested: int
) -> None:
    """A request fits at the promised instant, and not one microsecond before."""
    refused = decide(charges, limit=limit, window=Rolling(HOURS), now=START, requested=requested)
    if refused.allowed or refused.retry_at is None:
        return
    just_before = refused.retry_at - timedelta(microseconds=1)

    def allowed(now):
        return decide(
            charges, limit=limit, window=Rolling(HOURS), now=now, requested=requested
        ).allowed

    assert allowed(refused.retry_at)
    assert not allowed(just_before)


@given(charge_lists)
def test_next_return_is_when_usage_first_falls(charges: list[Charge]) -> None:
    """Usage stays the same until the next return, and is lower at that instant."""
    decision = decide(charges, limit=5, window=Rolling(HOURS), now=START, requested=1)
    if decision.next_return_at is None:
        assert decision.used == 0
        return
    before = decision.next_return_at - timedelta(microseconds=1)

    def used(now):
        return decide(charges, limit=5, window=Rolling(HOURS), now=now, requested=1).used

    assert used(before) == decision.used > used(decision.next_return_at)


@pytest.mark.parametrize(("after_us", "allowed"), [(-1, False), (0, True)])
def test_a_charge_comes_back_at_the_end_of_its_window(after_us: int, allowed: bool) -> None:
    """A charge counts until exactly the end of its window."""
    now = START + timedelta(hours=24, microseconds=after_us)
    decision = decide([Charge(START, 1)], limit=1, window=Rolling(24), now=now, requested=1)
    assert decision.allowed is allowed


def test_more_than_the_limit_never_fits() -> None:
    """A request above the whole limit is refused without a retry time."""
    decision = decide([], limit=3, window=Rolling(24), now=START, requested=4)
    assert (decision.allowed, decision.retry_at) == (False, None)
