"""The executor thread runs calls in order, and nothing on the loop's side can break it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from engine.executor import ExecutorThread, post


def ended(thread: ExecutorThread) -> bool:
    """Whether the thread has ended."""
    thread._thread.join(10)
    return not thread._thread.is_alive()


@pytest.fixture
async def thread() -> AsyncIterator[ExecutorThread]:
    made = ExecutorThread("painter")
    yield made
    made.close()
    assert ended(made)


async def test_calls_run_in_order_on_one_thread(thread: ExecutorThread) -> None:
    """Calls run one after another on a single thread of that name, never on the loop's."""
    order: list[int] = []

    def call(number: int) -> threading.Thread:
        order.append(number)
        return threading.current_thread()

    threads = await asyncio.gather(*(thread.run(lambda n=n: call(n)) for n in range(20)))
    assert order == list(range(20))
    assert {each.name for each in threads} == {"painter"}
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


async def test_exceptions_come_back(thread: ExecutorThread) -> None:
    """An exception in a call is raised where the call is awaited, and the next call runs."""
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 / 0)
    assert await thread.run(lambda: 5) == 5


@pytest.mark.parametrize("poison", [StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_an_exception_that_would_end_the_loop_is_wrapped(
    thread: ExecutorThread, poison: type[BaseException]
) -> None:
    """An exception that asyncio treats specially arrives as an ordinary error."""

    def call() -> None:
        raise poison

    with pytest.raises(RuntimeError, match=f"{poison.__name__} on the executor thread"):
        await thread.run(call)


async def test_a_cancellation_on_the_thread_is_not_ours(thread: ExecutorThread) -> None:
    """CancelledError raised by the call does not look like the awaiting task being cancelled."""

    def call() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="CancelledError"):
        await thread.run(call)


async def test_a_cancelled_wait_is_survived(thread: ExecutorThread) -> None:
    """A result that nobody waits for any more is dropped silently."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    gate = threading.Event()
    waiting = thread.run(lambda: gate.wait(10))
    waiting.cancel()
    gate.set()
    assert await thread.run(lambda: "next") == "next"
    await asyncio.sleep(0)
    assert complaints == []


def test_a_loop_closed_meanwhile_is_survived() -> None:
    """The thread outlives the loop it worked for, and works for the next one."""
    thread = ExecutorThread("painter")
    gate, done = threading.Event(), threading.Event()

    def slow() -> None:
        gate.wait(10)
        done.set()

    async def begin() -> None:
        thread.run(slow)
        await asyncio.sleep(0)

    async def more() -> int:
        return await thread.run(lambda: 3)

    asyncio.run(begin())
    gate.set()
    assert done.wait(10)
    assert asyncio.run(more()) == 3
    thread.close()
    assert ended(thread)


async def test_close_lets_queued_calls_finish() -> None:
    """Calls queued before `close` still run; then the thread ends."""
    thread = ExecutorThread("painter")
    first = thread.run(lambda: time.sleep(0.02))
    second = thread.run(lambda: 2)
    thread.close()
    await first
    assert await second == 2
    assert ended(thread)


def test_posting_to_a_closed_loop_is_no_error() -> None:
    """A call for a closed loop is dropped."""
    loop = asyncio.new_event_loop()
    loop.close()
    post(loop, pytest.fail, "a closed loop ran something")
