"""Which weights of Z-Image-Turbo fit a machine, by the planner's own figures. No torch.

Whole machines are looked at, not what happens to be free: a bot that is running takes memory, and
its owner does not want another model for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.diffusion.footprint import (
    MemoryPlan,
    Placement,
    Shape,
    Sizes,
    Weights,
    device_bytes,
    loading_bytes,
    waiting_bytes,
)
from engine.diffusion.full_size import NATIVE, PUBLISHED_BYTES, packed_bytes, sizes_in
from engine.diffusion.memory_plans import eight_bit, plans

TAKEN_BYTES = 600 * 2**20
"""Memory of a card that a desktop and the driver take. Chosen by hand."""
RESERVE_BYTES = 512 * 2**20
"""Memory of a card that is left to other programs, as the settings have it."""
HOST_SHARE = 0.86
"""Share of a machine's memory that the bot may take beside the system: 27 of 32 GB. By hand."""

_WHOLE = (Placement.RESIDENT, Placement.ENCODER)
"""Placements under which the transformer stays on the card."""
_PASSING = (Placement.STREAMED,)


class Pool(StrEnum):
    """Where a machine would hold a model."""

    CARD = "card"
    UNIFIED = "unified"
    """Processor and Apple's GPU share one memory."""
    HOST = "host"
    """There is no GPU."""


class Obstacle(StrEnum):
    """Why no weights of Z-Image-Turbo fit."""

    LOADING = "loading"
    """The weights pass through main memory once, which has no room for them."""
    CARD = "card"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine. Sizes in bytes.

    card_bytes: all memory of the card; 0 without one. host_bytes: all main memory that this process
    may take, within the limit of a container. item_bytes: of a value in the number format that the
    device computes in, 2 or 4. fp16_instead: whether it multiplies large matrices in float16 then;
    int8_products: and those of 8-bit weights in int8.
    """

    pool: Pool
    card_bytes: int
    host_bytes: int
    swap_bytes: int = 0
    item_bytes: int = 2
    fp8_units: bool = False
    fp16_instead: bool = False
    int8_products: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The weights to take for a machine, and how they would be held.

    weights: FULL for bfloat16, FP16 on cards without it, else 8 bits, which the bot makes of the
    same files where its owner allows quantized weights; None if nothing fits, and `obstacle` says
    why. memory_bytes: that the plan takes, of the card or of the shared memory. host_bytes: of main
    memory beside it. loading_bytes: of main memory while it is loaded. stored_bytes: of all weights
    in that format. download_bytes: by their publisher. disk_bytes: that fetching them takes at its
    peak. packed_bytes: of the transformer as a 4-bit GGUF file, for small cards: a smaller
    download, but no less memory, since it is unpacked. needed_bytes, available_bytes: of the memory
    that is the obstacle.
    """

    weights: Weights | None
    plan: MemoryPlan | None = None
    memory_bytes: int = 0
    host_bytes: int = 0
    loading_bytes: int = 0
    stored_bytes: int = 0
    download_bytes: int = 0
    disk_bytes: int = 0
    packed_bytes: int | None = None
    obstacle: Obstacle | None = None
    needed_bytes: int = 0
    available_bytes: int = 0

    @property
    def streamed(self) -> bool:
        """Whether layers pass through the card one after the other, which takes longer."""
        return self.plan is not None and self.plan.placement not in _WHOLE

    @property
    def command(self) -> str:
        """The command line that fetches the weights: the original files, also for 8 bits.

        A copy with 8-bit weights would be loaded as bfloat16, and so save no memory.
        """
        return "zimagine download z-image-turbo"


def recommend(hardware: Hardware, shape: Shape = NATIVE) -> Recommendation:
    """Return the best weights whose plan fits: exact ones on the card, then 8-bit ones on it, then
    exact ones layer by layer, then 8-bit ones layer by layer."""
    sizes = sizes_in(hardware.item_bytes)
    own_memory = hardware.pool is Pool.CARD
    host_bytes = int(hardware.host_bytes * HOST_SHARE)
    best = Weights.FP16 if hardware.fp16_instead else Weights.FULL
    total_bytes = sizes.transformer(best) + sizes.encoder(best) + sizes.vae_bytes
    to_load_bytes = loading_bytes(total_bytes, own_memory=own_memory)
    room_bytes = host_bytes + (hardware.swap_bytes if own_memory else 0)
    if to_load_bytes > room_bytes:
        return Recommendation(
            None,
            obstacle=Obstacle.LOADING if own_memory else Obstacle.HOST,
            needed_bytes=to_load_bytes,
            available_bytes=room_bytes,
        )
    if not own_memory:
        return _on_host(sizes, shape, host_bytes, to_load_bytes)
    card_bytes = max(0, hardware.card_bytes - TAKEN_BYTES - RESERVE_BYTES)
    small = eight_bit(hardware.fp8_units, hardware.int8_products)
    for placements, weights in (
        (_WHOLE, best),
        (_WHOLE, small),
        (_PASSING, best),
        (_PASSING, small),
    ):
        for plan in _plans(placements, weights):
            if device_bytes(plan, sizes, shape) <= card_bytes and (
                waiting_bytes(plan, sizes) <= host_bytes
            ):
                return _taken(plan, sizes, shape, to_load_bytes)
    plan = MemoryPlan(Placement.STREAMED, small, tiled=True)
    needed_bytes = device_bytes(plan, sizes, shape)
    if needed_bytes > card_bytes:
        return Recommendation(
            None, obstacle=Obstacle.CARD, needed_bytes=needed_bytes, available_bytes=card_bytes
        )
    return Recommendation(
        None,
        obstacle=Obstacle.HOST,
        needed_bytes=waiting_bytes(plan, sizes),
        available_bytes=host_bytes,
    )


def _plans(placements: Iterable[Placement], weights: Weights) -> list[MemoryPlan]:
    return [plan for plan in plans(weights=(weights,)) if plan.placement in placements]


def _on_host(sizes: Sizes, shape: Shape, host_bytes: int, to_load_bytes: int) -> Recommendation:
    """Shared memory holds everything at once: nothing is gained by moving weights within it."""
    for plan in _plans((Placement.RESIDENT,), Weights.FULL):
        if device_bytes(plan, sizes, shape) <= host_bytes:
            return _taken(plan, sizes, shape, to_load_bytes)
    needed_bytes = device_bytes(MemoryPlan(Placement.RESIDENT, tiled=True), sizes, shape)
    return Recommendation(
        None, obstacle=Obstacle.HOST, needed_bytes=needed_bytes, available_bytes=host_bytes
    )


def _taken(plan: MemoryPlan, sizes: Sizes, shape: Shape, to_load_bytes: int) -> Recommendation:
    exact = sizes_in(2)
    resident = plan.placement is Placement.RESIDENT
    stored_bytes = exact.transformer(plan.weights) + exact.encoder(plan.weights) + exact.vae_bytes
    return Recommendation(
        weights=plan.weights,
        plan=plan,
        memory_bytes=device_bytes(plan, sizes, shape),
        host_bytes=waiting_bytes(plan, sizes),
        loading_bytes=to_load_bytes,
        stored_bytes=stored_bytes,
        download_bytes=PUBLISHED_BYTES,
        disk_bytes=PUBLISHED_BYTES,
        packed_bytes=packed_bytes() if plan.weights.eight_bit and not resident else None,
    )
