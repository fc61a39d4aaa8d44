"""Whether pictures are painted with compiled blocks, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.i18n import Words, translatable
from engine.compilation import Compilation, CompilationState, Obstacle

_OBSTACLES: Final[Mapping[Obstacle, str]] = {
    Obstacle.UNLIKE: translatable("not used, because this model cannot be compiled"),
    Obstacle.STREAMED: translatable("not used, because the memory plan moves the weights"),
    Obstacle.NO_CACHE: translatable("not used, because nothing may be kept in a cache"),
    Obstacle.UNTRIED: translatable("not used, because it was not tried on such a machine"),
    Obstacle.SMALL: translatable("not used, because they do not pay for a small model"),
    Obstacle.NO_COMPILER: translatable("not used, because no C++ compiler is installed"),
    Obstacle.NO_ROOM: translatable("not yet, because the GPU has no room for compiling"),
}


def compilation_state(compilation: Compilation, say: Words) -> str:
    """Return how far it is, and why, as a part of a sentence."""
    if compilation.obstacle is not None:
        return say(_OBSTACLES[compilation.obstacle])
    match compilation.state:
        case CompilationState.READY if compilation.speedup is not None:
            return say("ready, {factor} times as fast", factor=f"{compilation.speedup:.2f}")
        case CompilationState.READY:
            return say("ready for the next picture")
        case CompilationState.WORKING:
            return say("being compiled in the background")
        case CompilationState.SLOWER:
            return say("not used, because they were no faster here")
        case CompilationState.FAILED:
            return say("failed; the plain ones paint ({detail})", detail=compilation.failure)
        case _:
            return say("from the first pictures on")
