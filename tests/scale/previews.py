"""Measure the cost of previews: `python -m tests.scale.previews`.

The embedded model paints the same picture with and without previews, in turn, on one thread. The
processor time of that thread is counted, so other load on the machine hardly shows. The linear map
that shows previews learns from the first three pictures; until then they go through the model's own
autoencoder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bot.delivery.attachments import encode_preview
from engine.diffusion.previews import READY_PICTURES
from engine.factory import diffusion_factory
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import ImageRequest, Painted, Progress, Raster
from tests.scale.stopwatch import machine

SIDES_PX: Final = (256, 512)
STEPS: Final = 8
HEAD: Final = (
    "pictures",
    "without",
    "with previews",
    "ratio",
    "encoding one",
    "largest file",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over pairs, in processor time. encoding_s: of one preview."""

    name: str
    without_s: float
    with_s: float
    ratio: float
    encoding_s: float
    largest_bytes: int

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a table row."""
        return (
            self.name,
            f"{self.without_s * 1000:.0f} ms",
            f"{self.with_s * 1000:.0f} ms",
            f"{self.ratio:.3f}",
            f"{self.encoding_s * 1000:.2f} ms",
            f"{self.largest_bytes / 1000:.1f} kB",
        )


def measure(painter: Any, side_px: int, pairs: int, *, learned: bool) -> Cost:
    """Paint `pairs` pairs. learned: whether the renderer has already learned its preview map."""
    for seed in range(READY_PICTURES):
        paint(painter, side_px, seed, previews=learned)
    plain_s, shown_s, encoding_s, sizes = list[float](), list[float](), list[float](), list[int]()
    for seed in range(pairs):
        for previews in (False, True) if seed % 2 else (True, False):
            if not learned:
                painter._current().forget()
            taken_s, seen = paint(painter, side_px, seed, previews=previews)
            (shown_s if previews else plain_s).append(taken_s)
            assert len(seen) == (STEPS if previews else 0)
            for raster in seen:
                began_s = time.thread_time()
                sizes.append(len(encode_preview(raster, side_px, side_px)))
                encoding_s.append(time.thread_time() - began_s)
    ratios = [shown / plain for shown, plain in zip(shown_s, plain_s, strict=True)]
    which = "later" if learned else f"the first {READY_PICTURES}"
    return Cost(
        f"{side_px} × {side_px} px, {which}",
        statistics.median(plain_s),
        statistics.median(shown_s),
        statistics.median(ratios),
        statistics.median(encoding_s),
        max(sizes),
    )


def paint(painter: Any, side_px: int, seed: int, *, previews: bool) -> tuple[float, list[Raster]]:
    """Paint one picture; return the seconds of this thread, and its previews."""
    prompt, seen = "a red house by a mountain lake at dawn", list[Raster]()

    def on_step(_row: int, progress: Progress) -> None:
        if progress.preview is not None:
            seen.append(progress.preview)

    request = ImageRequest(prompt, prompt, "", seed, side_px, side_px, STEPS, 1.0)
    task = RenderTask(request, threading.Event(), previews=previews)
    began_s = time.thread_time()
    (made,) = painter.render([task], on_step=on_step)
    taken_s = time.thread_time() - began_s
    assert isinstance(made, Painted), made
    return taken_s, seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="What previews cost the built-in demo model.")
    parser.add_argument("--pairs", type=int, default=20, help="pictures with and without each")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES_PX, metavar="PX")
    chosen = parser.parse_args(arguments)
    painter = diffusion_factory(EngineSettings(device="cpu", threads=1))()
    print(f"{datetime.now(UTC):%Y-%m-%d}. {machine()}; {STEPS} steps, {chosen.pairs} pairs each.\n")
    _line(HEAD)
    _line(("---", *["---:"] * (len(HEAD) - 1)))
    for side_px in chosen.sides:
        for learned in (False, True):
            _line(measure(painter, side_px, chosen.pairs, learned=learned).cells())
    painter.close()
    return 0


def _line(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
