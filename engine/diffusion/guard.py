"""Detect pictures that must not be delivered: those with NaN or infinity, and blank ones."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

BLANK_SPREAD = 1.0
"""Standard deviation, in 0..255, below which a picture counts as blank: one rounding step."""
FAINT_SPREAD = 4.0
"""Below this, a picture is painted once more and compared with the request. Chosen by hand."""

_LOW = (torch.bfloat16, torch.float16)
_LOWERING = ("bfloat16", "half")
_ATTRIBUTES = ("__get__", "__set__")
_MOVING = ("clone", "contiguous", "cpu", "cuda", "detach", "is_pinned", "pin_memory")
_UNTOUCHED = frozenset((*_ATTRIBUTES, *_MOVING, "record_stream"))
"""Functions that read attributes or move data: an offload plan moves weights during a step."""


class Finiteness:
    """Whether a tensor is free of NaN and infinity: computed now, read later.

    On a GPU the answer is copied to pinned memory asynchronously, so that asking stalls nothing.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self._answer = torch.isfinite(tensor).all()
        self._arrived: torch.cuda.Event | None = None
        if tensor.device.type == "cuda":
            pinned = torch.empty((), dtype=torch.bool, pin_memory=True)
            pinned.copy_(self._answer, non_blocking=True)
            self._answer = pinned
            self._arrived = torch.cuda.Event()
            self._arrived.record(torch.cuda.current_stream(tensor.device))

    @property
    def on_its_way(self) -> bool:
        """Whether it pays to do something else before reading."""
        return self._arrived is not None

    def read(self) -> bool:
        """Return the answer; waits for it."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return bool(self._answer)


def spread(pixels: torch.Tensor) -> float:
    """Return the largest standard deviation of a channel. pixels: uint8, height × width × 3."""
    return float(pixels.flatten(0, 1).float().std(dim=0, correction=0).max())


_RAISED: ContextVar[int] = ContextVar("raised", default=0)
"""How many `InFloat32` are active on this thread."""


def in_float32() -> bool:
    """Whether `InFloat32` is active: what was computed outside is not what is computed inside."""
    return _RAISED.get() > 0


class InFloat32(TorchFunctionMode):
    """While active, everything is computed in float32, whatever the weights are stored in.

    Each operation gets float32 copies of its operands for as long as it takes: the weights keep
    their bits, wherever they are and whichever hooks brought them there.
    """

    def __enter__(self) -> InFloat32:
        _RAISED.set(_RAISED.get() + 1)
        super().__enter__()
        return self

    def __exit__(self, *found: Any) -> None:
        super().__exit__(*found)
        _RAISED.set(_RAISED.get() - 1)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name, options = getattr(func, "__name__", ""), kwargs or {}
        if name in _UNTOUCHED:
            return func(*args, **options)
        if name in _LOWERING:
            return args[0].float()
        if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")):
            # The target of a write keeps its type, and what is written is converted to it.
            return func(args[0], *(_like(each, args[0]) for each in args[1:]), **options)
        raised = {key: _raised(each) for key, each in options.items()}
        if name == "to":  # weights change device as they are; only the requested type is raised
            return func(args[0], *map(_raised, args[1:]), **raised)
        return func(*map(_raised, args), **raised)


def _raised(value: Any) -> Any:
    """Replace smaller types by float32: in tensors, in dtypes, and in lists of both."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in _LOW else value
    if isinstance(value, torch.dtype):
        return torch.float32 if value in _LOW else value
    if type(value) is list or type(value) is tuple:
        return type(value)(map(_raised, value))
    return value


def _like(value: Any, target: torch.Tensor) -> Any:
    known = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.to(target.dtype) if known else value
