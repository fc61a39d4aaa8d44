"""`python -m tests.chaos.soak --pictures 1500`: hours of use without faults or growth."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import psutil

from bot.playground.interactions import Interaction, State
from bot.playground.model import MessageFlag
from bot.playground.people import ActingUser
from bot.playground.request_log import RequestLogEntry
from bot.playground.standin_server import Playground, PlaygroundPlan, open_playground
from tests.chaos import evidence as found
from tests.chaos.community import Community, build_community, seeded
from tests.chaos.simulated_users import SUBJECTS
from tests.chaos.verdict import Violation, judge

TENTHS: Final = 10
MEMORY_GROWTH: Final = 0.10
HANDLE_GROWTH: Final = 5
SAMPLE_S: Final = 0.5
STALLED_S: Final = 120.0
"""Without a new picture for this long, none is expected any more. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class SoakSettings:
    """The amount of work. at_once: requests that are open at the same time."""

    pictures: int
    users: int
    at_once: int
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Sample:
    """The bot's process at one moment. done: pictures shown so far."""

    done: int
    at_s: float
    memory_mib: float
    handles: int


@dataclass(slots=True)
class SoakResult:
    """The measurements. refused: requests that became no job; the load stays within limits."""

    samples: list[Sample] = field(default_factory=list[Sample])
    violations: list[Violation] = field(default_factory=list[Violation])
    refused: int = 0
    took_s: float = 0.0

    def tenth(self, number: int, pictures: int) -> list[Sample]:
        """Return the samples of one tenth of the pictures, counted from 0."""
        low, high = number * pictures / TENTHS, (number + 1) * pictures / TENTHS
        return [each for each in self.samples if low <= each.done < high]


class Soak:
    """Users who request the next picture as soon as one of theirs is finished."""

    def __init__(
        self, settings: SoakSettings, playground: Playground, community: Community
    ) -> None:
        self._settings = settings
        self._playground = playground
        self._community = community
        self._choose = seeded(settings.seed, "soak")
        self._shown: set[int] = set()
        self._asked = 0
        self._requests: dict[int, Interaction] = {}
        self._unanswered = 0
        self._problems: list[str] = []
        self.result = SoakResult()
        playground.standin.log.listen(self._requested)

    async def run(self) -> None:
        """Request everything and wait for everything; a stall is a violation."""
        began_s = time.monotonic()
        process = psutil.Process(self._playground.process.pid)
        while self._over() < self._settings.pictures:
            before = self._over()
            self._ask_for_more()
            try:
                async with asyncio.timeout(STALLED_S):
                    while self._over() == before:
                        await asyncio.sleep(SAMPLE_S / 5)
            except TimeoutError:
                detail = f"{before} of {self._asked} requests finished, then none for {STALLED_S} s"
                self.result.violations.append(Violation("stalled", detail))
                break
            if not self.result.samples or time.monotonic() - began_s > self._last_s + SAMPLE_S:
                self._measure(process, time.monotonic() - began_s)
        self.result.took_s = time.monotonic() - began_s

    @property
    def _last_s(self) -> float:
        return self.result.samples[-1].at_s

    def _ask_for_more(self) -> None:
        most = min(self._settings.pictures, self._over() + self._settings.at_once)
        while self._asked < most:
            self._asked += 1
            person = self._community.people[self._asked % len(self._community.people)]
            places = self._community.channels_of(person)
            self._ask(person, places[self._choose.randrange(len(places))].id, self._choose)

    def _ask(self, person: int, channel_id: int, choose: random.Random) -> None:
        standin = self._playground.standin
        command = next(each for each in standin.registry.all(None) if each.name == "imagine")
        prompt = f"{choose.choice(SUBJECTS)}, number {self._asked} --steps 2"
        people = self._playground.people
        wish = people.command(ActingUser(person), channel_id, command.id, [], {"prompt": prompt})
        self._requests[wish.id] = wish

    def _over(self) -> int:
        """Count requests that need no more waiting: shown, or not answered within Discord's limit.

        An unanswered request is not waited for; the verdict reports it.
        """
        known = self._playground.standin.audit.records
        for number, wish in list(self._requests.items()):
            if wish.response_id in known:
                del self._requests[number]
            elif wish.state is State.FAILED:
                del self._requests[number]
                self._unanswered += 1
        return len(self._done()) + self._unanswered

    def _done(self) -> set[int]:
        """Return the jobs whose pictures are shown; only the newest messages are searched."""
        records = self._playground.standin.audit.records
        for record in list(records.values())[-6 * self._settings.at_once - 50 :]:
            self._shown |= found.pictured(record)
        return self._shown

    def _measure(self, process: psutil.Process, at_s: float) -> None:
        memory_mib = process.memory_info().rss / 2**20
        self.result.samples.append(Sample(len(self._shown), at_s, memory_mib, process.num_fds()))

    def _requested(self, entry: RequestLogEntry) -> None:
        self._problems += [f"{entry.method} {entry.path}: {each}" for each in entry.problems]

    def judge(self, data_dir: Path, log: Sequence[str]) -> None:
        """Check the promises of a chaos run, and that nothing grew."""
        seen = found.gather(
            self._playground, data_dir, sent=(), left=(), log=log,
            problems=self._problems, faults=frozenset(),
        )  # fmt: skip
        self.result.refused = self._asked - len(seen.jobs)
        self.result.violations += [*judge(seen), *grown(self.result, self._settings.pictures)]
        ended = [row for row in seen.jobs.values() if row["state"] != "painted"]
        lost = [f"job {row['id']} is {row['state']} ({row['error_code']})" for row in ended]
        if self.result.refused:
            lost.append(f"{self.result.refused} requests became no job")
        if self._unanswered:
            lost.append(f"{self._unanswered} requests got no response within three seconds")
        self.result.violations += [Violation("lost", each) for each in lost]
        whispers = [r for r in seen.records if r.flags & MessageFlag.EPHEMERAL]
        if whispers:
            self.result.violations.append(Violation("refused", whispers[0].texts[0]))


def grown(result: SoakResult, pictures: int) -> list[Violation]:
    """Compare the last tenth with the second; the first is warm-up."""
    early, late = result.tenth(1, pictures), result.tenth(TENTHS - 1, pictures)
    if not early or not late:
        return [Violation("measured", "too few samples to compare")]
    memory = [statistics.median(each.memory_mib for each in part) for part in (early, late)]
    handles = [statistics.median(each.handles for each in part) for part in (early, late)]
    violations: list[Violation] = []
    if memory[1] > memory[0] * (1 + MEMORY_GROWTH):
        violations.append(Violation("memory", f"{memory[0]:.0f} MiB became {memory[1]:.0f} MiB"))
    if handles[1] > handles[0] + HANDLE_GROWTH:
        violations.append(Violation("handles", f"{handles[0]:.0f} became {handles[1]:.0f}"))
    return violations


async def run_soak(settings: SoakSettings) -> SoakResult:
    """Start the bot, use it, stop it, judge."""
    data_dir = settings.folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {
        "ZIMAGINE_STORAGE__DATA_DIR": str(data_dir),
        "ZIMAGINE_QUOTA__PICTURES": "1000000",
        "ZIMAGINE_DISCORD__GUILDS": "[]",
        "ZIMAGINE_LOG__FORMAT": "json",
        "ZIMAGINE_ENGINE__THREADS": "1",  # the other core is the stand-in's
    }
    with (settings.folder / "bot.log").open("w", encoding="utf-8") as log:
        plan = PlaygroundPlan(
            ["run", "--config", os.devnull], environment, seed=settings.seed, output=log
        )
        async with open_playground(plan) as playground:
            # Discord allows one edit per second and channel: with few channels, that would be the
            # limit.
            community = build_community(playground.standin.world, people=settings.users, places=12)
            async with asyncio.timeout(90):
                # the bot registers its commands before it can be reached
                standin = playground.standin
                while not (standin.gateway.online and standin.registry.all(None)):
                    await asyncio.sleep(0.1)
            soak = Soak(settings, playground, community)
            await soak.run()
            with contextlib.suppress(TimeoutError):  # the verdict names what is still open
                async with asyncio.timeout(60):
                    while found.open_count(data_dir / "zimagine.db"):
                        await asyncio.sleep(0.2)
            await playground.process.stop()
            lines = (settings.folder / "bot.log").read_text(encoding="utf-8").splitlines()
            soak.judge(data_dir, lines)
            return soak.result


def table(settings: SoakSettings, result: SoakResult) -> str:
    """Return a line per tenth, and the pace."""
    lines = ["tenth  pictures  pictures/s  memory MiB  handles"]
    before_s, before = 0.0, 0
    for number in range(TENTHS):
        part = result.tenth(number, settings.pictures)
        if part:
            span_s, more = part[-1].at_s - before_s, part[-1].done - before
            before_s, before = part[-1].at_s, part[-1].done
            pace = more / span_s if span_s > 0 else 0.0
            memory_mib = statistics.median(each.memory_mib for each in part)
            handles = statistics.median(each.handles for each in part)
            lines.append(f"{number + 1:5}{before:10}{pace:12.2f}{memory_mib:12.1f}{handles:9.0f}")
    pace = settings.pictures / result.took_s
    lines.append(f"{settings.pictures} pictures in {result.took_s:.0f} s: {pace:.2f} per second")
    return "\n".join(lines)


@click.command()
@click.option("--pictures", default=1500, show_default=True)
@click.option("--users", default=20, show_default=True)
@click.option("--at-once", default=8, show_default=True, help="Open requests at the same time.")
@click.option("--seed", default=1, show_default=True)
def main(pictures: int, users: int, at_once: int, seed: int) -> None:
    """Paint without faults, then compare the start with the end."""
    folder = Path(tempfile.mkdtemp(prefix="zimagine-soak-"))
    settings = SoakSettings(pictures, users, at_once, seed, folder)
    result = asyncio.run(run_soak(settings))
    click.echo(table(settings, result))
    for violation in result.violations:
        click.echo(f"VIOLATION {violation.kind}: {violation.detail}", err=True)
    if result.violations:
        click.echo(f"The log and the database are kept in {folder}", err=True)
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)
    click.echo("nothing lost, nothing blank, no growth")


if __name__ == "__main__":
    main()
