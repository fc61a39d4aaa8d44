"""Measure memory and time of each plan on a GPU: `python -m tests.scale.memory`.

It paints with the full architecture and random weights; nothing is downloaded or stored.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from itertools import pairwise
from typing import Any, Final

import diffusers
import numpy as np
import psutil
import torch

from engine.diffusion import footprint, machine
from engine.diffusion.devices import pick_device, pick_dtype
from engine.diffusion.faults import is_memory, is_sticky
from engine.diffusion.footprint import Estimate, MemoryPlan, Shape
from engine.diffusion.renderer import DiffusionRenderer, _exact_arithmetic
from engine.errors import Defunct, EngineError, ModelUnavailable, OutOfMemory
from engine.renderer import RenderTask
from engine.settings import AUTO
from engine.types import ImageRequest, Mend, Painted, Progress, Raster
from tests.engine.diffusion.cards import MODEL, NATIVE
from tests.scale import devices, fullsize
from tests.scale.devices import GB, Card, CudaCard, HostCard, Memory, TooFull
from tests.scale.fullsize import FULL, TINY, Setup
from tests.scale.prompts import Prompts

UNAVAILABLE: Final = 69
"""Exit code: nothing can be measured on this machine."""
HOST_SHARE: Final = 1.15
"""Free host memory, relative to the model's size, that is needed to build it there."""
FLAT_BYTES: Final = 2**20
"""Differences of memory up to this size between two pictures do not count."""
PLANS: Final = (
    *("resident", "resident+tiled", "encoder-offload", "encoder-offload+tiled", "model-offload"),
    *("streamed", "streamed+tiled", "encoder-offload+fp8+tiled", "streamed+fp8+tiled"),
    *("encoder-offload+int8+tiled", "streamed+int8+tiled", "sequential-offload+tiled"),
)
SIMULATED_GB: Final = (4, 6, 8, 12, 16, 24)
HEAD: Final = (
    *("case", "plan", "peak allocated", "peak reserved", "estimate", "error", "peak at start"),
    *("a picture", "to resident", "by estimate", "weights on host", "process", "pixels", "remarks"),
)
"""Of the table, which is written row by row: if the run breaks off, finished rows are there."""


@dataclass(frozen=True, slots=True)
class PlanCase:
    """One row: a plan that is set, or AUTO with this much of the card free."""

    name: str
    plan: str
    free_gb: float | None = None
    allow_quantized: bool = False


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. host_bytes: the peak of host memory that this process used."""

    painted: Painted
    seconds: float
    step_s: float
    host_bytes: int

    @property
    def plan(self) -> MemoryPlan:
        return MemoryPlan.parse(self.painted.recipe.conditions.plan)

    @property
    def stepped_down(self) -> list[str]:
        """The plans that were tried after memory ran out."""
        found = self.painted.recipe.adaptations
        return [each.value for each in found if each.mend is Mend.MEMORY]

    @property
    def remarks(self) -> list[str]:
        """How the picture was not painted as requested: each item costs time."""
        found = self.painted.recipe.adaptations
        return [f"{each.mend} in {each.stage} {each.value}".strip() for each in found]


@dataclass(frozen=True, slots=True)
class Measured:
    """A row that was painted. weights_bytes: on the host, between two pictures."""

    case: PlanCase
    plan: MemoryPlan
    shots: list[Shot]
    at_start: Memory | None
    peak: Memory | None
    estimate: Estimate
    weights_bytes: int
    seconds: float
    ratio: float | None
    pixels: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A row without numbers, and why. failed: it should not have happened."""

    case: PlanCase
    reason: str
    failed: bool = False


@dataclass(slots=True)
class References:
    """What rows are compared with: the resident plan's time, and pictures of exact plans."""

    seconds: float | None = None
    pictures: dict[bool, list[Raster]] = field(default_factory=dict[bool, list[Raster]])
    """By whether they were decoded in tiles."""


def cases() -> list[PlanCase]:
    """Return all rows; those that others are compared with come first."""
    automatic = [
        PlanCase(f"auto{' 8-bit' if allowed else ''} {free_gb} GB", AUTO, free_gb, allowed)
        for allowed in (False, True)
        for free_gb in SIMULATED_GB
    ]
    return [*(PlanCase(plan, plan) for plan in PLANS), *automatic]


def paint(
    setup: Setup, made: DiffusionRenderer, number: int, then: Callable[[int], None] | None = None
) -> Shot:
    """Paint picture `number`, with a prompt of its own; `then` is called with each step.

    Raises EngineError.
    """
    shape, process, reached_s = setup.shape, psutil.Process(), dict[int, float]()
    host_bytes = [process.memory_info().rss]

    def on_step(_row: int, progress: Progress) -> None:
        reached_s.setdefault(progress.step, time.perf_counter())  # it may be repeated
        host_bytes.append(process.memory_info().rss)
        if then is not None:
            then(progress.step)

    # A token is a byte here: as many as an estimate counts with, and the same for all.
    text = (
        f"{number}: {Prompts(seed=number).next()}".ljust(76).encode()[:76].decode("utf-8", "ignore")
    )
    size = (shape.width_px, shape.height_px)
    request = ImageRequest(text, text, "", number, *size, shape.steps, guidance=1.0)
    setup.card.finish()
    began_s = time.perf_counter()
    (outcome,) = made.render([RenderTask(request, threading.Event())], on_step=on_step)
    setup.card.finish()
    seconds = time.perf_counter() - began_s
    if isinstance(outcome, EngineError):
        raise outcome
    step_times_s = [at_s for step, at_s in reached_s.items() if step]
    steps_s = [later - sooner for sooner, later in pairwise(step_times_s)]
    host_bytes.append(process.memory_info().rss)
    return Shot(outcome, seconds, statistics.median(steps_s or [seconds]), max(host_bytes))


def measure(setup: Setup, case: PlanCase, references: References) -> Measured | Missing:
    """Measure one row. Raises Defunct, after which nothing can be measured any more."""
    try:
        leave_bytes = None if case.free_gb is None else int(case.free_gb * GB)
        with devices.filled(setup.card, leave_bytes):
            return _measured(setup, case, references)
    except Defunct:
        raise
    except TooFull as error:
        return Missing(case, f"not measured: {error}")
    except Exception as error:
        # Only its text is kept: the traceback would keep the renderer alive.
        words = (str(error).splitlines() or [""])[0]
        if isinstance(error, OutOfMemory) or is_memory(error):
            return Missing(case, "out of memory")
        if is_sticky(error):
            raise Defunct(words) from None
        return Missing(case, f"failed: {type(error).__name__}: {words}", failed=True)


def _measured(setup: Setup, case: PlanCase, references: References) -> Measured | Missing:
    card = setup.card
    card.clear()  # by now nothing holds what a failed row has left
    card.reset()
    with setup.painter(case.plan, allow_quantized=case.allow_quantized) as made:
        at_start = card.peak()
        card.reset()
        shots: list[Shot] = []
        for number in range(setup.repeats + 1):
            shots.append(paint(setup, made, number))
            plan = shots[-1].plan
            if case.plan not in (AUTO, str(plan)):
                return Missing(case, f"out of memory; {plan} painted")
        peak, residency = card.peak(), _residency(made)
        there = machine.read(card.device, host_held_bytes=residency.host_bytes)
        later = shots[1:] or shots
        seconds, plan = statistics.median(shot.seconds for shot in later), later[-1].plan
        if case.plan == PLANS[0]:
            references.seconds = seconds
        return Measured(
            case=case,
            plan=plan,
            shots=shots,
            at_start=at_start,
            peak=peak,
            estimate=footprint.estimate(plan, residency.sizes, there, setup.shape),
            weights_bytes=residency.host_bytes,
            seconds=seconds,
            ratio=seconds / references.seconds if references.seconds else None,
            pixels=_compared(plan, [shot.painted.raster for shot in shots], references),
        )


def _residency(made: DiffusionRenderer) -> Any:
    assert made._model is not None
    return made._model.residency


def _compared(plan: MemoryPlan, pictures: list[Raster], references: References) -> str:
    """Whether the pictures are those of the exact plan that came first, tiled if this one is."""
    if plan.exact and plan.tiled not in references.pictures:
        references.pictures[plan.tiled] = pictures
        return "reference"
    others = references.pictures.get(plan.tiled)
    if others is None:
        return "–"
    if pictures == others:
        return "equal"
    mean = statistics.mean(map(_difference, pictures, others))
    return f"{'DIFFERENT ' if plan.exact else ''}by {mean:.2f} of 255"


def _difference(one: Raster, other: Raster) -> float:
    ours, theirs = (np.frombuffer(each.rgb, np.uint8).astype(np.int16) for each in (one, other))
    return float(np.abs(ours - theirs).mean())


def cells(row: Measured | Missing) -> list[str]:
    """Return one line of the table; as many cells as HEAD has."""
    if isinstance(row, Missing):
        return [row.case.name, *["–"] * (len(HEAD) - 2), row.reason]
    price, taken = row.estimate, ["–"] * 5
    if row.peak is not None and row.at_start is not None:
        allocated, error = row.peak.allocated_bytes, price.peak_bytes / row.peak.allocated_bytes - 1
        taken = [*_gbs(allocated, row.peak.reserved_bytes, price.peak_bytes), f"{error:+.1%}"]
        taken += _gbs(row.at_start.allocated_bytes)
    remarks = dict.fromkeys(remark for shot in row.shots for remark in shot.remarks)
    return [
        row.case.name,
        str(row.plan),
        *taken,
        f"{row.seconds:.2f} s",
        "–" if row.ratio is None else f"{row.ratio:.2f}",
        "–" if row.peak is None else f"{price.seconds:.2f} s",
        *_gbs(row.weights_bytes, max(shot.host_bytes for shot in row.shots)),
        row.pixels,
        "; ".join(remarks),
    ]


def goals(rows: Sequence[Measured | Missing], check_s: float) -> list[str]:
    """Compare the product's goals with the measurements. check_s: of a finiteness check."""
    done = [row for row in rows if isinstance(row, Measured) and row.peak is not None]
    if not done:
        return ["- no peaks: nothing can be said of the goals"]
    step_s = statistics.median(shot.step_s for shot in done[0].shots)
    wrong = [row.case.name for row in done if row.pixels.startswith("DIFFERENT")]
    return [
        _goal("under 6.9 GB, at most 1.18 times as long as resident", done, 6.9, 1.18),
        _goal("exact under 12 GB", [row for row in done if row.plan.exact], 12.0),
        _goal("painted with 4 GB free", [row for row in done if row.case.free_gb == 4], 4.0),
        f"- finiteness under 1 % of a step: {check_s * 1e6:.0f} µs, asked and waited for, of "
        f"{step_s * 1e3:.1f} ms by {done[0].plan} ({check_s / step_s:.3%}): "
        f"{_yes(check_s < 0.01 * step_s)}",
        f"- exact plans paint the same bits: {_yes(not wrong)} {', '.join(wrong)}".strip(),
    ]


def _goal(text: str, rows: list[Measured], limit_gb: float, ratio: float | None = None) -> str:
    """Return the fastest row under the limit; allocated bytes, as the reserve covers the rest."""
    peaks = ((row, row.peak.allocated_bytes) for row in rows if row.peak is not None)
    fitting = [(row, taken) for row, taken in peaks if taken < limit_gb * GB]
    if not fitting:
        return f"- {text}: no row under {limit_gb:g} GB: NO"
    best, taken = min(fitting, key=lambda one: one[0].seconds)
    met = ratio is None or (best.ratio is not None and best.ratio <= ratio)
    times = "?" if best.ratio is None else f"{best.ratio:.2f}"
    return f"- {text}: {best.case.name} ({best.plan}), {_gb(taken)}, {times} times: {_yes(met)}"


def table(setup: Setup, chosen: list[PlanCase]) -> bool:
    """Measure and print row after row; return whether nothing failed that should not."""
    rows: list[Measured | Missing] = []
    references = References()
    _head(HEAD)
    for case in chosen:
        try:
            rows.append(measure(setup, case, references))
        except Defunct as error:
            _line(cells(Missing(case, f"the device is lost: {error}")))
            return False
        _line(cells(rows[-1]))
    print("\nGB = 10⁹ bytes. Goals:\n")
    print("\n".join(goals(rows, setup.finiteness_s())), flush=True)
    return not any(isinstance(row, Missing) and row.failed for row in rows)


def flatness(setup: Setup, case: PlanCase, pictures: int) -> bool:
    """Paint and print pictures; return whether memory stays the same after the second."""
    print(f"Memory over {pictures} pictures, {case.name}:\n")
    _head(("picture", "plan", "peak", "allocated after", "reserved after", "process", "time"))
    after: list[int] = []
    host: list[int] = []
    with setup.painter(case.plan, allow_quantized=case.allow_quantized) as made:
        for number in range(pictures):
            setup.card.reset()
            shot = paint(setup, made, number)
            peak, now, memory = setup.card.peak(), setup.card.now(), ["–"] * 3
            if peak is not None and now is not None:
                after.append(now.allocated_bytes)
                memory = _gbs(peak.allocated_bytes, now.allocated_bytes, now.reserved_bytes)
            host.append(shot.host_bytes)
            _line([str(number), str(shot.plan), *memory, _gb(host[-1]), f"{shot.seconds:.2f} s"])
    late, late_host = after[1:] or [0], host[1:] or host
    spread = max(late) - min(late)
    print(
        f"\nAllocated after the second picture and the later ones: differs by {spread} bytes, "
        f"{'flat' if spread <= FLAT_BYTES else 'NOT flat'}; "
        f"the process grew by {(late_host[-1] - late_host[0]) / 1e6:.1f} MB."
    )
    return spread <= FLAT_BYTES


def exhaustion(setup: Setup, leave_gb: float) -> bool:
    """Fill the card in the middle of a picture; print the fate of that one and the next."""
    print(f"All but {leave_gb:g} GB of what is free is taken after the first step:\n")
    card, taken = setup.card, threading.Event()

    def take(step: int) -> None:
        if step == 1 and not taken.is_set():
            taken.set()
            card.fill(int(leave_gb * GB))
            if card.now() is None:  # the card is simulated, and so is running out of memory
                raise torch.OutOfMemoryError("the card is full")

    with setup.painter() as made:
        try:
            before, during = paint(setup, made, 0), paint(setup, made, 1, take)
        finally:
            card.empty()
        after = paint(setup, made, 1)
    comparable = during.plan.tiled == after.plan.tiled
    same = not comparable or during.painted.raster == after.painted.raster
    # Plans that are nearly as fast are kept, because changing moves gigabytes.
    back = after.plan == before.plan or "already in force" in after.painted.plan_reason
    print(f"- before: {before.plan} ({before.painted.plan_reason})")
    print(
        f"- filled: {', '.join(during.stepped_down) or 'NO memory ran out'}; {during.plan} painted"
    )
    print(f"- free again: {after.plan} ({after.painted.plan_reason}): {_yes(back)}")
    print(f"- the same pixels: {_yes(same) if comparable else 'one of them is tiled'}", flush=True)
    return bool(during.stepped_down) and back and same


def _head(names: Iterable[str]) -> None:
    _line(names := list(names))
    _line(["---"] * len(names))


def _line(parts: Iterable[str]) -> None:
    print(f"| {' | '.join(part.replace('|', '/') for part in parts)} |", flush=True)


def _gb(size: int) -> str:
    return f"{size / GB:.2f} GB"


def _gbs(*sizes: int) -> list[str]:
    return [_gb(size) for size in sizes]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "NO"


@contextmanager
def _card(tiny: bool, device: str, shape: Shape) -> Iterator[Card]:
    """The card to measure on. Raises ModelUnavailable."""
    if tiny:
        tiny_bytes = fullsize.resident_bytes(fullsize.sizes(TINY, torch.float32), shape)
        full_bytes = fullsize.resident_bytes(MODEL, NATIVE)
        with HostCard(tiny_bytes / full_bytes) as card:
            yield card
        return
    picked = pick_device(device, FULL.name)
    if picked.type != "cuda":
        raise ModelUnavailable(FULL.name, f"{device} has no memory that is counted")
    sizes = fullsize.sizes(FULL, pick_dtype(picked))
    needed_bytes = HOST_SHARE * (sizes.transformer_bytes + sizes.encoder_bytes + sizes.vae_bytes)
    if machine.host_free_bytes() < needed_bytes:
        reason = f"{needed_bytes / GB:.0f} GB of the host's memory must be free to build the model"
        raise ModelUnavailable(FULL.name, reason)
    yield CudaCard(picked)


def _heading(setup: Setup) -> str:
    shape, host_gb = setup.shape, psutil.virtual_memory().total / GB
    return (
        f"{datetime.now(UTC):%Y-%m-%d}. {setup.card.describe()}; host with {host_gb:.0f} GB; torch "
        f"{torch.__version__}, diffusers {diffusers.__version__}. The {setup.architecture.name} "
        f"architecture with random weights in {pick_dtype(setup.card.device)}; {shape.width_px} × "
        f"{shape.height_px} px in {shape.steps} steps, each picture with a new prompt.\n"
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure according to the arguments; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="rehearse on the CPU")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--plans", default="*", metavar="A,B*", help="rows, by name")
    parser.add_argument("--side", type=int, metavar="PX", help="of the pictures")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3, help="pictures after the first")
    parser.add_argument("--pictures", type=int, metavar="N", help="memory over N, not the table")
    parser.add_argument(
        *("--oom",), type=float, nargs="?", const=0.25, metavar="GB", help="fill the card instead"
    )
    chosen = parser.parse_args(arguments)
    patterns = [part.strip() for part in chosen.plans.split(",")]
    wanted = [case for case in cases() if any(fnmatch(case.name, part) for part in patterns)]
    if not wanted:
        parser.error(f"--plans: none of {', '.join(case.name for case in cases())}")
    side_px = chosen.side or (64 if chosen.tiny else 1024)
    shape, architecture = Shape(side_px, side_px, chosen.steps), TINY if chosen.tiny else FULL
    try:
        with _card(chosen.tiny, chosen.device, shape) as card:
            _exact_arithmetic()
            setup = Setup(card, architecture, shape, chosen.repeats)
            print(_heading(setup), flush=True)
            if chosen.oom is not None:
                return int(not exhaustion(setup, chosen.oom))
            if chosen.pictures:
                return int(not flatness(setup, wanted[0], chosen.pictures))
            return int(not table(setup, wanted))
    except ModelUnavailable as error:
        print(f"Nothing can be measured here: {error.reason}.", file=sys.stderr)
        return UNAVAILABLE
    except (EngineError, TooFull, torch.OutOfMemoryError) as error:
        print(f"It failed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
