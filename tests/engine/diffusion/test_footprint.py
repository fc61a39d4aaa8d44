"""The cost of plans: the product's goals hold by the estimate, and it is monotonic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.footprint import MemoryPlan, Placement, Shape, Weights, estimate
from tests.engine.diffusion.cards import MODEL, NATIVE, cpu, h100, rtx_3060
from tests.engine.diffusion.memory_plans import ALL, PLANS, SHAPES


@pytest.mark.parametrize("plan", ALL, ids=str)
def test_a_plan_can_be_written_and_read(plan: MemoryPlan) -> None:
    """Every plan's name parses to that plan, in any case and order of its options."""
    assert MemoryPlan.parse(str(plan)) == plan
    first, *options = str(plan).split("+")
    assert MemoryPlan.parse(" " + " + ".join([first, *reversed(options)]).upper()) == plan


def test_names() -> None:
    """Plans have the names that the settings use."""
    assert str(MemoryPlan(Placement.RESIDENT)) == "resident"
    assert str(MemoryPlan(Placement.ENCODER, Weights.FP8, True)) == "encoder-offload+fp8+tiled"
    assert str(MemoryPlan(Placement.SEQUENTIAL, tiled=True)) == "sequential-offload+tiled"


@pytest.mark.parametrize(
    "text",
    ["", "auto", "resident+fp4", "fp8", "resident+fp8+int8", "resident+tiled+tiled", "+tiled"],
)
def test_what_is_no_plan(text: str) -> None:
    """Any other text is refused, with a list of all plans."""
    with pytest.raises(ValueError, match=r"resident, encoder-offload, .*fp8.*int8.*tiled"):
        MemoryPlan.parse(text)


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    """Any text gives a plan or a ValueError."""
    try:
        assert MemoryPlan.parse(text) in ALL
    except ValueError as error:
        assert "not a memory plan" in str(error)


def test_goal_of_small_cards() -> None:
    """fp8 with the encoder offloaded and tiles takes under 6.9 GB and at most 18 % more time,
    including a new prompt, where transfers cost most."""
    machine = h100()
    resident = estimate(MemoryPlan(Placement.RESIDENT), MODEL, machine, NATIVE)
    small = estimate(MemoryPlan(Placement.ENCODER, Weights.FP8, True), MODEL, machine, NATIVE)
    assert small.peak_bytes < 6.9e9
    assert small.seconds <= 1.18 * resident.seconds


def test_goal_of_exact_weights() -> None:
    """Exact weights fit under 12 GB, at no cost where arithmetic is slower than copies."""
    machine = rtx_3060()
    resident = estimate(MemoryPlan(Placement.RESIDENT), MODEL, machine, NATIVE)
    streamed = estimate(MemoryPlan(Placement.STREAMED), MODEL, machine, NATIVE)
    assert streamed.peak_bytes < 12e9
    assert streamed.seconds <= 1.02 * resident.seconds


@pytest.mark.parametrize("side_px", [1024, 2048])
def test_goal_of_four_gigabytes(side_px: int) -> None:
    """A plan with exact weights fits 4 GB, up to the largest pictures."""
    plan = MemoryPlan(Placement.STREAMED, tiled=True)
    assert estimate(plan, MODEL, rtx_3060(), Shape(side_px, side_px)).peak_bytes < 4e9


def test_resident_is_what_was_published() -> None:
    """All resident at 1024² takes the published 21.7 GB, within four percent."""
    peak_bytes = estimate(MemoryPlan(Placement.RESIDENT), MODEL, h100(), NATIVE).peak_bytes
    assert peak_bytes == pytest.approx(21.7e9, rel=0.04)


def test_streaming_is_dear_on_a_fast_card() -> None:
    """Copies that a slow card hides behind arithmetic more than double the time of a fast one."""
    for machine, at_least in ((rtx_3060(), 1.0), (h100(), 2.0)):
        resident = estimate(MemoryPlan(Placement.RESIDENT), MODEL, machine, NATIVE)
        streamed = estimate(MemoryPlan(Placement.STREAMED), MODEL, machine, NATIVE)
        assert streamed.seconds >= at_least * resident.seconds
    assert streamed.seconds > 2 * resident.seconds


@given(PLANS, SHAPES)
def test_more_work_takes_more(plan: MemoryPlan, shape: Shape) -> None:
    """More steps take longer; guidance, a larger batch or a new prompt take no less of anything."""
    machine = h100()
    price = estimate(plan, MODEL, machine, shape)
    more_steps = estimate(plan, MODEL, machine, replace(shape, steps=shape.steps + 1))
    assert more_steps.seconds > price.seconds
    assert more_steps.peak_bytes == price.peak_bytes
    for more in (
        replace(shape, batch=shape.batch + 1),
        replace(shape, guided=True),
        replace(shape, new_prompt=True),
        replace(shape, width_px=shape.width_px + 16),
    ):
        dearer = estimate(plan, MODEL, machine, more)
        assert dearer.seconds >= price.seconds
        assert dearer.peak_bytes >= price.peak_bytes


@given(PLANS, SHAPES)
def test_one_memory(plan: MemoryPlan, shape: Shape) -> None:
    """Where device and host share memory, moving weights saves nothing."""
    shared, apart = (estimate(plan, MODEL, machine, shape) for machine in (cpu(), h100()))
    assert shared.host_bytes == 0
    assert shared.peak_bytes == apart.peak_bytes + apart.host_bytes


@given(SHAPES)
def test_tiles(shape: Shape) -> None:
    """Tiles never take more memory, and never less time."""
    for placement in Placement:
        whole = estimate(MemoryPlan(placement), MODEL, h100(), shape)
        tiled = estimate(MemoryPlan(placement, tiled=True), MODEL, h100(), shape)
        assert tiled.peak_bytes <= whole.peak_bytes
        assert tiled.seconds >= whole.seconds


def test_tokens() -> None:
    """1024² is 4096 patches and a caption; guidance doubles the rows of each picture."""
    assert MODEL.tokens(NATIVE) == 4096 + 96
    assert (Shape(512, 512, batch=3, guided=True).rows, Shape(512, 512, batch=3).rows) == (6, 3)


@pytest.mark.parametrize("plan", ALL, ids=str)
def test_adapters_stay_on_the_device(plan: MemoryPlan) -> None:
    """LoRAs take their bytes under every plan, of the device alone."""
    without = estimate(plan, MODEL, rtx_3060(), NATIVE)
    adapted = estimate(plan, MODEL, rtx_3060(), replace(NATIVE, adapter_bytes=10**8))
    assert adapted.peak_bytes == without.peak_bytes + 10**8
    assert adapted.host_bytes == without.host_bytes
