"""The sections of `zimagine bench`: each runs processes in turn and returns rows of a table."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from engine.benchmarks.comparison import BenchmarkFailed, Variant, in_turn, ratio, run, values
from engine.compilation import compiler
from engine.sketch import MODEL_DIR

PICTURES_MODULE: Final = "engine.diffusion.benchmarks.pictures"
MODEL_MODULE: Final = "engine.diffusion.benchmarks.random_model"
DIFFERENCE_MODULE: Final = "engine.diffusion.benchmarks.difference"
PRECISION_MODULE: Final = "engine.diffusion.benchmarks.precision"
GIB: Final = 2**30
MIB: Final = 2**20
FULL_BYTES: Final = 21_000_000_000
"""Free space for the full-size model: 20.5 GB of weights."""
NOT_MEASURED: Final = "not measured"
LEVELS: Final = "{levels} of 255 levels"
TEXTS: Final[Mapping[str, str]] = {
    "pace": "second picture, {side} × {side} px, and by diffusers",
    "compiled": "second picture with compiled blocks, {side} × {side} px, and by diffusers",
    "peak": "peak memory, {side} × {side} px, and of diffusers",
    "ready": "start to ready, and of diffusers",
    "sketch": "a picture, 256 × 256 px, and by diffusers",
    "difference": "largest difference of its pixels",
    "first": "first picture, from the start of the process, and by diffusers",
    "text_sketch": "a picture of the same prompt, and of another, the demo model",
    "text_full": "a picture of the same prompt, and of another, the full-size model",
    "text_tiny": "a picture of the same prompt, and of another, a tiny model",
    "format_pace": "a picture in {format}, and in float32",
    "format_weights": "weights in {format}, and in float32",
    "format_distance": "PSNR and SSIM of {format} to float32 (LPIPS: not measured)",
    "memory": "memory after picture {last}, and after picture {first}",
}
"""What was measured, with values in braces; who prints them can translate them."""
EQUAL: Final = "equal"
_FULL: Final = "full"
_FORMATS: Final = ("bf16", "fp16", "fp8", "int8", "w8a8")
_QUICK_FORMATS: Final = ("bf16", "w8a8")
"""As the memory plans name them; `w8a8`: products of int8."""
MOST_GIB: Final = 13.0
MOST_READY_S: Final = 10.0
"""Goals for the full-size model on a processor; plain diffusers takes 19.1 GiB there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. goal: in words, "" where there is none; met: None without a goal.

    what: one of TEXTS. ours, other: what was measured, in words; other is "" where there is no
    comparison. values: those that the words have in braces. key: of the number in the JSON report.
    """

    what: str
    ours: str
    other: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    key: str = ""
    number: float | None = None
    values: Mapping[str, object] = field(default_factory=dict[str, object])

    def said(self, text: str) -> str:
        """Return a text of the row in English, with its values."""
        return text.format(**self.values)


@dataclass(frozen=True, slots=True)
class Plan:
    """How thoroughly to measure. folder: where a full-size model is kept; None makes it anew.

    quick: a tiny model in place of the full-size one and fewer rounds: it shows that the benchmark
    works, and no goal applies.
    """

    quick: bool = False
    rounds: int = 3
    folder: Path | None = None


def processor(plan: Plan) -> Iterator[Row]:
    """Measure painting with Z-Image's architecture, on the processor, against plain diffusers."""
    sides: Sequence[tuple[int, float | None, float | None]]
    sides = ((64, None, None),) if plan.quick else ((256, 1.1, 1.3), (512, 1.0, 1.15))
    with _random_model(plan) as model, tempfile.TemporaryDirectory() as cache:
        for side, goal, compiled_goal in sides:
            variants = [
                Variant(by, PICTURES_MODULE, (by, str(model), "--side", str(side)))
                for by in ("zimagine", "diffusers")
            ]
            compiling = not plan.quick and compiler() is not None
            if compiling:
                arguments = (*variants[0].arguments, "--compile", cache)
                variants.append(Variant("compiled", PICTURES_MODULE, arguments))
            runs = in_turn(variants, plan.rounds, warm=not plan.quick)
            ours, other = runs["zimagine"], runs["diffusers"]
            sizes = {"side": side}
            pace = _pace(
                TEXTS["pace"], f"processor_{side}", ours, other, goal, lambda each: each[1]
            )
            yield replace(pace, values=sizes)
            if compiling:
                key, text = f"processor_compiled_{side}", TEXTS["compiled"]
                pace = _pace(
                    text, key, runs["compiled"], other, compiled_goal, lambda each: each[1]
                )
                yield replace(pace, values=sizes)
            peak = _peak(TEXTS["peak"], f"processor_{side}_gib", plan, ours, other)
            yield replace(peak, values=sizes)
            if side <= 256:
                yield _start(plan, ours, other)


def sketch(plan: Plan) -> Iterator[Row]:
    """Measure the built-in demo model in float32 against plain diffusers with its weights."""
    shared = ("--pictures", "3" if plan.quick else "11", "--dtype", "float32")
    with tempfile.TemporaryDirectory() as name:
        kept = {by: Path(name) / f"{by}.npy" for by in ("zimagine", "diffusers")}
        variants = [
            Variant(
                by,
                PICTURES_MODULE,
                (by, str(MODEL_DIR), *shared, "--out", str(path)),
            )
            for by, path in kept.items()
        ]
        runs = in_turn(variants, plan.rounds, warm=not plan.quick)
        ours, other = runs["zimagine"], runs["diffusers"]
        yield _pace(
            TEXTS["sketch"],
            "sketch",
            ours,
            other,
            1.5,
            _median_of_later,
        )
        difference = run(Variant("difference", DIFFERENCE_MODULE, tuple(map(str, kept.values()))))
        levels = int(difference["levels"])
        yield Row(
            TEXTS["difference"],
            LEVELS,
            goal="≤ 1",
            met=levels <= 1,
            key="sketch_levels",
            number=levels,
            values={"levels": levels},
        )
        first, others = values(ours, "first_s"), values(other, "first_s")
        yield Row(
            TEXTS["first"],
            _seconds(first),
            _seconds(others),
            str(ratio(others, first)),
            key="sketch_first_ratio",
            number=ratio(others, first).median,
        )


def text(plan: Plan) -> Iterator[Row]:
    """Measure what it saves to read a prompt once for several pictures."""
    pictures = 3 if plan.quick else 9
    with _random_model(plan, quick=True) as tiny:
        models = [(MODEL_DIR, "sketch")]
        models += [(plan.folder, "full")] if plan.folder else []
        models += [(tiny, "tiny")] if plan.quick else []
        for model, key in models:
            count = "3" if key == "full" else str(pictures)
            shared = ("zimagine", str(model), "--pictures", count)
            variants = [
                Variant("other prompts", PICTURES_MODULE, shared),
                Variant("the same prompt", PICTURES_MODULE, (*shared, "--same")),
            ]
            runs = in_turn(variants, plan.rounds, warm=not plan.quick)
            yield _pace(
                TEXTS[f"text_{key}"],
                f"text_{key}",
                runs["the same prompt"],
                runs["other prompts"],
                None,
                _median_of_later,
            )


def memory(plan: Plan) -> Iterator[Row]:
    """Measure whether memory grows from picture to picture, with the demo model."""
    pictures = 4 if plan.quick else 20
    found = run(
        Variant(
            "memory", PICTURES_MODULE, ("zimagine", str(MODEL_DIR), "--pictures", str(pictures))
        )
    )
    second, last = found["resident_bytes"][1], found["resident_bytes"][-1]
    growth = last / second - 1
    yield Row(
        TEXTS["memory"],
        f"{last / GIB:.2f} GiB",
        f"{second / GIB:.2f} GiB",
        f"{1 + growth:.3f}",
        "≤ 1.03",
        growth <= 0.03,
        "memory_growth",
        growth,
        {"last": pictures, "first": 2},
    )


def precision(plan: Plan) -> Iterator[Row]:
    """Measure what each number format saves and costs, with the demo model, against float32."""
    shared = (str(MODEL_DIR), "--pictures", "2" if plan.quick else "5")
    with tempfile.TemporaryDirectory() as name:
        formats = _QUICK_FORMATS if plan.quick else _FORMATS
        kept = {tier: str(Path(name) / f"{tier}.npy") for tier in (_FULL, *formats)}
        variants = [
            Variant(tier, PRECISION_MODULE, (tier, *shared, "--out", path))
            for tier, path in kept.items()
        ]
        runs = in_turn(variants, plan.rounds, warm=not plan.quick)
        full = runs[_FULL]
        for tier in formats:
            found = run(Variant("difference", DIFFERENCE_MODULE, (kept[tier], kept[_FULL])))
            for row in _tier(tier, runs[tier], full, found):
                yield replace(row, values={"format": tier})


def _tier(
    tier: str,
    ours: Sequence[Mapping[str, Any]],
    full: Sequence[Mapping[str, Any]],
    difference: Mapping[str, Any],
) -> Iterator[Row]:
    yield _pace(
        TEXTS["format_pace"],
        f"precision_{tier}",
        ours,
        full,
        None,
        _median_of_later,
    )
    mine, theirs = (each[0]["weight_bytes"] / MIB for each in (ours, full))
    yield Row(
        TEXTS["format_weights"],
        f"{mine:.1f} MiB",
        f"{theirs:.1f} MiB",
        f"{theirs / mine:.2f}",
        key=f"precision_{tier}_mib",
        number=mine,
    )
    psnr = difference["psnr_db"]
    shown = EQUAL if psnr is None else f"{psnr:.1f} dB, {difference['ssim']:.4f}"
    yield Row(
        TEXTS["format_distance"],
        shown,
        key=f"precision_{tier}_psnr_db",
        number=psnr,
    )


SECTIONS: Final[Mapping[str, Callable[[Plan], Iterator[Row]]]] = {
    "sketch": sketch,
    "text": text,
    "memory": memory,
    "precision": precision,
    "processor": processor,
}
"""By name, the longest last."""


@contextmanager
def _random_model(plan: Plan, *, quick: bool | None = None) -> Iterator[Path]:
    """Yield a folder with Z-Image's architecture and random weights; made if it is not there."""
    tiny = plan.quick if quick is None else quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) if plan.folder is None or tiny else plan.folder
        if not (folder / "vae").is_dir():  # written last
            if not tiny:
                check_space(folder, FULL_BYTES, "The model of random weights")
            arguments = (str(folder), "--tiny") if tiny else (str(folder),)
            run(Variant("random weights", MODEL_MODULE, arguments))
        yield folder


def check_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise BenchmarkFailed if `what` has no room there."""
    parent = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(parent).free
    if free < needed_bytes:
        raise BenchmarkFailed(
            f"{what} takes {needed_bytes / 1e9:.0f} GB, and {free / 1e9:.1f} GB are free in "
            f"{parent}."
        )


def _pace(
    what: str,
    key: str,
    ours: Sequence[Mapping[str, Any]],
    other: Sequence[Mapping[str, Any]],
    goal: float | None,
    pick: Callable[[Sequence[float]], float],
) -> Row:
    """Compare seconds of a picture: how many times as fast as the other."""
    mine, theirs = ([pick(each["seconds"]) for each in runs] for runs in (ours, other))
    forwards = {int(each["forwards"]) for each in (*ours, *other)}
    assert len(forwards) == 1, f"the two compute different numbers of steps: {forwards}"
    found = ratio(theirs, mine)
    met = None if goal is None else found.median >= goal
    goal_text = "" if goal is None else f"≥ {goal:.2f}"
    return Row(
        what, _seconds(mine), _seconds(theirs), str(found), goal_text, met, key, found.median
    )


def _peak(
    what: str,
    key: str,
    plan: Plan,
    ours: Sequence[Mapping[str, Any]],
    other: Sequence[Mapping[str, Any]],
) -> Row:
    if any(each["peak_bytes"] is None for each in (*ours, *other)):
        return Row(what, NOT_MEASURED, NOT_MEASURED, key=key)
    mine, theirs = (max(values(runs, "peak_bytes")) / GIB for runs in (ours, other))
    row = Row(what, f"{mine:.2f} GiB", f"{theirs:.2f} GiB", f"{theirs / mine:.2f}", key=key)
    return limited(row, mine, None if plan.quick else MOST_GIB, "GiB")


def _start(
    plan: Plan, ours: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]
) -> Row:
    mine, theirs = values(ours, "ready_s"), values(other, "ready_s")
    found = str(ratio(theirs, mine))
    row = Row(
        TEXTS["ready"],
        _seconds(mine),
        _seconds(theirs),
        found,
        key="processor_ready_s",
    )
    return limited(row, statistics.median(mine), None if plan.quick else MOST_READY_S, "s")


def limited(row: Row, number: float, most: float | None, unit: str) -> Row:
    """Return the row with its number and, where there is one, a goal that it may not exceed."""
    if most is None:
        return replace(row, number=number)
    return replace(row, number=number, goal=f"≤ {most:g} {unit}", met=number <= most)


def _median_of_later(seconds: Sequence[float]) -> float:
    """Return the median without the first picture, which also warms up."""
    return statistics.median(seconds[1:])


def _seconds(found: Sequence[float]) -> str:
    """Write the median with three significant digits."""
    middle = statistics.median(found)
    whole = len(str(int(middle))) if middle >= 1 else 0
    return f"{middle:.{max(0, 3 - whole)}f} s"
