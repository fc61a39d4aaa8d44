"""Send many /imagine at a time and say when each was acknowledged: a process of a benchmark.

`python -m bot.benchmarks.acknowledgement zimagine|bare COUNT` starts Discord's stand-in on the last
core and one of the bots on the first: zimagine while it paints, or a bot that does no more than one
INSERT. It prints a JSON object as its last line: `took_s` of each request, from sending it until
the stand-in has the first response (None: not within Discord's limit).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.benchmarks.busy_server import BusyServer, busy_server
from bot.benchmarks.measured_bot import CORES
from bot.playground.interactions import Interaction, State
from bot.setting_names import ENV_PREFIX
from engine.benchmarks.work import PROMPTS, available_cores, keep_to

MODULES: Final = {
    "zimagine": "bot.benchmarks.measured_bot",
    "bare": "bot.benchmarks.bare_bot",
}
LIMIT_S: Final = 30.0
"""For all acknowledgements; each fails after three seconds."""


@dataclass(slots=True)
class _Load:
    """Requests that were sent, and when the stand-in heard of each first."""

    server: BusyServer
    sent_s: dict[int, float] = field(default_factory=dict[int, float])
    took_s: dict[int, float | None] = field(default_factory=dict[int, float | None])
    asked: list[Interaction] = field(default_factory=list[Interaction])

    def __post_init__(self) -> None:
        self.server.playground.standin.interactions.listen(self._heard)

    async def send(self, count: int, over_s: float) -> None:
        """Send so many requests, evenly over a time, and wait until each has its end."""
        began_s = time.perf_counter()
        for number in range(count):
            due_s = began_s + over_s * number / count
            if (early_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            now_s = time.perf_counter()
            asked = self.server.imagine(prompt=PROMPTS[number % len(PROMPTS)])
            self.sent_s[asked.id] = now_s
            self.asked.append(asked)
        await self.server.until(lambda: len(self.took_s) == len(self.sent_s), LIMIT_S, "answers")

    def _heard(self, interaction: Interaction) -> None:
        sent_s = self.sent_s.get(interaction.id)
        if sent_s is None or interaction.id in self.took_s or interaction.state is State.SENT:
            return
        failed = interaction.state is State.FAILED
        self.took_s[interaction.id] = None if failed else time.perf_counter() - sent_s

    def refused(self) -> int:
        """Count the answers that only the member can see: nothing was accepted there."""
        records = self.server.playground.standin.audit.records
        answers = [records.get(each.response_id or 0) for each in self.asked]
        return sum(each is not None and each.reader_id is not None for each in answers)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("by", choices=MODULES)
    parser.add_argument("count", type=int)
    parser.add_argument("--over", type=float, default=0.0, help="seconds; 0 for all at once")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(_measured(chosen.by, chosen.count, chosen.over, Path(folder)))
    print(json.dumps(result), flush=True)


async def _measured(by: str, count: int, over_s: float, folder: Path) -> dict[str, Any]:
    available, paints = available_cores(), by == "zimagine"
    keep_to(available[-1:])
    environment = {
        CORES: ",".join(map(str, available[:1])),
        f"{ENV_PREFIX}ENGINE__THREADS": "1",
    }
    async with busy_server(MODULES[by], folder, environment, loads=paints) as server:
        # The first answer of a process loads what later ones have; it begins the painting too.
        first = _Load(server)
        await first.send(2, 0.0)
        load = _Load(server)
        await load.send(count, over_s)
        refused = first.refused() + load.refused()
    if refused:
        sys.exit(f"{refused} requests were refused")
    return {"took_s": list(load.took_s.values())}


if __name__ == "__main__":
    main()
