"""Weights that are stored in host memory and copied to the device when they are needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import torch
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.hooks.hooks import HookRegistry
from torch import nn

from engine.allocator import return_freed

_HOST = torch.device("cpu")
_GROUP = "group_offloading"
_HOOKS = (_GROUP, "layer_execution_tracker", "lazy_prefetch_group_offloading")
SLAB_BYTES = 2**30
"""The largest block of pinned memory. Chosen by hand: a power of two, for the reason in `pin`."""
_ALIGNMENT_BYTES = 512


class OffloadedWeights:
    """Moves whole modules to the device and back.

    The host's copy never leaves, so its bits come back without copying.
    """

    def __init__(self, modules: Iterable[nn.Module], device: torch.device) -> None:
        self._modules = list(modules)
        self._device = device
        self._away: list[tuple[torch.Tensor, torch.Tensor]] = []

    def fetch(self) -> None:
        """Copy all weights to the device; those already there stay.

        Raises torch.OutOfMemoryError; then everything is on the host again.
        """
        if self._away:
            return
        try:
            for tensor in _tensors(self._modules):
                if tensor.device != self._device:
                    host = tensor.data
                    tensor.data = host.to(self._device, non_blocking=True, copy=True)
                    self._away.append((tensor, host))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Free the weights' memory on the device."""
        for tensor, host in self._away:
            tensor.data = host
        self._away.clear()
        to_host(self._modules)


class HostEmbedding(nn.Module):
    """Looks tokens up in host memory: a few rows are copied instead of the whole table.

    The table is not a parameter of this module, so moving the module does not move it.
    """

    def __init__(self, table: nn.Embedding, device: torch.device) -> None:
        super().__init__()
        self._hidden = (table,)
        self._device = device

    @property
    def table(self) -> nn.Embedding:
        """The embedding itself."""
        return self._hidden[0]

    @property
    def weight(self) -> torch.Tensor:
        """The table's rows, on the host."""
        return self.table.weight

    @property
    def num_embeddings(self) -> int:
        """Rows of the table."""
        return self.table.num_embeddings

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.table(tokens.cpu()).to(self._device)


def stream(module: nn.Module, device: torch.device, *, leaves: bool, pinned: bool) -> None:
    """Let the blocks of a module, or its leaves, pass through the device one after another.

    On a CUDA device the next one is copied while this one computes. pinned: whether the weights are
    in pinned memory; otherwise each passes through a pinned buffer.
    """
    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=_HOST,
        offload_type="leaf_level" if leaves else "block_level",
        num_blocks_per_group=None if leaves else 1,
        use_stream=device.type == "cuda",
        # Recording streams would let copies run ahead of a slow GPU until its memory is full.
        record_stream=False,
        low_cpu_mem_usage=not pinned,
    )


def end_stream(module: nn.Module) -> None:
    """Undo `stream`, in whatever state it was left; everything it moved ends up on the host."""
    registries = [
        registry
        for part in module.modules()
        if (registry := getattr(part, "_diffusers_hook", None)) is not None
    ]
    hooks: list[Any] = [hook for one in registries if (hook := one.get_hook(_GROUP)) is not None]
    if hooks and torch.cuda.is_available():
        torch.cuda.synchronize()  # a block may still be in transit
    for group in {id(hook.group): hook.group for hook in hooks}.values():
        group.offload_()
    registry = HookRegistry.check_if_exists_or_initialize(module)
    for name in _HOOKS:
        registry.remove_hook(name, recurse=True)
    for part in module.modules():
        found = getattr(part, "_diffusers_hook", None)
        if found is not None and not found.hooks:
            part.__dict__.pop("forward", None)
            del part._diffusers_hook
    if hooks:
        to_host([module])


def in_disorder(module: nn.Module) -> bool:
    """Whether a streamed forward pass was interrupted.

    Then something is still on the device, or the order of the blocks is only half learnt.
    """
    registry = getattr(module, "_diffusers_hook", None)
    learning = registry is not None and registry.get_hook(_HOOKS[2]) is not None
    return learning or any(tensor.device != _HOST for tensor in _tensors([module]))


def to_host(modules: Iterable[nn.Module]) -> None:
    """Move everything that is elsewhere to host memory."""
    for tensor in _tensors(modules):
        if tensor.device != _HOST:
            tensor.data = tensor.data.to(_HOST)


def pin(modules: Iterable[nn.Module], *, pinned: bool = True, slab_bytes: int = SLAB_BYTES) -> bool:
    """Move modules on the host into memory that the device can copy from at full speed.

    Allocates blocks of a power of two: the allocator rounds each request up to one, which would
    waste half of the host's memory on single matrices. Returns False, with everything usable, where
    the machine refuses to pin that much. pinned=False lays out ordinary memory in the same way.
    """
    tensors = [tensor for tensor in _tensors(modules) if not (pinned and tensor.is_pinned())]
    left_bytes = sum(_aligned(tensor.nbytes) for tensor in tensors)
    slab, offset = torch.empty(0, dtype=torch.uint8), 0
    for tensor in tensors:
        size = _aligned(tensor.nbytes)
        if offset + size > slab.numel():
            wanted_bytes = max(size, min(slab_bytes, _power_of_two(left_bytes)))
            try:
                slab = torch.empty(wanted_bytes, dtype=torch.uint8, pin_memory=pinned)
            except RuntimeError:
                return False
            offset = 0
        place = slab[offset : offset + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        tensor.data = place.copy_(tensor.data)
        offset += size
        left_bytes -= size
    return True


def give_back(device: torch.device) -> None:
    """Return freed memory to the device, for other programs to use."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def give_back_host() -> None:
    """Return freed memory to the host, pinned or not."""
    return_freed()
    if torch.cuda.is_available():
        with contextlib.suppress(AttributeError, RuntimeError):
            torch.accelerator.empty_host_cache()


def _tensors(modules: Iterable[nn.Module]) -> Iterator[torch.Tensor]:
    return chain.from_iterable(chain(one.parameters(), one.buffers()) for one in modules)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _power_of_two(size: int) -> int:
    return 1 << (size - 1).bit_length()
