"""Retries go on until they succeed, wait longer each time, and report every failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retry import retry

WAITS_S = (1.0, 5.0, 20.0)


class Failure(Exception):
    """An error that is retried."""


class Final(Failure):
    """A subclass that is not."""


class FlakyOperation:
    """Fails with each of these errors in turn, then returns how often it was attempted."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.attempts = 0
        self.reported: list[tuple[Exception, float | None]] = []
        self.slept: list[float] = []

    async def __call__(self) -> int:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        return self.attempts

    async def retried(self, is_last: Callable[[], bool] = lambda: False) -> int:
        """Retry with waits that take no time."""
        return await retry(
            self,
            on=Failure,
            unless=(Final,),
            waits_s=WAITS_S,
            on_error=lambda error, wait_s: self.reported.append((error, wait_s)),
            is_last=is_last,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@given(st.integers(0, 12))
def test_an_operation_is_retried_until_it_succeeds(failures: int):
    """The waits are taken in turn, the last one repeats, and each failure is reported once."""
    errors = [Failure(number) for number in range(failures)]
    operation = FlakyOperation(*errors)
    assert asyncio.run(operation.retried()) == failures + 1
    waits_s = [WAITS_S[min(number, len(WAITS_S) - 1)] for number in range(failures)]
    assert operation.slept == waits_s
    assert operation.reported == list(zip(errors, waits_s, strict=True))


@pytest.mark.parametrize("error", [Final(), ValueError()])
async def test_an_error_that_will_not_pass_is_raised_at_once(error: Exception):
    """Neither an exempt subclass nor any other error is waited for or reported."""
    operation = FlakyOperation(Failure(), error)
    with pytest.raises(type(error)):
        await operation.retried()
    assert operation.attempts == 2 and operation.slept == [1.0] and len(operation.reported) == 1


async def test_the_error_of_the_last_attempt_is_reported_and_raised():
    """Giving up takes effect from the next attempt on; its failure is followed by no wait."""
    first, second = Failure("first"), Failure("second")
    operation = FlakyOperation(first, second)
    with pytest.raises(Failure, match="second"):
        await operation.retried(is_last=lambda: operation.attempts == 1)
    assert operation.reported == [(first, 1.0), (second, None)] and operation.slept == [1.0]


async def test_a_cancelled_wait_ends_the_retrying():
    """A cancelled task makes no further attempt."""
    operation = FlakyOperation(Failure())
    task = asyncio.create_task(
        retry(operation, on=Failure, waits_s=(3600,), on_error=lambda *_: None)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert operation.attempts == 1
