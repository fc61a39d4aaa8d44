"""Attention in float16 for models that are otherwise in float32, on cards without bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, torch's own name for it
from torch.overrides import TorchFunctionMode

from engine.diffusion.guard import in_float32

_LIMIT = torch.finfo(torch.float16).max


class Float16Attention(TorchFunctionMode):
    """While active, attention over float32 is computed in float16, and its result is float32.

    Queries, keys and values are clamped to what float16 holds; the weights that it gives to values
    are at most 1, so that a result is no larger than they. It does nothing while `InFloat32` is
    active.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if func is not F.scaled_dot_product_attention or in_float32():
            return func(*args, **options)
        lowered = {name: _lowered(each) for name, each in options.items()}
        found = func(*map(_lowered, args), **lowered)
        return found.float() if found.dtype is torch.float16 else found


def _lowered(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.dtype is not torch.float32:
        return value
    # A mask has −∞ where nothing may be seen, and NaN is for the step's guard: both stay.
    return torch.where(value.isinf(), value, value.clamp(-_LIMIT, _LIMIT)).half()
