"""Decide which parts of a model stay on the device, and in which format. No torch.

Sizes, machine and picture go in; a plan, its cost and the reason come out. `footprint` holds the
terms and the arithmetic, `residency` carries plans out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.diffusion.footprint import (
    Estimate,
    Machine,
    MemoryPlan,
    Placement,
    Shape,
    Sizes,
    Weights,
    estimate,
)

__all__ = [
    "Backoff",
    "Choice",
    "Estimate",
    "Machine",
    "MemoryPlan",
    "Placement",
    "Shape",
    "Sizes",
    "Weights",
    "choose",
    "estimate",
    "plans",
    "retreat",
    "step_down",
]

EXACT_SLACK = 1.15
"""How much longer exact weights may take before quantized ones are preferred. Chosen by hand."""
KEEP_SLACK = 1.10
"""How much slower the current plan may be before it is abandoned. Chosen by hand: changing plans
moves gigabytes."""
RETREAT = 0.98
"""After memory ran out, a plan may need at most this share of what the last one took. By hand."""

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan, its cost, why it was chosen and why each other was not.

    fits: False if no plan fits what is free of the host's memory, which the device shares.
    free_bytes: what a plan may take of the device. too_large: whether a plan that was wanted does
    not fit; instead: the one that would be chosen freely then, None if none fits either.
    """

    plan: MemoryPlan
    estimate: Estimate
    reason: str
    rejected: tuple[tuple[MemoryPlan, str], ...]
    fits: bool = True
    free_bytes: int | None = None
    too_large: bool = False
    instead: MemoryPlan | None = None


def plans(*, weights: tuple[Weights, ...] = tuple(Weights)) -> Iterator[MemoryPlan]:
    """Yield every plan in those formats, beginning with the placement that takes most memory."""
    for placement in Placement:
        for kept in weights:
            for tiled in (False, True):
                yield MemoryPlan(placement, kept, tiled)


def choose(
    sizes: Sizes,
    machine: Machine,
    shape: Shape,
    *,
    wanted: MemoryPlan | None = None,
    allow_quantized: bool,
    reserve_bytes: int,
    limit_bytes: int | None = None,
    current: MemoryPlan | None = None,
) -> Choice:
    """Choose the plan for the next batch: `wanted` as it is, or else the fastest one that fits.

    Where the device does not compute in int8, a wanted `w8a8` becomes `int8`: the same weights, and
    products in the model's own format.
    reserve_bytes: device memory left to other programs. limit_bytes: an upper limit for the plan,
    whatever is free (see Backoff). current: the plan in force, which is kept while it is as good.
    Where nothing fits, the smallest is chosen and the reason says so.
    """
    budget_bytes = machine.host_free_bytes if machine.free_bytes is None else machine.free_bytes
    free_bytes = budget_bytes = max(0, budget_bytes - reserve_bytes)
    if limit_bytes is not None:
        budget_bytes = min(budget_bytes, limit_bytes)
    prices = {
        plan: estimate(plan, sizes, machine, shape)
        for plan in _candidates(machine, allow_quantized)
    }
    troubles = {plan: _trouble(price, machine, budget_bytes) for plan, price in prices.items()}
    fitting = [plan for plan in prices if not troubles[plan]]
    if wanted is not None:
        plan, reason = possible(wanted, machine)
        price, instead = estimate(plan, sizes, machine, shape), None
        trouble = _trouble(price, machine, budget_bytes)
        if trouble:
            reason += f", though it {trouble}"
            instead = _best(fitting, prices, current)[0] if fitting else None
            reason += "; nothing fits" if instead is None else f"; {instead} would fit"
        return Choice(plan, price, reason, (), True, free_bytes, bool(trouble), instead)
    if not fitting:
        plan = min(prices, key=lambda one: _badness(prices[one], machine, budget_bytes))
        reason = f"nothing fits; the smallest, though it {troubles[plan]}"
    else:
        plan, reason = _best(fitting, prices, current)
        reason += f": {_gib(prices[plan].peak_bytes)} of {_gib(budget_bytes)} GiB"
    rejected = tuple(
        (other, troubles[other] or f"would take {prices[other].seconds:.2f} s")
        for other in prices
        if other != plan
    )
    reason = f"{reason}, {prices[plan].seconds:.2f} s"
    # A device of its own reports that memory ran out. After it did, `limit_bytes` is a guess: what
    # is free decides.
    shared = machine.free_bytes is None
    fits = not (shared and _trouble(prices[plan], machine, free_bytes))
    return Choice(plan, prices[plan], reason, rejected, fits, free_bytes)


def possible(wanted: MemoryPlan, machine: Machine) -> tuple[MemoryPlan, str]:
    """Return the plan that a device can carry out in place of a wanted one, and the reason."""
    if wanted.weights is Weights.W8A8 and not machine.int8_units:
        plain = replace(wanted, weights=Weights.INT8)
        return plain, f"as set, but without products in int8, which this {machine.kind} lacks"
    return wanted, "as set"


def step_down(
    plan: MemoryPlan,
    *,
    allow_quantized: bool,
    fp8_units: bool = False,
    int8_products: bool = False,
) -> MemoryPlan | None:
    """Return the next smaller plan, None after the last.

    The order is: encoder off the device, tiles, streaming, and only then quantized weights, if
    allowed. Leaf by leaf comes last, because it is slowest by far; where quantizing is not allowed,
    it follows streaming directly, because it works with exact weights.
    """
    match plan.placement:
        case Placement.RESIDENT:
            return replace(plan, placement=Placement.ENCODER)
        case Placement.ENCODER if not plan.tiled:
            return replace(plan, tiled=True)
        case Placement.ENCODER | Placement.MODEL:
            return replace(plan, placement=Placement.STREAMED, tiled=True)
        case _ if not plan.tiled:
            return replace(plan, tiled=True)
        case Placement.STREAMED if not plan.weights.eight_bit and allow_quantized:
            return replace(plan, weights=eight_bit(fp8_units, int8_products))
        case Placement.STREAMED:
            return replace(plan, placement=Placement.SEQUENTIAL)
        case _:
            return None


def retreat(
    plan: MemoryPlan, sizes: Sizes, machine: Machine, shape: Shape, *, allow_quantized: bool
) -> MemoryPlan | None:
    """Return the first step down that helps this picture: small ones gain nothing from tiles."""
    taken_bytes = estimate(plan, sizes, machine, shape).peak_bytes
    down: MemoryPlan | None = plan
    while down := step_down(
        down,
        allow_quantized=allow_quantized,
        fp8_units=machine.fp8_units,
        int8_products=machine.int8_products,
    ):
        price = estimate(down, sizes, machine, shape)
        if price.peak_bytes <= RETREAT * taken_bytes and not _over_host(price, machine):
            return down
    return None


def eight_bit(fp8_units: bool, int8_products: bool) -> Weights:
    """Return the format for weights in 8 bits.

    int8 with a scale per row is more accurate; fp8 is for devices that also compute in it. Products
    in int8 are for those that would compute in float32 otherwise.
    """
    if fp8_units:
        return Weights.FP8
    return Weights.W8A8 if int8_products else Weights.INT8


class Backoff:
    """After memory ran out, limits the plans of the next jobs, then allows more again.

    jobs: how many must succeed first. growth_bytes: or how much more memory must have become free.
    Both defaults were chosen by hand.
    """

    def __init__(self, jobs: int = 20, growth_bytes: int = _GIB) -> None:
        self._jobs = jobs
        self._growth_bytes = growth_bytes
        self._left = 0
        self._limit_bytes: int | None = None
        self._free_bytes: int | None = None

    def failed(self, peak_bytes: int, free_bytes: int | None) -> None:
        """Note that a plan of that estimated peak ran out of memory with `free_bytes` free."""
        limit_bytes = int(RETREAT * peak_bytes)
        if self._limit_bytes is not None:
            limit_bytes = min(limit_bytes, self._limit_bytes)
        self._limit_bytes, self._left, self._free_bytes = limit_bytes, self._jobs, free_bytes

    def succeeded(self) -> None:
        """Note that a job was painted."""
        self._left -= 1
        if self._left <= 0:
            self._limit_bytes = None

    def limit_bytes(self, free_bytes: int | None) -> int | None:
        """Return what the next plan must stay under; None for no limit."""
        if self._limit_bytes is None:
            return None
        before_bytes = self._free_bytes
        if free_bytes is not None and before_bytes is not None:
            grown_bytes = free_bytes - before_bytes
            if grown_bytes >= self._growth_bytes:
                self._limit_bytes = None
        return self._limit_bytes


def _candidates(machine: Machine, allow_quantized: bool) -> list[MemoryPlan]:
    best = Weights.FP16 if machine.fp16_instead else Weights.FULL
    small = eight_bit(machine.fp8_units, machine.int8_products)
    found = list(plans(weights=(best, small) if allow_quantized else (best,)))
    if machine.free_bytes is None:
        # Nothing is gained by moving weights within shared memory.
        return [plan for plan in found if plan.placement is Placement.RESIDENT]
    return found


def _best(
    fitting: list[MemoryPlan], prices: dict[MemoryPlan, Estimate], current: MemoryPlan | None
) -> tuple[MemoryPlan, str]:
    def seconds(plan: MemoryPlan) -> float:
        return prices[plan].seconds

    best = fastest = min(fitting, key=seconds)
    reason = "the fastest that fits"
    whole = (plan for plan in fitting if not plan.weights.eight_bit)
    exact = min(whole, key=seconds, default=fastest)
    if exact != fastest and seconds(exact) <= EXACT_SLACK * seconds(fastest):
        what = "exact" if exact.exact else "not in 8 bits"
        best, reason = exact, f"{what}, and nearly as fast as the fastest that fits"
    if current is None or current == best or current not in fitting:
        return best, reason
    if current.weights is best.weights and seconds(current) <= KEEP_SLACK * seconds(best):
        return current, "already in force, and nearly as fast as the fastest that fits"
    return best, reason


def _trouble(price: Estimate, machine: Machine, budget_bytes: int) -> str:
    """Return why a plan does not fit; empty if it does."""
    if price.peak_bytes > budget_bytes:
        return f"needs {_gib(price.peak_bytes)} GiB of the device's {_gib(budget_bytes)}"
    if _over_host(price, machine):
        return (
            f"needs {_gib(price.host_bytes)} GiB of host memory,"
            f" {_gib(machine.host_free_bytes)} are free"
        )
    return ""


def _badness(price: Estimate, machine: Machine, budget_bytes: int) -> tuple[bool, bool, int]:
    """Rank plans that do not fit: a host short of memory may swap, a device fails for certain."""
    over_device = price.peak_bytes > budget_bytes
    return over_device, _over_host(price, machine), price.peak_bytes


def _over_host(price: Estimate, machine: Machine) -> bool:
    return price.host_bytes > machine.host_free_bytes


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f}"
