"""The fastest plan that fits is chosen, with its reason; if it fails, a smaller one follows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.footprint import (
    Estimate,
    Machine,
    MemoryPlan,
    Placement,
    Shape,
    Weights,
    estimate,
)
from engine.diffusion.full_size import sizes_in
from engine.diffusion.memory_plans import (
    Backoff,
    Choice,
    choose,
    plans,
    retreat,
    step_down,
)
from tests.engine.diffusion.cards import (
    GIB,
    MODEL,
    NATIVE,
    cpu,
    h100,
    rtx_3060,
    rtx_4060,
    rtx_4090,
)
from tests.engine.diffusion.memory_plans import PLANS, SHAPES

RESIDENT = MemoryPlan(Placement.RESIDENT)
LARGE = Shape(2048, 2048)
CARDS = st.sampled_from([rtx_3060, rtx_4060, rtx_4090, h100])


def pick(machine: Machine, shape: Shape = NATIVE, *, quantized: bool = True) -> Choice:
    return choose(MODEL, machine, shape, allow_quantized=quantized, reserve_bytes=GIB)


@pytest.mark.parametrize(
    ("machine", "shape", "quantized", "plan"),
    [
        # 12 GB and 32 GB of RAM: copies hide behind the arithmetic, so exact weights cost nothing.
        (rtx_3060(), NATIVE, True, "streamed"),
        (rtx_3060(), LARGE, True, "streamed"),
        (rtx_3060(), Shape(1024, 1024, guided=True), True, "streamed"),
        # 16 GB of RAM cannot hold exact weights: int8 (no fp8 units), the encoder offloaded.
        (rtx_3060(host_gib=12), NATIVE, True, "encoder-offload+int8"),
        # If quantizing is not allowed, nothing fits, and the smallest on the device may still swap.
        (rtx_3060(host_gib=12), NATIVE, False, "sequential-offload+tiled"),
        # 8 GB: the same two cases; fp8, which this card also computes in.
        (rtx_4060(), NATIVE, True, "streamed"),
        (rtx_4060(host_gib=12), NATIVE, True, "streamed+fp8"),
        # Everything fits; large pictures in tiles, which cost less than offloading the encoder.
        (rtx_4090(), NATIVE, True, "resident"),
        (rtx_4090(), Shape(1024, 1024, guided=True, batch=2), True, "resident"),
        (rtx_4090(), LARGE, True, "resident+tiled"),
        (h100(), NATIVE, True, "resident"),
        (h100(), Shape(2048, 2048, guided=True, batch=2), True, "resident"),
        # Another program has most of the memory: copies dominate, so half as many are worth the
        # rounding.
        (rtx_4090(free_gib=5), NATIVE, True, "streamed+fp8"),
        (rtx_4090(free_gib=5), NATIVE, False, "streamed"),
        (h100(free_gib=8), NATIVE, True, "encoder-offload+fp8+tiled"),
        (h100(free_gib=8), NATIVE, False, "streamed"),
        # Small cards stream; a large picture on them is decoded in tiles.
        (rtx_3060(free_gib=5.5), NATIVE, True, "streamed"),
        (rtx_3060(free_gib=5.5), LARGE, True, "streamed+tiled"),
        (rtx_3060(free_gib=3.6), NATIVE, True, "streamed"),
        (rtx_3060(free_gib=3.6, host_gib=12), NATIVE, True, "streamed+int8"),
        # No second memory to offload to.
        (cpu(), NATIVE, True, "resident"),
    ],
)
def test_cards(machine: Machine, shape: Shape, quantized: bool, plan: str) -> None:
    """Each card gets the plan that an expert would pick for it."""
    choice = pick(machine, shape, quantized=quantized)
    assert str(choice.plan) == plan
    assert choice.estimate == estimate(choice.plan, MODEL, machine, shape)


@given(CARDS, SHAPES, st.floats(0, 90), st.floats(0, 90), st.booleans())
def test_a_choice_fits_or_says_so(
    card: type, shape: Shape, free_gib: float, host_gib: float, quantized: bool
) -> None:
    """The choice fits device and host, or the reason says that nothing does; every other plan is
    listed as rejected."""
    machine: Machine = card(free_gib, host_gib)
    choice = pick(machine, shape, quantized=quantized)
    budget_bytes = (machine.free_bytes or 0) - GIB
    fits = (
        choice.estimate.peak_bytes <= budget_bytes
        and choice.estimate.host_bytes <= machine.host_free_bytes
    )
    assert fits is not choice.reason.startswith("nothing fits")
    assert quantized or choice.plan.exact
    seen = [choice.plan, *(plan for plan, _ in choice.rejected)]
    assert len(seen) == len(set(seen)) == (20 if quantized else 10)
    assert all(reason for _, reason in choice.rejected)


@given(CARDS, SHAPES, st.floats(2, 90), st.floats(0, 30))
def test_more_memory_is_never_slower(
    card: type, shape: Shape, free_gib: float, more_gib: float
) -> None:
    """A device with more memory gets a plan that is as fast, or faster."""
    small = pick(card(free_gib, 60), shape, quantized=False)
    large = pick(card(free_gib + more_gib, 60), shape, quantized=False)
    if not small.reason.startswith("nothing fits"):
        assert large.estimate.seconds <= small.estimate.seconds


def test_what_is_set_is_done() -> None:
    """A plan from the settings is used as it is; if it seems too large, the reason says so."""
    tight = choose(
        MODEL, rtx_3060(), NATIVE, wanted=RESIDENT, allow_quantized=False, reserve_bytes=0
    )
    assert tight.plan == RESIDENT
    assert tight.reason == (
        "as set, though it needs 20.6 GiB of the device's 11.4; streamed would fit"
    )
    assert tight.too_large and str(tight.instead) == "streamed"
    fp8 = MemoryPlan(Placement.ENCODER, Weights.FP8, True)
    roomy = choose(MODEL, rtx_3060(), NATIVE, wanted=fp8, allow_quantized=False, reserve_bytes=0)
    assert (roomy.plan, roomy.reason) == (fp8, "as set")
    assert not roomy.too_large and roomy.instead is None


def test_products_in_int8_need_a_device_that_has_them() -> None:
    """Elsewhere the same weights are used without them, and the reason says so."""
    wanted = MemoryPlan(Placement.ENCODER, Weights.W8A8, True)

    def chosen(machine: Machine) -> Choice:
        return choose(MODEL, machine, NATIVE, wanted=wanted, allow_quantized=False, reserve_bytes=0)

    assert chosen(replace(rtx_3060(), int8_units=True)).plan == wanted
    plain = chosen(rtx_3060())
    assert str(plain.plan) == "encoder-offload+int8+tiled"
    assert plain.reason == "as set, but without products in int8, which this cuda lacks"


def test_cards_without_bfloat16_store_float16() -> None:
    """It takes half of float32, which is never chosen there, and never chosen elsewhere; 8 bits
    still only where they are allowed."""
    wide = sizes_in(4)
    turing = replace(rtx_3060(free_gib=14.5), fp16_instead=True)
    for quantized in (False, True):
        found = choose(wide, turing, NATIVE, allow_quantized=quantized, reserve_bytes=GIB)
        tried = {found.plan.weights, *(plan.weights for plan, _ in found.rejected)}
        assert tried == {Weights.FP16, *([Weights.INT8] if quantized else [])}
        assert found.plan.weights is Weights.FP16
    for component in ("transformer", "encoder"):
        exact = getattr(MODEL, component)(Weights.FULL)
        assert exact < getattr(wide, component)(Weights.FP16) < 1.1 * exact
        assert getattr(MODEL, component)(Weights.FP16) == exact
    eight = replace(turing, int8_units=True, free_bytes=11 * GIB)
    products = choose(wide, eight, NATIVE, allow_quantized=True, reserve_bytes=GIB)
    assert Weights.W8A8 in {products.plan.weights, *(one.weights for one, _ in products.rejected)}
    elsewhere = pick(rtx_4090())
    assert Weights.FP16 not in {plan.weights for plan, _ in elsewhere.rejected}


def test_reasons() -> None:
    """The reason names required and available memory, and each rejected plan has its own."""
    choice = pick(rtx_3060(host_gib=12))
    assert choice.reason.startswith("the fastest that fits: 7.5 of 10.4 GiB")
    rejected = {str(plan): reason for plan, reason in choice.rejected}
    assert rejected["resident"] == "needs 20.6 GiB of the device's 10.4"
    assert rejected["streamed"] == "needs 19.1 GiB of host memory, 12.0 are free"
    assert rejected["streamed+int8"].startswith("would take")


def test_a_plan_in_force_is_kept() -> None:
    """A gain of a few percent does not move gigabytes; exact weights and a large gain do."""
    machine, encoder_out = h100(), MemoryPlan(Placement.ENCODER)
    slow = Shape(1024, 1024, steps=30)

    def after(current: MemoryPlan, shape: Shape) -> Choice:
        return choose(
            MODEL, machine, shape, allow_quantized=True, reserve_bytes=GIB, current=current
        )

    assert after(encoder_out, slow).plan == encoder_out
    assert "in force" in after(encoder_out, slow).reason
    assert after(MemoryPlan(Placement.STREAMED), slow).plan == RESIDENT
    assert after(MemoryPlan(Placement.RESIDENT, Weights.FP8), slow).plan == RESIDENT
    assert after(RESIDENT, slow).plan == RESIDENT


@given(PLANS, st.booleans(), st.booleans())
def test_steps_lead_down_and_end(plan: MemoryPlan, quantized: bool, fp8_units: bool) -> None:
    """Each step takes strictly less at the native size; exact weights are given up at most once, if
    allowed, and only when everything but leaves has been tried."""
    down: MemoryPlan | None = plan
    walked = [plan]
    while down := step_down(down, allow_quantized=quantized, fp8_units=fp8_units):
        before = walked[-1]
        assert (
            estimate(down, MODEL, h100(), NATIVE).peak_bytes
            < estimate(before, MODEL, h100(), NATIVE).peak_bytes
        )
        if not before.weights.eight_bit and down.weights.eight_bit:
            assert quantized
            assert (before.placement, before.tiled) == (Placement.STREAMED, True)
        assert not before.weights.eight_bit or down.weights is before.weights
        walked.append(down)
    assert walked[-1].placement is Placement.SEQUENTIAL
    assert walked[-1].tiled


@given(PLANS, SHAPES, st.booleans())
def test_no_step_takes_more(plan: MemoryPlan, shape: Shape, quantized: bool) -> None:
    """A step down never takes more than the plan before it, for any picture."""
    down = step_down(plan, allow_quantized=quantized)
    if down is not None:
        before, after = (estimate(one, MODEL, h100(), shape) for one in (plan, down))
        assert after.peak_bytes <= before.peak_bytes


def test_the_way_down() -> None:
    """The order is: encoder off the device, tiles, streaming, and at last quantized weights."""
    way = ["resident"]
    down: MemoryPlan | None = RESIDENT
    while down := step_down(down, allow_quantized=True, fp8_units=True):
        way.append(str(down))
    assert way == [
        "resident",
        "encoder-offload",
        "encoder-offload+tiled",
        "streamed+tiled",
        "streamed+fp8+tiled",
        "sequential-offload+fp8+tiled",
    ]


@given(PLANS, SHAPES, st.booleans())
def test_a_retreat_helps(plan: MemoryPlan, shape: Shape, quantized: bool) -> None:
    """After memory ran out, steps that do not help this picture are skipped."""
    machine = rtx_3060()
    back = retreat(plan, MODEL, machine, shape, allow_quantized=quantized)
    if back is not None:
        before, after = (estimate(one, MODEL, machine, shape) for one in (plan, back))
        assert after.peak_bytes < before.peak_bytes
        assert after.host_bytes <= machine.host_free_bytes
        assert quantized or back.exact or not plan.exact


def test_a_retreat_looks_at_the_host() -> None:
    """With 16 GB of RAM, exact weights cannot be streamed: quantized ones, or nothing."""
    small = rtx_3060(host_gib=12)
    tiled = MemoryPlan(Placement.ENCODER, tiled=True)
    back = retreat(tiled, MODEL, small, NATIVE, allow_quantized=True)
    assert str(back) == "streamed+int8+tiled"
    assert retreat(tiled, MODEL, small, NATIVE, allow_quantized=False) is None


def test_small_pictures_skip_tiles() -> None:
    """At 512² tiles change nothing, so a retreat continues to streaming."""
    back = retreat(
        MemoryPlan(Placement.ENCODER), MODEL, rtx_3060(), Shape(512, 512), allow_quantized=False
    )
    assert back == MemoryPlan(Placement.STREAMED, tiled=True)


def price(machine: Machine, limit_bytes: int | None) -> Estimate:
    return choose(
        MODEL, machine, NATIVE, allow_quantized=False, reserve_bytes=0, limit_bytes=limit_bytes
    ).estimate


def test_backoff_holds_for_some_jobs() -> None:
    """After memory ran out, plans as large are avoided for some jobs, then tried again."""
    backoff, machine = Backoff(jobs=3), rtx_4090()
    first = price(machine, backoff.limit_bytes(machine.free_bytes))
    backoff.failed(first.peak_bytes, machine.free_bytes)
    for _ in range(3):
        limit_bytes = backoff.limit_bytes(machine.free_bytes)
        assert limit_bytes is not None
        assert price(machine, limit_bytes).peak_bytes < first.peak_bytes
        backoff.succeeded()
    assert backoff.limit_bytes(machine.free_bytes) is None


def test_backoff_ends_when_memory_is_freed() -> None:
    """Memory freed by another program ends the wait at once."""
    backoff = Backoff(jobs=20, growth_bytes=GIB)
    backoff.failed(8 * GIB, 9 * GIB)
    assert backoff.limit_bytes(9 * GIB) is not None
    assert backoff.limit_bytes(10 * GIB - 1) is not None
    assert backoff.limit_bytes(10 * GIB) is None
    assert backoff.limit_bytes(9 * GIB) is None


def test_backoff_keeps_the_harder_lesson() -> None:
    """A second failure within the wait never raises the limit; the wait starts again."""
    backoff = Backoff(jobs=2)
    backoff.failed(6 * GIB, None)
    backoff.succeeded()
    backoff.failed(8 * GIB, None)
    backoff.succeeded()
    limit_bytes = backoff.limit_bytes(None)
    assert limit_bytes is not None
    assert limit_bytes < 6 * GIB


def test_every_plan_is_listed_once() -> None:
    """The list of plans is complete: five placements, five formats, with and without tiles."""
    assert len(set(plans())) == len(list(plans())) == 50
