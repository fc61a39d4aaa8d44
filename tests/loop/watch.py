"""Times everything that an event loop runs, largely independent of how busy the machine is.

Elapsed time means little on a machine with other work. So three things are measured: how long the
loop's own thread computed within one callback; which potentially blocking calls (files, databases,
sleeps) it made; and whether it stood still at one instruction although a processor and the
interpreter's lock were available, which a second thread observes. Garbage collections are timed on
every thread, since all others wait for them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from tests.loop.clocks import ClockReading, ThreadClocks
from tests.loop.findings import BlockingCall, Findings, GcPause, SlowCallback

NOTABLE_MS: Final = 20.0
"""Callbacks that take less are not recorded. Chosen by hand."""
LOOK_EVERY_S: Final = 0.005
"""How often the second thread looks: the interpreter's switch interval."""
LOOKS: Final = 4
"""A thread counts as stuck after this many looks in a row. Chosen by hand.

Each look is a moment at which the interpreter's lock was available.
"""
FRAMES: Final = 20
BLOCKING: Final = frozenset(
    {
        "open",
        "sqlite3.connect",
        "time.sleep",
        "os.chmod",
        "os.link",
        "os.listdir",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.scandir",
        "os.symlink",
        "os.system",
        "os.truncate",
        "os.utime",
        "shutil.copyfile",
        "shutil.rmtree",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "subprocess.Popen",
    }
)
"""CPython's audit events for calls that may wait for a disk, a process or a network."""
UNTOLD: Final = ("stat", "fsync", "fdatasync")
"""Functions of `os` that may also wait for a disk, but have no audit event."""

Where = tuple[str, ...]


@dataclass(slots=True)
class _Still:
    """A thread that has not moved, found `looks` times in a row at the same instruction.

    It got no turn on a processor in between; a thread that waits for the interpreter's lock gets
    one every 5 ms.
    """

    mark: tuple[int, int]
    since: ClockReading
    until: ClockReading
    where: Where
    looks: int = 1


@dataclass(slots=True)
class _Running:
    """The callback that the loop is running. looks: where it was found, and how often."""

    handle: asyncio.Handle
    began: ClockReading
    looks: Counter[Where] = field(default_factory=Counter[Where])
    still: _Still | None = None
    stuck_ns: int = 0
    stuck_where: Where = ()

    def moved_on(self, now: ClockReading) -> None:
        """Record that it moved: only now is known for how long it merely had no processor."""
        still, self.still = self.still, None
        if still is None or still.looks < LOOKS:
            return
        queued_ns = now.queued_ns - still.since.queued_ns
        stuck_ns = still.until.wall_ns - still.since.wall_ns - queued_ns
        if stuck_ns > self.stuck_ns:
            self.stuck_ns, self.stuck_where = stuck_ns, still.where


class LoopWatch:
    """Watches the loop of the thread that calls `begin`, until `end`. One at a time."""

    def __init__(self) -> None:
        self.findings = Findings()
        self._running: _Running | None = None
        self._ended = threading.Event()
        self._began_s = 0.0
        self._collecting: dict[int, int] = {}

    def begin(self) -> None:
        """Watch every callback from the next one on; called on the loop's thread."""
        self._clocks = ThreadClocks()
        self._began_s = time.monotonic()
        self._original = asyncio.Handle._run
        watch, original = self, self._original

        def run(handle: asyncio.Handle) -> None:
            if threading.get_ident() != watch._clocks.thread_id:
                original(handle)
                return
            watch._running = running = _Running(handle, watch._clocks.now())
            try:
                original(handle)
            finally:
                watch._running = None
                if not watch._ended.is_set():  # otherwise it is the one that called `end`
                    watch._ran(running)

        asyncio.Handle._run = run  # type: ignore[method-assign]
        gc.callbacks.append(self._collection)
        self._untold = {name: getattr(os, name) for name in UNTOLD if hasattr(os, name)}
        for name, call in self._untold.items():
            setattr(os, name, _telling(name, call))
        _listen(self._audited)
        self._looker = threading.Thread(target=self._look_on, name="loop-watch", daemon=True)
        self._looker.start()

    def end(self) -> None:
        """Stop watching; the findings are complete. Without `begin` there are none."""
        if not self._began_s:
            return
        asyncio.Handle._run = self._original  # type: ignore[method-assign]
        gc.callbacks.remove(self._collection)
        for name, call in self._untold.items():
            setattr(os, name, call)
        _listen(None)
        self._ended.set()
        self._looker.join()
        self._clocks.close()
        self.findings.took_s = time.monotonic() - self._began_s

    def _ran(self, running: _Running) -> None:
        """Record a finished callback."""
        began, now = running.began, self._clocks.now()
        running.moved_on(now)
        cpu_ms = (now.cpu_ns - began.cpu_ns) / 1e6
        stuck_ms = running.stuck_ns / 1e6
        self.findings.ran(cpu_ms)
        if max(cpu_ms, stuck_ms) < NOTABLE_MS:
            return
        where = running.stuck_where if stuck_ms > cpu_ms else _most(running.looks)
        self.findings.slow.append(
            SlowCallback(
                name=name_of(running.handle),
                where=where,
                cpu_ms=cpu_ms,
                stuck_ms=stuck_ms,
                wall_ms=(now.wall_ns - began.wall_ns) / 1e6,
                at_s=time.monotonic() - self._began_s,
            )
        )

    # Observations of the second thread

    def _look_on(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            running = self._running
            if running is not None:
                with suppress(OSError):
                    self._look(running)

    def _look(self, running: _Running) -> None:
        now = self._clocks.now()
        frame = sys._current_frames().get(self._clocks.thread_id)
        if frame is None or self._running is not running:
            return
        # A new frame may get the address of an old one, so its instruction is compared as well.
        mark, where, still = (id(frame), frame.f_lasti), _where(frame), running.still
        running.looks[where] += 1
        if still is not None and mark == still.mark and now.turns == still.since.turns:
            still.until = now
            still.looks += 1
            return
        running.moved_on(now)
        running.still = _Still(mark, now, now, where)

    # Events from the interpreter

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        running = self._running
        if running is None or threading.get_ident() != self._clocks.thread_id:
            return
        if event == "open" and not isinstance(arguments[0], str | bytes):
            return  # a descriptor that was already open
        about = repr(arguments[0])[:120] if arguments else ""
        where = _where(sys._getframe(2))
        self.findings.blocked.append(BlockingCall(event, about, name_of(running.handle), where))

    def _collection(self, phase: str, info: dict[str, int]) -> None:
        thread_id, now_ns = threading.get_ident(), time.thread_time_ns()
        if phase == "start":
            self._collecting[thread_id] = now_ns
        elif (began_ns := self._collecting.pop(thread_id, None)) is not None:
            took_ms = (now_ns - began_ns) / 1e6
            thread = threading.current_thread().name
            self.findings.collected(GcPause(thread, info["generation"], took_ms))


def name_of(handle: asyncio.Handle) -> str:
    """Return a callback's name: the task and its coroutine if it is a step of one."""
    callback: Any = getattr(handle, "_callback", None)
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        coroutine: Any = owner.get_coro()
        return f"{getattr(coroutine, '__qualname__', coroutine)} (task {owner.get_name()})"
    while hasattr(callback, "func"):
        callback = callback.func
    return str(getattr(callback, "__qualname__", callback))


def _most(looks: Counter[Where]) -> Where:
    return looks.most_common(1)[0][0] if looks else ()


def _where(frame: FrameType | None) -> Where:
    """Return the innermost frames, without the loop's own; nothing here may open a file."""
    found: list[str] = []
    while frame is not None and len(found) < FRAMES:
        code = frame.f_code
        if code.co_filename == __file__:
            break
        if not code.co_filename.startswith("<frozen"):  # the import system
            file = "/".join(code.co_filename.split("/")[-3:])
            found.append(f"{file}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return tuple(found)


_listener: Callable[[str, tuple[Any, ...]], None] | None = None
_hooked = False


def _listen(listener: Callable[[str, tuple[Any, ...]], None] | None) -> None:
    """Call this for blocking calls; the audit hook stays for the life of the process."""
    global _listener, _hooked
    _listener = listener
    if not _hooked and listener is not None:
        _hooked = True
        sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in BLOCKING and _listener is not None:
        _listener(event, arguments)


def _telling(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def told(*arguments: Any, **options: Any) -> Any:
        if _listener is not None:
            _listener(f"os.{name}", arguments)
        return call(*arguments, **options)

    return told
