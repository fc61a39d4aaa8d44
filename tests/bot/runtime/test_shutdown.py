"""Which signals stop the bot in order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator

import pytest

from bot.runtime.shutdown import stop_on_signals, stop_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Every handler is the same after a test as before it."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_each_signal_stops_it(number: signal.Signals) -> None:
    """SIGTERM, Ctrl-C and a closed terminal stop the bot, and the same one again at once is one."""
    stop = asyncio.Event()
    with stop_on_signals(stop):
        signal.raise_signal(number)
        signal.raise_signal(number)
        await asyncio.wait_for(stop.wait(), 5)


async def test_nohup_is_respected() -> None:
    """Where SIGHUP was ignored from the start, as by nohup, it stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in stop_signals()
        stop = asyncio.Event()
        with stop_on_signals(stop):
            signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
