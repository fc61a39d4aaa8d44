"""The bot on chosen cores, which writes down when it paints: a process of a benchmark.

`python -m bot.benchmarks.measured_bot API GATEWAY ARGUMENTS…` is `bot.playground.redirected` with
two additions from the environment. BENCHMARK_CORES: their numbers, with commas. BENCHMARK_LOG: a
file that gets a line for each picture: a JSON list of when it was begun and ended (`perf_counter`),
the painting thread's processor time, side in px and steps.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from bot.playground import redirected
from engine import factory
from engine.benchmarks.work import keep_to
from engine.renderer import Outcome, RendererFactory, RenderTask

CORES: Final = "BENCHMARK_CORES"
LOG: Final = "BENCHMARK_LOG"


def main() -> None:
    """Keep to the cores, put the log around the painting, and hand over to the usual launcher."""
    keep_to([int(each) for each in os.environ.get(CORES, "").split(",") if each])
    with Path(os.environ.get(LOG, os.devnull)).open("w", buffering=1, encoding="utf-8") as log:
        original = factory.diffusion_factory
        factory.diffusion_factory = lambda *given, **named: _logged(original(*given, **named), log)
        redirected.main()


def _logged(load: RendererFactory, log: IO[str]) -> RendererFactory:
    def load_logged() -> Any:
        renderer: Any = load()
        render = renderer.render

        def logged(
            batch: Sequence[RenderTask], *, on_step: Callable[[int, Any], None]
        ) -> list[Outcome]:
            began_s, used_s = time.perf_counter(), time.thread_time()
            outcomes = render(batch, on_step=on_step)
            ended_s, used_s = time.perf_counter(), time.thread_time() - used_s
            request = batch[0].request
            print(json.dumps([began_s, ended_s, used_s, request.width_px, request.steps]), file=log)
            return outcomes

        renderer.render = logged
        return renderer

    return load_logged


if __name__ == "__main__":
    main()
