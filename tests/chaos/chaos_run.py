"""A chaos run: the real bot with simulated users, faults and kill -9, then quiet and evidence."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.pictures.filenames import job_id_of
from bot.playground.process import RESTART_WAIT_S, BotState
from bot.playground.request_log import RequestLogEntry
from bot.playground.standin_server import Playground, PlaygroundPlan, open_playground
from bot.playground.world import Event, MessageCreated, MessageEdited
from tests.chaos import evidence as found
from tests.chaos.community import build_community, seeded
from tests.chaos.disk import small_disk
from tests.chaos.evidence import Evidence, UnrecordedJob
from tests.chaos.fault_injector import FOLDER, FaultInjector
from tests.chaos.simulated_users import SimulatedUsers
from tests.chaos.steps import Steps

MOST_OPEN: Final = 15
"""Open requests beyond which the users wait. Chosen by hand."""
AWAY_S: Final = 7.0
"""Longer than any delayed request takes, so it can stand for an absence of minutes."""
MOMENTS: Final = ("its start", "an act", "a picture")
SPAN_S: Final = {"its start": 2.5, "an act": 5.0, "a picture": 1.5}
"""A kill comes at most this long after one of these moments. Chosen by hand."""
PATIENCE_S: Final = 12.0
"""How long a kill waits for its moment to occur. Chosen by hand."""
NONSENSE: Final = 0.01
"""The share of steps that become non-finite. Chosen by hand."""
ONLINE_LIMIT_S: Final = 90.0
"""How long the bot may take to come online. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class ChaosSettings:
    """Settings of a run. folder: for data, log and steps; created if missing."""

    seed: int
    kills: int
    folder: Path
    settle_s: float = 300.0
    say: Callable[[str], None] = print


@dataclass(slots=True)
class ChaosResult:
    """The outcome of a run. settled: whether everything finished in time."""

    evidence: Evidence
    steps: Steps
    settled: bool
    small_disk: bool
    gave_up: list[str] = field(default_factory=list[str])
    starts: int = 0
    exit_code: int | None = None


async def run_chaos(settings: ChaosSettings, look: Callable[[ChaosResult], None]) -> ChaosResult:
    """Run it. look: is passed the result while the data folder still exists.

    Raises TimeoutError if the bot never came online.
    """
    data_dir = settings.folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk(data_dir, 64 + 2 * settings.kills))
        log = stack.enter_context((settings.folder / "bot.log").open("w", encoding="utf-8"))
        plan = PlaygroundPlan(
            ["run", "--config", os.devnull],
            _environment(settings.seed, data_dir),
            seed=settings.seed,
            output=log,
            module="tests.chaos.bot",
        )
        playground = await stack.enter_async_context(open_playground(plan))
        steps = Steps(settings.folder / "steps.jsonl")
        stack.callback(steps.close)
        community = build_community(playground.standin.world)
        users = SimulatedUsers(playground, community, seeded(settings.seed, "crowd"), steps)
        injector = FaultInjector(
            playground,
            community,
            seeded(settings.seed, "weather"),
            steps,
            database=data_dir / "zimagine.db",
            disk=disk,
        )
        run = ChaosRun(settings, playground, users, injector, steps, data_dir)
        settled = await run.run_all()
        await playground.process.stop()
        lines = (settings.folder / "bot.log").read_text(encoding="utf-8").splitlines()
        result = ChaosResult(
            run.gather(lines), steps, settled, disk is not None, run.gave_up, run.starts
        )
        result.exit_code = playground.process.exit_code
        await asyncio.to_thread(look, result)
        return result


def _environment(seed: int, data_dir: Path) -> dict[str, str]:
    return {
        "ZIMAGINE_STORAGE__DATA_DIR": str(data_dir),
        "ZIMAGINE_QUOTA__PICTURES": "100000",
        "ZIMAGINE_QUOTA__CANCELLED_S": "31536000",  # its verdict: what is cancelled is refunded
        "ZIMAGINE_DISCORD__GUILDS": "[]",
        "ZIMAGINE_LOG__FORMAT": "json",
        # On a small machine two threads that wait for each other starve next to other processes.
        "ZIMAGINE_ENGINE__THREADS": "1",
        "CHAOS_NONSENSE": str(NONSENSE),
        "CHAOS_SEED": str(seed),
        "PYTHONPATH": str(FOLDER),
        "PYTHONUNBUFFERED": "1",
    }


class ChaosRun:
    """Kills the bot repeatedly while users use it and faults occur."""

    def __init__(
        self,
        settings: ChaosSettings,
        playground: Playground,
        users: SimulatedUsers,
        injector: FaultInjector,
        steps: Steps,
        data_dir: Path,
    ) -> None:
        self._settings = settings
        self._playground = playground
        self._process = playground.process
        self._users = users
        self._injector = injector
        self._steps = steps
        self._data_dir = data_dir
        self._choose = seeded(settings.seed, "kills")
        self._pause = seeded(settings.seed, "pauses")
        self._acted = asyncio.Event()
        self._shown = asyncio.Event()
        self._left: list[UnrecordedJob] = []
        self._problems: list[str] = []
        self.gave_up: list[str] = []
        self.starts = 1
        playground.standin.log.listen(self._requested)
        playground.standin.world.listen(self._happened)

    async def run_all(self) -> bool:
        """Run all kills and the quiet phase after them; returns whether everything finished."""
        await self._online()
        helpers = [asyncio.create_task(self._act()), asyncio.create_task(self._keep_alive())]
        try:
            for number in range(1, self._settings.kills + 1):
                await self._kill(number)
            helpers[0].cancel()
            await self._injector.stop_all()
            self._steps.note("calm")
            settled = await self._settle()
        finally:
            for helper in helpers:
                helper.cancel()
            ended = await asyncio.gather(*helpers, return_exceptions=True)
            await self._injector.stop_all()
        broken = [each for each in ended if isinstance(each, Exception)] + self._injector.broken
        if broken:
            raise ExceptionGroup("the harness itself broke", [Exception(repr(e)) for e in broken])
        return settled

    def gather(self, log: list[str]) -> Evidence:
        """Collect the evidence."""
        return found.gather(
            self._playground,
            self._data_dir,
            sent=self._users.sent,
            left=self._left,
            log=log,
            problems=self._problems,
            faults=frozenset(self._steps.counts),
        )

    async def _kill(self, number: int) -> None:
        """Wait for the moment chosen by the seed, and kill."""
        self._injector.start_some()
        choose = self._choose
        (kind,) = choose.choices(MOMENTS, (15, 30, 55))
        moment = await self._moment(kind, choose.random())
        away, back_s = choose.random() < 0.15, choose.uniform(0.1, RESTART_WAIT_S)
        await self._running()
        self._process.restart_wait_s = AWAY_S if away else back_s
        self._process.environment["CHAOS_SEED"] = f"{self._settings.seed}-{number}"
        active = ", ".join(self._injector.active) or "none"
        pid = self._process.pid
        self._process.kill()
        self._steps.note("kill", number=number, moment=moment, faults=active)
        while self._process.pid == pid:
            await asyncio.sleep(0.01)
        left = await asyncio.to_thread(found.unrecorded, self._data_dir, number)
        self._left += left
        if away:
            await self._minutes_pass()
        jobs = await asyncio.to_thread(found.counted, self._data_dir / "zimagine.db")
        self._settings.say(
            f"kill {number:3}/{self._settings.kills}  {self._steps.at_s:6.1f} s  {moment:24}"
            f"{'  away' if away else ''}{f'  whole files: {len(left)}' if left else ''}"
            f"  [{active}]  {jobs}"
        )

    async def _moment(self, kind: str, share: float) -> str:
        """Wait for the moment of a kill, and describe it. share: 0..1, of its span."""
        wait_s = share * SPAN_S[kind]
        if kind == "its start":
            await self._running()
        else:
            await self._online()
            event = self._acted if kind == "an act" else self._shown
            event.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await event.wait()
        await asyncio.sleep(wait_s)
        return f"{wait_s:.2f} s after {kind}"

    async def _minutes_pass(self) -> None:
        """Simulate an absence of minutes: everything sent has arrived, and nonces have expired."""
        standin = self._playground.standin
        while standin.turns.in_flight and self._process.pid is None:
            await asyncio.sleep(0.05)
        if self._process.pid is None:
            standin.world.forget_nonces()
            self._steps.note("nonces forgotten")

    async def _settle(self) -> bool:
        """Restart once cleanly, so that no long pause has to be waited out; wait for the end."""
        database = self._data_dir / "zimagine.db"
        await self._online()
        pid = self._process.pid
        self._process.restart()
        self._steps.note("last restart")
        try:
            async with asyncio.timeout(self._settings.settle_s):
                # Otherwise the last stop may reach a process that has not installed its SIGTERM
                # handler.
                while (
                    self._process.pid in (None, pid) or not self._playground.standin.gateway.online
                ):
                    await asyncio.sleep(0.05)
                while await asyncio.to_thread(found.open_count, database):
                    await asyncio.sleep(0.5)
                while self._playground.standin.turns.in_flight:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def _act(self) -> None:
        """Act constantly unless too many requests are open; seldom while the bot is down."""
        database = self._data_dir / "zimagine.db"
        while True:
            await asyncio.sleep(self._pause.uniform(0.1, 0.7))
            online = self._playground.standin.gateway.online
            if not online and self._pause.random() > 0.1:
                continue
            if await asyncio.to_thread(found.open_count, database) > MOST_OPEN:
                continue
            if self._users.act() is not None:
                self._acted.set()

    async def _keep_alive(self) -> None:
        """Restart a bot that gave up, as a service manager does."""
        pid = self._process.pid
        while True:
            await asyncio.sleep(0.2)
            if self._process.pid not in (None, pid):
                pid = self._process.pid
                self.starts += 1
            if self._process.state is BotState.STOPPED:
                told = f"exit {self._process.exit_code}: {self._process.detail}"
                self.gave_up.append(told)
                self._steps.note("gave up", told=told)
                self._process.start()

    async def _online(self) -> None:
        async with asyncio.timeout(ONLINE_LIMIT_S):
            standin = self._playground.standin
            while not (standin.gateway.online and standin.registry.all(None)):
                await asyncio.sleep(0.05)

    async def _running(self) -> None:
        async with asyncio.timeout(ONLINE_LIMIT_S):
            while self._process.pid is None:
                await asyncio.sleep(0.02)

    def _happened(self, event: Event) -> None:
        if isinstance(event, MessageCreated | MessageEdited):
            names = [each.filename for each in event.message.attachments]
            if any(job_id_of(name) is not None for name in names):
                self._shown.set()

    def _requested(self, entry: RequestLogEntry) -> None:
        self._problems += [f"{entry.method} {entry.path}: {each}" for each in entry.problems]
        if entry.refusal.startswith("50035"):
            self._problems.append(f"{entry.method} {entry.path}: {entry.refusal}")
