"""Seeded faults around the bot that start, last for a while, and end."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bot.playground.faults import Fault
from bot.playground.initial_world import BOT_ID
from bot.playground.model import ACTIVE_THREADS, Channel, Overwrite
from bot.playground.standin_server import Playground
from tests.chaos.community import OPEN, SEE, SPEAK, Community
from tests.chaos.disk import SmallDisk
from tests.chaos.steps import Steps

FOLDER: Final = Path(__file__).parents[2]
TOGGLES: Final = (
    Fault.RATE_LIMIT,
    Fault.SERVER_ERROR,
    Fault.LOST_ANSWER,
    Fault.SLOW,
    Fault.LATE,
    Fault.REORDER,
)
ONCE: Final = (Fault.DROP_SOCKET, Fault.RECONNECT, Fault.INVALIDATE, Fault.EXPIRE_TOKENS)
SMALL_FILE_BYTES: Final = 24 * 2**10
MIN_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """One kind of fault. run: from its start to its end."""

    name: str
    weight: float
    run: Callable[[], Awaitable[None]]


class FaultInjector:
    """Starts faults, and ends them so that everything is as before.

    broken: errors of the faults themselves; a run with any is worthless.
    """

    def __init__(
        self,
        playground: Playground,
        community: Community,
        choose: random.Random,
        steps: Steps,
        *,
        database: Path,
        disk: SmallDisk | None,
    ) -> None:
        self._playground = playground
        self._community = community
        self._choose = choose
        self._steps = steps
        self._database = database
        self._disk = disk
        self._running: dict[asyncio.Task[None], str] = {}
        self.faults = self._all_faults()
        self.broken: list[BaseException] = []

    @property
    def active(self) -> list[str]:
        """The faults that are currently active."""
        return sorted(set(self._running.values()))

    def start_some(self, most: int = 3) -> None:
        """Let up to `most` faults start within the next seconds."""
        weights = [each.weight for each in self.faults]
        for fault in self._choose.choices(self.faults, weights, k=self._choose.randint(0, most)):
            wait_s = self._choose.uniform(0.0, 4.0)
            if fault.name not in self._running.values():
                task = asyncio.create_task(self._one(fault, wait_s), name=fault.name)
                self._running[task] = fault.name
                task.add_done_callback(self._over)

    async def stop_all(self) -> None:
        """End all faults now and restore everything."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for fault in TOGGLES:
            self._playground.standin.faults.inject(fault, active=False)
        if self._disk is not None:
            self._disk.free()
        self._community.restore()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broken.append(error)

    async def _one(self, fault: ScheduledFault, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self._steps.note(fault.name)
        await fault.run()
        self._steps.note(f"{fault.name}: over")

    def _all_faults(self) -> list[ScheduledFault]:
        found = [ScheduledFault(each.value, 3.0, partial(self._toggle, each)) for each in TOGGLES]
        found += [ScheduledFault(each.value, 2.0, partial(self._inject, each)) for each in ONCE]
        found += [
            ScheduledFault("sigterm", 3.0, self._restart),
            ScheduledFault("small uploads", 1.0, self._small_uploads),
            ScheduledFault("channel deleted", 1.5, self._delete_place),
            ScheduledFault("bot removed", 1.5, self._remove_bot),
            ScheduledFault("bot muted", 2.0, partial(self._deny, SPEAK)),
            ScheduledFault("channel hidden", 1.0, partial(self._deny, SEE)),
            ScheduledFault("thread archived", 1.5, partial(self._archive, locked=False)),
            ScheduledFault("thread locked", 1.0, partial(self._archive, locked=True)),
            ScheduledFault("thread deleted", 1.5, self._delete_thread),
            ScheduledFault("threads forbidden", 1.0, partial(self._deny, OPEN)),
            ScheduledFault("too many threads", 1.5, self._allow_no_threads),
            ScheduledFault("direct messages closed", 2.0, self._close_direct),
            ScheduledFault("database busy", 3.0, self._hold_database),
        ]
        return found + ([ScheduledFault("disk full", 3.0, self._fill_disk)] if self._disk else [])

    async def _toggle(self, fault: Fault) -> None:
        self._playground.standin.faults.inject(fault)
        try:
            await asyncio.sleep(self._choose.uniform(2.0, 9.0))
        finally:
            self._playground.standin.faults.inject(fault, active=False)

    async def _inject(self, fault: Fault) -> None:
        self._playground.standin.faults.inject(fault)

    async def _restart(self) -> None:
        self._playground.process.restart()

    async def _small_uploads(self) -> None:
        guilds = list(self._playground.standin.world.guilds.values())
        before = [guild.filesize_limit for guild in guilds]
        for guild in guilds:
            guild.filesize_limit = SMALL_FILE_BYTES
        try:
            await asyncio.sleep(self._choose.uniform(2.0, 6.0))
        finally:
            for guild, limit_bytes in zip(guilds, before, strict=True):
                guild.filesize_limit = limit_bytes

    async def _delete_place(self) -> None:
        channel = self._some_place(lambda each: not each.is_thread)
        if channel is None or len(self._community.places) < MIN_PLACES:
            return
        assert channel.guild_id is not None
        guild_id = channel.guild_id
        self._community.delete(channel)
        await asyncio.sleep(self._choose.uniform(0.0, 3.0))
        fresh = self._community.add_channel(guild_id)
        if not any(self._community.channel(each).is_thread for each in self._community.places):
            self._community.add_channel(guild_id, parent_id=fresh.id)

    async def _remove_bot(self) -> None:
        world = self._playground.standin.world
        guild = self._choose.choice(list(world.guilds.values()))
        if BOT_ID not in guild.members:
            return
        member = world.leave(guild, BOT_ID)
        try:
            await asyncio.sleep(self._choose.uniform(1.0, 6.0))
        finally:
            if BOT_ID not in guild.members:
                world.join(guild, member)

    async def _deny(self, what: int) -> None:
        channel = self._some_place(lambda each: not each.is_thread)
        if channel is None:
            return
        world = self._playground.standin.world
        world.overwrite(channel, Overwrite(BOT_ID, 1, 0, what))
        try:
            await asyncio.sleep(self._choose.uniform(1.0, 6.0))
        finally:
            if world.channel(channel.id) is not None:
                world.overwrite(channel, Overwrite(BOT_ID, 1, 0, 0))

    async def _archive(self, *, locked: bool) -> None:
        found = [
            each for each in map(self._community.channel, self._community.places) if each.is_thread
        ]
        found += self._community.bot_threads()
        if not found:
            return
        thread = self._choose.choice(found)
        world = self._playground.standin.world
        world.archive(thread, locked=locked)
        try:
            await asyncio.sleep(self._choose.uniform(1.0, 6.0))
        finally:
            if world.channel(thread.id) is not None:
                world.archive(thread, archived=False)

    async def _delete_thread(self) -> None:
        if found := self._community.bot_threads():
            self._playground.standin.world.delete_channel(self._choose.choice(found))

    async def _allow_no_threads(self) -> None:
        guilds = list(self._playground.standin.world.guilds.values())
        for guild in guilds:
            guild.thread_limit = 0
        try:
            await asyncio.sleep(self._choose.uniform(1.0, 6.0))
        finally:
            for guild in guilds:
                guild.thread_limit = ACTIVE_THREADS

    async def _close_direct(self) -> None:
        person = self._choose.choice(self._community.people)
        self._playground.standin.world.close_private(person)
        try:
            await asyncio.sleep(self._choose.uniform(3.0, 15.0))
        finally:
            self._playground.standin.world.close_private(person, closed=False)

    async def _hold_database(self) -> None:
        long = self._choose.random() < 0.2
        seconds = self._choose.uniform(4.0, 9.0) if long else self._choose.uniform(0.2, 3.0)
        if not self._database.exists():
            return
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.hold", str(self._database), f"{seconds:.2f}",
            cwd=FOLDER,
        )  # fmt: skip
        try:
            await holder.wait()
        finally:
            if holder.returncode is None:
                holder.kill()
                await holder.wait()

    async def _fill_disk(self) -> None:
        assert self._disk is not None
        left_bytes = self._choose.choice((0, 0, 40 * 2**10, 200 * 2**10))
        try:
            await asyncio.to_thread(self._disk.fill, left_bytes)
            await asyncio.sleep(self._choose.uniform(0.5, 5.0))
        finally:
            self._disk.free()

    def _some_place(self, fits: Callable[[Channel], bool]) -> Channel | None:
        found = [
            each for each in map(self._community.channel, self._community.places) if fits(each)
        ]
        return self._choose.choice(found) if found else None
