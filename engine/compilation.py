"""Whether pictures are painted with compiled blocks. No torch."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ON: Final = "on"
OFF: Final = "off"
"""Values of the setting `compile`, beside AUTO."""


class CompilationState(StrEnum):
    """How far the compiling of a model's blocks is."""

    OFF = "off"
    """By the settings."""
    UNSUITED = "unsuited"
    """It would not pay here, or cannot be done."""
    WAITING = "waiting"
    """Nothing was painted yet that could be compiled."""
    WORKING = "working"
    READY = "ready"
    SLOWER = "slower"
    """The compiled blocks were measured, and are no faster."""
    FAILED = "failed"


class Obstacle(StrEnum):
    """Why blocks are not compiled."""

    UNLIKE = "unlike"
    """The model has no blocks that are alike, or weights of a special kind."""
    STREAMED = "streamed"
    """The memory plan moves weights within a block."""
    NO_CACHE = "no_cache"
    UNTRIED = "untried"
    """It was not tried on this kind of machine."""
    SMALL = "small"
    NO_COMPILER = "no_compiler"
    NO_ROOM = "no_room"
    """Of the GPU's memory, for the process that compiles."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """The state. obstacle: why nothing is compiled; failure: what went wrong, one line.

    speedup: how many times as fast a block became, None before it was measured.
    """

    state: CompilationState
    obstacle: Obstacle | None = None
    failure: str = ""
    speedup: float | None = None


def compiler() -> str | None:
    """Return the path of the C++ compiler that would be called; None where there is none."""
    usual = {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")
    return shutil.which(os.environ.get("CXX", usual))
