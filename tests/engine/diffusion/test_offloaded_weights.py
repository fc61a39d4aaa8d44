"""Offloaded weights come and go: the host's copy is never lost, and layouts change no bit."""

import copy

import pytest
import torch
from diffusers.hooks.hooks import HookRegistry
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.diffusion.offloaded_weights import (
    OffloadedWeights,
    end_stream,
    in_disorder,
    pin,
    stream,
)

HERE = torch.device("cpu")
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied."""


class Net(nn.Module):
    """Blocks, something beside them, a buffer, a scalar and an empty tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.scalar = nn.Parameter(torch.tensor(0.5))
        self.nothing = nn.Parameter(torch.empty(0))
        self.register_buffer("table", torch.arange(6.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x) * self.scalar + self.get_buffer("table")
        for block in self.blocks:
            x = block(x)
        return x


def addresses(module: nn.Module) -> list[int]:
    return [weight.data_ptr() for weight in module.parameters()]


@given(st.integers(512, 4096))
def test_slabs(slab_bytes: int) -> None:
    """Whatever the slabs' size, a module laid out in them has the same bits and moves whole."""
    net = Net()
    wanted = copy.deepcopy(net)
    assert pin([net], pinned=False, slab_bytes=slab_bytes)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, wanted.state_dict()[name])
    slabs = {weight.untyped_storage().data_ptr() for weight in net.parameters() if weight.numel()}
    assert len(slabs) < len(list(net.parameters()))
    x = torch.randn(2, 6)
    assert torch.equal(net(x), wanted(x))


@pytest.mark.skipif(torch.cuda.is_available(), reason="here memory can be pinned")
def test_refused_pinning_leaves_all_usable() -> None:
    """A machine that cannot pin memory reports it, and nothing has changed."""
    net = Net()
    before = addresses(net)
    assert not pin([net])
    assert addresses(net) == before


def test_offloaded_weights_are_fetched_and_put_back() -> None:
    """Fetched weights are copies; released weights are the host's own memory again."""
    net = Net()
    rest, beside = addresses(net), addresses(net.first)
    weights = OffloadedWeights([net.blocks], ELSEWHERE)
    weights.fetch()
    fetched = addresses(net.blocks)
    weights.fetch()
    assert addresses(net.blocks) == fetched
    assert not set(fetched) & set(rest)
    assert addresses(net.first) == beside
    weights.release()
    weights.release()
    assert addresses(net) == rest


def test_what_joins_on_the_device_is_put_back_too() -> None:
    """An adapter added while its module was fetched leaves with it."""
    net = Net()
    weights = OffloadedWeights([net], ELSEWHERE)
    weights.fetch()
    net.first.register_parameter("adapter", nn.Parameter(torch.ones(2)))
    weights.release()
    assert torch.equal(net.first.get_parameter("adapter"), torch.ones(2))


def test_memory_that_runs_out_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the device fills up while fetching, everything returns to the host and stays usable."""
    net = Net()
    rest = addresses(net)
    real, calls = torch.Tensor.to, 0

    def full(self: torch.Tensor, *args: object, **options: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, *args, **options)  # pyright: ignore[reportCallIssue, reportArgumentType]

    weights = OffloadedWeights([net], ELSEWHERE)
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "to", full)
        with pytest.raises(torch.OutOfMemoryError):
            weights.fetch()
    assert addresses(net) == rest
    weights.fetch()
    assert addresses(net.first) != rest[:2]


@pytest.mark.parametrize("leaves", [True, False])
def test_streaming_is_undone(leaves: bool) -> None:
    """Streamed modules compute the same, and afterwards nothing of it remains."""
    net, x = Net(), torch.randn(2, 6)
    wanted = net(x)
    stream(net, ELSEWHERE, leaves=leaves, pinned=True)
    for _ in range(2):
        assert torch.equal(net(x), wanted)
    assert not in_disorder(net)
    end_stream(net)
    for part in net.modules():
        assert not hasattr(part, "_diffusers_hook")
        assert "forward" not in vars(part)
    assert torch.equal(net(x), wanted)
    end_stream(net)


def test_disorder() -> None:
    """A module is in disorder while part of it is elsewhere, or its order is being learnt."""
    net = Net()
    assert not in_disorder(net)
    net.first.to("meta")
    assert in_disorder(net)
    other = Net()
    registry = HookRegistry.check_if_exists_or_initialize(other)
    assert not in_disorder(other)
    registry.hooks["lazy_prefetch_group_offloading"] = object()  # pyright: ignore[reportArgumentType]
    assert in_disorder(other)
