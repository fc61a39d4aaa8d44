"""Operations on the queue cost about the same for ten waiting jobs as for ten thousand."""

import pytest

from tests.engine.queue_cost import medians_s

FLAT = 10.0
"""A search compares four times as often in a thousand times as many, and with cache misses; a
linear scan would cost a thousand times as much."""


@pytest.mark.parametrize("one_user", [True, False])
async def test_ten_thousand_cost_like_ten(one_user: bool) -> None:
    """No operation takes ten times as long, whether the jobs are one user's or one each.

    An estimate looks at the first 64 jobs ahead, so it is compared from 64 on.
    """
    ten, thousand, many = [await medians_s(size, one_user=one_user) for size in (10, 1000, 10_000)]
    for name in ("fill", "position", "take", "discard"):
        assert thousand[name] < FLAT * ten[name], name
        assert many[name] < FLAT * ten[name], name
    for name in ("estimate", "place"):
        assert many[name] < FLAT * thousand[name], name
