"""The lifecycle of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class EngineState(StrEnum):
    """The state of the engine; `ENGINE_TRANSITIONS` lists the states that may follow."""

    STARTING = "starting"
    READY = "ready"
    PAINTING = "painting"
    DRAINING = "draining"
    STOPPED = "stopped"
    DEFUNCT = "defunct"


ENGINE_TRANSITIONS: Mapping[EngineState, frozenset[EngineState]] = {
    EngineState.STARTING: frozenset({EngineState.READY, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.READY: frozenset({EngineState.PAINTING, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.PAINTING: frozenset({EngineState.READY, EngineState.DRAINING, EngineState.DEFUNCT}),
    EngineState.DRAINING: frozenset({EngineState.STOPPED, EngineState.DEFUNCT}),
    EngineState.STOPPED: frozenset(),
    EngineState.DEFUNCT: frozenset({EngineState.STOPPED}),
}
