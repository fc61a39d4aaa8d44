"""The sections of `zimagine bench`: those of the painting, and those of the whole bot."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bot.i18n import translatable
from engine.benchmarks import sections as painting
from engine.benchmarks.comparison import Ratio, Variant, in_turn, ratio, run, values
from engine.benchmarks.sections import (
    NOT_MEASURED,
    PICTURES_MODULE,
    Plan,
    Row,
    check_space,
    limited,
)
from engine.benchmarks.work import available_cores
from engine.sketch import MODEL_DIR

SERVICE_MODULE: Final = "bot.benchmarks.service"
ACKNOWLEDGEMENT_MODULE: Final = "bot.benchmarks.acknowledgement"
GROWTH_MODULE: Final = "tests.scale.growth"
REPOSITORY: Final = Path(__file__).parents[2]
JOBS: Final = 200
LEAST_PACE: Final = 0.95
MOST_BESIDE_MS: Final = 15.0
MOST_GAP_MS: Final = 5.0
LOADS: Final = ((200, 0, "at once"), (500, 1, "in one second"))
"""Requests, the seconds over which they are sent, and these in words."""
MOST_TIMES: Final = 1.5
MOST_ACKNOWLEDGED_S: Final = 2.5
"""Discord takes none after three."""
MOST_GROWTH: Final = 4.0
MOST_SEARCH_MS: Final = 20.0
DATABASE_BYTES: Final = 5_000_000_000
"""Free space for a million pictures: 2.6 GB, and what SQLite takes to fill it."""
TEXTS: Final[Mapping[str, str]] = {
    "painter": translatable("pictures through the bot, cores: {cores}, and by its painter alone"),
    "diffusers": translatable("pictures through the bot, cores: {cores}, and by diffusers alone"),
    "beside": translatable("processor time of the bot beside painting, a picture"),
    "gap": translatable(
        "between two pictures on the painting thread, cores: {cores}, 95 of 100 times at most"
    ),
    "at once": translatable(
        "{count} requests at once: 99 of 100 acknowledged within, and by a bare bot"
    ),
    "in one second": translatable(
        "{count} requests in one second: 99 of 100 acknowledged within, and by a bare bot"
    ),
    "slowest": translatable("the slowest acknowledgement of all"),
    "repository": translatable("needs the repository: an installed zimagine lacks its tests"),
    "accept": translatable("accept a job with {many} pictures, and with {few}"),
    "search": translatable("the slowest kind of search in {many} pictures"),
}
"""What was measured, with values in braces."""
OPERATIONS: Final[Mapping[str, str]] = {
    "fill": translatable("join the queue with {many} waiting, and with {few}"),
    "position": translatable("look up a place with {many} waiting, and with {few}"),
    "estimate": translatable("estimate a wait with {many} waiting, and with {few}"),
    "place": translatable("tell when a place is free with {many} waiting, and with {few}"),
    "discard": translatable("leave the queue with {many} waiting, and with {few}"),
    "take": translatable("take the next job with {many} waiting, and with {few}"),
}
"""What `tests.engine.queue_cost` measures, in words."""


def service(plan: Plan) -> Iterator[Row]:
    """Measure what the whole bot leaves of its painter's pace, with the demo model."""
    jobs = 6 if plan.quick else JOBS
    for cores in (1,) if plan.quick or len(available_cores()) < 2 else (1, 2):
        shared = (str(MODEL_DIR), "--pictures", str(jobs), "--cores", str(cores))
        bot = ("--jobs", str(jobs), "--cores", str(cores))
        variants = [
            Variant("the bot", SERVICE_MODULE, bot),
            Variant("its painter", PICTURES_MODULE, ("zimagine", *shared)),
            Variant("diffusers", PICTURES_MODULE, ("diffusers", *shared, "--dtype", "float32")),
        ]
        runs = in_turn(variants, plan.rounds, warm=False)
        ours = values(runs["the bot"], "pace")
        where = {"cores": cores}
        key = "service" if cores == 1 else f"service_{cores}_cores"
        for by, goal in (("its painter", None if plan.quick else LEAST_PACE), ("diffusers", None)):
            other = [len(each["seconds"]) / sum(each["seconds"]) for each in runs[by]]
            row = Row(
                TEXTS["painter" if by == "its painter" else by],
                f"{statistics.median(ours):.2f} / s",
                f"{statistics.median(other):.2f} / s",
                key=f"{key}_ratio" if by == "its painter" else f"{key}_diffusers_ratio",
                values=where,
            )
            yield _compared(row, ratio(ours, other), least=goal)
        if cores == 1:  # with more, painting has threads of its own, which nobody counts
            beside_ms = 1000 * statistics.median(values(runs["the bot"], "beside_s"))
            row = Row(
                TEXTS["beside"],
                f"{beside_ms:.1f} ms",
                key=f"{key}_beside_ms",
            )
            yield limited(row, beside_ms, None if plan.quick else MOST_BESIDE_MS, "ms")
        gaps_ms = [1000 * gap for each in runs["the bot"] for gap in each["gaps_s"]]
        row = Row(
            TEXTS["gap"],
            f"{_share(gaps_ms, 0.95):.1f} ms",
            key=f"{key}_gap_ms",
            values=where,
        )
        yield limited(row, _share(gaps_ms, 0.95), None if plan.quick else MOST_GAP_MS, "ms")


def acknowledgement(plan: Plan) -> Iterator[Row]:
    """Measure when many requests at a time are acknowledged while the bot paints."""
    longest: list[float] = []
    for count, over_s, when in ((10, 0, "at once"),) if plan.quick else LOADS:
        load = (str(count), "--over", str(over_s))
        variants = [Variant(by, ACKNOWLEDGEMENT_MODULE, (by, *load)) for by in ("zimagine", "bare")]
        runs = in_turn(variants, plan.rounds, warm=False)
        ours, other = ([_taken(each) for each in runs[by]] for by in ("zimagine", "bare"))
        longest += [max(each) for each in ours]
        mine, theirs = ([_share(each, 0.99) for each in side] for side in (ours, other))
        row = Row(
            TEXTS[when],
            f"{statistics.median(mine):.2f} s",
            f"{statistics.median(theirs):.2f} s",
            key="ack_p99_ratio" if count <= LOADS[0][0] else f"ack_p99_ratio_{count}",
            values={"count": count},
        )
        yield _compared(row, ratio(mine, theirs), most=None if plan.quick else MOST_TIMES)
    row = Row(TEXTS["slowest"], f"{max(longest):.2f} s", key="ack_max_s")
    yield limited(row, max(longest), None if plan.quick else MOST_ACKNOWLEDGED_S, "s")


def scale(plan: Plan) -> Iterator[Row]:
    """Measure what grows with the number of waiting jobs and of stored pictures."""
    if not (REPOSITORY / "tests" / "scale").is_dir():
        yield Row(TEXTS["repository"], NOT_MEASURED)
        return
    yield from _queue(plan)
    yield from _storage(plan)


SECTIONS: Final[Mapping[str, Callable[[Plan], Iterator[Row]]]] = {
    **{name: each for name, each in painting.SECTIONS.items() if name != "processor"},
    "service": service,
    "acknowledgement": acknowledgement,
    "scale": scale,
    "processor": painting.processor,
}
"""By name, the longest last."""


def _queue(plan: Plan) -> Iterator[Row]:
    sizes = (10, 1000 if plan.quick else 10_000)
    variants = [_growth(f"{size} waiting", "queue", str(size)) for size in sizes]
    few, many = in_turn(variants, plan.rounds, warm=False).values()
    for name in few[0]:
        mine, theirs = ([1e6 * each for each in values(side, name)] for side in (many, few))
        row = Row(
            OPERATIONS[name],
            f"{statistics.median(mine):.0f} µs",
            f"{statistics.median(theirs):.0f} µs",
            key=f"scale_{name}_ratio",
            values={"many": f"{sizes[1]:,}", "few": sizes[0]},
        )
        yield _compared(row, ratio(mine, theirs), most=None if plan.quick else MOST_GROWTH)


def _storage(plan: Plan) -> Iterator[Row]:
    sizes = (200, 2000) if plan.quick else (10_000, 1_000_000)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if plan.folder is None else plan.folder.absolute()
        if not plan.quick:
            check_space(folder, DATABASE_BYTES, "The database of a million pictures")
        for size in sizes:
            run(_growth(f"filling {size}", "fill", str(size), str(folder)))
        variants = [
            _growth(f"{size} pictures", "storage", str(size), str(folder)) for size in sizes
        ]
        few, many = in_turn(variants, plan.rounds, warm=not plan.quick).values()
    mine, theirs = values(many, "accept_ms"), values(few, "accept_ms")
    row = Row(
        TEXTS["accept"],
        f"{statistics.median(mine):.2f} ms",
        f"{statistics.median(theirs):.2f} ms",
        key="scale_accept_ratio",
        values={"many": f"{sizes[1]:,}", "few": f"{sizes[0]:,}"},
    )
    yield _compared(row, ratio(mine, theirs), most=None if plan.quick else MOST_TIMES)
    slowest_ms = statistics.median(values(many, "search_ms"))
    row = Row(
        TEXTS["search"],
        f"{slowest_ms:.2f} ms",
        key="scale_search_ms",
        values={"many": f"{sizes[1]:,}"},
    )
    yield limited(row, slowest_ms, None if plan.quick else MOST_SEARCH_MS, "ms")


def _growth(name: str, *arguments: str) -> Variant:
    return Variant(name, GROWTH_MODULE, arguments, REPOSITORY)


def _compared(
    row: Row, found: Ratio, *, least: float | None = None, most: float | None = None
) -> Row:
    """Return the row with the ratio and, where there is one, the goal of its median."""
    row = replace(row, ratio=str(found), number=found.median)
    if least is not None:
        return replace(row, goal=f"≥ {least:g}", met=found.median >= least)
    if most is not None:
        return replace(row, goal=f"≤ {most:g}", met=found.median <= most)
    return row


def _taken(found: Mapping[str, Any]) -> list[float]:
    """Return the seconds of each request; those without an answer count as Discord's limit."""
    return [3.0 if each is None else float(each) for each in found["took_s"]]


def _share(found: Sequence[float], share: float) -> float:
    """Return what this share of the values does not exceed."""
    return sorted(found)[math.ceil(share * len(found)) - 1]
