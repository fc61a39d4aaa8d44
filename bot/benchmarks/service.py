"""Queue many pictures with the whole bot and say what they took: a process of a benchmark.

`python -m bot.benchmarks.service` starts Discord's stand-in on the last core and the bot on the
first ones, sends /imagine until so many jobs were accepted, and waits until all pictures are shown.
It prints a JSON object as its last line: `pace` in pictures a second from the start of the first
one until the last is shown, `beside_s` of the bot's processor time a picture beside the painting
thread's (the painting, if it has one thread), and `gaps_s` from each picture's end on the painting
thread to the next one's start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import psutil

from bot.benchmarks.busy_server import BusyServer, busy_server
from bot.benchmarks.measured_bot import CORES, LOG
from bot.pictures.filenames import job_id_of
from bot.playground.interactions import State
from bot.setting_names import ENV_PREFIX
from engine.benchmarks.work import PROMPTS, SIDE, STEPS, available_cores, keep_to

BOT: Final = "bot.benchmarks.measured_bot"
AT_ONCE: Final = 20
"""Requests that wait for an answer at the same time. Chosen by hand."""
PICTURE_LIMIT_S: Final = 30.0
"""For one picture, on a machine that is busy with other work."""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=1, help="of the bot, which has a thread each")
    parser.add_argument("--jobs", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(_measured(chosen.cores, chosen.jobs, Path(folder)))
    print(json.dumps(result), flush=True)


async def _measured(cores: int, jobs: int, folder: Path) -> dict[str, Any]:
    available, log = available_cores(), folder / "pictures"
    keep_to(available[-1:])
    environment = {
        CORES: ",".join(map(str, available[:cores])),
        LOG: str(log),
        f"{ENV_PREFIX}ENGINE__THREADS": str(cores),
    }
    async with busy_server(BOT, folder, environment) as server:
        bot = psutil.Process(server.playground.process.pid)
        before_s = _processor_s(bot)
        await _queue(server, jobs)
        await server.until(
            lambda: _shown(server) == jobs, jobs * PICTURE_LIMIT_S, f"{jobs} pictures shown"
        )
        ended_s, used_s = time.perf_counter(), _processor_s(bot) - before_s
    return _result(log, jobs, ended_s, used_s)


async def _queue(server: BusyServer, jobs: int) -> None:
    """Send all requests, a few at a time."""
    for first in range(0, jobs, AT_ONCE):
        asked = [
            server.imagine(prompt=f"{PROMPTS[number % len(PROMPTS)]} --steps {STEPS}", seed=number)
            for number in range(first, min(jobs, first + AT_ONCE))
        ]
        await server.until(
            lambda asked=asked: all(each.state is not State.SENT for each in asked),
            PICTURE_LIMIT_S,
            "answers",
        )
        if any(each.state is State.FAILED for each in asked):
            sys.exit("the bot did not answer within three seconds")


def _shown(server: BusyServer) -> int:
    """Count the jobs whose pictures are shown."""
    records = server.playground.standin.audit.records.values()
    jobs = {job_id_of(name) for record in records for name in record.showing}
    return len(jobs - {None})


def _result(log: Path, jobs: int, ended_s: float, used_s: float) -> dict[str, Any]:
    pictures = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    if {tuple(each[3:]) for each in pictures} != {(SIDE, STEPS)} or len(pictures) != jobs:
        sys.exit(f"{len(pictures)} pictures were painted in place of {jobs}, or others")
    return {
        "pace": jobs / (ended_s - pictures[0][0]),
        "beside_s": (used_s - sum(each[2] for each in pictures)) / jobs,
        "gaps_s": [later[0] - earlier[1] for earlier, later in pairwise(pictures)],
    }


def _processor_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


if __name__ == "__main__":
    main()
