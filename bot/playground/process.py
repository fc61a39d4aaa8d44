"""The bot's process: started, watched, restarted, killed, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import IO, Final

import psutil

RESTART_CODE: Final = 75
"""The bot exits with this code to be started again."""
POINTED: Final = "bot.playground.redirected"
KEPT_LINES: Final = 40
"""The last lines of output, for messages about why the bot stopped. Chosen by hand."""
STOP_LIMIT_S: Final = 60.0
"""How long the bot may take to stop before it is killed. Chosen by hand."""
RESTART_WAIT_S: Final = 1.0
"""Keeps a bot that fails at startup from restarting in a tight loop. Chosen by hand."""


class BotState(StrEnum):
    """The bot's state, as the page shows it."""

    STARTING = "starting"
    ONLINE = "online"
    OFFLINE = "offline"
    STOPPED = "stopped"


class BotProcess:
    """Runs one command and keeps it running.

    command: what to start; empty if the bot is started elsewhere. output: where its lines go, in
    addition to the last ones being kept. gave_up is set, along with exit_code, when the process
    ended and will not be started again. restart_wait_s: delay between an exit and the next start.
    stop_by_input: ask the bot to stop by closing its standard input, not by SIGTERM, which on
    Windows would kill it.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        output: IO[str] | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self._output = output
        self.changed = changed
        self.state = BotState.STOPPED
        self.detail = ""
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.was_online = False
        self.restart_wait_s = RESTART_WAIT_S
        self.stop_by_input = sys.platform == "win32"
        self.exit_code: int | None = None
        self.gave_up = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        self._again = False
        self._started_s = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def uptime_s(self) -> float:
        """How long the process has been running; 0 if it is not."""
        return time.monotonic() - self._started_s if self.pid is not None else 0.0

    @property
    def memory_mib(self) -> float | None:
        """The resident memory of the process; None if it cannot be read."""
        if (pid := self.pid) is None:
            return None
        try:
            return psutil.Process(pid).memory_info().rss / 2**20
        except psutil.Error:
            return None

    def start(self) -> None:
        """Start the bot unless it is running."""
        if self._task is None or self._task.done():
            self._wanted = True
            self._task = asyncio.create_task(self._keep_running(), name="bot-process")

    def restart(self) -> None:
        """Ask the bot to stop, then start it again."""
        if self.pid is not None:
            self._again = True
            self._ask_to_stop()
        else:
            self.start()

    def kill(self) -> None:
        """Kill the bot without warning, then start it again."""
        if self._process is not None and self.pid is not None:
            self._again = True
            self._process.kill()
        else:
            self.start()

    async def stop(self) -> None:
        """Ask the bot to stop and wait; kill it if it takes too long."""
        self._wanted = self._again = False
        if self.pid is not None:
            self._ask_to_stop()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=STOP_LIMIT_S)
            if late and self._process is not None:
                self._process.kill()
                await asyncio.wait([self._task])

    def set_online(self, online: bool) -> None:
        """Update the state when the gateway reports whether the bot is connected."""
        if self.pid is not None or not self.command:
            self.was_online = self.was_online or online
            self._set(BotState.ONLINE if online else BotState.OFFLINE)

    async def _keep_running(self) -> None:
        while True:
            code = await self._run_once()
            again = self._again or (code == RESTART_CODE and self._wanted)
            self._again = False
            if not again:
                self.exit_code = code
                self._set(BotState.STOPPED, self._last_sentence() if code else "")
                self.gave_up.set()
                return
            self._set(BotState.STARTING)
            await asyncio.sleep(self.restart_wait_s)
            if not self._wanted:  # stopped in between
                return

    async def _run_once(self) -> int:
        self._set(BotState.STARTING)
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            # Not the console's encoding, which may lack characters: its lines are decoded here.
            env=os.environ | {"PYTHONIOENCODING": "utf-8:backslashreplace"} | self.environment,
            stdin=asyncio.subprocess.PIPE,  # its end tells the bot that this process is gone
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**20,
            # Ctrl-C and a closed terminal are handled here: the bot is asked to stop once, by this
            # process. Windows has no sessions, but a process without a console gets neither.
            start_new_session=True,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
        self._started_s = time.monotonic()
        if not self._wanted:  # stopped while it was being started
            self._ask_to_stop()
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # a line longer than the limit
                continue
            if not line:
                break
            self._on_line(line.decode(errors="replace").rstrip())
        return await self._process.wait()

    def _on_line(self, line: str) -> None:
        self.lines.append(line)
        if self._output is not None:
            with contextlib.suppress(OSError, ValueError):
                print(line, file=self._output, flush=True)

    def _last_sentence(self) -> str:
        """Return the last message that the bot printed about itself."""
        for line in reversed(self.lines):
            if line.startswith("zimagine: "):
                return line.removeprefix("zimagine: ")
        return self.lines[-1] if self.lines else ""

    def _ask_to_stop(self) -> None:
        if self._process is None:
            return
        if self.stop_by_input and self._process.stdin is not None:
            self._process.stdin.close()
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def _set(self, state: BotState, detail: str = "") -> None:
        if (state, detail) != (self.state, self.detail):
            self.state, self.detail = state, detail
            self.changed()


def pointed_command(
    api_url: str, gateway_url: str, arguments: Sequence[str], module: str = POINTED
) -> list[str]:
    """Return the command that runs `zimagine ARGUMENTS` with Discord at these addresses."""
    return [sys.executable, "-m", module, api_url, gateway_url, *arguments]
