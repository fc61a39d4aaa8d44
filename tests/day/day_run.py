"""A day: steps of some minutes in which admins decide, members ask and cancel, and the bot dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from storage import consistency
from tests.day.admins import Admins
from tests.day.erasures import Erasures
from tests.day.intruders import Intruders
from tests.day.members import AT_ONCE, Job, Members
from tests.day.town import QUEUE, REQUESTS_PER_MEMBER, Person, Scale, Town, found, simulated_time

SET_BACK: Final = timedelta(minutes=90)
"""By how much the machine's clock was ahead, until somebody noticed."""
OUTAGE: Final = timedelta(hours=2, minutes=5)
"""Longer than jobs may wait."""


@dataclass(frozen=True)
class DayResult:
    """wrong: broken promises. counts: of everything that happened."""

    wrong: list[str]
    counts: dict[str, int]


class Day:
    """Plays a day in a town."""

    def __init__(self, town: Town, events: list[Any], say: Callable[[str], object]) -> None:
        self.town = town
        self.say = say
        self.events = events
        self.members = Members(town)
        self.admins = Admins(town, self.members)
        self.erasures = Erasures(town, self.members, self.admins)
        self.intruders = Intruders(town)
        minutes = town.scale.hours * 60
        self.steps = minutes // town.scale.minutes_per_step
        self._planned = self._plan()

    def _plan(self) -> dict[int, list[Callable[[], Any]]]:
        """Spread what happens a few times over the steps of the day."""
        rng, scale, planned = self.town.rng, self.town.scale, dict[int, list[Callable[[], Any]]]()

        def at(share: float, act: Callable[[], Any]) -> None:
            planned.setdefault(min(self.steps - 1, int(share * self.steps)), []).append(act)

        for _ in range(scale.kills):
            at(rng.uniform(0.05, 0.95), self.killed)
        for person in self.town.people:
            if person.fated:
                at(rng.uniform(0.3, 0.95), lambda person=person: self.erased(person))
        for _ in range(scale.crowds):
            at(rng.uniform(0.1, 0.9), self.crowd)
        at(0.2, self.paused)
        at(0.4, self.killed_while_asking)
        at(0.55, self.set_back)
        at(0.65, self.killed_twice)
        at(0.75, self.outage)
        at(0.85, self.rush)
        return planned

    async def play(self) -> None:
        """Play the whole day."""
        await self.admins.begin()
        for step in range(self.steps):
            await self.step(step)
            if step % max(1, self.steps // 24) == 0:
                self.say(f"{self.town.now:%d %H:%M} {self.town.counts['accepted']} accepted")
        await self.finish()

    async def step(self, number: int) -> None:
        """Let some minutes pass with everything that happens in them."""
        town, rng = self.town, self.town.rng
        town.pass_time(timedelta(minutes=town.scale.minutes_per_step))
        for _ in range(rng.randint(0, 3)):
            await self.admins.act()
        town.renderer.hold()
        await self.ask(self._requests_per_step())
        await self.cancel()
        await self.members.finish()
        await self.intruders.try_some(rng.randint(0, 2))
        for act in self._planned.get(number, ()):
            await act()
        for person in rng.sample(town.present(), min(2, len(town.present()))):
            await self.admins.ask_quota(person)
        if rng.random() < 0.1:
            await self.erasures.look()

    def _requests_per_step(self) -> int:
        mean = self.town.scale.members * REQUESTS_PER_MEMBER / self.steps
        return max(1, round(mean * self.town.rng.uniform(0.3, 1.7)))

    async def ask(self, requests: int, *, private: bool = True) -> None:
        """Let so many members ask for something."""
        town = self.town
        asking = town.rng.choices(town.present(), k=requests)
        for first in range(0, len(asking), AT_ONCE):
            people = dict.fromkeys(each.id for each in asking[first : first + AT_ONCE])
            chosen = [each for each in town.people if each.id in people]
            wish = self.members.wish
            await self.members.ask_all([(each, *wish(each, private=private)) for each in chosen])

    async def cancel(self) -> None:
        """Let members and an admin cancel some of what waits, and what is being painted."""
        rng, members = self.town.rng, self.members
        if not members.unfinished:
            return
        begun = await members.begun()
        chosen = [each for each in members.unfinished if rng.random() < 0.06]
        if begun is not None and begun not in chosen and rng.random() < 0.2:
            chosen.append(begun)
        for job in chosen:
            await members.cancel(job)
        if members.unfinished and rng.random() < 0.1:
            await self.admins.cancel_all_of(rng.choice(members.unfinished).person, begun)

    async def held_requests(self, requests: int = 12, *, private: bool = True) -> Job | None:
        """Let members ask while nothing is painted, until the next `finish`; return the job that
        has begun."""
        self.town.renderer.hold()
        await self.ask(requests, private=private)
        return await self.members.begun()

    async def paused(self) -> None:
        """Pause the server while members ask."""
        self.town.renderer.hold()
        await self.admins.pause(lambda: self.ask(8))
        await self.members.finish()

    async def killed(self) -> None:
        """Kill the bot while some wait and one is being painted, or while several are painted."""
        await self.held_requests()
        if self.town.rng.random() < 0.5:
            self.town.renderer.release()
            await asyncio.sleep(self.town.rng.uniform(0.0, 0.3))
        await self.restart()
        await self.members.finish()

    async def killed_twice(self) -> None:
        """Kill the bot twice while it paints the same picture, which is then given up."""
        await self.held_requests(4)
        self.town.renderer.hold()
        await self.restart(hold=True)
        await self.members.begun()
        await self.restart()
        await self.members.finish()

    async def killed_while_asking(self) -> None:
        """Kill the bot while members wait for their answers."""
        town = self.town
        people = town.rng.sample(town.present(), min(AT_ONCE, len(town.present())))
        wishes = [(each, *self.members.wish(each)) for each in people]
        town.renderer.hold()
        self.members.dying, before = True, self._accepted_jobs()
        asking = asyncio.create_task(self.members.ask_all(wishes))
        while self._accepted_jobs() == before and not asking.done():
            await asyncio.sleep(0.002)
        await self.restart(hold=True)
        await asking
        self.members.dying = False
        for job in self.members.unfinished:
            job.survived_kill = True
        await self.members.finish()

    def _accepted_jobs(self) -> int:
        return self.town.harness.rows("SELECT count(*) FROM jobs")[0][0]

    async def restart(self, *, hold: bool = False) -> None:
        """Lose what is in memory, and start again. hold: nothing is painted afterwards."""
        town, harness = self.town, self.town.harness
        for job in self.members.unfinished:
            job.survived_kill = True
        await harness.crash()
        for asker in town.askers.values():
            asker.dead.set()
        if hold:
            town.renderer.hold()
        await harness.start()
        await harness.app.engine.ready()
        for asker in town.askers.values():
            asker.dead.clear()
        await self._clock_noticed()
        town.counts["kills"] += 1

    async def _clock_noticed(self) -> None:
        """Let the bot look now for charges of a later hour, as it does now and then."""
        await self.town.harness.app.maintenance.date_back_charges()
        self.town.ledger.put_in_order(self.town.now)

    async def crowd(self) -> None:
        """Let one member ask many times at once, with some of a quota and a grant left."""
        town = self.town
        person = self.admins.person()
        await self.admins.grant(person)
        town.renderer.hold()
        await self.members.crowd(person, town.scale.crowd)
        await self.members.finish()

    async def rush(self) -> None:
        """Let more members ask at once than the queue has places for."""
        town = self.town
        people = town.rng.sample(town.present(), min(QUEUE + 150, len(town.present())))
        town.renderer.hold()
        await self.members.ask_all([(each, *self.members.wish(each)) for each in people])
        await self.members.finish()

    async def outage(self) -> None:
        """Paint nothing for hours: what waited too long is given up and refunded."""
        # Who asked in private can be told only for some minutes.
        begun = await self.held_requests(private=False)
        self.town.pass_time(OUTAGE)
        waiting = [each for each in self.members.unfinished if each is not begun]
        for job in waiting:
            await self.town.harness.state(job.id, "expired")
        await self.members.finish()
        for job in waiting:
            self.town.expect(job.end == "failed", f"job {job.id} waited for hours: {job.end}")

    async def set_back(self) -> None:
        """Set the machine's clock back, which was ahead."""
        self.town.harness.clock.advance(-SET_BACK.total_seconds())
        await self._clock_noticed()
        self.town.counts["clock set back"] += 1
        if self.town.rng.random() < 0.5:
            await self.killed()

    async def erased(self, person: Person) -> None:
        """Erase a member who has left something everywhere, with jobs that wait."""
        own = self.town.rng.random() < 0.6
        await self.erasures.live(person)
        if not own:  # presets belong to no server, so that no admin can erase them
            await self.erasures.forget_preset(person)
        self.town.renderer.hold()
        await self.members.ask_all([(person, *self.members.wish(person)) for _ in range(2)])
        await self.erasures.erase(person, own=own)

    async def finish(self) -> None:
        """Compare everything at the end of the day."""
        town, harness = self.town, self.town.harness
        await self.intruders.try_some(len(self.intruders.hidden()))
        untried = self.intruders.hidden().keys() - self.intruders.tried
        town.expect(not untried, f"no member tried {sorted(untried)}")
        await self.members.finish()
        for person in town.present():
            await self.admins.ask_quota(person)
        erased = [each for each in town.people if each.erased]
        self.erasures.nothing_is_left(*erased)
        for person in erased[::3]:
            await self.erasures.come_back(person)
        self._compare_ledgers()
        for prompt in self.members.painted_twice():
            town.violation(f"painted twice: {prompt!r}")
        await harness.stop()
        wrong = consistency.check(harness.settings.storage.data_dir, clock=harness.clock).wrong()
        town.expect(not wrong, lambda: f"the database disagrees with itself: {wrong[:3]}")
        self.erasures.nothing_is_left(*(each for each in town.people if each.erased))
        self._look_at_log()

    def _compare_ledgers(self) -> None:
        """Compare every charge with the reference, and see that nothing is left to be done."""
        town, harness = self.town, self.town.harness
        rows = harness.rows(
            "SELECT user_id, sum(pictures * weight - waived), sum(pictures * weight) FROM ledger "
            "WHERE refunded_at IS NULL AND user_id <> 0 GROUP BY user_id"
        )
        stored = {user_id: (counted, cost) for user_id, counted, cost in rows}
        for person in town.present():
            live = [e for e in town.ledger.books[person.id].charges if not e.refunded]
            expected = (sum(e.counted for e in live), sum(e.cost for e in live))
            there = stored.pop(person.id, (0, 0))
            town.expect(there == expected, f"{person.name} was charged {there}, not {expected}")
        town.expect(not stored, f"charges of nobody who is there: {stored}")
        unfinished = harness.rows("SELECT id FROM jobs WHERE finished_at IS NULL")
        town.expect(not unfinished, f"not finished: {unfinished}")
        unsettled = harness.rows("SELECT job_id FROM deliveries WHERE state = 'pending'")
        town.expect(not unsettled, f"not delivered: {unsettled}")

    def _look_at_log(self) -> None:
        """The log has no errors and nothing that members wrote."""
        said = "\n".join(map(_text, self.events))
        for person in self.town.people:
            if person.secret in said or person.name in said:
                self.town.violation(f"the log has words or the name of {person.name}")
        for each in self.events:
            level = each.get("log_level") if isinstance(each, dict) else each.levelname.lower()
            if level in ("error", "critical"):
                self.town.violation(f"in the log: {_text(each)[:300]}")


def _text(event: Any) -> str:
    return event.getMessage() if isinstance(event, logging.LogRecord) else str(event)


class _Kept(logging.Handler):
    """Keeps the records of libraries."""

    def __init__(self, kept: list[Any]) -> None:
        super().__init__(logging.INFO)
        self.kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


async def play(scale: Scale, folder: Path, say: Callable[[str], object]) -> DayResult:
    """Play a day in a new folder."""
    with structlog.testing.capture_logs() as events, contextlib.ExitStack() as stack:
        handler = _Kept(events)
        logging.getLogger().addHandler(handler)
        stack.callback(logging.getLogger().removeHandler, handler)
        stack.enter_context(simulated_time())
        town = await found(scale, folder)
        day = Day(town, events, say)
        try:
            await day.play()
        finally:
            town.renderer.release()
            await town.harness.env.shutdown()
            await town.harness.stop()
    for error in town.harness.env.errors:
        town.violation(f"an error in a handler: {error!r}")
    return DayResult(town.wrong, dict(sorted(town.counts.items())))
