"""What an owner should know about the device that paints, in words."""

from __future__ import annotations

from bot.i18n import Words
from engine.types import Remark


def device_remark(remark: Remark, say: Words) -> str:
    """What an owner should know about the device."""
    return {
        Remark.CPU: say("Painting on the CPU: only small models are quick enough there."),
        Remark.MPS: say("Painting on an Apple GPU in float32: slower than on a card with CUDA."),
        Remark.NO_BFLOAT16: say(
            "This GPU does not compute in bfloat16, and float16 would paint black: float32 is "
            "used, which takes twice the memory and is slow."
        ),
    }[remark]
