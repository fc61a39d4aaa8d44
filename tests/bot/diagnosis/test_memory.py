"""Memory, plans and what fits, as findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis.findings import Code, Level
from bot.diagnosis.memory import check_fetching, check_fit, check_host, check_loading, check_plan
from engine.diffusion import memory_plans
from engine.diffusion.footprint import Machine, MemoryPlan, Placement
from engine.diffusion.full_size import NATIVE, SIZES
from engine.diffusion.recommendation import Hardware, Obstacle, Pool, Recommendation, recommend
from tests.bot.diagnosis.reading import levels, said

GIB = 2**30


def choice(free_gib: float, wanted: MemoryPlan | None = None) -> memory_plans.Choice:
    """What the planner chooses for Z-Image-Turbo on a card with this much free memory."""
    machine = Machine("cuda", int(free_gib * GIB), 24 * GIB, 27 * GIB, 1e10, 4e9, 3e11, 2e13)
    return memory_plans.choose(
        SIZES, machine, NATIVE, wanted=wanted, allow_quantized=False, reserve_bytes=GIB // 2
    )


def test_a_container_has_less() -> None:
    """Only a limit below the machine's memory is noted."""
    assert levels(check_host(32 * GIB, 32 * GIB, 20 * GIB)) == {Code.HOST: Level.OK}
    found = check_host(32 * GIB, 4 * GIB, 3 * GIB)
    assert levels(found)[Code.CONTAINER] is Level.NOTE and "4.0 GiB of 32.0 GiB" in said(found)


def test_the_plan_that_it_would_take() -> None:
    """The planner's own choice is told; one that does not fit is broken, unless a bot runs, and
    8-bit weights are advised where they are not allowed yet."""
    found = check_plan(choice(23), allow_quantized=False, bot_runs=False)
    assert found.level is Level.OK and "resident" in said([found])
    short = choice(0.6)
    for allowed in (False, True):
        found = check_plan(short, allow_quantized=allowed, bot_runs=False)
        assert found.level is Level.BROKEN
        assert ("allow_quantized" in said([found])) is not allowed
    assert check_plan(short, allow_quantized=False, bot_runs=True).level is Level.NOTE
    shared = replace(choice(23), fits=False)
    assert said([check_plan(shared, allow_quantized=False, bot_runs=False)])


def test_a_plan_that_is_set_and_too_large() -> None:
    """Both numbers are told, and the plan that would fit; where none does, that."""
    for free_gib, code, told in (
        (12, Code.WANTED_TOO_LARGE, "streamed would fit"),
        (0.6, Code.NOTHING_FITS, "no other allowed one fits"),
    ):
        short = choice(free_gib, MemoryPlan(Placement.RESIDENT))
        assert "would fit" in short.reason or "nothing fits" in short.reason
        found = check_plan(short, allow_quantized=False, bot_runs=False)
        assert (found.code, found.level) == (code, Level.BROKEN)
        assert told in said([found]) and f"{free_gib - 0.5:.1f} GiB" in said([found]).replace(
            "102 MiB", "0.1 GiB"
        )
    fitting = check_plan(
        choice(23, MemoryPlan(Placement.RESIDENT)), allow_quantized=False, bot_runs=False
    )
    assert fitting.level is Level.OK


def test_memory_to_load_it() -> None:
    """A model that memory cannot hold is broken with both numbers; beside a bot it is a note."""
    assert check_loading(None, "bfloat16", bot_runs=False) == []
    found = check_loading((20 * GIB, 12 * GIB), "bfloat16", bot_runs=False)
    assert levels(found) == {Code.MODEL_TOO_LARGE: Level.BROKEN}
    assert "20.0 GiB" in said(found) and "12.0 GiB" in said(found)
    assert levels(check_loading((2, 1), "x", bot_runs=True)) == {Code.BOT_HOLDS: Level.NOTE}


@pytest.mark.parametrize(
    ("hardware", "code", "told"),
    [
        (Hardware(Pool.CARD, 24 * GIB, 64 * GIB), Code.FITS_EXACT, "bfloat16"),
        (Hardware(Pool.CARD, 12 * GIB, 64 * GIB), Code.FITS_EIGHT_BIT, "8-bit"),
        (Hardware(Pool.CARD, 8 * GIB, 64 * GIB), Code.FITS_EIGHT_BIT, "4-bit GGUF file"),
        (Hardware(Pool.CARD, 6 * GIB, 64 * GIB), Code.FITS_STREAMED, "layer by layer"),
        (
            Hardware(Pool.CARD, 6 * GIB, 16 * GIB, 16 * GIB),
            Code.FITS_STREAMED_EIGHT_BIT,
            "8-bit weights, layer by layer",
        ),
        (
            Hardware(Pool.CARD, 16 * GIB, 64 * GIB, item_bytes=4, fp16_instead=True),
            Code.FITS_FLOAT16,
            "weights in float16",
        ),
        (
            Hardware(Pool.CARD, 6 * GIB, 64 * GIB, item_bytes=4, fp16_instead=True),
            Code.FITS_STREAMED_FLOAT16,
            "float16, layer by layer",
        ),
        (Hardware(Pool.UNIFIED, 0, 64 * GIB, item_bytes=4), Code.FITS_UNIFIED, "share"),
        (Hardware(Pool.HOST, 0, 64 * GIB), Code.FITS_HOST, "7 minutes (docs/BENCHMARKS.md)"),
    ],
)
def test_what_fits_is_told(hardware: Hardware, code: Code, told: str) -> None:
    """Each class of machine has a sentence with sizes, and a time or that it was not measured."""
    found = check_fit(recommend(hardware), hardware.pool)
    assert levels(found)[code] is Level.OK
    text = said(found)
    assert told in text and "GiB of weights" in text
    assert "not measured" in text and "33 GB to download" in text


@pytest.mark.parametrize("obstacle", Obstacle)
def test_what_does_not_fit_is_told(obstacle: Obstacle) -> None:
    """Every obstacle has a sentence with both numbers, and is no fault of the bot."""
    fit = Recommendation(None, obstacle=obstacle, needed_bytes=20 * GIB, available_bytes=9 * GIB)
    found = check_fit(fit, Pool.CARD)
    assert set(levels(found).values()) == {Level.NOTE}
    assert "20.0 GiB" in said(found) and "9.0 GiB" in said(found)
    assert check_fetching(fit, disk_free_bytes=None) == []


def test_one_command_fetches_it() -> None:
    """The command is told where the disk has room for it, and what is missing where it has not."""
    exact = recommend(Hardware(Pool.CARD, 24 * GIB, 64 * GIB))
    small = recommend(Hardware(Pool.CARD, 12 * GIB, 64 * GIB))
    assert "zimagine download z-image-turbo, then model" in said(
        check_fetching(exact, disk_free_bytes=None)
    )
    text = said(check_fetching(small, disk_free_bytes=34 * 10**9))
    assert "zimagine download z-image-turbo, then model" in text and "--convert" not in text
    assert "allow_quantized = true" in text
    found = check_fetching(small, disk_free_bytes=32 * 10**9)
    assert levels(found) == {Code.NO_ROOM_ON_DISK: Level.NOTE}
