"""The real bot with the embedded model, used by many users while it paints."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.pictures.filenames import job_id_of
from bot.playground.process import POINTED
from bot.playground.standin_server import Playground, PlaygroundPlan, open_playground
from tests.chaos.community import build_community, seeded
from tests.loop.findings import Findings, from_json
from tests.loop.load import ResponseTime, UserLoad

WATCHED: Final = "tests.loop.bot"
UP_LIMIT_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Settings of a run. acts: of all users. folder: for data and log. watched: the loop."""

    acts: int
    people: int
    folder: Path
    watched: bool = True
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The outcome. took_s: while all users were active. pictures: messages that show some.

    problems: the bot's mistakes. findings: of the watch, None if there was none.
    """

    answered: list[ResponseTime]
    took_s: float
    pictures: int
    problems: list[str]
    log: str
    exit_code: int | None
    findings: Findings | None

    def by_kind(self) -> dict[str, list[float | None]]:
        """Return how long each kind of action took to be answered, in milliseconds."""
        kinds: dict[str, list[float | None]] = defaultdict(list)
        for each in sorted(self.answered, key=lambda one: one.what):
            kinds[each.what].append(each.took_ms)
        return kinds

    def late(self) -> list[str]:
        """Return the actions that got no response within Discord's three seconds."""
        return [each.what for each in self.answered if each.took_ms is None]

    def median_ms(self) -> float:
        """Return the median of all responses in time."""
        return statistics.median(e.took_ms for e in self.answered if e.took_ms is not None)


async def run_load(settings: LoadSettings) -> LoadResult:
    """Start the bot, let users use it once its model is loaded, and stop it.

    Raises TimeoutError if it does not come up.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    log_file, findings_file = settings.folder / "bot.log", settings.folder / "findings.json"
    environment = {
        "ZIMAGINE_STORAGE__DATA_DIR": str(settings.folder / "data"),
        "ZIMAGINE_QUOTA__PICTURES": "100000",
        "ZIMAGINE_DISCORD__GUILDS": "[]",
        # Refusals are faster than acceptances, so nothing may be refused.
        "ZIMAGINE_ENGINE__QUEUE_LIMIT": "5000",
        "ZIMAGINE_ENGINE__USER_LIMIT": "5000",
        "LOOP_FINDINGS": str(findings_file),
    }
    with log_file.open("w", encoding="utf-8") as log:
        plan = PlaygroundPlan(
            ["run", "--config", os.devnull],
            environment,
            seed=settings.seed,
            output=log,
            module=WATCHED if settings.watched else POINTED,
        )
        async with open_playground(plan) as playground:
            # Discord allows one edit per second and channel: with few channels, that would be the
            # limit.
            community = build_community(playground.standin.world, people=settings.people, places=8)
            load = UserLoad(playground, community, seeded(settings.seed, "loop"))
            await _up(playground)
            await load.begin()
            began_s = time.monotonic()
            await load.run(settings.acts)
            took_s = time.monotonic() - began_s
            messages = [
                m for place in community.places for m in playground.standin.world.messages(place)
            ]
            await playground.process.stop()
    findings = None
    if settings.watched and findings_file.exists():
        findings = from_json(findings_file.read_text(encoding="utf-8"))
    return LoadResult(
        answered=load.answered,
        took_s=took_s,
        pictures=sum(
            any(job_id_of(file.filename) is not None for file in each.attachments)
            for each in messages
        ),
        problems=playground.standin.log.problems,
        log=log_file.read_text(encoding="utf-8"),
        exit_code=playground.process.exit_code,
        findings=findings,
    )


async def _up(playground: Playground) -> None:
    """Wait until the bot is online with its commands, and its model is loaded."""
    async with asyncio.timeout(UP_LIMIT_S):
        standin = playground.standin
        while not (
            standin.gateway.online
            and standin.registry.all(None)
            and any("model loaded" in line for line in playground.process.lines)
        ):
            await asyncio.sleep(0.05)
