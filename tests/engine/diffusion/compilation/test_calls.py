"""Which calls a compiled block takes, and what a block is told by."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.compilation import OFF, ON, Obstacle, compiler
from engine.diffusion.benchmarks.random_model import TINY, component
from engine.diffusion.compilation import choice
from engine.diffusion.compilation.calls import Accepted, Call, filled
from engine.diffusion.compilation.choice import obstacle
from engine.diffusion.compilation.libraries import distance
from engine.diffusion.compilation.structure import skeleton, structure_of, unlike, weights_of
from engine.diffusion.footprint import Weights
from engine.diffusion.quantized import quantize
from engine.settings import AUTO

CPU = torch.device("cpu")


def call(rows: int = 1, tokens: int = 64, width: int = 48, more: object = None) -> Call:
    made = Call.of((torch.zeros(rows, tokens, width), more), {"flag": True})
    assert made is not None
    return made


@pytest.fixture(scope="module")
def blocks() -> list[nn.Module]:
    return list(component(TINY, "transformer", torch.float32, CPU).layers)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        (call(tokens=96), True),
        (call(tokens=2), True),
        (call(tokens=1), False),
        (call(tokens=4097), False),
        (call(rows=2), False),
        (call(width=64), False),
        (call(more=1.0), False),
        (call(more=torch.zeros(1, 48)), False),
    ],
)
def test_a_call_is_taken_by_its_sizes_and_constants(other: Call, taken: bool) -> None:
    """Sizes that vary stay within their range; everything else is as it was compiled for."""
    accepted = Accepted(call().kind, ((1, "s0", 48),), {"s0": (2, 4096)})
    assert accepted.takes(other) is taken


def test_sizes_of_one_name_are_equal() -> None:
    """The tokens of a picture and their rotations belong together."""
    kind = call(more=torch.zeros(1, 64, 8)).kind
    accepted = Accepted(kind, ((1, "s0", 48), (1, "s0", 8)), {"s0": (2, 4096)})
    assert accepted.takes(call(tokens=96, more=torch.zeros(1, 96, 8)))
    assert not accepted.takes(call(tokens=96, more=torch.zeros(1, 64, 8)))


def test_a_call_is_put_together_again() -> None:
    """Complex numbers travel as pairs, and are complex again where the block wants them so."""
    angles = torch.polar(torch.ones(1, 4, 8), torch.rand(1, 4, 8))
    taken = Call.of((torch.ones(2), None, angles), {"scale": 1.5})
    assert taken is not None
    assert [each.dtype for each in taken.tensors] == [torch.float32, torch.float32]
    leaves = filled(taken.constants, taken.tensors, pairs=False)
    assert torch.equal(leaves[2], angles) and leaves[1] is None and leaves[3] == 1.5
    assert filled(taken.constants, taken.tensors, pairs=True)[2].shape == (1, 4, 8, 2)
    assert Call.of((torch.ones(2), object()), {}) is None


def test_blocks_are_alike_whatever_their_numbers(blocks: list[nn.Module]) -> None:
    """Blocks differ in their numbers and weights; another width, norm or kind of layer is another
    structure."""
    assert unlike(blocks) is None
    other = copy.deepcopy(blocks[1])
    other.attention_norm1.eps = 1e-3  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    assert unlike([blocks[0], other]) is Obstacle.UNLIKE
    quantized = copy.deepcopy(blocks[1])
    quantize(quantized, Weights.INT8, CPU)
    assert structure_of(quantized) != structure_of(blocks[0])
    assert unlike(blocks[:1]) is Obstacle.UNLIKE


def test_special_blocks_are_told() -> None:
    """A call that was replaced, or a weight that is more than a tensor, is not compiled past."""

    class Special(nn.Parameter):
        pass

    streamed, special = nn.Linear(2, 2), nn.Linear(2, 2)
    streamed.forward = streamed.forward
    special.weight = Special(torch.zeros(2, 2))
    assert unlike([nn.Linear(2, 2), streamed]) is Obstacle.STREAMED
    assert unlike([nn.Linear(2, 2), special]) is Obstacle.UNLIKE


def test_a_skeleton_has_no_numbers(blocks: list[nn.Module]) -> None:
    """It has the structure and the names of the block, which keeps its own weights."""
    bare = skeleton(blocks[0])
    assert structure_of(bare) == structure_of(blocks[0])
    assert list(weights_of(bare)) == list(weights_of(blocks[0]))
    assert all(each.device.type == "meta" for each in weights_of(bare).values())
    assert all(each.device.type == "cpu" for each in weights_of(blocks[0]).values())


def test_where_blocks_are_compiled(
    blocks: list[nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the settings, the size of a block, the compiler and the kind of device."""

    def found(wanted: str, kind: str = "cpu", cache: Path | None = tmp_path) -> Obstacle | None:
        why = obstacle(wanted, torch.device(kind), blocks, cache)
        return None if why is None else why.obstacle

    monkeypatch.setenv("CXX", "true")
    assert obstacle(OFF, CPU, blocks, tmp_path) is not None
    assert found(ON) is None
    assert found(AUTO) is Obstacle.SMALL
    monkeypatch.setattr(choice, "LEAST_VALUES", 1000)
    assert found(AUTO) is None and found(AUTO, "cuda") is None
    assert found(ON, "mps") is Obstacle.UNTRIED
    assert found(ON, cache=None) is Obstacle.NO_CACHE
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert found(ON) is Obstacle.NO_COMPILER and compiler() is None


def test_results_may_differ_by_rounding_alone() -> None:
    """Relative to what the block adds, and to the last bit of each value."""
    start = torch.randn(1, 64, 48, generator=torch.Generator().manual_seed(1))
    taken = Call.of((start,), {})
    assert taken is not None
    for dtype, fine, coarse in ((torch.float32, 1e-5, 1e-3), (torch.bfloat16, 1e-2, 0.2)):
        added = torch.randn(1, 64, 48, generator=torch.Generator().manual_seed(2))
        plain = (start + added).to(dtype)
        for error, fits in ((0.0, True), (fine, True), (coarse, False), (float("nan"), False)):
            apart = distance(plain, (start + added * (1 + error)).to(dtype), taken)
            assert apart is not None and apart.fits is fits, (dtype, error, apart)
    assert distance(torch.full((1, 2), float("inf")), torch.ones(1, 2), taken) is None
    wrong = distance(torch.ones(1, 2), torch.ones(2, 1), taken)
    assert wrong is not None and not wrong.fits
