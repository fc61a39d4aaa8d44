"""Which weights fit a machine: the classes of cards, what main memory allows, and shared memory."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.diffusion.footprint import Placement, Weights, device_bytes, waiting_bytes
from engine.diffusion.full_size import NATIVE, SIZES, packed_bytes, sizes_in
from engine.diffusion.recommendation import (
    HOST_SHARE,
    RESERVE_BYTES,
    Hardware,
    Obstacle,
    Pool,
    recommend,
)

GIB = 2**30


def card(gib: float, host_gib: float = 32, swap_gib: float = 0, **more: bool) -> Hardware:
    """A machine with a card; drivers report a little less than what is printed on the box."""
    return Hardware(
        Pool.CARD, int(gib * 0.98 * GIB), int(host_gib * 0.98 * GIB), int(swap_gib * GIB), **more
    )


@pytest.mark.parametrize(
    ("gib", "plan"),
    [
        (24, "resident"),
        (16, "encoder-offload"),
        (12, "resident+int8+tiled"),
        (8, "encoder-offload+int8+tiled"),
        (6, "streamed"),
        (4, "streamed"),
    ],
)
def test_classes_of_cards(gib: float, plan: str) -> None:
    """16 GB take bfloat16, 12 and 8 GB 8-bit weights, and smaller cards one layer at a time."""
    fit = recommend(card(gib))
    assert str(fit.plan) == plan and fit.obstacle is None
    assert fit.command == "zimagine download z-image-turbo"
    assert fit.disk_bytes == fit.download_bytes  # no copy beside the original files
    assert (fit.packed_bytes is not None) == (gib == 8)


def test_the_table_in_the_documents() -> None:
    """docs/gpu.md has the weights, the plan and the memory that are recommended for each card."""
    text = (Path(__file__).parents[3] / "docs" / "gpu.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) GB \| (.+?) \| `(.+?)` \| (.+?) GiB \| (.+?) GiB \|$", text)
    assert [int(row[0]) for row in rows] == [24, 16, 12, 8, 6, 4]
    for size_gb, weights, *rest in rows:
        fit = recommend(card(int(size_gb)))
        assert (weights == "bfloat16") == (fit.weights is Weights.FULL)
        sizes = [f"{count / GIB:.1f}" for count in (fit.memory_bytes, fit.host_bytes)]
        assert rest == [str(fit.plan), *sizes]
    pools = [Hardware(Pool.HOST, 0, 64 * GIB, item_bytes=each) for each in (2, 4)]
    taken = [f"{recommend(each).memory_bytes / GIB:.1f} GiB" for each in pools]
    assert all(each in text for each in taken)


def test_a_card_that_computes_in_fp8_stores_in_it() -> None:
    """The plan names the format that the renderer would choose on that card."""
    assert str(recommend(card(8, fp8_units=True)).plan) == "encoder-offload+fp8+tiled"


@pytest.mark.parametrize("host_gib", [24, 32, 64])
@pytest.mark.parametrize("gib", [3, 4, 6, 8, 10, 12, 16, 24, 80])
def test_what_is_recommended_fits(gib: float, host_gib: float) -> None:
    """By the planner's own figures, every recommendation fits the card and main memory."""
    machine = card(gib, host_gib, swap_gib=16)
    fit = recommend(machine)
    assert fit.plan is not None
    peak_bytes = device_bytes(fit.plan, SIZES, NATIVE)
    assert fit.memory_bytes == peak_bytes <= machine.card_bytes - RESERVE_BYTES
    assert fit.host_bytes == waiting_bytes(fit.plan, SIZES) <= machine.host_bytes * HOST_SHARE
    assert fit.weights is fit.plan.weights


def test_little_main_memory_streams_in_8_bits() -> None:
    """Layers wait in main memory: where bfloat16 does not fit there, 8 bits do."""
    fit = recommend(card(6, host_gib=16, swap_gib=16))
    assert fit.weights is Weights.INT8
    assert fit.plan is not None and fit.plan.placement is Placement.STREAMED


def test_loading_needs_main_memory_too() -> None:
    """A large card does not help where the weights cannot pass through main memory; swap does."""
    fit = recommend(card(24, host_gib=16))
    assert fit.weights is None and fit.obstacle is Obstacle.LOADING
    assert fit.needed_bytes > fit.available_bytes
    assert recommend(card(24, host_gib=16, swap_gib=8)).weights is Weights.FULL


def test_a_card_can_be_too_small() -> None:
    """Two gigabytes do not hold what a picture takes beside the layers."""
    fit = recommend(card(2))
    assert fit.obstacle is Obstacle.CARD and fit.needed_bytes > fit.available_bytes


@pytest.mark.parametrize(
    ("pool", "host_gib", "item_bytes", "fits"),
    [
        (Pool.HOST, 24, 2, True),
        (Pool.HOST, 16, 2, False),
        (Pool.HOST, 32, 4, False),
        (Pool.HOST, 64, 4, True),
        (Pool.UNIFIED, 36, 4, False),
        (Pool.UNIFIED, 64, 4, True),
    ],
)
def test_one_pool_of_memory(pool: Pool, host_gib: float, item_bytes: int, fits: bool) -> None:
    """Without a card of its own memory everything is in one pool, twice as large in float32."""
    fit = recommend(Hardware(pool, 0, int(host_gib * GIB), item_bytes=item_bytes))
    assert (fit.weights is Weights.FULL) == fits
    assert fit.host_bytes == 0 and (fit.obstacle is None) == fits


def test_cards_without_bfloat16_are_advised_float16() -> None:
    """They load and hold about what others do in bfloat16, where float32 would find no room."""
    turing = Hardware(Pool.CARD, 16 * GIB, 32 * GIB, item_bytes=4, fp16_instead=True)
    fit = recommend(turing)
    assert fit.weights is Weights.FP16 and str(fit.plan) == "encoder-offload+fp16+tiled"
    assert fit.loading_bytes < 21 * GIB and fit.packed_bytes is None
    small = replace(turing, card_bytes=11 * GIB)
    assert str(recommend(small).plan) == "encoder-offload+int8"
    assert str(recommend(replace(small, int8_products=True)).plan) == "encoder-offload+w8a8"
    assert recommend(replace(turing, fp16_instead=False)).obstacle is Obstacle.LOADING


def test_float32_doubles_what_is_not_quantized() -> None:
    """In float32 weights take twice the memory; quantized matrices stay at a byte a weight."""
    wide = sizes_in(4)
    assert wide.transformer_bytes == 2 * SIZES.transformer_bytes and wide.item_bytes == 4
    assert SIZES.transformer_quantized_bytes < wide.transformer_quantized_bytes
    assert wide.transformer_quantized_bytes < 1.1 * SIZES.transformer_quantized_bytes


def test_a_four_bit_file_is_a_third_of_the_transformer() -> None:
    """4.5 bits of 16 and the parts that are not packed: between a quarter and a third."""
    assert 0.25 < packed_bytes() / SIZES.transformer_bytes < 0.33
