"""Which signals stop the bot in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.runtime.shutdown import (
    SAME_SIGNAL_S,
    request_stop,
    stop_on_request,
    stop_on_signals,
    stop_signals,
    withdraw_stop,
)

if sys.platform != "win32":
    import pty

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Every handler is the same after a test as before it; SIGHUP is not ignored, as nohup would
    have it."""
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before
    signal.signal(signal.SIGHUP, inherited)


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


@pytest.mark.parametrize("ignored", [True, False], ids=["started by nohup", "started as usual"])
async def test_a_hangup_can_be_a_request_to_reload(ignored: bool) -> None:
    """Where somebody reloads, SIGHUP does not stop, however often it comes, and others still do."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        stop, reload = asyncio.Event(), asyncio.Event()
        with stop_on_signals(stop, reload):
            for _ in range(2):
                signal.raise_signal(signal.SIGHUP)
                await asyncio.wait_for(reload.wait(), 5)
                reload.clear()
                await asyncio.sleep(SAME_SIGNAL_S)
            assert not stop.is_set()
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(stop.wait(), 5)
    finally:
        signal.signal(signal.SIGHUP, before)


IN_A_TERMINAL = """
import asyncio, os, sys
from bot.runtime.shutdown import stop_on_signals

async def main(terminal):
    os.close(os.open(terminal, os.O_RDWR))  # the leader of a session gets its first one
    stop, reload = asyncio.Event(), asyncio.Event()
    with stop_on_signals(stop, reload):
        print("ready", flush=True)
        await reload.wait()
        print("reload", flush=True)
        await stop.wait()
        print("stop", flush=True)

asyncio.run(main(sys.argv[1]))
"""


def test_a_closed_terminal_stops_it() -> None:
    """A process that was started in a terminal reloads on SIGHUP while that is open, and stops when
    it is closed, which is SIGHUP as well."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, os.ttyname(slave)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "reload\n"
        os.close(slave)
        os.close(master)
        assert process.stdout.readline() == "stop\n"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("early", [True, False], ids=["while it starts", "while it runs"])
async def test_a_request_stops_it(tmp_path: Path, early: bool) -> None:
    """A request is heard as soon as the process is there, and is gone then."""
    stop = asyncio.Event()
    if early:
        request_stop(tmp_path)
    with stop_on_request(tmp_path, stop):
        if not early:
            request_stop(tmp_path)
        await asyncio.wait_for(stop.wait(), 5)
    assert list(tmp_path.iterdir()) == []


async def test_other_requests_do_not(tmp_path: Path) -> None:
    """A request from before the process was started, or one taken back, stops nothing."""
    stop = asyncio.Event()
    request_stop(tmp_path)
    (file,) = tmp_path.iterdir()
    os.utime(file, (0, 0))
    with stop_on_request(tmp_path, stop):
        assert not file.exists()
        request_stop(tmp_path)
        withdraw_stop(tmp_path)
        withdraw_stop(tmp_path)
        await asyncio.sleep(1.0)
        assert not stop.is_set()
